"""The auditor's routes: the trail with filters, as a file, and whether it holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, BaseModel

from gis_service.access.audit import record
from gis_service.access.audit_review import AuditFilter, csv_lines, read_entries, verify_audit
from gis_service.access.http import ViewerDep, requires
from gis_service.access.permissions import Permission
from gis_service.api.dependencies import EngineDep, ReadDep
from gis_service.api.wire import Limit, Offset, Page
from gis_service.storage.engine import reading, transaction

router = APIRouter(dependencies=[Depends(requires(Permission.READ_AUDIT))])

Exactly = Annotated[str | None, Query(max_length=200)]


class AuditItem(BaseModel):
    """One entry of the trail; `before` and `after` are JSON objects of the fields that changed."""

    seq: int
    at: datetime
    actor: str
    role: str
    seen_by: str | None
    source_ip: str | None
    action: str
    object_kind: str
    object_id: str | None
    result: str
    before: str | None
    after: str | None


class FindingItem(BaseModel):
    """One thing wrong, at or after an entry."""

    seq: int
    message: str


class VerdictItem(BaseModel):
    """Whether the trail is as it was written."""

    holds: bool
    entries: int
    first_seq: int
    last_seq: int
    findings: list[FindingItem]


def audit_asked(
    actor: Exactly = None,
    action: Exactly = None,
    object_kind: Exactly = None,
    object_id: Exactly = None,
    result: Exactly = None,
    since: Annotated[AwareDatetime | None, Query(description="From this instant on.")] = None,
    until: Annotated[AwareDatetime | None, Query(description="Before this instant.")] = None,
) -> AuditFilter:
    """The filter in the query."""
    return AuditFilter(actor, action, object_kind, object_id, result, since, until)


AskedDep = Annotated[AuditFilter, Depends(audit_asked)]


@router.get("/audit")
def get_audit(session: ReadDep, asked: AskedDep, offset: Offset = 0, limit: Limit = 100) -> Page[AuditItem]:
    """List entries of the audit trail, newest first."""
    entries, total = read_entries(session, asked, offset=offset, limit=limit)
    items = [AuditItem.model_validate(entry, from_attributes=True) for entry in entries]
    return Page(items=items, total=total, offset=offset, limit=limit)


@router.get("/audit.csv", responses={200: {"content": {"text/csv": {}}}}, response_class=StreamingResponse)
def export_audit(engine: EngineDep, viewer: ViewerDep, asked: AskedDep) -> StreamingResponse:
    """Export entries as CSV (UTF-8 with a byte-order mark, for Excel), oldest first; the export is recorded."""
    with transaction(engine) as session:
        record(session, viewer, "export_audit", "audit_entry", None, after=asdict(asked))

    def lines() -> Iterator[str]:
        with reading(engine) as session:
            yield from csv_lines(session, asked)

    headers = {"Content-Disposition": 'attachment; filename="audit.csv"'}
    return StreamingResponse(lines(), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/audit/verdict")
def get_verdict(engine: EngineDep) -> VerdictItem:
    """Verify the whole trail."""
    verdict = verify_audit(engine)
    return VerdictItem(
        holds=verdict.holds,
        entries=verdict.entries,
        first_seq=verdict.first_seq,
        last_seq=verdict.last_seq,
        findings=[FindingItem(seq=finding.seq, message=str(finding.text)) for finding in verdict.findings],
    )
