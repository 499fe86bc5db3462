"""The small district with something at every level, and the service on it: what the route matrix walks over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any
from unittest.mock import patch

from fastapi import FastAPI
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from gis_service.access.accounts import create_account, grant_area
from gis_service.access.permissions import Role
from gis_service.access.tables import Account
from gis_service.access.viewer import SHELL
from gis_service.addresses.tables import Address
from gis_service.app import create_app
from gis_service.intake.limits import Limits
from gis_service.intake.restrained import run_restrained
from gis_service.registers.tables import Registration
from gis_service.settings import Settings
from gis_service.storage.engine import transaction
from gis_service.teams.tables import Beat, Officer, Posting
from tests.integration.board import PASSWORD, START, Board, lay_board
from tests.integration.doors import Door, open_door
from tests.integration.route_spots import Site

#: nobody waits for a limit here, and a hotspot map is drawn in a moment
QUICK = {"requests_per_minute": 10**6, "hotspot_permutations": 99}


@contextmanager
def open_site(settings: Settings) -> Iterator[tuple[Door, Site]]:
    """Lay the district into a fresh database and run the service on it."""
    quick = settings.model_copy(update=QUICK)
    remembering = _remembering(run_restrained)
    with ExitStack() as patches:
        for used in RESTRAINED:
            patches.enter_context(patch(used, remembering))
        app = create_app(quick)
        laid = _lay(app, quick)
        with open_door(app) as door:
            yield door, laid


#: work done by a process of its own, which has tests of its own: each content is worked on once
RESTRAINED = ("gis_service.intake.reading.run_restrained", "gis_service.changes.repairing.run_restrained")


def _remembering(run: Any) -> Any:
    """Do as `run_restrained` does, and leave what it left before when the files that it is given are the same."""
    known: dict[tuple[object, ...], tuple[dict[str, Any], dict[str, bytes]]] = {}

    def run_once(module: str, folder: Path, limits: Limits, **how: Any) -> dict[str, Any]:
        here = str(folder).encode()
        given = {path.name: path.read_bytes().replace(here, b"") for path in folder.iterdir()}
        key = (module, limits, *sorted(how.items()), *sorted(given.items()))
        if key not in known:
            answer = run(module, folder, limits, **how)
            known[key] = answer, {path.name: path.read_bytes() for path in folder.iterdir() if path.name not in given}
        answer, left = known[key]
        for name, content in left.items():
            (folder / name).write_bytes(content)
        return deepcopy(answer)

    return run_once


def _lay(app: FastAPI, settings: Settings) -> Site:
    engine = app.state.engine
    board = lay_board(engine, settings, app.state.vault)
    with transaction(engine) as session:
        for stray in ("A-sea", "A-nowhere"):
            board.addresses[stray] = session.scalars(select(Address.id).where(Address.code == stray)).one()
        for code in [code for code in board.areas if len(code) < 3]:
            _lay_at(session, board, code, app)
    accounts: dict[str, int] = {}
    for login, role, area in (
        ("planner_n", Role.PLANNER, "N"),
        ("planner_d", Role.PLANNER, "D"),
        ("commander_0", Role.COMMANDER, None),
        ("leader_s", Role.SQUAD_LEADER, "S1"),
        ("leader_n", Role.SQUAD_LEADER, "N1"),
        ("spare", Role.STEWARD, None),
    ):
        made = create_account(engine, settings, SHELL, login, login, role, password=PASSWORD)
        accounts[login] = made.account_id
        if area is not None:
            grant_area(engine, SHELL, made.account_id, board.areas[area], START)
    board.accounts.update(accounts)
    with transaction(engine) as session:
        session.execute(update(Account).values(must_change_password=False))
    askers = {"D": accounts["planner_d"], "S": accounts["leader_s"], "N": accounts["leader_n"]}
    standing = {board.addresses[f"A-{code}"]: area_id for code, area_id in board.areas.items() if len(code) < 3}
    laid = Site(engine, settings, board, askers, accounts["spare"], _codes(board), standing)
    laid.tidy()
    return laid


def _codes(board: Board) -> dict[str, dict[int, str]]:
    """For each kind of thing the code of the area that one belongs to, by id."""
    # beyond the western edge, and without a point but stated to be in S1
    strays = {"A-sea": "S11", "A-nowhere": "S1"}
    return {
        "area": {area_id: code for code, area_id in board.areas.items()},
        "unit": {unit_id: code for code, unit_id in board.units.items()},
        "officer": {officer_id: code for code, officer_id in board.officers.items()},
        "beat": {beat_id: code for code, beat_id in board.beats.items()},
        "address": {key: strays.get(code, code.split("-")[1]) for code, key in board.addresses.items()},
        "asker": {
            board.accounts[login]: code
            for code, logins in {
                "D": ("planner", "planner_d"),
                "N": ("planner_n", "commander", "squad_leader", "leader_n"),
                "S": ("leader_s",),
            }.items()
            for login in logins
        },
    }


def _lay_at(session: Session, board: Board, code: str, app: FastAPI) -> None:
    """An address without a point that only this area's people see, with a registration; a beat and an officer."""
    address = Address(code=f"A-{code}", text=f"澜港区{code}路1号", point_source="none")
    session.add(address)
    session.flush()
    board.addresses[address.code] = address.id
    key = f"{address.code}-0"
    session.add(
        Registration(
            source_key=key,
            address_id=address.id,
            name_sealed=app.state.vault.seal("registration", key, "name", "张三"),
            registered_on=START,
        )
    )
    if code not in board.beats:
        beat = Beat(code=f"R-{code}", name=f"beat {code}", unit_id=board.units[code], valid_from=START)
        officer = Officer(badge_no=f"B{code}", name=f"officer {code}", form="transitioned", side="police")
        session.add_all([beat, officer])
        session.flush()
        board.beats[code], board.officers[code] = beat.id, officer.id
        posting = {"officer_id": officer.id, "unit_id": board.units[code], "valid_from": START}
        session.add(Posting(**posting, role="leader", share=1.0))
