"""Rotation moves every sealed value and blind index, can be interrupted, and nothing sealed is forgotten."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, insert, select

from gis_service.access.accounts import create_account
from gis_service.access.audit import attach_audit
from gis_service.access.audit_review import verify_audit
from gis_service.access.permissions import Role
from gis_service.access.personal import Vault
from gis_service.access.rotation import key_usage, retire_keys, rotate_keys
from gis_service.access.sealed import SEALED_COLUMNS, unmask
from gis_service.access.second_factor import start_enrolment
from gis_service.access.viewer import SHELL, Viewer
from gis_service.errors import InvalidInputError, NotFoundError, NotPermittedError, NotReadyError
from gis_service.settings import Settings
from gis_service.storage.engine import reading, transaction
from gis_service.tables import metadata
from gis_service.texts import current_locale, use_locale

OFFICERS = 25
OFFICER = metadata.tables["officer"]


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    """Messages are compared in the language of the code."""
    before = current_locale()
    use_locale("en")
    yield
    use_locale(before)


@pytest.fixture
def vault(engine: Engine, settings: Settings) -> Vault:
    vault = Vault.load_or_create(settings)
    attach_audit(engine, vault, settings)
    badges = [f"B{number:02d}" for number in range(OFFICERS)]
    phones: list[str | None] = [f"138000012{number:02d}" for number in range(OFFICERS)]
    phones[3] = None
    rows = [
        {"badge_no": badge, "name": badge, "form": "transitioned", "side": "police", "phone_sealed": sealed,
         "phone_index": index}
        for badge, sealed, index in zip(
            badges, vault.seal_many("officer", "phone", badges, phones), vault.blind_index_many("phone", phones),
            strict=True,
        )
    ]  # fmt: skip
    with engine.begin() as connection:
        connection.execute(insert(OFFICER), rows)
    made = create_account(engine, settings, SHELL, "li.hua", "李华", Role.PLANNER)
    start_enrolment(engine, vault, Viewer(name="li.hua", role=Role.PLANNER, account_id=made.account_id))
    return vault


def phones(engine: Engine, vault: Vault) -> list[str | None]:
    with reading(engine) as session:
        rows = session.execute(select(OFFICER.c.badge_no, OFFICER.c.phone_sealed).order_by(OFFICER.c.badge_no)).all()
    return vault.open_many("officer", "phone", [row[0] for row in rows], [row[1] for row in rows])


def test_every_sealed_column_of_every_table_is_in_the_list() -> None:
    declared = {(column.table_name, column.sealed.name) for column in SEALED_COLUMNS}
    declared |= {(column.table_name, column.index.name) for column in SEALED_COLUMNS if column.index is not None}
    present = {
        (table.name, column.name)
        for table in metadata.tables.values()
        for column in table.columns
        if column.name.endswith(("_sealed", "_index"))
    }
    assert declared == present
    assert all(column.table.c[column.row_key].unique for column in SEALED_COLUMNS)


def test_rotation_moves_everything_and_values_stay_the_same(engine: Engine, vault: Vault) -> None:
    before = phones(engine, vault)
    seal, index = vault.seal_header, vault.index_header
    assert rotate_keys(engine, vault, SHELL, batch_rows=10) == OFFICERS - 1 + 1
    assert (vault.seal_header, vault.index_header) != (seal, index)
    assert all(use.is_active for use in key_usage(engine, vault))
    assert phones(engine, vault) == before
    with reading(engine) as session:
        wanted = vault.blind_index("phone", "138-0000-1207")
        assert session.scalars(select(OFFICER.c.badge_no).where(OFFICER.c.phone_index == wanted)).all() == ["B07"]
    assert verify_audit(engine).holds


def test_an_interrupted_rotation_goes_on_where_it_stopped(engine: Engine, vault: Vault) -> None:
    before = phones(engine, vault)
    seen = 0

    def pull_the_plug(_column: str, rows: int) -> None:
        nonlocal seen
        seen += rows
        if seen > 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rotate_keys(engine, vault, SHELL, batch_rows=5, progress=pull_the_plug)
    active = vault.seal_header
    assert not all(use.is_active for use in key_usage(engine, vault))
    assert phones(engine, vault) == before
    with reading(engine) as session:
        either = vault.blind_indexes("phone", "13800001224")
        assert session.scalars(select(OFFICER.c.badge_no).where(OFFICER.c.phone_index.in_(either))).all() == ["B24"]
    assert rotate_keys(engine, vault, SHELL, batch_rows=5) == OFFICERS - seen
    assert vault.seal_header == active
    assert all(use.is_active for use in key_usage(engine, vault))
    assert phones(engine, vault) == before


def test_a_rotation_whose_process_is_killed_goes_on_where_it_stopped(engine: Engine, vault: Vault) -> None:
    before = phones(engine, vault)
    engine.dispose()
    child = os.fork()
    if child == 0:

        def die(_column: str, _rows: int) -> None:
            os.kill(os.getpid(), signal.SIGKILL)

        try:
            rotate_keys(engine, vault, SHELL, batch_rows=10, progress=die)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL
    assert phones(engine, vault) == before
    assert not all(use.is_active for use in key_usage(engine, vault))
    left = rotate_keys(engine, vault, SHELL, batch_rows=10)
    assert 0 < left < OFFICERS, "what the killed process had done is not done again"
    assert all(use.is_active for use in key_usage(engine, vault))
    assert phones(engine, vault) == before
    assert verify_audit(engine).holds


def test_retired_keys_are_gone_and_the_active_ones_serve(engine: Engine, vault: Vault, settings: Settings) -> None:
    assert retire_keys(engine, vault, SHELL) == []
    old_header = vault.seal_header
    rotate_keys(engine, vault, SHELL)
    assert len(retire_keys(engine, vault, SHELL)) == 2
    again = Vault.load_or_create(settings)
    assert phones(engine, again)[0] == "13800001200"
    with pytest.raises(NotReadyError):
        again.open("officer", "B00", "phone", old_header + b"x" * 40)
    assert verify_audit(engine).holds


def test_unmasking_gives_one_value_for_a_reason_and_leaves_a_trace(engine: Engine, vault: Vault) -> None:
    leader = Viewer(name="zhang", role=Role.SQUAD_LEADER, area_ids=frozenset({1}))
    with transaction(engine) as session:
        assert unmask(session, vault, leader, "officer", "B07", "phone", "核实租客投诉") == "13800001207"
        assert unmask(session, vault, leader, "officer", "B03", "phone", "核实租客投诉") is None
    with reading(engine) as session:
        entries = (
            session.execute(
                select(metadata.tables["audit_entry"]).where(metadata.tables["audit_entry"].c.action == "unmask")
            )
            .mappings()
            .all()
        )
    assert [entry["object_id"] for entry in entries] == ["B07", "B03"]
    assert "核实租客投诉" in entries[0]["after"]
    assert "13800001207" not in str(entries)


@pytest.mark.parametrize(
    ("role", "table", "row_key", "field", "reason", "error"),
    [
        (Role.STEWARD, "officer", "B07", "phone", "核实租客投诉", NotPermittedError),
        (Role.ADMINISTRATOR, "officer", "B07", "phone", "核实租客投诉", NotPermittedError),
        (Role.OFFICER, "officer", "B07", "phone", " . ", InvalidInputError),
        (Role.OFFICER, "officer", "B99", "phone", "核实租客投诉", NotFoundError),
        (Role.OFFICER, "officer", "B07", "badge_no", "核实租客投诉", NotFoundError),
        (Role.OFFICER, "account", "li.hua", "totp", "核实租客投诉", NotFoundError),
    ],
)
def test_unmasking_is_refused(
    engine: Engine, vault: Vault, role: Role, table: str, row_key: str, field: str, reason: str, error: type[Exception]
) -> None:
    with pytest.raises(error), transaction(engine) as session:
        unmask(session, vault, Viewer(name="x", role=role), table, row_key, field, reason)
