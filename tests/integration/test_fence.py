"""The second fence on PostGIS: with the filter of the queries left out, the database itself keeps foreign rows back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, delete, event, make_url, select, text, update
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from gis_service.access.audit import attach_audit
from gis_service.access.permissions import Role
from gis_service.access.personal import Vault
from gis_service.access.scope import Scope
from gis_service.access.viewer import SHELL, Viewer
from gis_service.addresses.actions import assign_addresses
from gis_service.addresses.queries import points_in_box
from gis_service.addresses.tables import Address, AddressSearch, Placement
from gis_service.app import create_app
from gis_service.areas.tables import Area, AreaVersion
from gis_service.errors import NotReadyError
from gis_service.registers.rentals.tables import RentalInspection
from gis_service.registers.tables import Mismatch, Registration, Rental
from gis_service.settings import Settings
from gis_service.storage.boxes import Box
from gis_service.storage.engine import open_engine, reading, transaction
from gis_service.storage.fence_standing import LEAKPROOF, fence_faults, fence_stands
from gis_service.storage.schema import upgrade_schema
from gis_service.tables import metadata
from gis_service.teams.fence import fence_session
from gis_service.teams.scope import scope_of
from tests.integration.board import START, TODAY, Board
from tests.integration.conftest import SignIn
from tests.private_postgres import Cluster, create_database, drop_database

TABLES = (Address, AddressSearch, Placement, Registration, Rental, Mismatch, Area, AreaVersion)


#: SpatiaLite has no row-level security
pytestmark = [pytest.mark.postgis, pytest.mark.parametrize("settings", ["postgis"], indirect=True)]


@contextmanager
def fenced(engine: Engine, scope: Scope) -> Iterator[Session]:
    with reading(engine) as session:
        fence_session(session, scope)
        yield session


def of(board: Board, *codes: str) -> Scope:
    return Scope(TODAY, frozenset(board.areas[code] for code in codes))


def count(session: Session, table: str) -> int:
    return int(session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def test_raw_sql_in_a_scoped_session_sees_the_own_part_only(engine: Engine, board: Board) -> None:
    with transaction(engine) as session:
        words = "INSERT INTO address_search (id, code, text, initials) SELECT id, lower(code), text, '' FROM address"
        session.execute(text(words))
    with fenced(engine, of(board, "N1")) as session:
        codes = set(session.execute(text("SELECT code FROM address")).scalars())
        assert {code[:4] for code in codes} == {"A-N1"}
        assert len(codes) == 8
        assert count(session, "registration") == 24
        assert count(session, "rental") == 2
        assert count(session, "mismatch") == 2
        assert count(session, "address_search") == 8
        names = set(session.execute(text("SELECT code FROM area_version")).scalars())
        assert names == {"D", "N", "N1", "N11", "N12"}, "the own areas, and the names of those above"
    with reading(engine) as session:
        assert count(session, "registration") == 96, "the next transaction begins anew"


def test_an_officer_sees_the_addresses_of_the_own_beat(engine: Engine, board: Board) -> None:
    viewer = Viewer("officer", Role.OFFICER, officer_id=board.officers["S2"])
    with reading(engine) as session:
        scope = scope_of(session, viewer, TODAY)
        fence_session(session, scope)
        codes = set(session.execute(text("SELECT code FROM address")).scalars())
        assert {code[:4] for code in codes} == {"A-S2"}
        assert count(session, "registration") == 24


def test_nobodys_scope_is_nothing(engine: Engine, board: Board) -> None:
    with fenced(engine, Scope(TODAY, frozenset())) as session:
        assert [count(session, table.__tablename__) for table in TABLES] == [0] * len(TABLES)


def test_neither_is_anything_foreign_written(engine: Engine, board: Board) -> None:
    foreign, own = board.addresses["A-S11-0"], board.addresses["A-N11-0"]
    with fenced(engine, of(board, "N1")) as session:
        for nothing in (
            update(Address).where(Address.id == foreign).values(text="x").returning(Address.id),
            delete(Registration).where(Registration.address_id == foreign).returning(Registration.id),
        ):
            assert session.execute(nothing).all() == []
        assert len(session.execute(update(Rental).values(residents=9).returning(Rental.id)).all()) == 2
        moved = update(Registration).where(Registration.address_id == own).values(address_id=foreign)
        with pytest.raises(ProgrammingError, match="row-level security"), session.begin_nested():
            session.execute(moved)
        taken = update(Placement).where(Placement.address_id == own).values(home_area_id=board.areas["S11"])
        with pytest.raises(ProgrammingError, match="row-level security"), session.begin_nested():
            session.execute(taken)
        new = Mismatch(
            source_key="new",
            mismatch_class="duplicate",
            address_id=foreign,
            found_on=START,
            state="open",
            registers="x",
        )
        session.add(new)
        with pytest.raises(ProgrammingError, match="row-level security"):
            session.flush()


def test_accounts_and_the_trail_are_out_of_reach(engine: Engine, board: Board) -> None:
    with fenced(engine, of(board, "N1")) as session:
        for query in (
            "SELECT password_hash FROM account",
            "SELECT token_hash FROM login_session",
            "SELECT token_hash FROM app_token",
            "SELECT reason FROM export_approval",
            "SELECT actor FROM audit_entry",
            "DELETE FROM audit_entry",
        ):
            with pytest.raises(ProgrammingError, match="permission denied"), session.begin_nested():
                session.execute(text(query))


def test_a_box_is_still_answered_from_the_spatial_index(engine: Engine, board: Board) -> None:
    with transaction(engine) as session:
        session.execute(
            text(
                "INSERT INTO address (code, text, point_source, geom)"
                " SELECT 'many-' || n, 'x', 'surveyed',"
                " ST_SetSRID(ST_MakePoint(100 + n % 200 * 0.01, 30 + n / 200 * 0.01), 4326)"
                " FROM generate_series(1, 20000) n"
            )
        )
        session.execute(
            text(
                "INSERT INTO placement (address_id, home_area_id, valid_from)"
                " SELECT id, :home, DATE '2024-01-01' FROM address WHERE code LIKE 'many-%'"
            ),
            {"home": board.areas["S11"]},
        )
        session.execute(text("ANALYZE address, placement"))
    for own, (west, south) in (("N1", (121.6, 29.91)), ("S", (101.005, 30.505))):
        box = (west, south, west + 0.05, south + 0.05)
        query = (
            "SELECT address.id FROM address JOIN placement ON placement.address_id = address.id"
            f" WHERE address.geom && ST_MakeEnvelope({', '.join(map(str, box))}, 4326)"
        )
        with fenced(engine, of(board, own)) as session:
            plan = "\n".join(session.execute(text(f"EXPLAIN {query}")).scalars())
            found = len(session.execute(text(query)).all())
            of_tiles, drawn = plan_of_points(session, of(board, own), box)
        for each in (plan, of_tiles):
            assert "idx_address_geom" in each, each
            assert "Seq Scan" not in each, "each address is looked up; no table is read through"
        assert found == drawn == {"N1": 8, "S": 25}[own]
    with fenced(engine, of(board, "S")) as session:
        wide, drawn = plan_of_points(session, of(board, "S"), (100.4, 30.1, 101.6, 30.9))
    assert drawn > 8_000
    scans = re.findall(r"\w+ Scan (?:using \w+ )?on placement\b", wide)
    assert scans == ["Index Scan using ix_placement_address_id_valid_from on placement"], (
        "each placement is looked up once, for the fence and for the answer together"
    )


def plan_of_points(session: Session, scope: Scope, box: Box) -> tuple[str, int]:
    """How the database finds the points that a tile reads for itself, and how many they are."""
    asked: list[tuple[str, dict[str, object]]] = []

    def listen(_connection: object, _cursor: object, statement: str, parameters: dict[str, object], *_: object) -> None:
        asked.append((statement, parameters))

    connection = session.connection()
    event.listen(connection, "before_cursor_execute", listen)
    drawn = len(points_in_box(session, scope, box)["id"])
    ((statement, parameters),) = asked
    return "\n".join(connection.exec_driver_sql(f"EXPLAIN {statement}", parameters).scalars()), drawn


def test_points_come_through_the_fence_without_the_filter_too(
    engine: Engine, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    officer = Viewer("officer", Role.OFFICER, officer_id=board.officers["S2"])
    everywhere = (121.0, 29.0, 122.0, 31.0)
    monkeypatch.setattr("gis_service.addresses.queries.placement_in_scope", lambda _scope, **_: text("true"))
    leader = Viewer("leader", Role.SQUAD_LEADER, area_ids=frozenset({board.areas["N1"]}))
    for viewer, codes in ((leader, "A-N1"), (officer, "A-S2")):
        with reading(engine) as session:
            fence_session(session, scope_of(session, viewer, TODAY))
            drawn = set(points_in_box(session, Scope(TODAY, None), everywhere)["id"].tolist())
        assert drawn == {number for code, number in board.addresses.items() if code.startswith(codes)}
    with reading(engine) as session:
        assert count(session, "fenced_point") == 0, "whoever raised no fence finds nothing there"


def test_background_work_is_not_fenced(engine: Engine, settings: Settings, board: Board) -> None:
    with transaction(engine) as session:
        session.execute(delete(Placement))
    assert assign_addresses(engine, settings, SHELL, TODAY).written >= 32


def test_without_its_role_a_scoped_session_sees_nothing_at_all(settings: Settings, board: Board) -> None:
    for role in ("no_such_role", "postgres"):  # there is none; a superuser could bypass the policies
        without = settings.model_copy(update={"database_role": role})
        opened = open_engine(without)
        with pytest.raises(NotReadyError, match=role), fenced(opened, of(board, "N1")):
            pass
        opened.dispose()
        with TestClient(create_app(without)) as client:
            ready = client.get("/readyz")
        assert ready.status_code == 503
        assert role in ready.json()["detail"]


def test_an_upgrade_without_the_role_is_noticed_by_who_wants_it(
    engine: Engine, settings: Settings, board: Board
) -> None:
    without = open_engine(settings.model_copy(update={"database_role": ""}))
    upgrade_schema(without)
    without.dispose()
    assert not fence_stands(engine), "the views of scoped sessions are gone"
    upgrade_schema(engine)
    assert fence_stands(engine)


def test_the_fence_may_be_left_out(settings: Settings, board: Board) -> None:
    opened = open_engine(settings.model_copy(update={"database_role": ""}))
    attach_audit(opened, Vault.load_or_create(settings), settings)
    with fenced(opened, of(board, "N1")) as session:
        assert count(session, "registration") == 96
    opened.dispose()


def test_requests_are_fenced(signed_in: SignIn, board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    """The filter is taken out of the query; the answer holds the own addresses all the same."""
    leader = signed_in("squad_leader")
    monkeypatch.setattr("gis_service.addresses.queries.placement_in_scope", lambda _scope, **_: text("true"))
    listed = leader.get("/api/v1/addresses", params={"limit": 1000}).json()
    assert {item["code"][:4] for item in listed["items"]} == {"A-N1"}
    assert listed["total"] == 8
    planner = signed_in("planner")
    assert planner.get("/api/v1/addresses", params={"limit": 1000}).json()["total"] == 34


def test_policies_stand_on_every_table_that_hangs_on_an_address(engine: Engine, board: Board) -> None:
    hanging = {"address"}
    for _ in metadata.sorted_tables:  # as far as it goes
        hanging |= {
            table.name
            for table in metadata.sorted_tables
            if any(key.column.table.name in hanging for key in table.foreign_keys)
        }
    with reading(engine) as session:
        guarded = set(session.execute(text("SELECT tablename FROM pg_policies")).scalars())
        secured = set(session.execute(text("SELECT relname FROM pg_class WHERE relrowsecurity")).scalars())
    assert {"address", "placement", "registration_event", "rectification", "visit_photo"} <= hanging
    of_areas = {"area", "area_version", "reconciliation", "reconciled_item", "person_link"}
    of_areas |= {"snapshot", "snapshot_row", "snapshot_source", "removed_snapshot"}
    assert hanging | of_areas == guarded == secured


def test_what_hangs_on_what_hangs_on_an_address_is_hidden_too(engine: Engine, board: Board) -> None:
    with transaction(engine) as session:
        session.add_all(
            RentalInspection(rental_id=rental_id, inspected_on=TODAY, inspector="x", grade="A")
            for rental_id in session.scalars(select(Rental.id))
        )
    with reading(engine) as session:
        everywhere = count(session, "rental_inspection")
    with fenced(engine, of(board, "N1")) as session:
        assert count(session, "rental_inspection") == 2 < everywhere


def test_whoever_may_not_make_roles_is_told_what_to_do(cluster: Cluster, settings: Settings) -> None:
    create_database(cluster, "of_a_tenant")
    role = "fence_by_hand"
    with cluster.connect() as admin:
        admin.execute("CREATE ROLE tenant LOGIN PASSWORD 'tenant'")
        admin.execute("ALTER DATABASE of_a_tenant OWNER TO tenant")
    with cluster.connect("of_a_tenant") as admin:
        admin.execute("GRANT ALL ON SCHEMA public TO tenant")
    url = make_url(cluster.url("of_a_tenant")).set(username="tenant", password="tenant")
    tenant = {"database_url": url.render_as_string(hide_password=False), "database_role": role}
    theirs = settings.model_copy(update=tenant)
    opened = open_engine(theirs)
    try:
        upgrade_schema(opened)
        (told,) = fence_faults(opened)
        made = f"CREATE ROLE {role} NOLOGIN; GRANT {role} TO tenant;"
        assert made in told.render("en")
        assert not fence_stands(opened)
        with pytest.raises(NotReadyError, match=role), fenced(opened, Scope(TODAY, frozenset())):
            pass
        with cluster.connect() as admin:
            admin.execute(made)
        upgrade_schema(opened)
        assert fence_stands(opened)
        # only a superuser may say that a function tells nothing
        assert {fault.params["function"] for fault in fence_faults(opened)} == set(LEAKPROOF)
        with fenced(opened, Scope(TODAY, frozenset())) as session:
            assert session.scalar(text("SELECT current_user")) == role
        with TestClient(create_app(theirs)) as client:
            warnings = client.get("/readyz").json()["warnings"]
        assert [LEAKPROOF[0] in warning for warning in warnings] == [True, False]
    finally:
        opened.dispose()
        drop_database(cluster, "of_a_tenant")
