"""The demo from nothing to a running district: generate, import like anybody, assign, make accounts."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from datetime import date
from pathlib import Path

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from gis_service.access.accounts import create_account, create_first_administrator, grant_area, is_first_run
from gis_service.access.passwords import one_time_password
from gis_service.access.permissions import Role
from gis_service.access.scope import Scope
from gis_service.access.tables import Account
from gis_service.addresses.actions import assign_addresses
from gis_service.addresses.queries import count_unresolved
from gis_service.areas.tables import Area, AreaLevel, AreaVersion
from gis_service.demo.generation import FILES, DemoDistrict, generate
from gis_service.demo.grades import grade_all
from gis_service.demo.quarters import quarters_of
from gis_service.errors import ConflictError
from gis_service.intake.actions import apply_import
from gis_service.intake.subject import ImportOptions
from gis_service.registers.figures import beat_loads
from gis_service.shell import Shell
from gis_service.storage.engine import reading, transaction
from gis_service.storage.schema import upgrade_schema
from gis_service.subjects import SUBJECTS
from gis_service.texts import T, Text

Progress = Callable[[int, int, Text], None]

LAND_SINCE = date(2023, 1, 1)
"""The demo's land is known from this day: before the first registration of its history."""


@dataclass(frozen=True)
class DemoLogin:
    """One account of the demo."""

    login: str
    password: str
    role: str
    sees: str


@dataclass(frozen=True)
class DemoOutcome:
    """What the demo holds: its accounts, where they are written down, and how many addresses are decided."""

    logins: tuple[DemoLogin, ...]
    logins_path: Path
    counts: dict[str, int]


def build_demo(
    shell: Shell, *, size: str, seed: int, fresh: bool, progress: Progress, with_quarters: bool = True
) -> DemoOutcome:
    """Build the demo in the database of `shell`, or find the one that is there.

    What was begun is finished: importing a file again changes nothing.

    Parameters
    ----------
    with_quarters
        Whether registers are handed in and matched as well (`gis_service.demo.quarters`).

    Raises
    ------
    ConflictError
        `fresh` is asked for on a database server, where nothing is dropped from here; or the database holds accounts
        that this demo did not make.
    """
    folder = shell.settings.data_dir / "demo"
    logins_path = folder / "logins.csv"
    if fresh:
        _forget(shell, logins_path)
    upgrade_schema(shell.engine)
    with reading(shell.engine) as session:
        untouched = is_first_run(session)
    if not untouched and not logins_path.exists():
        raise ConflictError(T("This database is in use; the demo wants one of its own (--data-dir, --fresh)."))
    if untouched:
        progress(0, 0, T("Generating the district"))
        district = generate(seed, folder / size, size)
        _import(shell, district, progress)
        today = date.today()  # noqa: DTZ011 - a calendar day
        assign_addresses(shell.engine, shell.settings, shell.viewer, today, progress)
        grade_all(shell, today)
        logins = _accounts(shell)
        if with_quarters:
            quarters = quarters_of(shell, district, today)
            progress(0, 2, T("Reconciling the quarter before"))
            quarters.close_the_one_before()
            progress(1, 2, T("Reconciling this quarter"))
            quarters.begin_this_one()
        _write_logins(logins_path, logins)
    with reading(shell.engine) as session:
        counts = count_unresolved(session, Scope(date.today(), None))  # noqa: DTZ011 - a calendar day
    return DemoOutcome(_read_logins(logins_path), logins_path, counts)


def _import(shell: Shell, district: DemoDistrict, progress: Progress) -> None:
    for number, subject in enumerate(FILES):
        title = SUBJECTS[subject].title

        def report(done: int, total: int, what: Text, title: Text = title) -> None:
            progress(done, total, T("{title}: {what}", title=title, what=what))

        progress(number, len(FILES), title)
        options = ImportOptions(crs="EPSG:4326" if SUBJECTS[subject].shape else None, valid_from=LAND_SINCE)
        if not SUBJECTS[subject].dated:
            options = replace(options, valid_from=None)
        apply_import(
            shell.engine, shell.settings, shell.viewer, SUBJECTS[subject], district.file(subject), options, report
        )


def _accounts(shell: Shell) -> list[DemoLogin]:
    """One account of each role: for the weakest township, its first village and one of its officers."""
    with reading(shell.engine) as session:
        district, township, village = _places(session)
        held = beat_loads(session, Scope(date.today(), frozenset({township[0]}))).dropna(subset=["officer_id"])  # noqa: DTZ011 - a calendar day
        busiest = held.sort_values(["load", "code"], ascending=[False, True]).iloc[0]
    logins: list[DemoLogin] = []

    def password_for(login: str, role: Role, sees: str) -> str:
        logins.append(DemoLogin(login, one_time_password(), role.value, sees))
        return logins[-1].password

    create_first_administrator(
        shell.engine,
        shell.settings,
        shell.viewer,
        "admin",
        "方志强",
        password_for("admin", Role.ADMINISTRATOR, "—"),
    )
    people = (
        ("auditor", "沈明", Role.AUDITOR, None, "—"),
        ("planner", "周静", Role.PLANNER, district, district[1]),
        ("commander", "王建国", Role.COMMANDER, township, township[1]),
        ("leader", "李红梅", Role.SQUAD_LEADER, village, village[1]),
        ("steward", "吴卫东", Role.STEWARD, village, village[1]),
        ("grid", "郑小燕", Role.GRID_WORKER, village, village[1]),
        ("officer", str(busiest["officer"]), Role.OFFICER, None, str(busiest["name"])),
    )
    for login, name, role, area, sees in people:
        made = create_account(
            shell.engine,
            shell.settings,
            shell.viewer,
            login,
            name,
            role,
            officer_id=int(busiest["officer_id"]) if role is Role.OFFICER else None,
            password=password_for(login, role, sees),
        )
        if area is not None:
            grant_area(shell.engine, shell.viewer, made.account_id, area[0], LAND_SINCE)
    with transaction(shell.engine) as session:  # the passwords are fresh, and nobody has to change them to look around
        session.execute(update(Account).values(must_change_password=False))
    return logins


def _places(session: Session) -> list[tuple[int, str]]:
    """District, the township with the fewest officers on record, and its first village: id and name."""
    places: list[tuple[int, str]] = []
    for level, choose in ((AreaLevel.DISTRICT, 0), (AreaLevel.TOWNSHIP, 4), (AreaLevel.VILLAGE, 0)):
        query = (
            select(AreaVersion.area_id, AreaVersion.name)
            .join(Area, Area.id == AreaVersion.area_id)
            .where(Area.level == level)
            .order_by(AreaVersion.code)
        )
        if places:
            query = query.where(AreaVersion.parent_id == places[-1][0])
        rows = session.execute(query).all()
        row = rows[min(choose, len(rows) - 1)]
        places.append((row.area_id, row.name))
    return places


def _write_logins(path: Path, logins: list[DemoLogin]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(field.name for field in fields(DemoLogin))
        writer.writerows([getattr(login, field.name) for field in fields(DemoLogin)] for login in logins)


def _read_logins(path: Path) -> tuple[DemoLogin, ...]:
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(DemoLogin(**row) for row in csv.DictReader(file))


def _forget(shell: Shell, logins_path: Path) -> None:
    if shell.settings.database_url is not None:
        raise ConflictError(T("--fresh drops the embedded database only; drop the database of the server by hand."))
    shell.engine.dispose()
    for name in ("grid.sqlite", "grid.sqlite-wal", "grid.sqlite-shm"):
        (shell.settings.data_dir / name).unlink(missing_ok=True)
    for anchor in shell.settings.data_dir.glob("audit*"):
        if anchor.is_file():
            anchor.unlink()
    logins_path.unlink(missing_ok=True)
