"""Placements over time: laying pieces over a record never makes an overlap, a hole or a needless row."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from gis_service.addresses.timeline import CONTENT, OPEN, Rewriting, settle

LAST = 12
Span = tuple[int, int, int, bool]


def frame(spans: dict[int, list[Span]]) -> pd.DataFrame:
    """Rows of addresses as (since, until, area, marked); `marked` is an override on record, a forced piece."""
    rows = [(address, *span) for address, held in spans.items() for span in held]
    columns = ["address_id", "since", "until", "area_id", "marked"]
    table = pd.DataFrame(rows, columns=pd.Index(columns)).astype(dict.fromkeys(columns[:4], "int64"))
    for name in ("beat_id", "home_area_id", "suggested_area_id"):
        table[name] = np.int64(-1)
    for name in ("unresolved", "candidate_area_ids", "override_reason"):
        table[name] = np.full(len(table), "", dtype=object)
    return table.assign(suggested_distance_m=np.nan)


def recorded(spans: dict[int, list[Span]]) -> pd.DataFrame:
    table = frame(spans)
    marked = table.pop("marked").astype(bool)
    return table.assign(id=np.arange(len(table)), override_reason=np.where(marked, "known by hand", "").astype(object))


def pieces(spans: dict[int, list[Span]]) -> pd.DataFrame:
    return frame(spans).rename(columns={"marked": "forced"}).astype({"forced": bool})


def after(record: pd.DataFrame, rewriting: Rewriting) -> pd.DataFrame:
    kept = record[~record["id"].isin(rewriting.removed)].copy()
    ends = rewriting.ended.set_index("id")["until"]
    kept["until"] = kept["id"].map(ends).fillna(kept["until"]).astype("int64")
    return pd.concat([kept, rewriting.begun], ignore_index=True).sort_values(["address_id", "since"])


def on(rows: pd.DataFrame, address: int, day: int) -> list[tuple[int, str]]:
    held = rows[rows["address_id"].eq(address) & rows["since"].le(day) & rows["until"].gt(day)]
    return list(zip(held["area_id"].tolist(), held["override_reason"].tolist(), strict=True))


@st.composite
def timelines(draw: st.DrawFn) -> dict[int, list[Span]]:
    held: dict[int, list[Span]] = {}
    for address in range(draw(st.integers(1, 3))):
        cuts = sorted(draw(st.sets(st.integers(0, LAST), max_size=5)))
        spans = [
            (since, until, draw(st.integers(1, 2)), draw(st.booleans()))
            for since, until in zip(cuts, [*cuts[1:], OPEN][: len(cuts)], strict=True)
            if draw(st.booleans()) or draw(st.booleans())
        ]
        held[address] = spans
    return held


@settings(deadline=None, max_examples=60)
@given(timelines(), timelines())
def test_on_every_day_the_strongest_holds(known: dict[int, list[Span]], laid: dict[int, list[Span]]) -> None:
    record, new = recorded(known), pieces(laid)
    result = after(record, settle(record, new))
    for address in {*known, *laid}:
        for day in range(LAST + 2):
            before = on(record, address, day)
            piece = [s for s in laid.get(address, []) if s[0] <= day < s[1]]
            expected = before
            if piece and (piece[0][3] or not before or not before[0][1]):
                expected = [(piece[0][2], "")]
            assert on(result, address, day) == expected


@settings(deadline=None, max_examples=60)
@given(timelines(), timelines())
def test_no_two_neighbours_say_the_same(known: dict[int, list[Span]], laid: dict[int, list[Span]]) -> None:
    record, new = recorded(known), pieces(laid)
    result = after(record, settle(record, new))
    for _address, rows in result.groupby("address_id"):
        ends, begins = rows["until"].to_numpy()[:-1], rows["since"].to_numpy()[1:]
        assert (ends <= begins).all()
        alike = (rows[["area_id", "override_reason"]].shift() == rows[["area_id", "override_reason"]]).all(axis=1)
        assert not (alike.to_numpy()[1:] & (ends == begins)).any()


@settings(deadline=None, max_examples=60)
@given(timelines(), timelines())
def test_settling_again_writes_nothing(known: dict[int, list[Span]], laid: dict[int, list[Span]]) -> None:
    record, new = recorded(known), pieces(laid)
    once = after(record, settle(record, new)).reset_index(drop=True)
    once["id"] = np.arange(len(once))
    again = settle(once, new)
    assert (len(again.removed), len(again.ended), len(again.begun)) == (0, 0, 0)


def test_every_column_of_the_content_counts() -> None:
    record = recorded({1: [(0, OPEN, 7, False)]})
    for name in CONTENT:
        new = pieces({1: [(5, OPEN, 7, False)]})
        is_text = name in ("unresolved", "candidate_area_ids", "override_reason")
        new[name] = pd.Series(["other"] if is_text else [99], dtype=object if is_text else new[name].dtype)
        assert settle(record, new).begun["since"].tolist() == [5], name
