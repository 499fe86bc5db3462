"""Officers on their way: what is due, what they take along, and visits that arrive late, twice or in conflict."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select, update

from gis_service.access.permissions import Role
from gis_service.access.personal import Vault
from gis_service.access.viewer import Viewer
from gis_service.addresses.tables import Address
from gis_service.errors import InvalidInputError, NotFoundError, NotPermittedError
from gis_service.fieldwork.actions import Receipt, VisitRecord, add_photo, record_visits
from gis_service.fieldwork.offline import taken_along
from gis_service.fieldwork.tables import Visit, VisitKind, VisitOutcome, VisitPhoto
from gis_service.fieldwork.worklist import tasks_due, todays_walk
from gis_service.registers.tables import Registration, Rental
from gis_service.settings import Settings
from gis_service.storage.engine import reading, transaction
from gis_service.teams.scope import scope_of
from gis_service.teams.tables import BeatDuty
from tests.integration.board import START, TODAY, Board

NOW = datetime(TODAY.year, TODAY.month, TODAY.day, 9, 30, tzinfo=UTC)
JPEG = b"\xff\xd8\xff" + b"\0" * 40 + b"\xff\xd9"


@pytest.fixture
def officer(engine: Engine, board: Board) -> Viewer:
    """The officer of N1, where nothing is let yet."""
    with transaction(engine) as session:
        session.execute(update(Rental).values(let_to=START + timedelta(days=1)))
    return Viewer(name="officer N1", role=Role.OFFICER, officer_id=board.officers["N1"], account_id=1)


@pytest.fixture
def send(engine: Engine, settings: Settings, officer: Viewer) -> Callable[..., Any]:
    """Record one visit of the officer of N1 at the first address of N11."""

    def sent(address_id: int, viewer: Viewer = officer, now: datetime = NOW, **said: Any) -> Any:
        facts: dict[str, Any] = {
            "receipt_key": "11111111-aaaa",
            "kind": VisitKind.DWELLING_CHECK,
            "outcome": VisitOutcome.DONE,
            "made_at": NOW - timedelta(hours=2),
        }
        visit = VisitRecord(address_id=address_id, **{**facts, **said})
        return record_visits(engine, settings, viewer, [visit], now=now)[0]

    return sent


def _due(engine: Engine, settings: Settings, viewer: Viewer, until: date = TODAY) -> Any:
    with reading(engine) as session:
        return tasks_due(session, scope_of(session, viewer, TODAY), settings, until=until)


def _let(engine: Engine, address_id: int, code: str, grade: str, inspected_on: date | None) -> None:
    with transaction(engine) as session:
        session.add(
            Rental(
                code=code,
                address_id=address_id,
                rooms=3,
                beds=4,
                residents=4,
                grade=grade,
                let_from=START,
                inspected_on=inspected_on,
            )
        )


def test_an_inspection_is_due_by_grade_and_only_in_the_own_beats(
    engine: Engine, settings: Settings, board: Board, officer: Viewer
) -> None:
    for code, grade, days in (
        ("A-N11-0", "red", 8),
        ("A-N11-1", "green", 8),
        ("A-N12-0", "green", 22),
        ("A-S11-0", "red", 30),
    ):
        _let(engine, board.addresses[code], f"L-{code}", grade, TODAY - timedelta(days=days))
    tasks = _due(engine, settings, officer)
    rentals = tasks[tasks["why"].isin(["dangerous_rental", "rental"])]
    assert list(zip(rentals["text"].str[:6], rentals["why"], rentals["overdue_days"], strict=True)) == [
        (_text(engine, board, "A-N11-0")[:6], "dangerous_rental", 1),
        (_text(engine, board, "A-N12-0")[:6], "rental", 1),
    ]


def _text(engine: Engine, board: Board, code: str) -> str:
    with reading(engine) as session:
        return session.scalars(select(Address.text).where(Address.id == board.addresses[code])).one()


def test_a_new_arrival_is_due_after_three_working_days_until_somebody_goes(
    engine: Engine, settings: Settings, board: Board, officer: Viewer, send: Callable[..., Any]
) -> None:
    address = board.addresses["A-N11-0"]
    with transaction(engine) as session:
        session.execute(
            update(Registration)
            .where(Registration.address_id == address)
            .values(registered_on=TODAY - timedelta(days=7))
        )
    (task,) = [row for row in _due(engine, settings, officer).to_dict("records") if row["why"] == "new_arrival"]
    assert (task["address_id"], task["overdue_days"] > 0) == (address, True)
    assert send(address, kind=VisitKind.REGISTRATION, outcome=VisitOutcome.NOBODY_HOME).receipt is Receipt.RECORDED
    assert "new_arrival" in set(_due(engine, settings, officer)["why"])
    send(address, kind=VisitKind.REGISTRATION, receipt_key="22222222-bbbb")
    assert "new_arrival" not in set(_due(engine, settings, officer)["why"])


def test_a_visit_sent_twice_is_one_visit(engine: Engine, board: Board, send: Callable[..., Any]) -> None:
    address = board.addresses["A-N11-0"]
    first, again = send(address), send(address)
    assert (first.receipt, again.receipt) == (Receipt.RECORDED, Receipt.REPEATED)
    assert first.visit_id == again.visit_id
    with reading(engine) as session:
        assert len(session.scalars(select(Visit.id)).all()) == 1


def test_something_else_under_the_same_key_is_kept_and_marked(
    engine: Engine, board: Board, send: Callable[..., Any]
) -> None:
    address = board.addresses["A-N11-0"]
    send(address)
    other = send(address, note="nobody opened", outcome=VisitOutcome.NOBODY_HOME)
    assert other.receipt is Receipt.CONFLICT
    assert send(address, note="nobody opened", outcome=VisitOutcome.NOBODY_HOME).receipt is Receipt.REPEATED
    with reading(engine) as session:
        assert session.scalars(select(Visit.conflict).order_by(Visit.id)).all() == [None, "same_key"]


def test_a_late_visit_counts_under_the_assignment_of_its_day(
    engine: Engine, board: Board, send: Callable[..., Any]
) -> None:
    made_at = NOW - timedelta(days=3)
    with transaction(engine) as session:
        held = session.scalars(select(BeatDuty).where(BeatDuty.beat_id == board.beats["N1"])).one()
        held.valid_to = TODAY - timedelta(days=1)
        session.add(
            BeatDuty(beat_id=board.beats["N1"], officer_id=board.officers["S1"], valid_from=TODAY - timedelta(days=1))
        )
    address = board.addresses["A-N11-0"]
    late = send(address, made_at=made_at)
    assert late.receipt is Receipt.CONFLICT
    refused = send(address, receipt_key="33333333-cccc")
    assert (refused.receipt, refused.visit_id) == (Receipt.REFUSED, None)
    with reading(engine) as session:
        visit = session.scalars(select(Visit)).one()
        assert (visit.conflict, visit.beat_id, visit.made_at) == (
            "other_officer_now",
            board.beats["N1"],
            made_at.replace(tzinfo=None),
        )


@pytest.mark.parametrize("made_at", [NOW + timedelta(hours=1), NOW - timedelta(days=15)])
def test_a_visit_in_the_future_or_long_ago_is_refused(
    board: Board, send: Callable[..., Any], made_at: datetime
) -> None:
    assert send(board.addresses["A-N11-0"], made_at=made_at).receipt is Receipt.REFUSED


def test_an_address_of_somebody_else_is_refused(board: Board, send: Callable[..., Any]) -> None:
    assert send(board.addresses["A-S11-0"]).receipt is Receipt.REFUSED


def test_only_officers_record_visits(
    engine: Engine, settings: Settings, board: Board, send: Callable[..., Any]
) -> None:
    with pytest.raises(NotPermittedError):
        send(board.addresses["A-N11-0"], viewer=Viewer(name="planner", role=Role.PLANNER, area_ids=None))


def test_an_inspection_on_a_visit_counts_for_the_rental(
    engine: Engine, settings: Settings, board: Board, officer: Viewer, send: Callable[..., Any]
) -> None:
    address = board.addresses["A-N11-0"]
    _let(engine, address, "L-1", "red", TODAY - timedelta(days=9))
    figures = {"rooms": 4, "beds": 8, "residents": 7, "usable_area_m2": 60.0}
    send(address, kind=VisitKind.RENTAL_INSPECTION, figures=figures)
    with reading(engine) as session:
        assert session.scalars(select(Rental.inspected_on).where(Rental.code == "L-1")).one() == NOW.date()
        assert session.scalars(select(Visit.figures)).one() == figures
    assert "dangerous_rental" not in set(_due(engine, settings, officer)["why"])


def test_a_photo_is_kept_sealed_and_once(
    engine: Engine, settings: Settings, board: Board, officer: Viewer, send: Callable[..., Any]
) -> None:
    send(board.addresses["A-N11-0"])
    for _attempt in range(2):
        add_photo(engine, settings, officer, "11111111-aaaa", JPEG)
    with reading(engine) as session:
        (photo,) = session.scalars(select(VisitPhoto)).all()
        assert JPEG not in bytes(photo.content_sealed)
    with pytest.raises(InvalidInputError):
        add_photo(engine, settings, officer, "11111111-aaaa", b"<svg onload=alert(1)>")
    with pytest.raises(NotFoundError):
        add_photo(engine, settings, officer, "99999999-zzzz", JPEG)


def test_what_is_taken_along_is_the_own_beats_with_masked_names(
    engine: Engine, settings: Settings, vault: Vault, board: Board, officer: Viewer
) -> None:
    with reading(engine) as session:
        scope = scope_of(session, officer, TODAY)
        along = taken_along(session, scope, settings, vault, now=NOW)
    own = {address_id for code, address_id in board.addresses.items() if code.startswith(("A-N11", "A-N12"))}
    assert {row["address_id"] for row in along["addresses"]} <= own
    assert along["residents"]
    assert all("*" in row["name"] for row in along["residents"])
    assert {feature["properties"]["area_id"] for feature in along["land"]["features"]} == {
        board.areas["N11"],
        board.areas["N12"],
    }
    assert along["expires_at"] - along["made_at"] == timedelta(hours=settings.offline_hours)


def test_the_walk_takes_the_most_pressing_and_numbers_the_stops(
    engine: Engine, settings: Settings, board: Board, officer: Viewer
) -> None:
    for number, code in enumerate(("A-N11-0", "A-N11-1", "A-N12-0")):
        _let(engine, board.addresses[code], f"L-{number}", "red", TODAY - timedelta(days=10 + number))
    tasks = _due(engine, settings, officer)
    walk = todays_walk(tasks, settings.model_copy(update={"worklist_addresses": 2}))
    assert set(walk["stop"]) == {1, 2}
    assert walk["address_id"].nunique() == 2
    assert set(walk["address_id"]) == set(tasks["address_id"].drop_duplicates().head(2))
