"""Timelines of an area: whatever a day decides, no overlap and no hole arises."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from gis_service.areas.periods import Version, ended, holding, with_value
from gis_service.intake.subject import Mode

FIRST = date(2024, 1, 1)
DAYS = [FIRST + timedelta(days=each) for each in range(-2, 14)]


@st.composite
def timelines(draw: st.DrawFn) -> list[Version]:
    """A village under up to four names, one after the other, perhaps ended."""
    lengths = draw(st.lists(st.integers(1, 3), min_size=1, max_size=4))
    starts = [FIRST + timedelta(days=sum(lengths[:place])) for place in range(len(lengths))]
    last = draw(st.sampled_from([None, starts[-1] + timedelta(days=lengths[-1])]))
    names = draw(st.lists(st.sampled_from("甲乙丙"), min_size=len(lengths), max_size=len(lengths)))
    return [
        Version(1, "village", "V", name, None, 2, None, since, until)
        for name, since, until in zip(names, starts, [*starts[1:], last], strict=True)
    ]


@given(timelines(), st.sampled_from(DAYS), st.sampled_from(list(Mode)))
def test_another_value_leaves_the_days_as_they_are(timeline: list[Version], day: date, mode: Mode) -> None:
    after = with_value(timeline, day, mode, "name", "丁")
    for each in DAYS:
        held = [version for version in after if version.holds_on(each)]
        assert len(held) == (holding(timeline, each) is not None)
    now, before = holding(after, day), holding(timeline, day)
    assert (now and now.name) == (before and "丁")


@given(timelines(), st.sampled_from(DAYS))
def test_what_ends_holds_to_its_last_day_and_never_again(timeline: list[Version], day: date) -> None:
    after = ended(timeline, day)
    for each in DAYS:
        assert (holding(after, each) is not None) == (holding(timeline, each) is not None and each < day)
