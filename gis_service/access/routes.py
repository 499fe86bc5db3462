"""Signing in and out, one's own account, viewing as an officer, unmasking: what everybody's client calls."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from gis_service.access import account_routes, audit_routes, oidc
from gis_service.access.accounts import change_own_locale
from gis_service.access.http import (
    OPEN,
    ActingDep,
    PresenceDep,
    ReachDep,
    ViewerDep,
    clear_session_cookie,
    requires,
    set_session_cookie,
)
from gis_service.access.passwords import PASSWORD_MAX_LENGTH
from gis_service.access.permissions import PERMISSIONS, Permission, Role
from gis_service.access.personal import Vault
from gis_service.access.sealed import unmask
from gis_service.access.second_factor import confirm_enrolment, remove_second_factor, start_enrolment
from gis_service.access.sign_in import change_password, sign_in, sign_out, start_view_as, stop_view_as
from gis_service.access.tables import TokenScope
from gis_service.access.tokens import create_token, own_tokens, revoke_token
from gis_service.api.dependencies import EngineDep, ReadDep, SettingsDep
from gis_service.api.wire import RowKey
from gis_service.errors import NotFoundError, NotPermittedError
from gis_service.storage.engine import transaction
from gis_service.texts import T

router = APIRouter(prefix="/api/v1", tags=["access"])

SeeOwn = Depends(requires(Permission.SEE_OWN_ACCOUNT))
ChangeOwn = Depends(requires(Permission.CHANGE_OWN_ACCOUNT))
Password = Annotated[str, Field(max_length=4 * PASSWORD_MAX_LENGTH)]
Code = Annotated[str, Field(max_length=16, description="Six digits from the app on the phone.")]


async def vault_of(request: Request) -> Vault:
    """The keys of the running service."""
    vault: Vault = request.app.state.vault
    return vault


VaultDep = Annotated[Vault, Depends(vault_of)]


class SignInForm(BaseModel):
    """Login, password, and the code of the second factor where one is set up."""

    login: Annotated[str, Field(max_length=64)]
    password: Password
    code: Code | None = None


class SessionItem(BaseModel):
    """A session has begun; `csrf_token` goes into the header X-CSRF-Token of every request that changes something."""

    csrf_token: str
    expires_at: datetime
    must_change_password: bool
    must_set_up_second_factor: bool


class Me(BaseModel):
    """Who is signed in, what they may, and through whose eyes they look."""

    login: str
    display_name: str
    role: Role
    permissions: list[Permission]
    area_ids: list[int] | None
    officer_id: int | None
    read_only: bool
    seen_by: str | None
    locale: str | None
    must_change_password: bool
    must_set_up_second_factor: bool
    csrf_token: str | None


class PasswordChange(BaseModel):
    """The present password and the new one."""

    old: Password
    new: Password


class CodeForm(BaseModel):
    """A code of the second factor."""

    code: Code


class EnrolmentItem(BaseModel):
    """What the app on the phone needs; shown once."""

    uri: str
    secret: str


class TokenForm(BaseModel):
    """A personal app token to be made."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    scope: TokenScope = TokenScope.READ
    days: Annotated[int, Field(ge=1, le=3660)] = 30


class NewTokenItem(BaseModel):
    """A new token; `token` is shown once."""

    token_id: int
    token: str
    expires_at: datetime


class TokenItem(BaseModel):
    """A token without its text."""

    token_id: int
    name: str
    scope: TokenScope
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


class LocaleForm(BaseModel):
    """The language of the own account."""

    locale: Literal["zh_CN", "en"]


class ViewAsForm(BaseModel):
    """The officer through whose eyes to look."""

    officer_id: RowKey


class UnmaskForm(BaseModel):
    """One field of one record, and why it is needed in clear."""

    table: Annotated[str, Field(max_length=64, description="officer, registration or rental")]
    row: Annotated[str, Field(max_length=64, description="badge number, source key or code")]
    field: Annotated[str, Field(max_length=64, description="name, id_number, phone, landlord_name, landlord_phone")]
    reason: Annotated[str, Field(max_length=500)]


class Unmasked(BaseModel):
    """The value in clear; null when the record has none."""

    value: str | None


@router.post("/sign-in", dependencies=[OPEN])
def post_sign_in(
    response: Response, engine: EngineDep, settings: SettingsDep, vault: VaultDep, form: SignInForm
) -> SessionItem:
    """Sign in; the answer sets the session cookie."""
    signed_in = sign_in(engine, vault, settings, form.login, form.password, form.code, now=datetime.now(UTC))
    set_session_cookie(response, settings, signed_in)
    return SessionItem(
        csrf_token=signed_in.csrf_token,
        expires_at=signed_in.expires_at,
        must_change_password=signed_in.must_change_password,
        must_set_up_second_factor=signed_in.must_set_up_second_factor,
    )


@router.post("/sign-out", status_code=204, dependencies=[SeeOwn])
def post_sign_out(response: Response, engine: EngineDep, settings: SettingsDep, presence: PresenceDep) -> None:
    """End the session."""
    if presence.cookie is not None:
        sign_out(engine, presence.viewer, presence.cookie)
    clear_session_cookie(response, settings)


@router.get("/me", dependencies=[SeeOwn])
def read_me(presence: PresenceDep) -> Me:
    """Say who is signed in."""
    viewer = presence.viewer
    return Me(
        login=viewer.name,
        display_name=presence.display_name,
        role=viewer.role,
        permissions=[permission for permission in PERMISSIONS if viewer.may(permission)],
        area_ids=None if viewer.area_ids is None else sorted(viewer.area_ids),
        officer_id=viewer.officer_id,
        read_only=viewer.read_only,
        seen_by=viewer.seen_by,
        locale=presence.locale,
        must_change_password=presence.must_change_password,
        must_set_up_second_factor=presence.must_set_up_second_factor,
        csrf_token=presence.csrf_token(),
    )


@router.put("/me/locale", status_code=204, dependencies=[ChangeOwn])
def put_locale(engine: EngineDep, acting: ActingDep, form: LocaleForm) -> None:
    """Choose the language of the own account."""
    change_own_locale(engine, acting, form.locale)


@router.post("/me/password", status_code=204, dependencies=[ChangeOwn])
def post_password(engine: EngineDep, settings: SettingsDep, presence: PresenceDep, form: PasswordChange) -> None:
    """Change the own password; other sessions and all tokens end."""
    now = datetime.now(UTC)
    change_password(engine, settings, presence.viewer, form.old, form.new, cookie=presence.cookie, now=now)


@router.post("/me/second-factor", dependencies=[ChangeOwn])
def post_second_factor(engine: EngineDep, vault: VaultDep, acting: ActingDep) -> EnrolmentItem:
    """Begin to set up a second factor."""
    enrolment = start_enrolment(engine, vault, acting)
    return EnrolmentItem(uri=enrolment.uri, secret=enrolment.secret)


@router.post("/me/second-factor/confirm", status_code=204, dependencies=[ChangeOwn])
def confirm_second_factor(
    engine: EngineDep, vault: VaultDep, acting: ActingDep, presence: PresenceDep, form: CodeForm
) -> None:
    """Enter a first code; from now on one is asked for at sign-in. Other sessions and all tokens end."""
    confirm_enrolment(engine, vault, acting, form.code, datetime.now(UTC), cookie=presence.cookie)


@router.post("/me/second-factor/remove", status_code=204, dependencies=[ChangeOwn])
def delete_second_factor(engine: EngineDep, vault: VaultDep, acting: ActingDep, form: CodeForm) -> None:
    """Enter a last code; from now on none is asked for."""
    remove_second_factor(engine, vault, acting, form.code, datetime.now(UTC))


@router.get("/me/tokens", dependencies=[SeeOwn])
def list_tokens(session: ReadDep, viewer: ViewerDep) -> list[TokenItem]:
    """List the own app tokens."""
    return [
        TokenItem(
            token_id=row.id,
            name=row.name,
            scope=TokenScope(row.scope),
            created_at=row.created_at,
            expires_at=row.expires_at,
            last_used_at=row.last_used_at,
            revoked_at=row.revoked_at,
        )
        for row in own_tokens(session, viewer)
    ]


@router.post("/me/tokens", status_code=201, dependencies=[ChangeOwn])
def post_token(engine: EngineDep, settings: SettingsDep, acting: ActingDep, form: TokenForm) -> NewTokenItem:
    """Make an app token for QGIS or a script; its text is shown once."""
    made = create_token(engine, settings, acting, form.name, form.scope, form.days, now=datetime.now(UTC))
    return NewTokenItem(token_id=made.token_id, token=made.token, expires_at=made.expires_at)


@router.delete("/me/tokens/{token_id}", status_code=204, dependencies=[ChangeOwn])
def delete_token(engine: EngineDep, acting: ActingDep, token_id: RowKey) -> None:
    """Stop an app token."""
    revoke_token(engine, acting, token_id, now=datetime.now(UTC))


@router.post("/view-as", status_code=204, dependencies=[Depends(requires(Permission.VIEW_AS))])
def post_view_as(engine: EngineDep, session: ReadDep, presence: PresenceDep, reach: ReachDep, form: ViewAsForm) -> None:
    """Look at the service through an officer's eyes, read-only."""
    if presence.cookie is None:
        raise NotPermittedError(T("Viewing as somebody needs a session in a browser."))
    name = reach.officer_name(session, presence.viewer, form.officer_id, _today())
    if name is None:
        raise NotFoundError(T("There is no such officer in your part of the district."))
    start_view_as(engine, presence.viewer, presence.cookie, form.officer_id, name)


@router.post("/view-as/stop", status_code=204, dependencies=[SeeOwn])
def post_view_as_stop(engine: EngineDep, presence: PresenceDep) -> None:
    """Look with the own eyes again."""
    if presence.cookie is not None:
        stop_view_as(engine, presence.viewer, presence.cookie)


@router.post("/persons/unmask", dependencies=[Depends(requires(Permission.UNMASK_PERSON))])
def post_unmask(engine: EngineDep, vault: VaultDep, acting: ActingDep, reach: ReachDep, form: UnmaskForm) -> Unmasked:
    """Show one field of one person in clear; who, what and why go into the audit trail."""
    with transaction(engine) as session:
        if not reach.holds_row(session, acting, form.table, form.row, _today()):
            raise NotFoundError(T("There is no such record in your part of the district."))
        return Unmasked(value=unmask(session, vault, acting, form.table, form.row, form.field, form.reason))


def _today() -> date:
    return date.today()  # noqa: DTZ011 - a calendar day of the district; never one the caller chooses


for part in (account_routes.router, audit_routes.router, oidc.router):
    router.include_router(part)
