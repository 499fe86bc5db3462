"""Where the addresses of units drawn anew were before a change of the land, and whose they are today."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pandas as pd
from sqlalchemy import and_, case, func, select
from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.addresses.placements import day_number
from gis_service.addresses.tables import Address, Placement
from gis_service.areas.tables import AreaAncestry
from gis_service.changes.carrying_out import CarriedOut
from gis_service.planning.inputs import Inputs, Share, Unit
from gis_service.planning.plans import Plan
from gis_service.registers.people import registered_on
from gis_service.registers.tables import Registration
from gis_service.storage.frames import read_frame


def whose(
    session: Session,
    scope: Scope,
    plan: Plan,
    units: Sequence[Unit],
    position: Mapping[int, int],
    numbers: Mapping[int, int],
    history: Sequence[CarriedOut],
    *,
    by_change: CarriedOut | None,
    dropped: Collection[int],
) -> tuple[list[int | None], list[list[Share]]]:
    """For each new unit the former one that most of its addresses were in, and whose its addresses are today.

    Parameters
    ----------
    position
        Place of each beat in the inputs, by id.
    numbers
        Provisional ids by the ids in this rehearsal.
    history, by_change
        What was carried out in it, in order; the last of them, or None when that is on record.
    dropped
        Former units that are no more.
    """
    inputs = plan.inputs
    flows = _flows(session, scope, inputs, {unit.area_id for unit in units}, history, by_change)
    former, now = units_by_area(inputs.units, dropped), units_by_area(units)
    sources: dict[int, Counter[int]] = defaultdict(Counter)
    held: dict[int, dict[int, tuple[int, int]]] = defaultdict(dict)
    for row in flows.to_dict("records"):
        building = row["building"] or None
        place = _unit_at(units, now, row["area_id"], position.get(row["beat_id"], -1), building)
        if place is None:
            continue
        was = numbers.get(row["was_area_id"], row["was_area_id"])
        source = _unit_at(inputs.units, former, was, position.get(row["was_beat_id"], -1), building)
        if source is not None:
            sources[place][source] += row["addresses"]
        beat = position.get(row["today_beat_id"], -1)
        addresses, migrants = held[place].get(beat, (0, 0))
        held[place][beat] = (addresses + row["addresses"], migrants + row["migrants"])
    came_from: list[int | None] = []
    shares: list[list[Share]] = []
    for place, unit in enumerate(units):
        counts = sources.get(place)
        if counts:
            came_from.append(min(counts, key=lambda number: (-counts[number], number)))
        else:
            came_from.append(_ancestor(session, unit.area_id, former, numbers))
        own = held.get(place, {})
        told = [Share(beat=beat, addresses=own[beat][0], migrants=own[beat][1]) for beat in sorted(own)]
        shares.append([] if set(own) <= {unit.beat} else told)
    return came_from, shares


def _flows(
    session: Session,
    scope: Scope,
    inputs: Inputs,
    area_ids: Collection[int],
    history: Sequence[CarriedOut],
    by_change: CarriedOut | None,
) -> pd.DataFrame:
    """Addresses and migrants in some compounds after a change: where they were before it, and whose they are today."""
    inside = and_(Placement.valid_on(scope.day), Placement.area_id.in_(sorted(area_ids)))
    people = func.sum(case((registered_on(inputs.day), 1), else_=0))
    columns: list[Any] = [Placement.address_id, Placement.area_id, Placement.beat_id]
    query = (
        select(*columns, func.coalesce(Address.building, "").label("building"), people.label("migrants"))
        .join(Address, Address.id == Placement.address_id)
        .outerjoin(Registration, Registration.address_id == Placement.address_id)
        .where(inside)
        .group_by(*columns, Address.building)
    )
    ids = {"area_id": "Int64", "beat_id": "Int64"}
    frame = read_frame(session, query, dtypes={**ids, "migrants": "int64"}, index="address_id").fillna({"beat_id": -1})
    own = select(Placement.address_id).where(inside)
    on_the_day = select(*columns).where(Placement.valid_on(inputs.day), Placement.address_id.in_(own))
    today = (
        read_frame(session, on_the_day, dtypes=ids, index="address_id").fillna(-1).reindex(frame.index, fill_value=-1)
    )
    for done in reversed(history):
        today = _overlaid(today, _recorded(done, day_number(inputs.day)))
    before = today
    if by_change is not None:
        before = _overlaid(frame[["area_id", "beat_id"]], _recorded(by_change, day_number(scope.day)))
    frame = frame.assign(
        was_area_id=before["area_id"], was_beat_id=before["beat_id"], today_beat_id=today["beat_id"], addresses=1
    )
    keys = ["area_id", "beat_id", "building", "was_area_id", "was_beat_id", "today_beat_id"]
    summed = frame.groupby(keys, as_index=False)[["addresses", "migrants"]].sum()
    whole = [name for name in summed.columns if name != "building"]
    return summed.astype(dict.fromkeys(whole, "int64"))


def _recorded(done: CarriedOut, at: int) -> pd.DataFrame:
    """Area and beat of the addresses that a change moved, as they were on record on a day before it."""
    rows = done.recorded
    rows = rows[rows["since"].le(at) & rows["until"].gt(at)]
    return rows.set_index("address_id")[["area_id", "beat_id"]].fillna(-1).astype("int64")


def _overlaid(rows: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    """The rows, with what `others` say where they say something."""
    said = others[others.index.isin(rows.index)]
    return pd.concat([rows.drop(said.index), said.astype("Int64")]).reindex(rows.index)


def units_by_area(units: Sequence[Unit], only: Collection[int] | None = None) -> dict[int, list[int]]:
    """Numbers of units (all, or `only` these) by compound."""
    found: dict[int, list[int]] = defaultdict(list)
    for number, unit in enumerate(units):
        if only is None or number in only:
            found[unit.area_id].append(number)
    return found


def _unit_at(
    units: Sequence[Unit], by_area: Mapping[int, list[int]], area_id: int, beat: int, building: str | None
) -> int | None:
    """The unit of a compound that an address is in, by its building, or by its beat where parts are not buildings."""
    there = by_area.get(area_id, [])
    named = [number for number in there if building is not None and building in (units[number].buildings or ())]
    mine = [number for number in named or there if units[number].beat == beat]
    return next(iter(mine or named or there), None)


def _ancestor(
    session: Session, area_id: int, former: Mapping[int, list[int]], numbers: Mapping[int, int]
) -> int | None:
    """A former unit of the compound itself, or of what it came from, where no address tells."""
    sources = session.scalars(select(AreaAncestry.from_area_id).where(AreaAncestry.to_area_id == area_id)).all()
    known = [former.get(numbers.get(each, each), []) for each in (area_id, *sources)]
    return next((numbers_of[0] for numbers_of in known if numbers_of), None)
