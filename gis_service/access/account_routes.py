"""The administrator's routes, and the requests for a second person's approval."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from gis_service.access.accounts import (
    change_account,
    create_account,
    end_grant,
    grant_area,
    grants_of,
    list_accounts,
    reset_password,
)
from gis_service.access.approvals import ask_for_export, decide_export, open_requests
from gis_service.access.http import ActingDep, ReachDep, ViewerDep, requires
from gis_service.access.permissions import Permission, Role
from gis_service.access.tables import ApprovalState
from gis_service.api.dependencies import EngineDep, ReadDep, SettingsDep
from gis_service.api.wire import Limit, Offset, Page, RowKey

router = APIRouter()
Manage = Depends(requires(Permission.MANAGE_ACCOUNTS))


class GrantItem(BaseModel):
    """A subtree that an account sees from a day (included) to a day (excluded); no area is the whole district."""

    grant_id: int
    area_id: int | None
    valid_from: date
    valid_to: date | None


class AccountItem(BaseModel):
    """An account as the administrator sees it."""

    account_id: int
    login: str
    display_name: str
    role: Role
    officer_id: int | None
    disabled: bool
    must_change_password: bool
    has_second_factor: bool
    created_at: datetime
    areas: list[GrantItem]


class AccountForm(BaseModel):
    """An account to be made."""

    login: Annotated[str, Field(max_length=64)]
    display_name: Annotated[str, Field(min_length=1, max_length=100)]
    role: Role
    officer_id: RowKey | None = None
    locale: Literal["zh_CN", "en"] | None = None
    oidc_subject: Annotated[str, Field(max_length=255)] | None = None


class NewAccountItem(BaseModel):
    """A new account; the password is shown once and is changed at the first sign-in."""

    account_id: int
    login: str
    one_time_password: str | None


class AccountChange(BaseModel):
    """What is to change; absent fields stay."""

    display_name: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    role: Role | None = None
    disabled: bool | None = None


class OneTimePassword(BaseModel):
    """A password for the next sign-in, shown once."""

    one_time_password: str


class GrantForm(BaseModel):
    """A subtree to be granted; no area is the whole district."""

    area_id: RowKey | None
    valid_from: date
    valid_to: date | None = None


class NewGrant(BaseModel):
    """The id of a new grant."""

    grant_id: int


class ApprovalForm(BaseModel):
    """A bulk export of unmasked data that is asked for."""

    subject: Annotated[str, Field(min_length=1, max_length=64)]
    reason: Annotated[str, Field(max_length=500)]


class ApprovalItem(BaseModel):
    """A request for approval."""

    approval_id: int
    subject: str
    reason: str
    asked_by: int
    asked_at: datetime
    state: ApprovalState
    decided_by: int | None
    decided_at: datetime | None
    expires_at: datetime


class NewApproval(BaseModel):
    """The id of a new request."""

    approval_id: int


class Decision(BaseModel):
    """What the second person says."""

    approve: bool


@router.get("/accounts", dependencies=[Manage])
def get_accounts(session: ReadDep, viewer: ViewerDep, offset: Offset = 0, limit: Limit = 100) -> Page[AccountItem]:
    """List accounts by login."""
    accounts, total = list_accounts(session, viewer, offset=offset, limit=limit)
    grants = grants_of(session, [account.id for account in accounts])
    items = [
        AccountItem(
            account_id=account.id,
            login=account.login,
            display_name=account.display_name,
            role=Role(account.role),
            officer_id=account.officer_id,
            disabled=account.disabled,
            must_change_password=account.must_change_password,
            has_second_factor=account.totp_confirmed,
            created_at=account.created_at,
            areas=[
                GrantItem(
                    grant_id=grant.id, area_id=grant.area_id, valid_from=grant.valid_from, valid_to=grant.valid_to
                )
                for grant in grants[account.id]
            ],
        )
        for account in accounts
    ]
    return Page(items=items, total=total, offset=offset, limit=limit)


@router.post("/accounts", status_code=201, dependencies=[Manage])
def post_account(engine: EngineDep, settings: SettingsDep, acting: ActingDep, form: AccountForm) -> NewAccountItem:
    """Make an account; auditors are made on the server's shell."""
    made = create_account(
        engine,
        settings,
        acting,
        form.login,
        form.display_name,
        form.role,
        officer_id=form.officer_id,
        locale=form.locale,
        oidc_subject=form.oidc_subject,
    )
    return NewAccountItem(account_id=made.account_id, login=made.login, one_time_password=made.one_time_password)


@router.patch("/accounts/{account_id}", status_code=204, dependencies=[Manage])
def patch_account(engine: EngineDep, acting: ActingDep, account_id: RowKey, change: AccountChange) -> None:
    """Change the name, the (business) role, or whether the account is disabled."""
    change_account(
        engine, acting, account_id, display_name=change.display_name, role=change.role, disabled=change.disabled
    )


@router.post("/accounts/{account_id}/reset-password", dependencies=[Manage])
def post_reset_password(engine: EngineDep, acting: ActingDep, account_id: RowKey) -> OneTimePassword:
    """Give a one-time password; sessions end, the second factor goes."""
    return OneTimePassword(one_time_password=reset_password(engine, acting, account_id))


@router.post("/accounts/{account_id}/areas", status_code=201, dependencies=[Manage])
def post_grant(engine: EngineDep, acting: ActingDep, account_id: RowKey, form: GrantForm) -> NewGrant:
    """Let a business account see a subtree over a period."""
    return NewGrant(grant_id=grant_area(engine, acting, account_id, form.area_id, form.valid_from, form.valid_to))


@router.delete("/accounts/areas/{grant_id}", status_code=204, dependencies=[Manage])
def delete_grant(engine: EngineDep, acting: ActingDep, grant_id: RowKey) -> None:
    """End a grant today."""
    end_grant(engine, acting, grant_id, date.today())  # noqa: DTZ011 - a calendar day of the district


@router.get("/export-approvals", dependencies=[Depends(requires(Permission.EXPORT))])
def get_approvals(session: ReadDep, viewer: ViewerDep, reach: ReachDep) -> list[ApprovalItem]:
    """List requests for an export of unmasked data: one's own, and for who may approve those of the own part."""
    return [
        ApprovalItem(
            approval_id=row.id,
            subject=row.subject,
            reason=row.reason,
            asked_by=row.asked_by,
            asked_at=row.asked_at,
            state=ApprovalState(row.state),
            decided_by=row.decided_by,
            decided_at=row.decided_at,
            expires_at=row.expires_at,
        )
        for row in open_requests(session, viewer, reach, now=datetime.now(UTC))
    ]


@router.post("/export-approvals", status_code=201, dependencies=[Depends(requires(Permission.EXPORT))])
def post_approval(engine: EngineDep, settings: SettingsDep, acting: ActingDep, form: ApprovalForm) -> NewApproval:
    """Ask a second person for an export of unmasked data."""
    approval_id = ask_for_export(engine, settings, acting, form.subject, form.reason, now=datetime.now(UTC))
    return NewApproval(approval_id=approval_id)


@router.post(
    "/export-approvals/{approval_id}/decision",
    status_code=204,
    dependencies=[Depends(requires(Permission.APPROVE_EXPORT))],
)
def post_decision(
    engine: EngineDep,
    settings: SettingsDep,
    acting: ActingDep,
    reach: ReachDep,
    approval_id: RowKey,
    decision: Decision,
) -> None:
    """Approve or refuse somebody else's request."""
    decide_export(engine, settings, acting, reach, approval_id, approve=decision.approve, now=datetime.now(UTC))
