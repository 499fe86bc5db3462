"""The audit trail: written with the act, and whatever is done to it behind the service's back is found."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError
from sqlalchemy import Engine, event, insert, select, text
from sqlalchemy.exc import DBAPIError

from gis_service.access.audit import Trail, anchor_path, attach_audit, changed, newest_checkpoint, record, trail_of
from gis_service.access.audit_review import AuditFilter, prune_audit, read_entries, stream_entries, verify_audit
from gis_service.access.keyring import KeyRing, Purpose
from gis_service.access.permissions import Role
from gis_service.access.personal import Vault
from gis_service.access.tables import AuditCheckpoint, AuditEntry
from gis_service.access.viewer import SHELL, Viewer
from gis_service.errors import InvalidInputError, NotReadyError, TamperedError
from gis_service.settings import Settings
from gis_service.storage.engine import open_engine, reading, transaction
from gis_service.texts import current_locale, use_locale

PLANNER = Viewer(name="li.hua", role=Role.PLANNER, area_ids=None)
TRIGGERS = ("audit_entry_keeps", "audit_entry_stays", "audit_checkpoint_keeps", "audit_checkpoint_stays")


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    """Messages are compared in the language of the code."""
    before = current_locale()
    use_locale("en")
    yield
    use_locale(before)


@pytest.fixture
def trail(engine: Engine, settings: Settings) -> Trail:
    attach_audit(engine, Vault.load_or_create(settings), settings)
    return trail_of(engine)


@pytest.fixture
def ten_entries(engine: Engine, trail: Trail) -> Engine:
    for number in range(1, 11):
        with transaction(engine) as session:
            record(session, PLANNER, "hand_over_beat", "beat", number, before={"officer": "A"}, after={"officer": "B"})
    return engine


def by_hand(engine: Engine, *statements: str) -> None:
    """Somebody with the database's own password, who knows of the triggers."""
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SET session_replication_role = replica"))
        else:
            for trigger in TRIGGERS:
                connection.execute(text(f"DROP TRIGGER {trigger}"))
        for statement in statements:
            connection.execute(text(statement))
        if engine.dialect.name == "postgresql":
            connection.execute(text("SET session_replication_role = DEFAULT"))


def messages(engine: Engine) -> list[str]:
    return [finding.text.render("en") for finding in verify_audit(engine).findings]


def test_an_untouched_trail_holds(ten_entries: Engine) -> None:
    verdict = verify_audit(ten_entries)
    assert verdict.holds
    assert (verdict.entries, verdict.first_seq, verdict.last_seq) == (10, 1, 10)


def test_a_database_without_any_entry_holds(engine: Engine, trail: Trail) -> None:
    assert verify_audit(engine).holds


def test_an_act_that_fails_leaves_no_entry(engine: Engine, trail: Trail) -> None:
    def act_that_fails() -> None:
        with transaction(engine) as session:
            record(session, PLANNER, "publish", "scenario", 1)
            raise LookupError

    with pytest.raises(LookupError):
        act_that_fails()
    with reading(engine) as session:
        assert read_entries(session, AuditFilter()) == ([], 0)
    assert verify_audit(engine).holds


def test_a_savepoint_rolled_back_does_not_break_the_chain(engine: Engine, trail: Trail) -> None:
    with transaction(engine) as session:
        record(session, PLANNER, "publish", "scenario", 1)
        savepoint = session.begin_nested()
        record(session, PLANNER, "publish", "scenario", 2)
        savepoint.rollback()
        record(session, PLANNER, "publish", "scenario", 3)
    assert verify_audit(engine).holds
    with reading(engine) as session:
        assert [entry.object_id for entry in stream_entries(session, AuditFilter())] == ["1", "3"]


def test_nothing_is_recorded_without_a_trail(settings: Settings) -> None:
    bare = open_engine(settings)
    with pytest.raises(NotReadyError), transaction(bare) as session:
        record(session, PLANNER, "publish", "scenario", 1)
    bare.dispose()


def test_secrets_stay_out_of_the_trail(engine: Engine, trail: Trail) -> None:
    with transaction(engine) as session:
        entry = record(session, PLANNER, "x", "account", 1, after={"password_hash": "$argon2", "name": "李"})
    assert entry.after == '{"name":"李","password_hash":"•••"}'


def test_only_changed_fields_are_kept() -> None:
    assert changed({"a": 1, "b": 2}, {"a": 1, "b": 3, "c": 4}) == ({"b": 2, "c": None}, {"b": 3, "c": 4})


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET actor = 'nobody' WHERE seq = 5",
        "DELETE FROM audit_entry WHERE seq = 5",
        "UPDATE audit_checkpoint SET seq = 5",
        "DELETE FROM audit_checkpoint",
    ],
)
def test_the_database_refuses_to_change_the_trail(ten_entries: Engine, statement: str) -> None:
    with pytest.raises(DBAPIError, match="audit"), ten_entries.begin() as connection:
        connection.execute(text(statement))
    assert verify_audit(ten_entries).holds


@pytest.mark.parametrize(
    "change",
    [
        "actor = 'nobody'", "at = '2020-01-01 00:00:00.000000'", "result = 'refused'", "after = NULL", "account_id = 7",
        "source_ip = '10.0.0.1'", "object_id = '6'", "seen_by = 'x'", "role = 'officer'", "action = 'x'",
        "object_kind = 'x'", "before = '{}'",
    ],
)  # fmt: skip
def test_a_changed_entry_is_found(ten_entries: Engine, change: str) -> None:
    by_hand(ten_entries, f"UPDATE audit_entry SET {change} WHERE seq = 5")
    assert messages(ten_entries) == ["Entry 5 was changed."]


def test_a_removed_entry_is_found(ten_entries: Engine) -> None:
    by_hand(ten_entries, "DELETE FROM audit_entry WHERE seq = 5")
    assert messages(ten_entries) == ["1 entries before entry 6 were removed."]


def test_a_removed_entry_is_found_when_the_others_are_renumbered(ten_entries: Engine) -> None:
    renumber = [f"UPDATE audit_entry SET seq = {seq - 1} WHERE seq = {seq}" for seq in range(6, 11)]
    by_hand(ten_entries, "DELETE FROM audit_entry WHERE seq = 5", *renumber)
    assert "Entry 5 does not follow the one before it." in messages(ten_entries)
    assert "The trail ends at entry 9; 1 later ones were removed." in messages(ten_entries)


def test_reordered_entries_are_found(ten_entries: Engine) -> None:
    swap = [f"UPDATE audit_entry SET seq = {new} WHERE seq = {old}" for old, new in ((5, 99), (6, 5), (99, 6))]
    by_hand(ten_entries, *swap)
    found = messages(ten_entries)
    assert {"Entry 5 does not follow the one before it.", "Entry 6 was changed."} <= set(found)


def test_a_tail_cut_off_is_found(ten_entries: Engine) -> None:
    by_hand(ten_entries, "DELETE FROM audit_entry WHERE seq > 7")
    assert messages(ten_entries) == ["The trail ends at entry 7; 3 later ones were removed."]


def test_a_tail_cut_off_is_found_even_when_new_entries_grow_over_it(ten_entries: Engine, trail: Trail) -> None:
    by_hand(ten_entries, "DELETE FROM audit_entry WHERE seq > 7")
    with transaction(ten_entries) as session:
        record(session, PLANNER, "x", "y", 1)
    assert messages(ten_entries) == ["The trail ends at entry 8; 2 later ones were removed."]


def test_a_trail_emptied_is_found(ten_entries: Engine) -> None:
    by_hand(ten_entries, "DELETE FROM audit_entry", "DELETE FROM audit_checkpoint")
    assert messages(ten_entries) == ["The trail is empty, but an anchor file of a trail is there."]


def test_a_missing_or_forged_anchor_is_found(ten_entries: Engine, trail: Trail) -> None:
    with reading(ten_entries) as session:
        start = newest_checkpoint(session)
        assert start is not None
        path = anchor_path(trail.folder, start.chain_id)
    path.write_text(path.read_text().replace('"seq": 10', '"seq": 7'))
    assert messages(ten_entries) == ["The anchor file is missing or was not written by this service."]
    path.unlink()
    assert messages(ten_entries) == ["The anchor file is missing or was not written by this service."]


def test_a_forged_checkpoint_does_not_hide_removed_entries(ten_entries: Engine) -> None:
    with reading(ten_entries) as session:
        fifth = session.get_one(AuditEntry, 5)
        start = session.scalars(select(AuditCheckpoint)).one()
        forged = {
            "seq": 5, "chain_id": start.chain_id, "at": fifth.at, "hash": fifth.hash, "key_id": start.key_id,
            "mac": start.mac,
        }  # fmt: skip
    with ten_entries.begin() as connection:
        connection.execute(insert(AuditCheckpoint), forged)
        connection.execute(text("DELETE FROM audit_entry WHERE seq <= 5"))
    assert messages(ten_entries) == ["The checkpoint was not written by this service."]


def test_entries_written_by_another_key_are_found(ten_entries: Engine, settings: Settings) -> None:
    attach_audit(ten_entries, Vault(KeyRing.generate()), settings)
    assert "Entry 1 was written with a key that the key ring lacks." in messages(ten_entries)


def test_the_audit_key_can_be_rotated(ten_entries: Engine, trail: Trail) -> None:
    trail.vault.replace_ring(trail.vault.ring.with_new(Purpose.AUDIT))
    with transaction(ten_entries) as session:
        record(session, PLANNER, "x", "y", 1)
    assert verify_audit(ten_entries).holds


def test_many_writers_at_once_make_one_chain(settings: Settings, trail: Trail) -> None:
    failures: list[BaseException] = []

    def write() -> None:
        own = open_engine(settings)
        attach_audit(own, trail.vault, settings)
        try:
            for number in range(10):
                with transaction(own) as session:
                    record(session, PLANNER, "x", "y", number)
        except BaseException as error:  # noqa: BLE001 - reported below
            failures.append(error)
        finally:
            own.dispose()

    threads = [threading.Thread(target=write) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    engine = open_engine(settings)
    attach_audit(engine, trail.vault, settings)
    verdict = verify_audit(engine)
    engine.dispose()
    assert verdict.holds
    assert verdict.entries == 60


def test_pruning_leaves_a_trail_that_still_verifies(ten_entries: Engine, settings: Settings) -> None:
    later = datetime.now(UTC) + timedelta(days=400)
    assert prune_audit(ten_entries, SHELL, settings, keep_days=365, now=later) == 10
    verdict = verify_audit(ten_entries)
    assert verdict.holds
    assert (verdict.entries, verdict.first_seq, verdict.last_seq) == (1, 11, 11)
    with transaction(ten_entries) as session:
        record(session, PLANNER, "x", "y", 1)
    assert verify_audit(ten_entries).holds


def test_pruning_keeps_what_is_young(ten_entries: Engine, settings: Settings) -> None:
    assert prune_audit(ten_entries, SHELL, settings, keep_days=365, now=datetime.now(UTC)) == 0
    assert verify_audit(ten_entries).entries == 10


def test_pruning_never_goes_below_the_retention(ten_entries: Engine, settings: Settings) -> None:
    with pytest.raises(InvalidInputError, match="365"):
        prune_audit(ten_entries, SHELL, settings, keep_days=364, now=datetime.now(UTC))


def test_no_deployment_keeps_the_trail_for_less_than_six_months(settings: Settings) -> None:
    assert Settings(data_dir=settings.data_dir, audit_retention_days=183).audit_retention_days == 183
    with pytest.raises(ValidationError, match="audit_retention_days"):
        Settings(data_dir=settings.data_dir, audit_retention_days=182)


def test_a_trail_that_does_not_hold_is_not_pruned(ten_entries: Engine, settings: Settings) -> None:
    by_hand(ten_entries, "UPDATE audit_entry SET actor = 'nobody' WHERE seq = 5")
    with pytest.raises(TamperedError):
        prune_audit(ten_entries, SHELL, settings, keep_days=365, now=datetime.now(UTC) + timedelta(days=400))


def test_entries_are_found_by_what_they_say(ten_entries: Engine) -> None:
    with reading(ten_entries) as session:
        found, total = read_entries(session, AuditFilter(actor="li.hua", object_kind="beat"), offset=2, limit=3)
        assert ([entry.seq for entry in found], total) == ([8, 7, 6], 10)
        assert read_entries(session, AuditFilter(until=datetime(2020, 1, 1, tzinfo=UTC)))[1] == 0
        assert read_entries(session, AuditFilter(object_id="4"))[1] == 1


def test_recording_costs_few_statements(engine: Engine, trail: Trail) -> None:
    with transaction(engine) as session:
        record(session, PLANNER, "x", "y", 1)
    statements: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    with transaction(engine) as session:
        record(session, PLANNER, "x", "y", 2)
    assert len([statement for statement in statements if "audit" in statement]) <= 5
