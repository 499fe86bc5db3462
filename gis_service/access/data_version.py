"""The version of the data: the number of the newest act that changed what is shown.

Every act that changes data leaves an entry in the audit trail within its transaction.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import Final

from sqlalchemy import Select, literal_column, select
from sqlalchemy.orm import Session

from gis_service.access.audit import Result
from gis_service.access.tables import AuditEntry

CHANGES_NOTHING_SHOWN: Final = frozenset(
    {
        "ask_for_export", "change_account", "change_own_locale", "change_password", "confirm_second_factor",
        "create_account", "create_first_administrator", "create_token", "decide_export", "discard_land_change",
        "draft_land_change", "approve_land_change", "end_grant", "export", "export_audit", "export_unmasked",
        "export_unmasked_file",
        "grant_area", "move_to_active_keys", "prune_audit", "read_notices",
        "remove_second_factor", "reset_password", "retire_keys",
        "revoke_token", "rotate_keys", "sign_in", "sign_in_oidc", "sign_out", "start_second_factor", "start_view_as",
        "stop_view_as", "unmask",
    }
)  # fmt: skip
"""Acts after which every map and figure is what it was; any other act counts, known or not."""

LAND_AND_PLACES_STAY: Final = frozenset(
    {
        "add_visit_photo", "attach_to_mismatch", "cancel_job", "close_quarter", "comment_mismatch", "comment_scenario",
        "create_scenario", "deregister", "edit_scenario", "finish_quarter_work", "grade_rentals",
        "hand_over_mismatches", "inspect_rental", "keep_rental", "keep_snapshot", "match_quarter", "move_registration",
        "open_quarter", "publish_rental_rules", "record_visit", "register", "renew_registration",
        "save_snapshot_source", "set_mismatch_state", "sign_quarter", "start_job", "take_back_quarter",
        "undo_scenario_step",
    }
)  # fmt: skip
"""Acts on people and work, of which a day has thousands: no border and no placement of an address moves by them."""

LAND_STAYS: Final = LAND_AND_PLACES_STAY | {
    "accept_suggestions", "acknowledge_doubts", "assign_addresses", "hand_over_beat", "sign_off_unresolved",
    "withdraw_override",
}  # fmt: skip
"""Acts by which no border moves."""


def data_version(session: Session, besides: Collection[str] = ()) -> int:
    """The number of the newest act that changed what is shown; `besides` names more acts that do not matter here."""
    return session.scalar(_newest_act(frozenset(besides))) or 0


@lru_cache
def _newest_act(besides: frozenset[str]) -> Select[int]:
    """The query, made once: every tile asks it, and binding half a hundred words took longer than the answer."""
    words = ", ".join(f"'{word}'" for word in sorted(CHANGES_NOTHING_SHOWN | besides))
    counts = AuditEntry.action.op("NOT IN")(literal_column(f"({words})"))
    query = select(AuditEntry.seq).where(counts, AuditEntry.result == Result.DONE.value)
    return query.order_by(AuditEntry.seq.desc()).limit(1)
