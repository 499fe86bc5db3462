"""No way out: two districts that differ in a few people of one compound answer who looks across townships the same.

The compound N11 has 3 migrants, 2 rentals and 2 mismatches in the one; in the other one of each is its neighbour N12's.
Whatever could be read, or computed, from the answers would have to differ between the two. Every route that can be read
is walked; a route is excused by name only, with the reason that docs/decisions/0012-small-counts.md gives.

What is withheld is decided in frames, after the database. So SpatiaLite is asked in every way; PostGIS, whose part is
the counts, once for each route of the API and whatever else has counts of its own (`OWN`).
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import product
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import Engine, delete, select, text, update

from gis_service.access.http import guards_of
from gis_service.access.viewer import SHELL
from gis_service.addresses.point_store import point_store
from gis_service.areas.border_store import border_store
from gis_service.areas.tables import AreaLevel
from gis_service.changes.actions import draft_change
from gis_service.changes.published import withheld_store
from gis_service.intake.subject import Mode
from gis_service.planning.copying import copy_of_day
from gis_service.planning.inputs import packed
from gis_service.planning.scenarios import create_scenario, share
from gis_service.planning.tables import Scenario
from gis_service.registers.people_store import keep_people
from gis_service.registers.quarters.actions import open_quarter
from gis_service.registers.quarters.calendar import Quarter
from gis_service.registers.rentals.hotspots import HotspotMeasure
from gis_service.registers.tables import Mismatch, Registration, Rental
from gis_service.settings import Settings
from gis_service.storage.engine import reading, transaction
from gis_service.teams.scope import scope_of
from gis_service.web.command.indicators import Indicator
from gis_service.web.export_kinds import ExportKind
from gis_service.web.map_kinds import MapKind
from tests.integration.board import START, TODAY, Board
from tests.integration.conftest import SignIn

RECENT = TODAY - timedelta(days=3)
QUARTER = Quarter.of(TODAY)
#: above the village nothing differs between the two
LEVELS = [AreaLevel.VILLAGE.value, AreaLevel.COMPOUND.value]
#: borders only, and seconds a call
GROUND = {"/api/v1/land-repairs", "/land-repairs", "/api/v1/topology.geojson", "/topology"}

#: lists of single people, dwellings and mismatches, and the drawing board of who drafts: case work, no publication
CASE_WORK = {
    "/addresses/{address_id}": "who is registered at one address",
    "/api/v1/addresses/{address_id}/registrations": "who is registered at one address",
    "/registrations/{registration_id}": "one registration",
    "/rentals": "rentals one by one",
    "/api/v1/rentals": "rentals one by one",
    "/mismatches": "mismatches one by one, and how many in each state",
    "/api/v1/mismatches": "mismatches one by one",
    "/reconciliations/{reconciliation_id}/certificate": "the document of the two sides of one village",
    "/api/v1/reconciliations/{reconciliation_id}/certificate": "the document of the two sides of one village",
    "/planning/scenarios/{scenario_id}/map": "the drawing board",
    "/sheets/beats/{beat_id}.pdf": "an officer's round: the dwellings one by one",
}
#: where somebody of the township reads what the district does not: the two districts do differ
OWN = {
    "/api/v1/figures/coverage",
    "/api/v1/figures/rentals",
    "/api/v1/figures/mismatches",
    "/api/v1/figures/turnover",
    "/api/v1/planning/staffing",
    "/command/places/{area_id}",
    "/command/buildings/{area_id}",
    "/command/indicators/{indicator}",
    "/exports/{kind}.{suffix}",
    "/registers/{area_id}",
    "/api/v1/land-changes/{change_id}/impact",
}
#: routes of many tables each
MANY = {"/exports/{kind}.{suffix}", "/command/indicators/{indicator}"}
#: what changes from one answer to the next by itself: nonces, tokens, and the fingerprint of a scenario's inputs
_PASSING = re.compile(
    r'nonce="[^"]*"|nonce-[\w+/=-]+|(csrf_token|id="csrf)" value="[^"]*"|"csrf_token":"[^"]*"|data-csrf="[^"]*"'
    r'|"inputs_sha256":"\w+"|SHA-256">\w+'
)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"hotspot_permutations": 99})


@pytest.fixture
def few(engine: Engine, board: Board) -> Board:
    """Three people, two rentals and two mismatches in N11; N12 has one rental and one mismatch."""
    with transaction(engine) as session:
        beyond = [board.addresses[f"A-N11-{number}"] for number in (1, 2, 3)]
        session.execute(delete(Registration).where(Registration.address_id.in_(beyond)))
        for key in ("A-N11-0-1", "A-N11-0-2", "A-N12-0-1"):
            session.execute(update(Registration).where(Registration.source_key == key).values(registered_on=RECENT))
        session.execute(update(Rental).where(Rental.code.in_(["L-N11", "L-N12"])).values(residents=1, grade="green"))
        common = {"found_on": RECENT, "state": "open", "registers": "police+village", "mismatch_class": "duplicate"}
        session.add(Mismatch(source_key="M-N11-more", address_id=beyond[0], **common))
        rental = {"rooms": 4, "beds": 4, "usable_area_m2": 60.0, "residents": 1, "grade": "green", "let_from": START}
        session.add(Rental(code="L-N11-more", address_id=beyond[0], **rental))
    return board


def move_one_of_each(engine: Engine, board: Board) -> None:
    """The other district: one person, one rental and one mismatch are the neighbour's."""
    neighbour = board.addresses["A-N12-1"]
    with transaction(engine) as session:
        session.execute(update(Registration).where(Registration.source_key == "A-N11-0-2").values(address_id=neighbour))
        session.execute(update(Rental).where(Rental.code == "L-N11-more").values(address_id=neighbour))
        session.execute(update(Mismatch).where(Mismatch.source_key == "M-N11-more").values(address_id=neighbour))
        if engine.dialect.name == "postgresql":  # numbers given to areas of changes that were only tried begin again
            session.execute(text("SELECT setval(pg_get_serial_sequence('area', 'id'), max(id)) FROM area"))


@pytest.fixture
def numbers(engine: Engine, settings: Settings, few: Board, signed_in: SignIn) -> dict[str, list[Any]]:
    """What stands in paths: areas of the story, a scenario of all, a change of the land, a village's quarter."""
    planner = signed_in("planner").get("/api/v1/me").json()
    scenario = create_scenario(engine, settings, SHELL, "all", few.areas["D"], TODAY)
    share(engine, SHELL, scenario, shared=True)
    merged = {
        "kind": "merge",
        "area_ids": [few.areas["N11"], few.areas["N12"]],
        "into": {"code": "N13", "name": "area N13"},
    }
    change = draft_change(engine, SHELL, merged, Mode.CHANGE, TODAY + timedelta(days=1))
    reconciliations = open_quarter(engine, SHELL, QUARTER, today=TODAY)
    assert planner["role"] == "planner"
    with reading(engine) as session:
        rental = session.scalars(select(Rental.id).where(Rental.code == "L-N11")).one()
        registration = session.scalars(select(Registration.id).where(Registration.source_key == "A-N11-0-2")).one()
        mismatch = session.scalars(select(Mismatch.id).where(Mismatch.source_key == "M-N11")).one()
    return {
        "area_id": [few.areas[code] for code in ("N1", "N11")],
        "beat_id": [few.beats["N1"]],
        "address_id": [few.addresses["A-N11-0"]],
        "scenario_id": [scenario],
        "change_id": [change.id],
        "reconciliation_id": reconciliations[:1],
        "rental_id": [rental],
        "mismatch_id": [mismatch],
        "registration_id": [registration],
        "snapshot_id": [1],
        "row_id": [1],
        "level": LEVELS,
        "kind": [kind.value for kind in ExportKind],
        "indicator": [indicator.value for indicator in Indicator],
        "z": [9],
        "x": [428],
        "y": [211],
        "sign_off_id": [1],
        "job_id": [1],
        "attachment_id": [1],
    }


def queries(path: str, board: Board) -> list[dict[str, Any]]:
    """What is asked of a route beside its path."""
    year = {"first": date(TODAY.year, 1, 1).isoformat(), "last": TODAY.isoformat()}
    by_level = [{"level": level, "limit": 1000} for level in LEVELS]
    ways: dict[str, list[dict[str, Any]]] = {
        "/api/v1/areas.geojson": by_level,
        "/api/v1/figures/coverage": by_level,
        "/api/v1/figures/rentals": by_level,
        "/api/v1/figures/mismatches": by_level,
        "/api/v1/figures/mismatch-rates": by_level,
        "/api/v1/figures/turnover": [{**each, **year} for each in by_level],
        "/api/v1/figures/mismatch-months": [year],
        "/api/v1/figures/hotspots": [{"measure": HotspotMeasure.RENTALS.value}, {}],
        "/api/v1/planning/staffing": [
            {"level": "compound", "base": "three_years", "weighted": True},
            {"level": "village", "base": "today"},
        ],
        "/api/v1/planning/difficulty": by_level,
        "/api/v1/quarters/progress": [
            {"quarter": str(QUARTER)},
            {"quarter": str(QUARTER), "area_id": board.areas["N"]},
            {"quarter": str(QUARTER), "area_id": board.areas["N1"]},
        ],
        "/quarters": [{"quarter": str(QUARTER)}],
        "/planning/posts": [{"level": "compound", "change": 2}],
        "/planning/difficulty": [{"level": "village"}],
        "/maps/coverage/areas": [
            {"within": board.areas[code], "level": level} for code, level in (("N1", "compound"), ("N", "village"))
        ],
        "/api/v1/unresolved/clearance": [{"area_id": board.areas["N"], "quarter": str(QUARTER)}],
        "/land-editor/areas": by_level,
        "/sheets/maps/{indicator}.{suffix}": [{"level": "compound"}],
    }
    return ways.get(path, [{}])


def asked(service: FastAPI, board: Board, numbers: dict[str, list[Any]]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every route that can be read, in every way that is of interest here: route, path, query."""
    for guard in guards_of(service):
        if "GET" not in guard.methods or guard.path in GROUND:
            continue
        names = re.findall(r"{(\w+)}", guard.path)
        known = dict(numbers)
        if guard.path.startswith("/maps/"):
            known["kind"] = [kind.value for kind in MapKind]
        if guard.path.startswith("/sheets/townships/"):
            known["area_id"] = [board.areas["N"]]
        known["suffix"] = ["csv"] if guard.path.startswith("/exports") else ["svg"]
        for values in product(*(known[name] for name in names)):
            path = guard.path.format(**dict(zip(names, values, strict=True)))
            for query in queries(guard.path, board):
                yield guard.path, path, {"as_of": TODAY.isoformat(), **query}


def once(ways: list[tuple[str, str, dict[str, Any]]], heart: str) -> list[tuple[str, str, dict[str, Any]]]:
    """One way for each route with counts of its own: about the small compound, or all compounds, where it can be.

    Exports and indicators are many under one route.
    """
    chosen: dict[str, tuple[str, str, dict[str, Any]]] = {}
    for way in ways:
        route, path, query = way
        near = heart in re.split(r"\W", path) or AreaLevel.COMPOUND.value in (query.get("level"), path.split("/")[-1])
        key = path if route in MANY else route
        if (route.startswith("/api/") or route in OWN) and (near or key not in chosen):
            chosen[key] = way
    return list(chosen.values())


def read(answer: Response) -> str:
    """What somebody reads of an answer, without what passes."""
    if "pdf" in answer.headers.get("content-type", ""):
        done = subprocess.run(["pdftotext", "-layout", "-", "-"], input=answer.content, capture_output=True, check=True)
        return done.stdout.decode()
    if answer.status_code >= 400:
        return str(answer.status_code)  # the problem has an id of its own each time
    body = answer.content if "mvt" in str(answer.url) else answer.text
    return f"{answer.status_code} {_PASSING.sub('', str(body))}"


def answers(client: TestClient, ways: list[tuple[str, str, dict[str, Any]]]) -> dict[tuple[str, str, str], str]:
    found = {
        (route, path, str(query)): read(client.get(path, params=query, headers={"Accept": "*/*"}))
        for route, path, query in ways
    }
    order = {"level": "compound", "change": 2, "keep": False}
    day = {"as_of": TODAY.isoformat()}
    found["/api/v1/planning/posts", "POST", ""] = read(client.post("/api/v1/planning/posts", json=order, params=day))
    return found


def test_who_looks_across_townships_learns_no_small_count(
    engine: Engine,
    settings: Settings,
    few: Board,
    numbers: dict[str, list[Any]],
    service: FastAPI,
    signed_in: SignIn,
) -> None:
    planner, commander = signed_in("planner"), signed_in("commander")
    heart = str(few.areas["N11"])
    ways = list(asked(service, few, numbers))
    if engine.dialect.name == "postgresql":
        ways = once(ways, heart)
    own_ways = [
        way for way in ways if way[0] in OWN and ("{area_id}" not in way[0] or heart in re.split(r"\W", way[1]))
    ]
    service.state.kept_answers = _NothingKept()  # rows are moved by hand, so no act tells that they were
    before, own_before = answers(planner, ways), answers(commander, own_ways)
    move_one_of_each(engine, few)
    with transaction(engine) as session:  # the scenario as if it had been made in the other district
        inputs, _digest = packed(copy_of_day(session, scope_of(session, SHELL, TODAY), settings, few.areas["D"]))
        session.execute(update(Scenario).values(inputs=inputs))
    service.state.point_store, service.state.border_store = point_store(), border_store()
    service.state.withheld_store = withheld_store()
    keep_people(service.state.engine)
    after, own_after = answers(planner, ways), answers(commander, own_ways)

    telling = {way for way in before if before[way] != after[way]}
    told = sorted(str(way) for way in telling if way[0] not in CASE_WORK)
    assert not told, "\n".join(told)
    walked = {way[0] for way in ways}
    excused_for_nothing = sorted((set(CASE_WORK) & walked) - {way[0] for way in telling})
    assert not excused_for_nothing, "\n".join(excused_for_nothing)
    shown = {way[0] for way in own_before if own_after[way] != own_before[way]}
    assert walked >= OWN
    assert shown >= OWN, "the own township's doors show the difference"


class _NothingKept:
    """Kept answers that are never there."""

    def get(self, _tag: str) -> None:
        return None

    def put(self, _tag: str, _answer: object) -> None:
        return None
