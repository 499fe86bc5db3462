"""From a comparison to a draft: one change of the land over areas, parents and borders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import shapely
from sqlalchemy import Engine

from gis_service.access.viewer import Viewer
from gis_service.areas.change_kinds import Incoming, Reimport, Successor
from gis_service.areas.tables import AreaLevel, LandChange
from gis_service.changes.actions import draft_change
from gis_service.changes.comparing import Comparison, Found, Said, compare_layer, reason_of
from gis_service.errors import InvalidInputError
from gis_service.intake.subject import ImportOptions, Mode
from gis_service.settings import Settings
from gis_service.texts import T


@dataclass(frozen=True, eq=False)
class Redelivery:
    """What a layer delivered anew came to: its comparison, and the draft; None where nothing differs."""

    comparison: Comparison
    change: LandChange | None


@dataclass(frozen=True)
class Rule:
    """What is said of every area that differs and fits: of a class, of a level, by at least and at most so much.

    Attributes
    ----------
    found, level : empty for any.
    least_percent, most_percent : of the old ground; None for any. What has no ground on one side fits neither bound.
    said : empty: as suggested, whatever an earlier rule says.
    """

    found: Found | None = None
    level: AreaLevel | None = None
    least_percent: float | None = None
    most_percent: float | None = None
    said: Said | None = None

    def fits(self, table: pd.DataFrame) -> pd.Series:
        """Which rows of `Comparison.table` differ and fit."""
        chosen = table["found"].ne(Found.UNCHANGED.value)
        if self.found is not None:
            chosen &= table["found"].eq(self.found.value)
        if self.level is not None:
            chosen &= table["level"].eq(self.level.value)
        percent = 100 * table["difference_share"].astype("Float64")
        if self.least_percent is not None:
            chosen &= percent.ge(self.least_percent).fillna(value=False).astype(bool)
        if self.most_percent is not None:
            chosen &= percent.le(self.most_percent).fillna(value=False).astype(bool)
        return chosen


def said_of(comparison: Comparison, rules: Sequence[Rule], single: Mapping[str, Said]) -> dict[str, Said]:
    """What is said of each area, by its code: a later rule goes before an earlier one, a single word before all."""
    table = comparison.table
    codes = table["code"].fillna(table["old_code"])
    told: dict[str, Said] = {}
    for rule in rules:
        for code in codes[rule.fits(table)]:
            if rule.said is None:
                told.pop(code, None)
            else:
                told[code] = rule.said
    return told | dict(single)


def draft_reimport(
    engine: Engine,
    settings: Settings,
    viewer: Viewer,
    path: Path,
    options: ImportOptions,
    said: Mapping[str, Said] | None = None,
    *,
    end_missing: bool = False,
    note: str | None = None,
) -> Redelivery:
    """Draft one change that makes the land what a file shows; looked at, approved, applied and reverted as any other.

    Parameters
    ----------
    options
        `mode` says why areas differ (None: each as is likely), `valid_from` the day.
    said
        Of single areas, by their code (of missing ones, the code on record): correction, change, or leave.
    end_missing
        Areas of the levels of the file that it does not have end on the day; else they stay.

    Raises
    ------
    NotPermittedError, InvalidInputError, TooLargeError
        The viewer may not, the file cannot be understood, or rows of it cannot be taken.
    """
    told = dict(said or {})
    comparison = compare_layer(engine, settings, viewer, path, options, told)
    if comparison.faults:
        raise InvalidInputError(
            T("{file}: {count} rows cannot be taken.", file=comparison.file_name, count=len(comparison.faults)),
            comparison.faults,
        )
    asked = asked_by(comparison, told, options.mode, end_missing=end_missing)
    if not asked.areas and not asked.ended:
        return Redelivery(comparison, None)
    whole = options.mode or Mode.CHANGE
    change = draft_change(engine, viewer, asked.model_dump(mode="json"), whole, comparison.day, note=note)
    return Redelivery(comparison, change)


def asked_by(comparison: Comparison, said: Mapping[str, Said], mode: Mode | None, *, end_missing: bool) -> Reimport:
    """The change of the land that a comparison comes to: nothing for what is unchanged or left as it is."""
    table = comparison.table
    left = table["code"].fillna(table["old_code"]).map(said.get).eq("leave")
    gone = table["found"].eq(Found.MISSING.value) & ~left
    taken = table[~left & table["found"].isin([Found.NEW.value, Found.CORRECTED.value, Found.CHANGED.value])]
    order = taken["level"].map([level.value for level in AreaLevel].index).sort_values(kind="stable").index
    fresh = [number for number in order if pd.isna(taken.loc[number, "area_id"])]
    order = pd.Index([*fresh, *order.difference(fresh, sort=False)])  # parents refer to new areas by their position
    place = {number: -1 - position for position, number in enumerate(order)}
    incoming = [_incoming(comparison, taken.loc[number].to_dict(), number, place, said, mode) for number in order]
    ended = table.index[gone] if end_missing else table.index[:0]
    ids = table["area_id"]
    heirs = [
        Successor(area_id=int(ids[number]), heir_id=int(ids[heir]) if pd.notna(ids[heir]) else place[heir])
        for number in ended
        for heir in table.loc[number, "heirs"]
        if pd.notna(ids[heir]) or heir in place
    ]
    ids_ended = [int(ids[number]) for number in ended]
    return Reimport(source=comparison.file_name[:200], areas=incoming, ended=ids_ended, heirs=heirs)


def _incoming(
    comparison: Comparison,
    row: dict[Any, Any],
    number: int,
    place: Mapping[int, int],
    said: Mapping[str, Said],
    mode: Mode | None,
) -> Incoming:
    is_new = pd.isna(row["area_id"])
    parent = comparison.parents[number]
    if pd.notna(parent) and parent < 0:
        if -int(parent) not in place:
            raise InvalidInputError(T("The parent of {code} is left out: leave it out too.", code=row["code"]))
        parent = place[-int(parent)]
    border = comparison.new.get(number)
    return Incoming(
        area_id=None if is_new else int(row["area_id"]),
        level=AreaLevel(row["level"]),
        code=row["code"],
        name=row["name"],
        area_kind=None if pd.isna(row["kind"]) else row["kind"],
        parent_id=int(parent) if pd.notna(parent) and (is_new or "parent" in row["fields"]) else None,
        border=dict(shapely.geometry.mapping(border))
        if border is not None and (is_new or "border" in row["fields"])
        else None,
        mode=Mode(said[row["code"]]) if is_new and row["code"] in said else _why(row, said, mode, is_new=is_new),
    )


def _why(row: dict[Any, Any], said: Mapping[str, Said], mode: Mode | None, *, is_new: bool) -> Mode | None:
    return mode if is_new else reason_of(row, said, mode)
