"""The imports of units, officers, postings, beats, their parts and duties."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select

from gis_service.access.personal import Vault
from gis_service.storage.engine import reading
from gis_service.teams.tables import BeatDuty, BeatPart, Officer, Posting
from tests.import_steps import Desk, messages

UNITS = [
    "编码,名称,辖区编码,开始日期,结束日期",
    "U1,东班组,330211001001001,2026-01-01,",
    "U2,西班组,330211001002001,2026年1月1日,",
]
OFFICERS = [
    "警号,姓名,身份证号,手机号,用工形式,归属,出生日期,学历",
    "P1,张三,11010519491231002X,+86 138-0013-8000,已过渡,公安侧,1949-12-31,大专",
    "P2,李四,,,未过渡,社工侧,,",
]
BEATS = ["code,name,unit_code,valid_from,valid_to", "B1,责任区一,U1,2026-01-01,", "B2,责任区二,U1,2026-01-01,"]


@pytest.fixture
def team(land: Desk) -> Desk:
    """A district with two units, two officers and two beats."""
    for subject, lines in (("units", UNITS), ("officers", OFFICERS), ("beats", BEATS)):
        outcome = land.lay(subject, lines)
        assert outcome.counts["new"] == 2, subject
    return land


def test_teams_are_imported_once(team: Desk) -> None:
    for subject, lines in (("units", UNITS), ("officers", OFFICERS), ("beats", BEATS)):
        assert team.preview(subject, team.csv(f"{subject}.csv", lines)).counts["unchanged"] == 2, subject


def test_personal_fields_are_sealed_and_found_again(team: Desk, vault: Vault) -> None:
    with reading(team.engine) as session:
        officer = session.scalars(select(Officer).where(Officer.badge_no == "P1")).one()
        assert officer.phone_sealed is not None
        assert officer.id_number_sealed is not None
        assert vault.open("officer", "P1", "phone", officer.phone_sealed) == "13800138000"
        assert vault.open("officer", "P1", "id_number", officer.id_number_sealed) == "11010519491231002X"
        assert officer.id_number_index == vault.blind_index("id_number", "11010519491231002x")
        assert officer.birth_date == date(1949, 12, 31)


def test_a_changed_phone_is_a_changed_officer(team: Desk) -> None:
    path = team.csv("o.csv", [OFFICERS[0], OFFICERS[1].replace("138-0013-8000", "139-0013-8000"), OFFICERS[2]])
    assert team.apply("officers", path).counts == {"new": 0, "changed": 1, "unchanged": 1, "refused": 0}
    assert team.preview("officers", path).counts["unchanged"] == 2


def test_wrong_personal_data_are_refused_and_masked(land: Desk) -> None:
    lines = [
        OFFICERS[0],
        "P1,张三,110105194912310021,,已过渡,公安侧,,",
        "P2,李四,,12345,已过渡,公安侧,,",
        "P3,王五,11010519491231002X,,已过渡,公安侧,1950-01-01,",
        "P4,赵六,,,临时,公安侧,,",
    ]
    faults = land.faults("officers", land.csv("o.csv", lines))
    assert [(fault.row, fault.field) for fault in faults] == [
        (2, "id_number"),
        (3, "phone"),
        (4, "birth_date"),
        (5, "form"),
    ]
    assert faults[0].value == "110***********0021"


def test_references_that_do_not_exist_are_refused(land: Desk) -> None:
    faults = land.faults("units", land.csv("u.csv", [UNITS[0], "U9,甲,999,2026-01-01,2025-01-01"]))
    assert messages(faults) == [
        (2, "area_code", "There is no area with this code."),
        (2, "valid_to", "valid_to is not after valid_from."),
    ]


POSTINGS = "badge_no,unit_code,role,share,valid_from,valid_to"


def test_postings_are_imported_once(team: Desk) -> None:
    path = team.csv("p.csv", [POSTINGS, "P1,U1,队长,0.5,2026-01-01,", "P1,U2,member,0.5,2026-01-01,2026-07-01"])
    assert team.apply("postings", path).counts["new"] == 2
    assert team.apply("postings", path).counts["unchanged"] == 2
    ended = team.csv("p.csv", [POSTINGS, "P1,U1,队长,0.5,2026-01-01,2026-06-01"])
    assert team.apply("postings", ended).counts["changed"] == 1
    assert team.count(Posting) == 2


@pytest.mark.parametrize(
    ("line", "field", "message"),
    [
        ("P1,U1,member,0.1,2026-03-01,", "valid_from", "The officer already serves this unit in that period."),
        ("P2,U1,leader,1,2026-03-01,", "role", "The unit already has a leader in that period."),
        ("P1,U2,member,0.6,2026-03-01,", "share", "The officer's shares add up to more than one full-time post."),
        ("P1,U2,member,0,2026-03-01,", "share", "The number is out of range."),
    ],
)
def test_a_posting_that_clashes_is_refused(team: Desk, line: str, field: str, message: str) -> None:
    team.lay("postings", [POSTINGS, "P1,U1,leader,0.5,2026-01-01,"])
    assert (2, field, message) in messages(team.faults("postings", team.csv("q.csv", [POSTINGS, line])))
    assert team.count(Posting) == 1


def test_a_beat_has_one_officer_at_a_time(team: Desk) -> None:
    heading = "beat_code,badge_no,valid_from,valid_to"
    team.lay("beat_duties", [heading, "B1,P1,2026-01-01,"])
    clash = team.csv("e.csv", [heading, "B1,P2,2026-07-01,"])
    assert messages(team.faults("beat_duties", clash)) == [
        (2, "valid_from", "The beat already has an officer in that period.")
    ]
    handed_over = team.csv("f.csv", [heading, "B1,P1,2026-01-01,2026-07-01", "B1,P2,2026-07-01,"])
    assert team.apply("beat_duties", handed_over).counts == {"new": 1, "changed": 1, "unchanged": 0, "refused": 0}
    assert team.count(BeatDuty) == 2


PARTS = "beat_code,area_code,buildings,valid_from,valid_to"
EAST = "330211001001001"


def test_a_compound_may_be_split_by_buildings(team: Desk) -> None:
    lines = [PARTS, f"B1,{EAST},1幢;2幢,2026-01-01,", f"B2,{EAST},3幢,2026-01-01,", "B1,330211001001002,,2026-01-01,"]
    assert team.apply("beat_parts", team.csv("b.csv", lines)).counts["new"] == 3
    assert team.apply("beat_parts", team.csv("b.csv", lines)).counts["unchanged"] == 3
    with reading(team.engine) as session:
        buildings = session.scalars(select(BeatPart.buildings).order_by(BeatPart.id)).all()
    assert buildings == [["1幢", "2幢"], ["3幢"], None]


@pytest.mark.parametrize("second", ["2幢;3幢", ""])
def test_a_building_or_compound_in_two_beats_is_refused(team: Desk, second: str) -> None:
    team.lay("beat_parts", [PARTS, f"B1,{EAST},1幢;2幢,2026-01-01,"])
    faults = team.faults("beat_parts", team.csv("c.csv", [PARTS, f"B2,{EAST},{second},2026-03-01,"]))
    assert messages(faults) == [
        (2, "area_code", "The compound, or a building of it, is already in a beat in that period.")
    ]
    assert team.count(BeatPart) == 1


def test_a_missing_column_is_named_with_what_was_found(team: Desk) -> None:
    faults = team.faults("beats", team.csv("b.csv", ["code,名称,开始日期,备注", "B9,x,2026-01-01,y"]))
    assert messages(faults) == [(None, "unit_code", "The column is missing.")]
    assert "备注" in (faults[0].remedy.render("en") if faults[0].remedy else "")
