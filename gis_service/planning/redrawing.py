"""Beats drawn for the officers that there are: today's repaired with few changes, or from scratch.

Township by township: no beat crosses from one into another. Whoever holds a beat keeps it wherever that can be;
recruits take the beats that nobody holds, then new ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gis_service.errors import ConflictError
from gis_service.jobs.running import as_message
from gis_service.planning.edits import Drawn
from gis_service.planning.explaining import Reason, reasons_of
from gis_service.planning.graphs import Ground, Rules, ground_of, with_marks
from gis_service.planning.inputs import Inputs
from gis_service.planning.plans import Plan, PlanBeat, Staff, new_beat_key
from gis_service.planning.relaxing import obstacles_to, uneven_villages, village_loads, what_to_relax, why_none
from gis_service.planning.transferring import Moves, moves_of
from gis_service.texts import T
from layers.posts import PostsProblem, hand_out

if TYPE_CHECKING:
    from layers.districting import BeatPlan, Progress

_QUICK = 60
"""Moves per unit of a quick try: enough to see whether something fits."""

_RUNS = 3
"""Runs from scratch, with seeds of their own: how far they lie apart stands in for the bound that there is none of."""

_SEARCHING = 0.6
"""Share of the work on a township after which the search is over; bounds and reasons are the rest."""

Report = Callable[[float, str, dict[str, Any]], None]


@dataclass(frozen=True)
class Task:
    """One township: the units to be drawn, and the beats that have somebody; new ones have no name yet."""

    area_id: int
    name: str
    members: list[int]
    beats: list[PlanBeat]


def redraw(plan: Plan, rules: Rules, *, seed: int, report: Report, cancelled: Callable[[], bool]) -> Drawn:
    """Draw the beats of all townships of a plan, under the rules and what is marked in it.

    Returns
    -------
    The step to append; its `told` holds rules, seed, and for each township the deviations, bounds, proof, bridges and
    reasons. Stopped by `cancelled`, it holds the best so far.

    Raises
    ------
    ConflictError
        There is nobody to hold a beat in a township, or the rules leave no plan at all.
    """
    rules = with_marks(rules, plan)
    tasks, moves = _tasks(plan)
    beat_of = list(plan.beat_of)
    beats: dict[str, PlanBeat] = {}
    told: list[dict[str, Any]] = []
    for number, task in enumerate(tasks):

        def heard(progress: Progress, number: int = number, task: Task = task) -> None:
            best = {"township": task.name, "within_band": bool(progress.within_band), "cost": round(progress.cost, 2)}
            report((number + _SEARCHING * progress.done) / len(tasks), task.name, best)

        drawn = _draw(plan, task, rules, seed, heard, cancelled)
        for member, beat in zip(task.members, drawn.plan.plan.tolist(), strict=True):
            beat_of[member] = drawn.beats[beat].key
        beats |= {beat.key: beat for beat in drawn.beats}
        told.append(drawn.told)
    return Drawn(
        kind="drawn",
        beats=[asdict(beat) for beat in beats.values()],
        beat_of=beat_of,
        told={
            "rules": rules.model_dump(mode="json"),
            "seed": seed,
            "townships": told,
            "transfers": None if moves is None else asdict(moves),
        },
    )


@dataclass(frozen=True)
class _Result:
    plan: BeatPlan
    beats: list[PlanBeat]
    told: dict[str, Any]


def _tasks(plan: Plan) -> tuple[list[Task], Moves | None]:
    """What is to be drawn in each township; officers move first where numbers of posts were fixed."""
    inputs = plan.inputs
    township_of = [unit.township_id for unit in inputs.units]
    members = {area_id: [n for n, at in enumerate(township_of) if at == area_id] for area_id in inputs.townships}
    home = _homes(plan)
    moves = moves_of(plan, _posts(plan, home), home) if plan.headcount else None
    waiting = _recruits_by_township(plan, home) if moves is None else _newcomers(plan, home, moves)
    tasks, taken = [], set(plan.beats)
    for area_id in inputs.townships:
        queue = list(waiting.get(area_id, ()))
        kept = []
        for beat in (each for each in plan.beats.values() if home.get(each.key) == area_id):
            stays = beat.staff is not None and (moves is None or moves.township_of.get(beat.staff) == area_id)
            holder = beat.staff if stays else (queue.pop(0).key if queue else None)
            if holder is not None:
                kept.append(replace(beat, staff=holder))
        for newcomer in queue:
            key = new_beat_key(plan, taken)
            taken.add(key)
            kept.append(PlanBeat(key, "", 0, newcomer.key))
        place = inputs.place(area_id)
        name = place.name if place else inputs.area_name
        if not kept:
            raise ConflictError(T("There is nobody in {name} to hold a beat.", name=name))
        tasks.append(Task(area_id, name, members[area_id], kept))
    return tasks, moves


def _posts(plan: Plan, home: dict[str, int]) -> dict[int, int]:
    """Posts of every township: as fixed, else those of today."""
    today = dict.fromkeys(plan.inputs.townships, 0)
    for beat in plan.beats.values():
        if beat.staff:
            today[home[beat.key]] += 1
    return today | plan.headcount


def _newcomers(plan: Plan, home: dict[str, int], moves: Moves) -> dict[int, list[Staff]]:
    """Who comes to each township: officers who move there, and recruits."""
    held = {beat.staff: home[beat.key] for beat in plan.beats.values() if beat.staff}
    found: dict[int, list[Staff]] = {}
    for key, area_id in moves.township_of.items():
        if held.get(key) != area_id:
            found.setdefault(area_id, []).append(plan.staff[key])
    return found


def _homes(plan: Plan) -> dict[str, int]:
    """The township in which most of a beat's addresses lie; of a beat without units, that of its team."""
    counts: dict[str, dict[int, int]] = {key: {} for key in plan.beats}
    for number, key in enumerate(plan.beat_of):
        if key is not None:
            unit = plan.inputs.units[number]
            of_beat = counts[key]
            of_beat[unit.township_id] = of_beat.get(unit.township_id, 0) + unit.addresses + 1
    upward = {place.area_id: place.parent_id for place in plan.inputs.places}
    townships = set(plan.inputs.townships)
    homes = {}
    for key, of_beat in counts.items():
        if of_beat:
            homes[key] = min(of_beat, key=lambda area_id: (-of_beat[area_id], area_id))
            continue
        at: int | None = plan.beats[key].village_id
        while at is not None and at not in townships:
            at = upward.get(at)
        homes[key] = at if at is not None else min(townships)
    return homes


def _recruits_by_township(plan: Plan, home: dict[str, int]) -> dict[int, list[Staff]]:
    """Recruits go where they were hired for; the others so that the worst load times difficulty is least."""
    shares: dict[int, list[Staff]] = {area_id: [] for area_id in plan.inputs.townships}
    open_to_all = []
    for recruit in plan.free_recruits:
        if recruit.township_id in shares:
            shares[recruit.township_id].append(recruit)
        else:
            open_to_all.append(recruit)
    if not open_to_all:
        return shares
    migrants = pd.Series(dict.fromkeys(shares, 0))
    for unit in plan.inputs.units:
        migrants[unit.township_id] += unit.migrants
    hard = {place.area_id: place.multiplier for place in plan.inputs.places}
    demand = (migrants * [hard.get(area_id, 1.0) for area_id in migrants.index.tolist()]).round().astype("int64")
    filled = {
        area_id: len(shares[area_id])
        + sum(beat.staff is not None and home[beat.key] == area_id for beat in plan.beats.values())
        for area_id in shares
    }
    total = sum(filled.values()) + len(open_to_all)
    posts = hand_out(PostsProblem.of(demand, total, floors=pd.Series(filled))).posts
    for area_id, number in posts.items():
        more = int(number) - filled[int(str(area_id))]
        shares[int(str(area_id))] += open_to_all[:more]
        open_to_all = open_to_all[more:]
    return shares


def _draw(
    plan: Plan,
    task: Task,
    rules: Rules,
    seed: int,
    heard: Callable[[Progress], None],
    cancelled: Callable[[], bool],
) -> _Result:
    from layers.districting import BeatRules

    inputs = plan.inputs
    ground = ground_of(inputs, rules, task.members)
    position = {beat.key: place for place, beat in enumerate(task.beats)}
    today = np.array([position.get(plan.beat_of[unit] or "", -1) for unit in task.members], dtype=np.int32)
    prices = np.array([_price(inputs, unit, rules) for unit in task.members])

    def attempt(asked: Rules, more: int) -> BeatPlan | None:
        other = ground_of(inputs, asked, task.members)
        try:
            quick = asked.model_copy(update={"effort": _QUICK, "prove_s": 0.0})
            return _search(other, today, prices, quick, len(task.beats) + more, seed, cancelled=cancelled)
        except ValueError:
            return None

    try:
        drawn = _search(ground, today, prices, rules, len(task.beats), seed, heard=heard, cancelled=cancelled)
    except ValueError as refusal:
        reason = why_none(inputs, ground, rules, len(task.beats), attempt)
        raise ConflictError(
            T("No beats can be drawn for {name} under these rules: {reason}", name=task.name, reason=reason)
        ) from refusal
    beats = _named(inputs, task, ground, drawn)
    over = cancelled()
    villages = village_loads(inputs, ground)
    relax = None if drawn.within_band or over else what_to_relax(rules, attempt, drawn, villages)
    more = None if over else attempt(rules, 1)
    names = [beat.name for beat in beats]
    beat_rules = BeatRules(len(beats), rules.band, _locks(ground, today, rules))
    reasons = reasons_of(inputs, ground, today, drawn, beat_rules, names, prices=prices, seed=seed, price=rules.price)
    told = _told(task, ground, drawn, reasons, relax, more)
    home = np.empty(len(beats), np.int32)
    home[drawn.plan] = ground.graph.territory
    counts = np.bincount(home, minlength=ground.graph.territories).astype(np.int32)
    in_the_way = [] if drawn.within_band else obstacles_to(inputs, ground, beat_rules, home, names)
    in_the_way += uneven_villages(inputs, ground, rules, counts)
    told["obstacles"] = [as_message(text) for text in in_the_way]
    told["outside"] = [
        {"beat": names[each.beat], "deviation": round(each.deviation, 4)}
        for each in drawn.violations
        if each.deviation is not None
    ]
    fresh = rules.method == "scratch" or not (today >= 0).any()
    told["borders_km"] = _borders_km(ground, today, drawn, rules, seed, cancelled) if fresh and not over else []
    return _Result(drawn, beats, told)


def _search(
    ground: Ground,
    today: npt.NDArray[np.int32],
    prices: npt.NDArray[np.float64],
    rules: Rules,
    beats: int,
    seed: int,
    *,
    heard: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> BeatPlan:
    from layers.districting import partition, repair

    locks = _locks(ground, today, rules)
    locked = bool((locks >= 0).any())
    watch = {"deadline_s": rules.deadline_s, "cancelled": cancelled, "progress": heard}
    if rules.method == "repair" and (today >= 0).any():
        return repair(
            ground.graph, today, beats=beats, band=rules.band, prices=prices, locks=locks, seed=seed,
            moves_per_unit=rules.effort, prove_s=rules.prove_s, **watch,  # type: ignore[arg-type]  # by name
        )  # fmt: skip
    said = {"band": rules.band, "seed": seed, "moves_per_unit": rules.effort, **watch}
    fresh = partition(ground.graph, beats, locks=locks if locked else None, **said)  # type: ignore[arg-type]  # by name
    target = fresh.plan if locked else _relabelled(fresh.plan, today, prices, beats)
    # measured against today: the plan as drawn, every unit held where it is
    return repair(
        ground.graph, today, beats=beats, band=rules.band, prices=prices, locks=target, seed=seed, moves_per_unit=1
    )


def _borders_km(
    ground: Ground,
    today: npt.NDArray[np.int32],
    drawn: BeatPlan,
    rules: Rules,
    seed: int,
    cancelled: Callable[[], bool],
) -> list[float]:
    """Kilometres of border between beats: of the plan, then of the same drawn with other seeds inside the band."""
    from layers.districting import partition

    locks = _locks(ground, today, rules)
    runs = [drawn]
    for other in range(1, _RUNS):
        found = partition(
            ground.graph, len(drawn.loads), band=rules.band, locks=locks if (locks >= 0).any() else None,
            seed=seed + other, moves_per_unit=rules.effort, deadline_s=rules.deadline_s, cancelled=cancelled,
        )  # fmt: skip
        runs += [found] if found.within_band else []
    return [round(run.cut_border_m / 1000, 3) for run in runs]


def _locks(ground: Ground, today: npt.NDArray[np.int32], rules: Rules) -> npt.NDArray[np.int32]:
    """The beat that each unit is locked to, -1 = none."""
    locked = set(rules.locks)
    pairs = zip(ground.members, today.tolist(), strict=True)
    return np.array([beat if unit in locked else -1 for unit, beat in pairs], np.int32)


def _relabelled(
    plan: npt.NDArray[np.int32], today: npt.NDArray[np.int32], prices: npt.NDArray[np.float64], beats: int
) -> npt.NDArray[np.int32]:
    """The same beats under the numbers that keep most of today's."""
    from scipy.optimize import linear_sum_assignment

    shared = np.zeros((beats, beats))
    held = today >= 0
    np.add.at(shared, (plan[held], today[held]), prices[held] + 1e-6)
    one, other = linear_sum_assignment(-shared)
    number = np.empty(beats, np.int32)
    number[one] = other
    return number[plan]


def _price(inputs: Inputs, unit: int, rules: Rules) -> float:
    if rules.price == "units":
        return 1.0
    return float(inputs.units[unit].addresses if rules.price == "addresses" else inputs.units[unit].migrants)


def _named(inputs: Inputs, task: Task, ground: Ground, drawn: BeatPlan) -> list[PlanBeat]:
    """Beats with the village that most of their people live in; new ones are named for their largest place."""
    found = []
    seen = {beat.name for beat in task.beats if beat.name}
    for number, beat in enumerate(task.beats):
        own = [inputs.units[ground.members[place]] for place in np.flatnonzero(drawn.plan == number).tolist()]
        if not own:
            found.append(beat)
            continue
        by_village: dict[int, int] = {}
        for unit in own:
            by_village[unit.village_id] = by_village.get(unit.village_id, 0) + unit.migrants + 1
        village = min(by_village, key=lambda area_id: (-by_village[area_id], area_id))
        name = beat.name
        if not name:
            largest = max(own, key=lambda unit: (unit.migrants, -unit.area_id)).name.partition("（")[0]
            name, tries = f"{largest}新片", 1
            while name in seen:
                tries += 1
                name = f"{largest}新{tries}片"
            seen.add(name)
        found.append(replace(beat, name=name, village_id=village))
    return found


def _told(
    task: Task,
    ground: Ground,
    drawn: BeatPlan,
    reasons: list[Reason],
    relax: dict[str, Any] | None,
    more: BeatPlan | None,
) -> dict[str, Any]:
    return {
        "area_id": task.area_id,
        "name": task.name,
        "units": len(task.members),
        "beats": len(task.beats),
        "deviation": round(drawn.deviation, 6),
        "least_deviation": round(drawn.least_deviation, 6),
        "within_band": drawn.within_band,
        "changed_units": drawn.changed_units,
        "changed_price": drawn.changed_price,
        "least_price": drawn.least_price,
        "proof": drawn.proof.value,
        "violations": [
            {"breach": each.breach.value, "beat": task.beats[each.beat].key if each.beat >= 0 else None}
            for each in drawn.violations
        ],
        "stopped": drawn.stopped,
        "bridges": ground.bridges,
        "reasons": [{"unit": each.unit, "texts": [as_message(text) for text in each.texts]} for each in reasons],
        "relax": relax,
        "worst_load": int(drawn.loads.max()),
        "worst_load_with_one_more": None if more is None else int(more.loads.max()),
    }
