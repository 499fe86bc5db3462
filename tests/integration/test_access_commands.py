"""The administrator's commands, from the first account to a verified trail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from sqlalchemy import Engine, text
from typer.testing import CliRunner, Result

from gis_service.access.audit import trail_of
from gis_service.access.commands import accounts_app, audit_app, keys_app
from gis_service.access.keyring import KeyRing
from gis_service.access.permissions import Role
from gis_service.access.sign_in import sign_in
from gis_service.access.viewer import SHELL
from gis_service.access.viewers import viewer_of_session
from gis_service.errors import InvalidInputError, NotFoundError
from gis_service.settings import Settings
from gis_service.shell import Shell
from gis_service.storage.engine import reading
from gis_service.texts import current_locale, use_locale

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    """Messages are compared in the language of the code."""
    before = current_locale()
    use_locale("en")
    yield
    use_locale(before)


@pytest.fixture
def run(engine: Engine, settings: Settings) -> Run:
    app = typer.Typer()
    for name, part in (("accounts", accounts_app), ("keys", keys_app), ("audit", audit_app)):
        app.add_typer(part, name=name)

    def run(*arguments: str, fails: bool = False) -> Result:
        result = CliRunner().invoke(app, arguments, obj=Shell(settings, engine, SHELL), catch_exceptions=fails)
        assert (result.exit_code != 0) == fails, result.output
        return result

    return run


def test_from_the_first_administrator_to_a_planner_who_signs_in(run: Run, engine: Engine, settings: Settings) -> None:
    run("accounts", "create", "root", "管理员", "--role", "administrator")
    login, password = run("accounts", "create", "li.hua", "李华", "--role", "planner").stdout.split()
    run("accounts", "grant", login, "--whole-district", "--from", "2026-01-01")
    signed_in = sign_in(engine, trail_of(engine).vault, settings, login, password, now=datetime.now(UTC))
    with reading(engine) as session:
        viewer = viewer_of_session(session, settings, signed_in.cookie, datetime.now(UTC))
    assert (viewer.role, viewer.area_ids) == (Role.PLANNER, None)
    listed = run("accounts", "list").stdout
    assert "li.hua" in listed
    assert "administrator" in listed
    run("accounts", "disable", "li.hua")
    run("accounts", "disable", "li.hua", "--undo")
    assert run("accounts", "reset-password", "li.hua").stdout.strip() != password
    assert "the trail holds" in run("audit", "verify").stdout


def test_what_is_not_there_is_said_and_nothing_is_done(run: Run) -> None:
    run("accounts", "create", "root", "管理员", "--role", "administrator")
    for arguments in (
        ("accounts", "create", "wang", "王", "--role", "officer", "--officer", "B99"),
        ("accounts", "grant", "nobody", "--whole-district"),
        ("accounts", "grant", "root", "--area", "330211"),
    ):
        assert isinstance(run(*arguments, fails=True).exception, NotFoundError)
    for options in ((), ("--area", "1", "--whole-district")):
        assert isinstance(run("accounts", "grant", "root", *options, fails=True).exception, InvalidInputError)


def test_keys_are_generated_shown_rotated_and_retired(run: Run) -> None:
    run("accounts", "create", "root", "管理员", "--role", "administrator")
    assert KeyRing.from_json(run("keys", "generate").stdout, "stdout")
    assert "0 values" in run("keys", "rotate", "--batch-rows", "2").stdout
    assert len(run("keys", "retire").stdout.split()) == 2
    assert "Column" in run("keys", "status").stdout


def test_verify_fails_loudly_when_somebody_was_at_the_trail(run: Run, engine: Engine) -> None:
    run("accounts", "create", "root", "管理员", "--role", "administrator")
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL session_replication_role = replica"))
        else:
            connection.execute(text("DROP TRIGGER audit_entry_keeps"))
        connection.execute(text("UPDATE audit_entry SET actor = 'nobody'"))
    result = run("audit", "verify", fails=True)
    assert result.exit_code == 1
    assert "Entry 1 was changed" in result.output


def test_the_trail_is_exported_once_and_pruned_within_the_rules(run: Run, tmp_path: Path, settings: Settings) -> None:
    run("accounts", "create", "root", "管理员", "--role", "administrator")
    file = tmp_path / "audit.csv"
    run("audit", "export", str(file), "--actor", "shell")
    lines = file.read_text(encoding="utf-8-sig").splitlines()
    assert [line.split(",")[6] for line in lines] == ["action", "create_first_administrator", "export_audit"]
    assert "shell" in lines[1]
    assert isinstance(run("audit", "export", str(file), fails=True).exception, FileExistsError)
    assert isinstance(run("audit", "prune", "--keep-days", "10", fails=True).exception, InvalidInputError)
    assert run("audit", "prune").stdout.startswith("0 entries")
