"""A small district with everything in it, laid by hand, so that every expected number can be counted on fingers.

Eight square compounds of about 1 km in two rows: township N holds villages N1 and N2, township S holds S1 and S2; each
village two compounds and one officer; each compound four addresses with three people each, a rental and a mismatch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from shapely import MultiPolygon, Point, box, union_all
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Engine, update
from sqlalchemy.orm import Session

from gis_service.access.accounts import create_account, create_first_administrator, grant_area
from gis_service.access.permissions import Role
from gis_service.access.personal import Vault
from gis_service.access.tables import Account
from gis_service.access.viewer import SHELL
from gis_service.addresses.actions import assign_addresses
from gis_service.addresses.tables import Address
from gis_service.areas.tables import Area, AreaVersion
from gis_service.registers.tables import Mismatch, Registration, Rental
from gis_service.settings import Settings
from gis_service.storage.engine import transaction
from gis_service.teams.tables import Beat, BeatDuty, BeatPart, Officer, Posting, Unit

START = date(2024, 1, 1)
TODAY = date(2026, 11, 1)
PASSWORD = "a long walk by the sea"
STEP = 0.01
ADDRESSES_PER_COMPOUND = 4
MIGRANTS_PER_ADDRESS = 3


@dataclass
class Board:
    """Ids of what was laid, by code."""

    areas: dict[str, int] = field(default_factory=dict)
    officers: dict[str, int] = field(default_factory=dict)
    beats: dict[str, int] = field(default_factory=dict)
    units: dict[str, int] = field(default_factory=dict)
    addresses: dict[str, int] = field(default_factory=dict)
    accounts: dict[str, int] = field(default_factory=dict)


def geometry(shape: BaseGeometry) -> str:
    """A geometry as the database takes it."""
    return f"SRID=4326;{shape.wkt}"


def cells() -> dict[str, BaseGeometry]:
    """The eight compounds: N11 N12 N21 N22 in the northern row, S11 … in the southern."""
    west, south = 121.6, 29.9
    shapes = {}
    for row, township in enumerate("SN"):
        for column in range(4):
            code = f"{township}{column // 2 + 1}{column % 2 + 1}"
            corner = (west + column * STEP, south + row * STEP)
            shapes[code] = box(*corner, corner[0] + STEP, corner[1] + STEP)
    return shapes


def lay_board(engine: Engine, settings: Settings, vault: Vault) -> Board:
    """Lay the district, assign its addresses and make an account of every role."""
    board = Board()
    with transaction(engine) as session:
        _land(session, board)
        _teams(session, board)
        _people(session, board, vault)
    assign_addresses(engine, settings, SHELL, TODAY)
    _accounts(engine, settings, board)
    return board


def _land(session: Session, board: Board) -> None:
    compounds = cells()
    levels = {
        "district": {"D": list(compounds)},
        "township": {t: [c for c in compounds if c[0] == t] for t in "NS"},
        "village": {v: [c for c in compounds if c[:2] == v] for v in ("N1", "N2", "S1", "S2")},
        "compound": {c: [c] for c in compounds},
    }
    for level, areas in levels.items():
        for code, members in areas.items():
            area = Area(level=level)
            session.add(area)
            session.flush()
            board.areas[code] = area.id
            parent = {"district": None, "township": "D", "village": code[:1], "compound": code[:2]}[level]
            shape = union_all([compounds[member] for member in members])
            session.add(
                AreaVersion(
                    area_id=area.id,
                    code=code,
                    name=f"area {code}",
                    kind=None,
                    parent_id=board.areas[parent] if parent else None,
                    geom=geometry(MultiPolygon([shape])),
                    source="board",
                    recorded_at=datetime.now(UTC),
                    valid_from=START,
                )
            )


def _teams(session: Session, board: Board) -> None:
    for code, area_id in board.areas.items():
        unit = Unit(code=f"U-{code}", name=f"unit {code}", area_id=area_id, valid_from=START)
        session.add(unit)
        session.flush()
        board.units[code] = unit.id
    for village in ("N1", "N2", "S1", "S2"):
        officer = Officer(badge_no=f"B{village}", name=f"officer {village}", form="transitioned", side="police")
        beat = Beat(code=f"R-{village}", name=f"beat {village}", unit_id=board.units[village], valid_from=START)
        session.add_all([officer, beat])
        session.flush()
        board.officers[village], board.beats[village] = officer.id, beat.id
        session.add_all(
            [
                Posting(
                    officer_id=officer.id, unit_id=board.units[village], role="leader", share=1.0, valid_from=START
                ),
                BeatDuty(beat_id=beat.id, officer_id=officer.id, valid_from=START),
                *(
                    BeatPart(beat_id=beat.id, area_id=board.areas[code], valid_from=START)
                    for code in board.areas
                    if len(code) == 3 and code.startswith(village)
                ),
            ]
        )


def _people(session: Session, board: Board, vault: Vault) -> None:
    for code, shape in cells().items():
        for number in range(ADDRESSES_PER_COMPOUND):
            where = Point(shape.bounds[0] + STEP * (number + 1) / 6, shape.bounds[1] + STEP / 2)
            address = Address(
                code=f"A-{code}-{number}",
                text=f"澜港区{code}路{number + 1}号",
                number=str(number + 1),
                stated_village_code=code[:2],
                point_source="surveyed",
                geom=geometry(where),
            )
            session.add(address)
            session.flush()
            board.addresses[address.code] = address.id
            for person in range(MIGRANTS_PER_ADDRESS):
                key = f"{address.code}-{person}"
                session.add(
                    Registration(
                        source_key=key,
                        address_id=address.id,
                        name_sealed=vault.seal("registration", key, "name", "张三"),
                        registered_on=START,
                    )
                )
        first = board.addresses[f"A-{code}-0"]
        session.add(
            Rental(
                code=f"L-{code}",
                address_id=first,
                rooms=4,
                beds=4,
                usable_area_m2=60.0,
                residents=3,
                grade="red" if code == "N11" else "green",
                let_from=START,
            )
        )
        session.add(
            Mismatch(
                source_key=f"M-{code}",
                mismatch_class="duplicate",
                address_id=first,
                found_on=START,
                state="open",
                registers="police+village",
            )
        )
    session.add(Address(code="A-sea", text="海上1号", point_source="surveyed", geom=geometry(Point(121.5, 29.9))))
    session.add(Address(code="A-nowhere", text="无坐标1号", stated_village_code="S1", point_source="none"))


ROLE_AREAS: dict[str, tuple[Role, str | None]] = {
    "administrator": (Role.ADMINISTRATOR, None),
    "auditor": (Role.AUDITOR, None),
    "planner": (Role.PLANNER, "D"),
    "commander": (Role.COMMANDER, "N"),
    "squad_leader": (Role.SQUAD_LEADER, "N1"),
    "officer": (Role.OFFICER, None),
    "steward": (Role.STEWARD, "N1"),
    "grid_worker": (Role.GRID_WORKER, "N1"),
}
"""Login → role and the area granted; the officer's scope is the beat N1."""


def _accounts(engine: Engine, settings: Settings, board: Board) -> None:
    board.accounts["administrator"] = create_first_administrator(
        engine, settings, SHELL, "administrator", "Administrator", PASSWORD
    ).account_id
    for login, (role, area) in ROLE_AREAS.items():
        if role is not Role.ADMINISTRATOR:
            made = create_account(
                engine,
                settings,
                SHELL,
                login,
                login,
                role,
                officer_id=board.officers["N1"] if role is Role.OFFICER else None,
                password=PASSWORD,
            )
            board.accounts[login] = made.account_id
        if area is not None:
            grant_area(engine, SHELL, board.accounts[login], board.areas[area], START)
    with transaction(engine) as session:
        session.execute(update(Account).values(must_change_password=False))
