"""Accounts, signing in, second factor, sessions, tokens, viewing as, approvals: the rules, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pyotp
import pytest
from sqlalchemy import Engine, insert, select

from gis_service.access.accounts import (
    change_account,
    create_account,
    create_first_administrator,
    end_grant,
    grant_area,
    grants_of,
    is_first_run,
    list_accounts,
    reset_password,
)
from gis_service.access.approvals import ask_for_export, decide_export, open_requests, use_approval
from gis_service.access.audit import attach_audit
from gis_service.access.audit_review import AuditFilter, stream_entries, verify_audit
from gis_service.access.permissions import Permission, Role
from gis_service.access.personal import Vault
from gis_service.access.second_factor import confirm_enrolment, remove_second_factor, start_enrolment
from gis_service.access.sign_in import SignedIn, change_password, sign_in, sign_out, start_view_as, stop_view_as
from gis_service.access.tables import Account, TokenScope
from gis_service.access.tokens import create_token, own_tokens, revoke_token
from gis_service.access.viewer import SHELL, Viewer
from gis_service.access.viewers import note_use, presence_of_cookie, viewer_of_session, viewer_of_token
from gis_service.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    NotPermittedError,
    NotSignedInError,
    SecondFactorNeededError,
    TooManyRequestsError,
)
from gis_service.registers.reach import REACH
from gis_service.settings import Settings
from gis_service.storage.engine import reading, transaction
from gis_service.tables import metadata
from gis_service.texts import current_locale, use_locale

NOW = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
TODAY = date(2026, 11, 22)
PASSWORD = "correct horse sofa"
ROOT = Viewer(name="root", role=Role.ADMINISTRATOR)


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
    return vault


@pytest.fixture
def land(engine: Engine, vault: Vault) -> None:
    with engine.begin() as connection:
        connection.execute(
            insert(metadata.tables["area"]), [{"id": 1, "level": "township"}, {"id": 2, "level": "village"}]
        )
        officer = {"id": 7, "badge_no": "B7", "name": "王芳", "form": "transitioned", "side": "police"}
        connection.execute(insert(metadata.tables["officer"]), officer)


def new_account(engine: Engine, settings: Settings, login: str, role: Role, officer_id: int | None = None) -> Viewer:
    made = create_account(engine, settings, SHELL, login, login, role, officer_id=officer_id, password=PASSWORD)
    return Viewer(name=login, role=role, account_id=made.account_id, officer_id=officer_id)


@pytest.fixture
def planner(engine: Engine, settings: Settings, land: None) -> Viewer:
    viewer = new_account(engine, settings, "li.hua", Role.PLANNER)
    assert viewer.account_id is not None
    grant_area(engine, SHELL, viewer.account_id, None, TODAY)
    return viewer


@pytest.fixture
def signed_in(engine: Engine, vault: Vault, settings: Settings, planner: Viewer) -> SignedIn:
    return sign_in(engine, vault, settings, "li.hua", PASSWORD, now=NOW)


def actions(engine: Engine) -> list[str]:
    with reading(engine) as session:
        return [f"{entry.action}/{entry.result}" for entry in stream_entries(session, AuditFilter())]


# accounts and the separation of powers


def test_the_first_administrator_is_made_once(engine: Engine, vault: Vault, settings: Settings) -> None:
    made = create_first_administrator(engine, settings, SHELL, "Root", "管理员")
    assert made.login == "root"
    assert made.one_time_password is not None
    assert sign_in(engine, vault, settings, "ROOT ", made.one_time_password, now=NOW).must_change_password
    with pytest.raises(ConflictError):
        create_first_administrator(engine, settings, SHELL, "root2", "管理员")
    with reading(engine) as session:
        assert not is_first_run(session)


def test_the_first_administrator_is_not_made_over_the_web(engine: Engine, vault: Vault, settings: Settings) -> None:
    with pytest.raises(NotPermittedError):
        create_first_administrator(engine, settings, ROOT, "root", "管理员")


@pytest.mark.parametrize("role", [Role.PLANNER, Role.AUDITOR, Role.COMMANDER])
def test_only_the_administrator_manages_accounts(engine: Engine, vault: Vault, settings: Settings, role: Role) -> None:
    other = Viewer(name="x", role=role, area_ids=None)
    with pytest.raises(NotPermittedError):
        create_account(engine, settings, other, "new", "新", Role.STEWARD)
    with pytest.raises(NotPermittedError):
        grant_area(engine, other, 1, None, TODAY)
    with reading(engine) as session, pytest.raises(NotPermittedError):
        list_accounts(session, other)


def test_an_administrator_cannot_make_or_touch_an_auditor(engine: Engine, vault: Vault, settings: Settings) -> None:
    auditor = new_account(engine, settings, "audit", Role.AUDITOR)
    assert auditor.account_id is not None
    with pytest.raises(NotPermittedError, match="shell"):
        create_account(engine, settings, ROOT, "audit2", "审", Role.AUDITOR)
    with pytest.raises(NotPermittedError, match="shell"):
        change_account(engine, ROOT, auditor.account_id, disabled=True)
    with pytest.raises(NotPermittedError, match="shell"):
        reset_password(engine, ROOT, auditor.account_id)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (Role.ADMINISTRATOR, Role.AUDITOR),
        (Role.ADMINISTRATOR, Role.PLANNER),
        (Role.AUDITOR, Role.ADMINISTRATOR),
        (Role.STEWARD, Role.ADMINISTRATOR),
        (Role.STEWARD, Role.AUDITOR),
    ],
)
def test_no_account_crosses_the_powers_not_even_from_the_shell(
    engine: Engine, vault: Vault, settings: Settings, old: Role, new: Role
) -> None:
    account = new_account(engine, settings, "somebody", old)
    assert account.account_id is not None
    with pytest.raises(NotPermittedError, match="separate people"):
        change_account(engine, SHELL, account.account_id, role=new)


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.AUDITOR])
def test_administrators_and_auditors_hold_no_areas_and_are_no_officers(
    engine: Engine, settings: Settings, land: None, role: Role
) -> None:
    account = new_account(engine, settings, "somebody", role)
    assert account.account_id is not None
    with pytest.raises(NotPermittedError):
        grant_area(engine, SHELL, account.account_id, 1, TODAY)
    with pytest.raises(InvalidInputError):
        create_account(engine, settings, SHELL, "other", "x", role, officer_id=7)
    assert not any(
        account.may(p) for p in Permission if p.value.startswith("see_") and p is not Permission.SEE_OWN_ACCOUNT
    )


def test_what_an_administrator_does_is_recorded_without_secrets(
    engine: Engine, vault: Vault, settings: Settings, land: None
) -> None:
    made = create_account(engine, settings, ROOT, "zhang", "张", Role.COMMANDER)
    grant_id = grant_area(engine, ROOT, made.account_id, 1, TODAY, date(2027, 1, 1))
    change_account(engine, ROOT, made.account_id, display_name="张三", role=Role.SQUAD_LEADER)
    once = reset_password(engine, ROOT, made.account_id)
    end_grant(engine, ROOT, grant_id, date(2026, 12, 1))
    assert actions(engine) == [
        "create_account/done", "grant_area/done", "change_account/done", "reset_password/done", "end_grant/done"
    ]  # fmt: skip
    with reading(engine) as session:
        trail = [entry.after or "" for entry in stream_entries(session, AuditFilter())]
        assert trail[2] == '{"display_name":"张三","role":"squad_leader"}'
        assert not any(once in entry or (made.one_time_password or "") in entry for entry in trail)
        assert [grant.valid_to for grant in grants_of(session, [made.account_id])[made.account_id]] == [
            date(2026, 12, 1)
        ]
    assert verify_audit(engine).holds


@pytest.mark.parametrize("login", ["", "a", "a b", "王芳", "-x", "x" * 65, "a;drop"])
def test_a_login_is_plain(engine: Engine, vault: Vault, settings: Settings, login: str) -> None:
    with pytest.raises(InvalidInputError):
        create_account(engine, settings, ROOT, login, "x", Role.STEWARD)


def test_logins_are_unique_in_any_case(engine: Engine, vault: Vault, settings: Settings) -> None:
    create_account(engine, settings, ROOT, "zhang", "x", Role.STEWARD)
    with pytest.raises(ConflictError):
        create_account(engine, settings, ROOT, "ZHANG", "x", Role.STEWARD)


def test_an_officer_account_needs_an_officer_who_exists(engine: Engine, settings: Settings, land: None) -> None:
    with pytest.raises(InvalidInputError):
        create_account(engine, settings, ROOT, "wang", "x", Role.OFFICER)
    with pytest.raises(NotFoundError):
        create_account(engine, settings, ROOT, "wang", "x", Role.OFFICER, officer_id=8)
    create_account(engine, settings, ROOT, "wang", "x", Role.OFFICER, officer_id=7)


def test_areas_are_granted_once_and_over_a_period(engine: Engine, settings: Settings, planner: Viewer) -> None:
    commander = new_account(engine, settings, "zhang", Role.COMMANDER)
    account_id = commander.account_id
    assert account_id is not None
    grant_area(engine, ROOT, account_id, 1, date(2026, 1, 1), date(2026, 12, 1))
    grant_area(engine, ROOT, account_id, 1, date(2026, 12, 1))
    with pytest.raises(ConflictError):
        grant_area(engine, ROOT, account_id, 1, date(2026, 11, 1), date(2026, 12, 2))
    with pytest.raises(NotFoundError):
        grant_area(engine, ROOT, account_id, 99, TODAY)
    with pytest.raises(InvalidInputError):
        grant_area(engine, ROOT, account_id, 2, TODAY, TODAY)


def test_nobody_disables_the_own_account(engine: Engine, vault: Vault, settings: Settings) -> None:
    admin = new_account(engine, settings, "root", Role.ADMINISTRATOR)
    assert admin.account_id is not None
    with pytest.raises(ConflictError):
        change_account(engine, admin, admin.account_id, disabled=True)


# signing in


def test_signing_in_gives_the_viewer_with_the_areas_held_today(
    engine: Engine, vault: Vault, settings: Settings, land: None
) -> None:
    account_id = new_account(engine, settings, "zhang", Role.COMMANDER).account_id
    assert account_id is not None
    grant_area(engine, SHELL, account_id, 1, TODAY)
    grant_area(engine, SHELL, account_id, 2, date(2025, 1, 1), date(2026, 1, 1))
    signed_in = sign_in(engine, vault, settings, "zhang", PASSWORD, now=NOW)
    with reading(engine) as session:
        viewer = viewer_of_session(session, settings, signed_in.cookie, NOW)
    zhang = Viewer(name="zhang", role=Role.COMMANDER, area_ids=frozenset({1}), account_id=account_id, called="zhang")
    assert viewer == zhang


def test_neither_cookie_nor_password_is_in_the_database(engine: Engine, signed_in: SignedIn) -> None:
    with engine.connect() as connection:
        for table in metadata.tables.values():
            if table.name in ("login_session", "account", "audit_entry"):
                dump = str(connection.execute(select(table)).fetchall())
                assert signed_in.cookie not in dump
                assert signed_in.csrf_token not in dump
                assert PASSWORD not in dump


@pytest.mark.parametrize(("login", "password"), [("li.hua", "wrong horse sofa"), ("nobody", PASSWORD), ("", "")])
def test_a_wrong_sign_in_says_the_same_whatever_is_wrong(
    engine: Engine, vault: Vault, settings: Settings, planner: Viewer, login: str, password: str
) -> None:
    with pytest.raises(NotSignedInError, match="Login, password or code is wrong"):
        sign_in(engine, vault, settings, login, password, now=NOW)
    assert actions(engine)[-1] == "sign_in/refused"


@pytest.mark.parametrize("login", ["li.hua", "nobody"])
def test_after_five_wrong_ones_the_login_waits_and_ever_longer(
    engine: Engine, vault: Vault, settings: Settings, planner: Viewer, login: str
) -> None:
    now = NOW
    for _attempt in range(settings.lockout_after):
        with pytest.raises(NotSignedInError):
            sign_in(engine, vault, settings, login, "wrong horse sofa", now=now)
    waits = []
    for _attempt in range(3):
        with pytest.raises(TooManyRequestsError) as refused:
            sign_in(engine, vault, settings, login, PASSWORD, now=now)
        waits.append(refused.value.retry_after_s)
        now += timedelta(seconds=refused.value.retry_after_s)
        with pytest.raises(NotSignedInError):
            sign_in(engine, vault, settings, login, "wrong horse sofa", now=now)
    assert waits == [31, 61, 121]


def test_a_right_sign_in_after_the_wait_begins_anew(
    engine: Engine, vault: Vault, settings: Settings, planner: Viewer
) -> None:
    for _attempt in range(settings.lockout_after):
        with pytest.raises(NotSignedInError):
            sign_in(engine, vault, settings, "li.hua", "wrong horse sofa", now=NOW)
    sign_in(engine, vault, settings, "li.hua", PASSWORD, now=NOW + timedelta(seconds=31))
    with pytest.raises(NotSignedInError):
        sign_in(engine, vault, settings, "li.hua", "wrong horse sofa", now=NOW + timedelta(seconds=32))


def test_a_disabled_account_is_out_at_once(
    engine: Engine, vault: Vault, settings: Settings, planner: Viewer, signed_in: SignedIn
) -> None:
    assert planner.account_id is not None
    change_account(engine, ROOT, planner.account_id, disabled=True)
    with pytest.raises(NotSignedInError):
        sign_in(engine, vault, settings, "li.hua", PASSWORD, now=NOW)
    with reading(engine) as session, pytest.raises(NotSignedInError):
        viewer_of_session(session, settings, signed_in.cookie, NOW)


def test_a_session_ends_when_idle_and_at_its_limit(engine: Engine, settings: Settings, signed_in: SignedIn) -> None:
    now = NOW
    idle = timedelta(minutes=settings.session_idle_minutes)
    while now + idle < signed_in.expires_at:
        now += idle - timedelta(seconds=1)
        with reading(engine) as session:
            presence = presence_of_cookie(session, settings, signed_in.cookie, now)
        note_use(engine, presence, now)
    with reading(engine) as session:
        with pytest.raises(NotSignedInError):
            presence_of_cookie(session, settings, signed_in.cookie, now + idle)
        with pytest.raises(NotSignedInError):
            presence_of_cookie(session, settings, signed_in.cookie, signed_in.expires_at)


def test_after_signing_out_the_cookie_is_worth_nothing(
    engine: Engine, settings: Settings, planner: Viewer, signed_in: SignedIn
) -> None:
    sign_out(engine, planner, signed_in.cookie)
    sign_out(engine, planner, signed_in.cookie)
    with reading(engine) as session, pytest.raises(NotSignedInError):
        viewer_of_session(session, settings, signed_in.cookie, NOW)
    assert actions(engine).count("sign_out/done") == 1


def test_changing_the_password_ends_other_sessions_and_tokens(
    engine: Engine, vault: Vault, settings: Settings, planner: Viewer, signed_in: SignedIn
) -> None:
    other = sign_in(engine, vault, settings, "li.hua", PASSWORD, now=NOW)
    token = create_token(engine, settings, planner, "QGIS", TokenScope.READ, 30, now=NOW)
    change_password(engine, settings, planner, PASSWORD, "another sofa horse", cookie=signed_in.cookie, now=NOW)
    with reading(engine) as session:
        assert not presence_of_cookie(session, settings, signed_in.cookie, NOW).must_change_password
        with pytest.raises(NotSignedInError):
            presence_of_cookie(session, settings, other.cookie, NOW)
        with pytest.raises(NotSignedInError):
            viewer_of_token(session, settings, token.token, NOW)
    sign_in(engine, vault, settings, "li.hua", "another sofa horse", now=NOW)


def test_changing_the_password_needs_the_present_one_and_an_acceptable_new_one(
    engine: Engine, settings: Settings, planner: Viewer
) -> None:
    with pytest.raises(NotSignedInError):
        change_password(engine, settings, planner, "wrong horse sofa", "another sofa horse", cookie=None, now=NOW)
    with pytest.raises(InvalidInputError):
        change_password(engine, settings, planner, PASSWORD, "short", cookie=None, now=NOW)
    assert actions(engine)[-1] == "change_password/refused"


# second factor


def test_with_a_second_factor_the_password_is_not_enough_and_a_code_works_once(
    engine: Engine, vault: Vault, settings: Settings, planner: Viewer
) -> None:
    enrolment = start_enrolment(engine, vault, planner)
    assert "li.hua" in enrolment.uri
    sign_in(engine, vault, settings, "li.hua", PASSWORD, now=NOW)  # not confirmed yet
    totp = pyotp.TOTP(enrolment.secret)
    with pytest.raises(NotSignedInError):
        confirm_enrolment(engine, vault, planner, "000000", NOW)
    confirm_enrolment(engine, vault, planner, totp.at(NOW), NOW)
    later = NOW + timedelta(minutes=2)
    with pytest.raises(SecondFactorNeededError):
        sign_in(engine, vault, settings, "li.hua", PASSWORD, now=later)
    sign_in(engine, vault, settings, "li.hua", PASSWORD, totp.at(later), now=later)
    with pytest.raises(NotSignedInError):
        sign_in(engine, vault, settings, "li.hua", PASSWORD, totp.at(later), now=later)
    with pytest.raises(NotSignedInError):
        sign_in(engine, vault, settings, "li.hua", PASSWORD, totp.at(later - timedelta(seconds=30)), now=later)
    with pytest.raises(NotSignedInError):
        sign_in(
            engine, vault, settings, "li.hua", "wrong horse sofa", totp.at(later + timedelta(seconds=30)), now=later
        )
    with pytest.raises(ConflictError):
        start_enrolment(engine, vault, planner)
    much_later = later + timedelta(minutes=5)
    remove_second_factor(engine, vault, planner, totp.at(much_later), much_later)
    sign_in(engine, vault, settings, "li.hua", PASSWORD, now=much_later)


def test_the_secret_of_the_second_factor_is_sealed(engine: Engine, vault: Vault, planner: Viewer) -> None:
    enrolment = start_enrolment(engine, vault, planner)
    with reading(engine) as session:
        kept = session.scalars(select(Account.totp_sealed).where(Account.login == "li.hua")).one()
    assert kept is not None
    assert enrolment.secret.encode() not in kept


# tokens


def test_a_token_reads_or_writes_expires_and_can_be_revoked(
    engine: Engine, settings: Settings, planner: Viewer
) -> None:
    reader = create_token(engine, settings, planner, "QGIS", TokenScope.READ, 30, now=NOW)
    writer = create_token(engine, settings, planner, "script", TokenScope.WRITE, 1, now=NOW)
    with reading(engine) as session:
        read_only = viewer_of_token(session, settings, reader.token, NOW)
        assert read_only.may(Permission.SEE_ADDRESSES)
        assert not read_only.may(Permission.ASSIGN_ADDRESSES)
        assert not read_only.may(Permission.CHANGE_OWN_ACCOUNT)
        assert viewer_of_token(session, settings, writer.token, NOW).may(Permission.ASSIGN_ADDRESSES)
        assert read_only.area_ids is None
        with pytest.raises(NotSignedInError):
            viewer_of_token(session, settings, writer.token, NOW + timedelta(days=1))
        assert len(own_tokens(session, planner)) == 2
    revoke_token(engine, planner, reader.token_id, now=NOW)
    with reading(engine) as session, pytest.raises(NotSignedInError):
        viewer_of_token(session, settings, reader.token, NOW)


def test_a_read_only_viewer_makes_no_tokens_and_changes_no_password(
    engine: Engine, settings: Settings, planner: Viewer
) -> None:
    reader = Viewer(name="li.hua", role=Role.PLANNER, account_id=planner.account_id, read_only=True)
    with pytest.raises(NotPermittedError):
        create_token(engine, settings, reader, "x", TokenScope.WRITE, 1, now=NOW)
    with pytest.raises(NotPermittedError):
        change_password(engine, settings, reader, PASSWORD, "another sofa horse", cookie=None, now=NOW)


def test_tokens_are_for_business_accounts_and_live_no_longer_than_set(
    engine: Engine, settings: Settings, planner: Viewer
) -> None:
    with pytest.raises(NotPermittedError):
        create_token(engine, settings, ROOT, "x", TokenScope.READ, 1, now=NOW)
    with pytest.raises(InvalidInputError):
        create_token(engine, settings, planner, "x", TokenScope.READ, settings.app_token_max_days + 1, now=NOW)


def test_nobody_revokes_somebody_elses_token_but_the_administrator(
    engine: Engine, settings: Settings, planner: Viewer
) -> None:
    made = create_token(engine, settings, planner, "x", TokenScope.READ, 1, now=NOW)
    with pytest.raises(NotFoundError):
        revoke_token(engine, Viewer(name="y", role=Role.COMMANDER, account_id=99), made.token_id, now=NOW)
    revoke_token(engine, ROOT, made.token_id, now=NOW)


# viewing as


def test_viewing_as_an_officer_is_read_only_visible_and_recorded(
    engine: Engine, settings: Settings, planner: Viewer, signed_in: SignedIn
) -> None:
    start_view_as(engine, planner, signed_in.cookie, 7, "王芳")
    with reading(engine) as session:
        seen = viewer_of_session(session, settings, signed_in.cookie, NOW)
    assert seen == Viewer(
        name="王芳", role=Role.OFFICER, officer_id=7, account_id=planner.account_id, read_only=True, seen_by="li.hua"
    )
    assert seen.may(Permission.SEE_ADDRESSES)
    assert not seen.may(Permission.UNMASK_PERSON)
    stop_view_as(engine, seen, signed_in.cookie)
    with reading(engine) as session:
        assert viewer_of_session(session, settings, signed_in.cookie, NOW).role is Role.PLANNER
    assert actions(engine)[-2:] == ["start_view_as/done", "stop_view_as/done"]


def test_an_officer_views_as_nobody(engine: Engine, settings: Settings, land: None) -> None:
    officer = new_account(engine, settings, "wang", Role.OFFICER, officer_id=7)
    with pytest.raises(NotPermittedError):
        start_view_as(engine, officer, "cookie", 7, "王芳")


# a second person for bulk exports


def test_an_export_of_unmasked_data_needs_a_second_person_and_is_good_once(
    engine: Engine, settings: Settings, planner: Viewer
) -> None:
    second = replace(new_account(engine, settings, "zhang", Role.COMMANDER), area_ids=None)
    asked = ask_for_export(engine, settings, planner, "registrations", "季度核对", now=NOW)
    with pytest.raises(NotPermittedError, match="second person"):
        decide_export(engine, settings, planner, REACH, asked, approve=True, now=NOW)
    with transaction(engine) as session, pytest.raises(NotPermittedError):
        use_approval(session, planner, asked, "registrations", now=NOW)
    decide_export(engine, settings, second, REACH, asked, approve=True, now=NOW)
    with transaction(engine) as session, pytest.raises(NotPermittedError):
        use_approval(session, second, asked, "registrations", now=NOW)
    with transaction(engine) as session, pytest.raises(NotPermittedError):
        use_approval(session, planner, asked, "officers", now=NOW)
    with transaction(engine) as session:
        use_approval(session, planner, asked, "registrations", now=NOW)
    with transaction(engine) as session, pytest.raises(NotPermittedError):
        use_approval(session, planner, asked, "registrations", now=NOW)


def test_an_approval_runs_out(engine: Engine, settings: Settings, planner: Viewer) -> None:
    second = replace(new_account(engine, settings, "zhang", Role.COMMANDER), area_ids=None)
    asked = ask_for_export(engine, settings, planner, "registrations", "季度核对", now=NOW)
    with reading(engine) as session:
        assert [row.id for row in open_requests(session, second, REACH, now=NOW)] == [asked]
    late = NOW + timedelta(hours=settings.approval_hours)
    with pytest.raises(ConflictError):
        decide_export(engine, settings, second, REACH, asked, approve=True, now=late)
    with pytest.raises(InvalidInputError):
        ask_for_export(engine, settings, planner, "registrations", "  . ", now=NOW)
