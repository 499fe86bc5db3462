"""Import verbs: a dry run that says what would happen to each row, and the import itself, all or nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
from psycopg.errors import IntegrityError as CopyIntegrityError
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from gis_service.access.audit import record, trail_of
from gis_service.access.viewer import Viewer
from gis_service.errors import ConflictError, Fault, InvalidInputError
from gis_service.intake.assembling import assemble
from gis_service.intake.content import FileContent
from gis_service.intake.diagnosis import diagnose_batch, refuse_elsewhere
from gis_service.intake.fault_list import FaultList
from gis_service.intake.limits import Limits
from gis_service.intake.reading import read_file
from gis_service.intake.subject import Action, Batch, Circumstances, ImportOptions, Plan, Progress, Subject
from gis_service.intake.tables import ImportRun
from gis_service.settings import Settings
from gis_service.storage.bulk import hold_alone
from gis_service.storage.engine import reading, transaction
from gis_service.texts import T, Text

#: a refused import carries so many faults; the dry run has them all
FAULTS_CARRIED = 1000


@dataclass(frozen=True)
class ImportPreview:
    """What an import would do.

    Attributes
    ----------
    rows : one per row of the file: `file`, `row`, `key`, `action`.
    counts : rows per action, all four actions present.
    faults : why rows are refused.
    warnings : what the user should know.
    missing : keys that the database has and the file has not.
    diagnosis : how many shapes would lie in the district under each reading of their coordinates
        (`layers.crs.diagnose`); None without geometry or district.
    """

    subject: str
    file_name: str
    sha256: str
    rows: pd.DataFrame
    counts: dict[str, int]
    faults: FaultList
    warnings: tuple[Text, ...]
    missing: tuple[str, ...]
    diagnosis: pd.DataFrame | None = None

    @property
    def is_acceptable(self) -> bool:
        """Say whether the import can be applied."""
        return not len(self.faults)


@dataclass(frozen=True)
class ImportOutcome:
    """What an import did; `run_id` is None when there was nothing to change."""

    subject: str
    file_name: str
    sha256: str
    counts: dict[str, int]
    warnings: tuple[Text, ...]
    missing: tuple[str, ...]
    run_id: int | None


def preview_import(
    engine: Engine,
    settings: Settings,
    viewer: Viewer,
    subject: Subject,
    path: Path,
    options: ImportOptions | None = None,
) -> ImportPreview:
    """Say what importing the file would do; writes nothing.

    Raises
    ------
    NotPermittedError, InvalidInputError, TooLargeError
        The viewer may not, or the file cannot be understood at all; faults of single rows are in the preview.
    """
    viewer.require(subject.permission)
    said = options or ImportOptions()
    return preview_content(engine, viewer, subject, _read(settings, path, said), said)


def preview_content(
    engine: Engine, viewer: Viewer, subject: Subject, content: FileContent, said: ImportOptions
) -> ImportPreview:
    """Say what importing a file that was read already would do; as `preview_import`."""
    viewer.require(subject.permission)
    batch = assemble(subject, content, said)
    with reading(engine) as session:
        plan = _plan(subject, _circumstances(engine, session, viewer, said, content), batch)
        outline = None if subject.outline is None else subject.outline(session, _today())
    preview = _preview(subject, content, batch, plan)
    return preview if outline is None else replace(preview, diagnosis=diagnose_batch(batch, outline))


def apply_import(
    engine: Engine,
    settings: Settings,
    viewer: Viewer,
    subject: Subject,
    path: Path,
    options: ImportOptions | None = None,
    progress: Progress | None = None,
) -> ImportOutcome:
    """Import the file in one transaction: every row, or none. A file that changes nothing leaves no trace.

    Raises
    ------
    NotPermittedError, InvalidInputError, TooLargeError
        As for the dry run; with any refused row nothing is written.
    ConflictError
        Somebody else wrote the same rows at the same moment.
    """
    viewer.require(subject.permission)
    said = options or ImportOptions()
    return apply_content(engine, viewer, subject, _read(settings, path, said), said, progress)


def apply_content(
    engine: Engine,
    viewer: Viewer,
    subject: Subject,
    content: FileContent,
    said: ImportOptions,
    progress: Progress | None = None,
) -> ImportOutcome:
    """Import a file that was read already; as `apply_import`."""
    viewer.require(subject.permission)
    batch = assemble(subject, content, said)
    try:
        with transaction(engine) as session:
            hold_alone(session, "import")
            plan = _plan(subject, _circumstances(engine, session, viewer, said, content), batch)
            preview = _preview(subject, content, batch, plan)
            if not preview.is_acceptable:
                raise _refused(preview)
            run_id = _write(session, viewer, preview, plan, progress or _silent)
    except (IntegrityError, CopyIntegrityError) as error:
        if "NOT NULL" in str(error).upper():  # no race makes that
            raise
        raise ConflictError(T("Somebody else changed the same rows at this moment: try again.")) from error
    return ImportOutcome(
        subject.name, preview.file_name, preview.sha256, preview.counts, preview.warnings, preview.missing, run_id
    )


def _read(settings: Settings, path: Path, said: ImportOptions) -> FileContent:
    return read_file(path, Limits.of(settings), name=said.file_name, layers=said.layers)


def _circumstances(
    engine: Engine, session: Session, viewer: Viewer, options: ImportOptions, content: FileContent
) -> Circumstances:
    return Circumstances(session, viewer, trail_of(engine).vault, options, _today(), content.name)


def _today() -> date:
    """The day where the service stands."""
    return datetime.now(UTC).astimezone().date()


def _plan(subject: Subject, circumstances: Circumstances, batch: Batch) -> Plan:
    """The plan of the subject; none where the whole is refused already."""
    if subject.outline is not None:
        refuse_elsewhere(batch, subject.outline(circumstances.session, circumstances.today))
    if batch.faults.refuses_all:
        refused = pd.Series(Action.REFUSED.value, index=batch.rows.index, dtype="str")
        return Plan(refused, lambda _progress: None)
    return subject.plan(circumstances, batch)


def _preview(subject: Subject, content: FileContent, batch: Batch, plan: Plan) -> ImportPreview:
    rows = batch.faults.places.assign(key=batch.column(subject.key), action=plan.actions)
    found = plan.actions.value_counts()
    return ImportPreview(
        subject=subject.name,
        file_name=content.name,
        sha256=content.sha256,
        rows=rows,
        counts={action.value: int(found.get(action.value, 0)) for action in Action},
        faults=batch.faults,
        warnings=tuple(batch.warnings),
        missing=plan.missing,
    )


def _refused(preview: ImportPreview) -> InvalidInputError:
    faults: tuple[Fault, ...] = preview.faults.first(FAULTS_CARRIED)
    text = T(
        "{file}: {faults} faults in {rows} rows; nothing was imported.",
        file=preview.file_name,
        faults=len(preview.faults),
        rows=preview.counts[Action.REFUSED],
    )
    return InvalidInputError(text, faults)


def _write(session: Session, viewer: Viewer, preview: ImportPreview, plan: Plan, progress: Progress) -> int | None:
    """Write the plan, the run and the audit entry."""
    if not preview.counts[Action.NEW] + preview.counts[Action.CHANGED]:
        return None
    plan.write(progress)
    run = ImportRun(
        subject=preview.subject,
        file_name=preview.file_name[:300],
        sha256=preview.sha256,
        imported_at=datetime.now(UTC).replace(tzinfo=None),
        imported_by=viewer.name[:100],
        outcome={**preview.counts, "missing": len(preview.missing)},
    )
    session.add(run)
    session.flush()
    seen = {"file": preview.file_name, "sha256": preview.sha256, **preview.counts}
    record(session, viewer, "apply_import", preview.subject, run.id, after=seen)
    return run.id


def _silent(_done: int, _total: int, _what: Text) -> None:
    """Progress for nobody."""
