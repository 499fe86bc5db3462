"""Who may do what: the one table. The documentation prints it, the routes enforce it, a test walks it."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What an account is. Administrator, auditor and business roles are separate people (三员分立)."""

    ADMINISTRATOR = "administrator"
    AUDITOR = "auditor"
    PLANNER = "planner"
    COMMANDER = "commander"
    SQUAD_LEADER = "squad_leader"
    OFFICER = "officer"
    STEWARD = "steward"
    GRID_WORKER = "grid_worker"

    @property
    def is_business(self) -> bool:
        """Say whether the role works with the district's data; the two others only see to the service."""
        return self not in (Role.ADMINISTRATOR, Role.AUDITOR)


class Permission(StrEnum):
    """What can be done, named for the use case and not for the route."""

    SEE_LAND = "see_land"
    SEE_TEAMS = "see_teams"
    SEE_ADDRESSES = "see_addresses"
    SEE_FIGURES = "see_figures"
    SEE_REGISTERS = "see_registers"
    SEE_WORKLIST = "see_worklist"
    SEE_OWN_ACCOUNT = "see_own_account"
    CHANGE_OWN_ACCOUNT = "change_own_account"
    UNMASK_PERSON = "unmask_person"
    SEE_IMPORTS = "see_imports"
    IMPORT_LAND = "import_land"
    IMPORT_TEAMS = "import_teams"
    IMPORT_ADDRESSES = "import_addresses"
    IMPORT_REGISTERS = "import_registers"
    KEEP_REGISTRATIONS = "keep_registrations"
    KEEP_RENTALS = "keep_rentals"
    SET_RENTAL_RULES = "set_rental_rules"
    WORK_MISMATCHES = "work_mismatches"
    HAND_IN_REGISTER = "hand_in_register"
    LEAD_QUARTER = "lead_quarter"
    SIGN_QUARTER = "sign_quarter"
    ASSIGN_ADDRESSES = "assign_addresses"
    RESOLVE_ADDRESS = "resolve_address"
    SIGN_OFF_UNRESOLVED = "sign_off_unresolved"
    HAND_OVER_BEAT = "hand_over_beat"
    DRAFT_LAND_CHANGE = "draft_land_change"
    APPROVE_LAND_CHANGE = "approve_land_change"
    APPLY_LAND_CHANGE = "apply_land_change"
    SEE_JOBS = "see_jobs"
    CANCEL_JOB = "cancel_job"
    SEE_PLANNING = "see_planning"
    PLAN = "plan"
    COMMENT_PLAN = "comment_plan"
    APPROVE_PLAN = "approve_plan"
    PUBLISH_PLAN = "publish_plan"
    RECORD_VISITS = "record_visits"
    EXPORT = "export"
    VIEW_AS = "view_as"
    APPROVE_EXPORT = "approve_export"
    MANAGE_ACCOUNTS = "manage_accounts"
    READ_AUDIT = "read_audit"


_EVERYBODY = frozenset(Role)
_BUSINESS = frozenset(role for role in Role if role.is_business)
_LEADING = frozenset({Role.PLANNER, Role.COMMANDER, Role.SQUAD_LEADER})
_STAFF = frozenset({Role.PLANNER, Role.COMMANDER})

PERMISSIONS: dict[Permission, frozenset[Role]] = {
    Permission.SEE_LAND: _BUSINESS,
    Permission.SEE_TEAMS: _BUSINESS,
    Permission.SEE_ADDRESSES: _BUSINESS,
    Permission.SEE_FIGURES: _BUSINESS,
    Permission.SEE_REGISTERS: _BUSINESS,
    Permission.SEE_WORKLIST: frozenset({Role.OFFICER}),
    Permission.SEE_OWN_ACCOUNT: _EVERYBODY,
    Permission.CHANGE_OWN_ACCOUNT: _EVERYBODY,
    Permission.UNMASK_PERSON: _LEADING | {Role.OFFICER},
    Permission.SEE_IMPORTS: frozenset({Role.PLANNER}),
    Permission.IMPORT_LAND: frozenset({Role.PLANNER}),
    Permission.IMPORT_TEAMS: frozenset({Role.PLANNER}),
    Permission.IMPORT_ADDRESSES: frozenset({Role.PLANNER}),
    Permission.IMPORT_REGISTERS: frozenset({Role.PLANNER}),
    Permission.KEEP_REGISTRATIONS: _LEADING | {Role.OFFICER},
    Permission.KEEP_RENTALS: _LEADING | {Role.OFFICER},
    Permission.SET_RENTAL_RULES: frozenset({Role.PLANNER}),
    Permission.WORK_MISMATCHES: _BUSINESS,
    Permission.HAND_IN_REGISTER: _LEADING | {Role.STEWARD, Role.GRID_WORKER},
    Permission.LEAD_QUARTER: _STAFF,
    Permission.SIGN_QUARTER: frozenset({Role.COMMANDER, Role.SQUAD_LEADER, Role.STEWARD}),
    Permission.ASSIGN_ADDRESSES: frozenset({Role.PLANNER}),
    Permission.RESOLVE_ADDRESS: _LEADING | {Role.STEWARD},
    Permission.SIGN_OFF_UNRESOLVED: _LEADING,
    Permission.HAND_OVER_BEAT: _STAFF,
    Permission.DRAFT_LAND_CHANGE: frozenset({Role.PLANNER, Role.STEWARD}),
    Permission.APPROVE_LAND_CHANGE: _STAFF,
    Permission.APPLY_LAND_CHANGE: frozenset({Role.PLANNER}),
    Permission.SEE_JOBS: _STAFF,
    Permission.CANCEL_JOB: _STAFF,
    Permission.SEE_PLANNING: _STAFF,
    Permission.PLAN: frozenset({Role.PLANNER}),
    Permission.COMMENT_PLAN: _STAFF,
    Permission.APPROVE_PLAN: frozenset({Role.PLANNER}),
    Permission.PUBLISH_PLAN: frozenset({Role.PLANNER}),
    Permission.RECORD_VISITS: frozenset({Role.OFFICER}),
    Permission.EXPORT: _LEADING | {Role.STEWARD},
    Permission.VIEW_AS: _STAFF,
    Permission.APPROVE_EXPORT: _STAFF,
    Permission.MANAGE_ACCOUNTS: frozenset({Role.ADMINISTRATOR}),
    Permission.READ_AUDIT: frozenset({Role.AUDITOR}),
}
