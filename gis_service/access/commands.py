"""`gis-service accounts`, `keys` and `audit`: what the administrator does on the server's own shell."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine, select

from gis_service.access.accounts import (
    account_by_login,
    change_account,
    create_account,
    create_first_administrator,
    grant_area,
    grants_of,
    is_first_run,
    list_accounts,
    reset_password,
)
from gis_service.access.audit import record, trail_of
from gis_service.access.audit_review import AuditFilter, csv_lines, prune_audit, verify_audit
from gis_service.access.keyring import KeyRing
from gis_service.access.permissions import Role
from gis_service.access.rotation import key_usage, retire_keys, rotate_keys
from gis_service.access.viewer import Viewer
from gis_service.errors import InvalidInputError, NotFoundError
from gis_service.settings import Settings
from gis_service.storage.engine import reading, transaction
from gis_service.storage.rows import Row, holds_on
from gis_service.texts import T, _

accounts_app = typer.Typer(help="Accounts and the areas that they see.", no_args_is_help=True)
keys_app = typer.Typer(help="The keys of personal data.", no_args_is_help=True)
audit_app = typer.Typer(help="The audit trail.", no_args_is_help=True)

Login = Annotated[str, typer.Argument(help="Login of the account.")]


class Opened:
    """The service as a command has it: settings, database, viewer and keys."""

    def __init__(self, ctx: typer.Context) -> None:
        self.settings: Settings = ctx.obj.settings
        self.engine: Engine = ctx.obj.engine
        self.viewer: Viewer = ctx.obj.viewer
        self.vault = trail_of(self.engine).vault

    def account_id(self, login: str) -> int:
        """The id of the account with this login."""
        with reading(self.engine) as session:
            return account_by_login(session, login).id

    def id_on_record(self, table_name: str, column: str, value: str, wanted: str, day: date | None = None) -> int:
        """The id that a code or badge number stands for."""
        table = Row.metadata.tables[table_name]
        conditions: list[Any] = [table.c[column] == value]
        if day is not None:
            conditions.append(holds_on(table.c.valid_from, table.c.valid_to, day))
        with reading(self.engine) as session:
            found = session.scalar(select(table.c[wanted]).where(*conditions))
        if found is None:
            raise NotFoundError(T("There is no {kind} {code}.", kind=table_name, code=value))
        return int(found)


@accounts_app.command()
def create(
    ctx: typer.Context,
    login: Login,
    display_name: Annotated[str, typer.Argument(help="Name of the person, as shown.")],
    role: Annotated[Role, typer.Option(help="The first account of a service is the administrator's.")] = Role.STEWARD,
    officer: Annotated[
        str | None, typer.Option(help="Badge number of the officer that the account belongs to.")
    ] = None,
    locale: Annotated[str | None, typer.Option(help="Language of the account: zh_CN or en.")] = None,
    oidc_subject: Annotated[str | None, typer.Option(help="Who this is at the OpenID Connect provider.")] = None,
) -> None:
    """Create an account and show its one-time password."""
    opened = Opened(ctx)
    with reading(opened.engine) as session:
        first = is_first_run(session)
    if first and role is Role.ADMINISTRATOR:
        made = create_first_administrator(opened.engine, opened.settings, opened.viewer, login, display_name)
    else:
        officer_id = opened.id_on_record("officer", "badge_no", officer, "id") if officer else None
        made = create_account(
            opened.engine,
            opened.settings,
            opened.viewer,
            login,
            display_name,
            role,
            officer_id=officer_id,
            locale=locale,
            oidc_subject=oidc_subject,
        )
    typer.echo(f"{made.login} {made.one_time_password}")
    typer.echo(_("This password is shown once and is changed at the first sign-in."), err=True)


@accounts_app.command("list")
def list_all(ctx: typer.Context) -> None:
    """List accounts, their roles and areas."""
    opened = Opened(ctx)
    headings = (_("Account"), _("Name"), _("Role"), _("Area scope"), _("Officer"), _("Second factor"), _("Disabled"))
    table = Table(*headings)
    for column in table.columns[:3]:
        column.no_wrap = True
    with reading(opened.engine) as session:
        accounts, _total = list_accounts(session, opened.viewer, limit=100_000)
        grants = grants_of(session, [account.id for account in accounts])
        for account in accounts:
            areas = ", ".join(
                f"{grant.area_id or '*'} {grant.valid_from}–{grant.valid_to or ''}" for grant in grants[account.id]
            )
            officer = str(account.officer_id or "")
            flags = ("✓" if account.totp_confirmed else "", "✓" if account.disabled else "")
            table.add_row(account.login, account.display_name, account.role, areas, officer, *flags)
    Console().print(table)


@accounts_app.command()
def disable(
    ctx: typer.Context, login: Login, undo: Annotated[bool, typer.Option("--undo", help="Let it in again.")] = False
) -> None:
    """Shut an account out: its sessions and tokens end at once."""
    opened = Opened(ctx)
    change_account(opened.engine, opened.viewer, opened.account_id(login), disabled=not undo)


@accounts_app.command("reset-password")
def reset(ctx: typer.Context, login: Login) -> None:
    """Give an account a one-time password; its sessions end, its second factor and its wait go."""
    opened = Opened(ctx)
    typer.echo(reset_password(opened.engine, opened.viewer, opened.account_id(login)))
    typer.echo(_("This password is shown once and is changed at the first sign-in."), err=True)


@accounts_app.command()
def grant(
    ctx: typer.Context,
    login: Login,
    area: Annotated[str | None, typer.Option(help="Code of the root of the subtree.")] = None,
    whole_district: Annotated[
        bool, typer.Option("--whole-district", help="Everything, whatever land there is.")
    ] = False,
    valid_from: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day.")] = None,
    valid_to: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="First day without.")] = None,
) -> None:
    """Let a business account see a subtree of the district."""
    if (area is None) != whole_district:
        raise InvalidInputError(T("Say either --area CODE or --whole-district."))
    opened = Opened(ctx)
    begin = valid_from.date() if valid_from else date.today()  # noqa: DTZ011 - a calendar day of the district
    area_id = opened.id_on_record("area_version", "code", area, "area_id", begin) if area else None
    end = valid_to.date() if valid_to else None
    grant_area(opened.engine, opened.viewer, opened.account_id(login), area_id, begin, end)


@keys_app.command()
def status(ctx: typer.Context) -> None:
    """Show which keys made how many values."""
    opened = Opened(ctx)
    table = Table(_("Column"), _("Purpose"), _("Key"), _("Values"), _("Active"))
    for use in key_usage(opened.engine, opened.vault):
        table.add_row(use.column, use.purpose.value, use.key_id, f"{use.values:,}", "✓" if use.is_active else "")
    Console().print(table)


@keys_app.command()
def generate() -> None:
    """Print a new key ring, for GIS_KEYS; nothing is changed."""
    typer.echo(KeyRing.generate().to_json())


@keys_app.command()
def rotate(
    ctx: typer.Context, batch_rows: Annotated[int, typer.Option(min=1, help="Rows of one transaction.")] = 5_000
) -> None:
    """Make new keys and move every sealed value and blind index to them; run again to go on after an interruption."""
    opened = Opened(ctx)

    def say(column: str, rows: int) -> None:
        typer.echo(f"{column} +{rows:,}", err=True)

    moved = rotate_keys(opened.engine, opened.vault, opened.viewer, batch_rows=batch_rows, progress=say)
    typer.echo(_("{rows} values are under the new keys.").format(rows=f"{moved:,}"))


@keys_app.command()
def retire(ctx: typer.Context) -> None:
    """Take keys out of the ring that nothing is sealed with any more; older backups cannot be read afterwards."""
    opened = Opened(ctx)
    for key_id in retire_keys(opened.engine, opened.vault, opened.viewer):
        typer.echo(key_id)


@audit_app.command()
def verify(ctx: typer.Context) -> None:
    """Walk the whole trail; exit with 1 when it is not as it was written."""
    opened = Opened(ctx)
    verdict = verify_audit(opened.engine)
    for finding in verdict.findings:
        typer.echo(f"{finding.seq}: {finding.text}", err=True)
    counted = _("{entries} entries, {first} to {last}").format(
        entries=verdict.entries, first=verdict.first_seq, last=verdict.last_seq
    )
    said = _("the trail holds") if verdict.holds else _("the trail does not hold")
    typer.echo(f"{counted}: {said}")
    if not verdict.holds:
        raise typer.Exit(1)


@audit_app.command()
def export(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="CSV file to write; must not exist yet.")],
    actor: Annotated[str | None, typer.Option(help="Only acts of this login.")] = None,
    action: Annotated[str | None, typer.Option(help="Only this kind of act.")] = None,
) -> None:
    """Write entries to a CSV file, oldest first; the export is recorded."""
    opened = Opened(ctx)
    asked = AuditFilter(actor=actor, action=action)
    with transaction(opened.engine) as session:
        record(session, opened.viewer, "export_audit", "audit_entry", None, after={"actor": actor, "action": action})
    with reading(opened.engine) as session, file.open("x", encoding="utf-8", newline="") as lines:
        lines.writelines(csv_lines(session, asked))


@audit_app.command()
def prune(
    ctx: typer.Context,
    keep_days: Annotated[
        int | None, typer.Option(help="Days to keep; the setting when absent, and never less.")
    ] = None,
) -> None:
    """Remove old entries and leave a checkpoint that the rest is verified from; export them first."""
    opened = Opened(ctx)
    days = opened.settings.audit_retention_days if keep_days is None else keep_days
    pruned = prune_audit(opened.engine, opened.viewer, opened.settings, keep_days=days, now=datetime.now(UTC))
    typer.echo(_("{entries} entries removed.").format(entries=pruned))
