"""Units on every area, officers with their postings, and who answers for which beat."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from gis_service.demo.beats import BeatPlan, share_out
from gis_service.demo.curves import stream
from gis_service.demo.land import Land
from gis_service.demo.people import birth_days, days_before, identity_numbers, names, phones
from gis_service.demo.plan import DistrictPlan
from gis_service.demo.residents import Residents

_UNIT_WORDS = {"district": "大队", "township": "中队", "village": "分队", "compound": "班组"}
_FOUNDED, _TERM = date(2024, 1, 1), date(2026, 1, 1)
_POLICE_SHARE, _TRANSITIONED_SHARE = 0.70, 0.55
_LEFT_OFFICERS_SHARE = 0.05
_OLDEST_RECRUIT = 35


@dataclass(frozen=True)
class Teams:
    """Import frames of the teams; ``plans`` holds the beats as they were shared out, in the order of ``beats``."""

    units: pd.DataFrame
    officers: pd.DataFrame
    postings: pd.DataFrame
    beats: pd.DataFrame
    beat_parts: pd.DataFrame
    beat_duties: pd.DataFrame
    plans: list[BeatPlan]


def unit_code(area_code: str) -> str:
    """Code of the unit that holds an area."""
    return f"U{area_code}"


def man(plan: DistrictPlan, land: Land, addresses: pd.DataFrame, residents: Residents, seed: int) -> Teams:
    """Found all units, hire the officers and give each one beat (the brigade's leader has none)."""
    rng = stream(seed, "teams")
    located = addresses[addresses["compound"] >= 0]
    people = residents.per_address.loc[located.index, "residents"]
    per_compound = people.groupby(located["compound"]).sum().reindex(range(len(land.compounds)), fill_value=0)
    plans = share_out(
        land, [t.officers for t in plan.townships], per_compound.to_numpy(), _by_building(located, people)
    )
    badges = [f"{plan.county_code[:4]}{n:04d}" for n in range(1, len(plans) + 2)]
    officers = _officers(plan, badges, rng)
    postings = _postings(land, plans, badges, per_compound)
    own_unit = [unit_code(_villages(land, beat, per_compound)[0]) for beat in plans]
    beats = pd.DataFrame(
        {
            "code": [f"B{plan.county_code}{n:04d}" for n in range(1, len(plans) + 1)],
            "name": _beat_names(land, plans),
            "unit_code": own_unit,
            "valid_from": _TERM,
            "valid_to": None,
        }
    )
    parts = [
        (code, land.compounds["code"][compound], buildings)
        for code, beat in zip(beats["code"], plans, strict=True)
        for compound, buildings in [
            *((c, "") for c in beat.compounds),
            *((c, ";".join(names)) for c, names in beat.buildings.items()),
        ]
    ]
    beat_parts = pd.DataFrame(parts, columns=["beat_code", "area_code", "buildings"])
    duties = pd.DataFrame({"beat_code": beats["code"], "badge_no": badges[1:]})
    return Teams(
        _units(land),
        officers,
        postings,
        beats,
        beat_parts.assign(valid_from=_TERM, valid_to=None),
        duties.assign(valid_from=_TERM, valid_to=None),
        plans,
    )


def _by_building(located: pd.DataFrame, people: pd.Series) -> dict[int, pd.Series]:
    """Residents per building of the compounds whose every address is in a building."""
    inside = located["building"] != ""
    whole = inside.groupby(located["compound"]).all()
    rows = located[inside & located["compound"].map(whole)]
    number = rows["building"].str.removesuffix("幢").astype(int).rename("number")
    sums = people[rows.index].groupby([rows["compound"], number]).sum()
    return {
        int(str(compound)): group.droplevel(0).rename(index=lambda n: f"{n}幢")
        for compound, group in sums.groupby(level=0)
        if len(group) > 1
    }


def _units(land: Land) -> pd.DataFrame:
    areas = land.areas
    return pd.DataFrame(
        {
            "code": [unit_code(code) for code in areas["code"]],
            "name": [f"{name}{_UNIT_WORDS[level]}" for name, level in zip(areas["name"], areas["level"], strict=True)],
            "area_code": areas["code"].to_numpy(),
            "valid_from": _FOUNDED,
            "valid_to": None,
        }
    )


def _villages(land: Land, beat: BeatPlan, per_compound: pd.Series) -> list[str]:
    """Village codes that a beat touches, the one with most residents first."""
    compounds = [*beat.compounds, *beat.buildings]
    load = per_compound.reindex(compounds).groupby(land.compounds["village_code"].reindex(compounds)).sum()
    return [str(code) for code in load.sort_values(ascending=False, kind="stable").index]


def _beat_names(land: Land, plans: list[BeatPlan]) -> list[str]:
    """Named for the largest place in the beat and counted within it: 海明公寓一片, 陈家岙片."""
    firsts = [land.compounds["name"][min([*beat.compounds, *beat.buildings])] for beat in plans]
    total, seen = pd.Series(firsts).value_counts(), dict.fromkeys(firsts, 0)
    result = []
    for name in firsts:
        seen[name] += 1
        result.append(f"{name}{seen[name]}片" if total[name] > 1 else f"{name}片")
    return result


def _postings(land: Land, plans: list[BeatPlan], badges: list[str], per_compound: pd.Series) -> pd.DataFrame:
    """One full post each: the brigade's leader; squadron leaders half in the squadron; the rest in their squads."""
    district = land.areas.loc[land.areas["level"] == "district", "code"].iloc[0]
    rows: list[tuple[str, str, str, float]] = [(badges[0], unit_code(district), "leader", 1.0)]
    led: set[str] = set()
    squadrons: set[int] = set()
    order = sorted(range(len(plans)), key=lambda i: (-len(_villages(land, plans[i], per_compound)), i))
    shares: dict[int, list[tuple[str, str, float]]] = {}
    alone = pd.Series([v for beat in plans for v in _villages(land, beat, per_compound)]).value_counts()
    for index in order:
        beat, posts, full = plans[index], [], 100
        villages = _villages(land, beat, per_compound)
        if beat.township_no not in squadrons and len(villages) == 1:
            squadrons.add(beat.township_no)
            squadron = land.compounds.loc[land.compounds["township_no"] == beat.township_no, "township_code"].iloc[0]
            posts.append((unit_code(squadron), "leader", 0.5))
            full = 50
        for place, village in enumerate(villages):
            share = full // len(villages) + (1 if place < full % len(villages) else 0)
            leads = village not in led and (full == 100 or alone[village] == 1)
            led |= {village} if leads else set()
            posts.append((unit_code(village), "leader" if leads else "member", share / 100))
        shares[index] = posts
    for index in range(len(plans)):
        rows += [(badges[index + 1], *post) for post in shares[index]]
    postings = pd.DataFrame(rows, columns=["badge_no", "unit_code", "role", "share"])
    return postings.assign(valid_from=_TERM, valid_to=None)


def _officers(plan: DistrictPlan, badges: list[str], rng: np.random.Generator) -> pd.DataFrame:
    """Officers on duty, then some who left; some are over 50; every exception to the hiring rules has its reason."""
    today = np.datetime64(plan.today)
    left = max(1, round(_LEFT_OFFICERS_SHARE * len(badges)))
    count = len(badges) + left
    badges = [*badges, *(f"{plan.county_code[:4]}{9000 + n:04d}" for n in range(1, left + 1))]
    born = birth_days(count, rng, today, 38, 9)
    youngest, oldest = today - np.timedelta64(22 * 366), today - np.timedelta64(59 * 365)
    born = np.clip(born, oldest, youngest)
    age_days = (today - born).astype(np.int64)
    as_recruit = np.where(rng.random(count) < 0.88, age_days - rng.uniform(22, 35, count) * 365.25, 0)
    served = np.clip(np.maximum(330 + rng.exponential(1_300, count), as_recruit), 330, age_days - 21 * 366)
    hired = days_before(today, np.maximum(served, 330.0))
    hired_age = ((hired - born).astype(np.int64) / 365.25).astype(np.int64)
    education = rng.choice(["大专", "本科", "高中", "硕士"], count, p=[0.52, 0.36, 0.10, 0.02])
    too_old, no_degree = hired_age > _OLDEST_RECRUIT, education == "高中"
    reason = np.where(too_old, "退役军人", np.where(no_degree, "本地复杂地段熟悉情况", "")).astype(object)
    police = _flags(count, _POLICE_SHARE, rng)
    left_on = np.full(count, np.datetime64("NaT"), dtype="datetime64[D]")
    left_on[len(badges) - left :] = days_before(today, rng.integers(30, 300, left).astype(float))
    return pd.DataFrame(
        {
            "badge_no": badges,
            "name": names(count, rng),
            "id_number": identity_numbers(np.full(count, int(plan.county_code)), born, rng),
            "phone": phones(count, rng),
            "form": np.where(_flags(count, _TRANSITIONED_SHARE, rng), "transitioned", "not_transitioned"),
            "side": np.where(police, "police", "social"),
            "birth_date": born,
            "education": education,
            "hired_on": hired,
            "left_on": left_on,
            "exception_reason": reason,
        }
    )


def _flags(count: int, share: float, rng: np.random.Generator) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Draw a shuffled column that is true in exactly that share of the rows (rounded)."""
    flags = np.arange(count) < round(share * count)
    rng.shuffle(flags)
    return flags
