"""What giving some units to a beat would mean, told while somebody draws by hand. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from gis_service.errors import NotFoundError
from gis_service.planning.plans import Plan
from gis_service.texts import T


@dataclass(frozen=True)
class Balance:
    """The beats concerned after the step.

    Attributes
    ----------
    loads
        Migrants by beat key.
    deviations
        Signed share above the mean load of the beats of the township.
    broken
        Beats that would not be in one piece.
    addresses, migrants
        That would have another officer than in the plan before.
    """

    loads: dict[str, int]
    deviations: dict[str, float]
    broken: list[str]
    addresses: int
    migrants: int


def balance_of(plan: Plan, units: Sequence[int], beat: str, *, only: Collection[int] | None = None) -> Balance:
    """Tell what giving `units` to `beat` would mean; the plan stays as it is.

    Raises
    ------
    NotFoundError
        The beat or a unit is not in the plan, or not in the part that the viewer may see.
    """
    inputs = plan.inputs
    hidden = [
        unit
        for unit in units
        if only is not None and unit < len(inputs.units) and inputs.units[unit].area_id not in only
    ]
    if beat not in plan.beats or any(unit >= len(inputs.units) for unit in units) or hidden:
        raise NotFoundError(T("There is no such beat or compound in this scenario."))
    if only is not None and not any(
        key == beat and inputs.units[n].area_id in only for n, key in enumerate(plan.beat_of)
    ):
        raise NotFoundError(T("There is no such beat or compound in this scenario."))
    after = list(plan.beat_of)
    for unit in units:
        after[unit] = beat
    concerned = {beat, *(key for unit in units if (key := plan.beat_of[unit]) is not None)}
    township = inputs.units[units[0]].township_id
    loads = dict.fromkeys(sorted(concerned), 0)
    whole, beats = 0, set()
    for number, key in enumerate(after):
        land = inputs.units[number]
        if key is not None and key in loads:
            loads[key] += land.migrants
        if land.township_id == township and key is not None:
            whole += land.migrants
            beats.add(key)
    mean = whole / len(beats) if beats else 0.0
    moved = [unit for unit in set(units) if plan.holder(unit) != plan.beats[beat].staff]
    return Balance(
        loads=loads,
        deviations={key: round(load / mean - 1, 4) if mean else 0.0 for key, load in loads.items()},
        broken=[key for key in sorted(concerned) if not in_one_piece(plan, after, key)],
        addresses=sum(inputs.units[unit].addresses for unit in moved),
        migrants=sum(inputs.units[unit].migrants for unit in moved),
    )


def in_one_piece(plan: Plan, beat_of: Sequence[str | None], beat: str) -> bool:
    """Say whether the units of a beat hang together over borders and bridges, not over barriers."""
    own = {number for number, key in enumerate(beat_of) if key == beat}
    if len(own) < 2:
        return True
    near: dict[int, list[int]] = {unit: [] for unit in own}
    bridges = [pair for township in (plan.drawn or {}).get("townships", ()) for pair in township["bridges"]]
    links = {(min(a, b), max(a, b)) for a, b, *_ in (*plan.inputs.edges, *bridges)} | plan.marks.bridges
    for one, other in sorted(links - plan.marks.barriers):
        if one in own and other in own:
            near[one].append(other)
            near[other].append(one)
    first = min(own)
    reached, waiting = {first}, deque([first])
    while waiting:
        for other in near[waiting.popleft()]:
            if other not in reached:
                reached.add(other)
                waiting.append(other)
    return reached == own
