"""Subjects whose rows are rows of one table: keyed, compared, sealed and written in one way for all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from geoalchemy2 import Geometry
from sqlalchemy import Date, Float, Integer, Select, select
from sqlalchemy.orm import Session

from gis_service.access.same_value import IndexKind
from gis_service.intake.changes import differing
from gis_service.intake.subject import Action, Batch, Circumstances, Plan, Progress
from gis_service.storage.among import among
from gis_service.storage.bulk import insert_frame, table_of, update_frame
from gis_service.storage.frames import read_frame, read_geoframe
from gis_service.storage.rows import Row
from gis_service.texts import T, Text

#: up to this many codes are looked up by themselves; above it the whole table of codes is read
ASKED_BY_KEY: Final = 500
#: keys asked for at a time
KEYS_AT_A_TIME: Final = 50_000


@dataclass(frozen=True)
class Reference:
    """A field that names a row of another table: `lookup` leads from unique codes to ids, on their index."""

    field: str
    column: str
    lookup: Callable[[Circumstances, pd.Series], pd.Series]
    unknown: Text
    remedy: Text


@dataclass(frozen=True)
class Sealed:
    """A personal field, kept sealed; with `index`, also as a blind index of that kind."""

    field: str
    index: IndexKind | None = None


@dataclass(frozen=True)
class FlatTable:
    """How the rows of a batch become rows of one table; its `plan` is the plan of a `Subject`.

    Attributes
    ----------
    row : the table.
    key : columns that name a row, in the file and in the database.
    references : fields that become ids.
    sealed : personal fields, sealed under the first column of `key`.
    settle : rules of the batch alone; may return more or other columns of the table.
    check : rules that need the database; sees the rows as they will be, and the table as it will be.
    verify : rules between a row and the one that it replaces; sees the rows as they will be.
    only_known : refuses rows that the table has not, with this message and remedy; None takes them as new ones.
    allowed : which rows (columns of the table) the viewer may write; None when every viewer may write all.
    elsewhere : fields that are no columns of the table.
    completed : new rows, or changed ones beside those that they replace, with columns that follow from the given ones.
    written : what follows from new and changed rows (their ids), in the same transaction.
    """

    row: type[Row]
    key: tuple[str, ...]
    references: tuple[Reference, ...] = ()
    sealed: tuple[Sealed, ...] = ()
    settle: Callable[[Batch, pd.DataFrame], pd.DataFrame] | None = None
    check: Callable[[Circumstances, Batch, pd.DataFrame, pd.DataFrame], None] | None = None
    verify: Callable[[Batch, pd.DataFrame], None] | None = None
    only_known: tuple[Text, Text] | None = None
    allowed: Callable[[Circumstances, pd.DataFrame], pd.Series] | None = None
    elsewhere: tuple[str, ...] = field(default=())
    completed: Callable[[Circumstances, pd.DataFrame, pd.DataFrame | None], pd.DataFrame] | None = None
    written: Callable[[Circumstances, npt.NDArray[np.int64], Progress], None] | None = None

    def plan(self, circumstances: Circumstances, batch: Batch) -> Plan:
        """Compare the batch with the table."""
        rows = self._refer(circumstances, batch)
        if self.settle is not None:
            rows = self.settle(batch, rows)
        self._refuse_repeated(batch, rows)
        existing = self._existing(circumstances, rows)
        matched = self._match(rows, existing)
        planned = self._completed(rows, existing, matched)
        if self.only_known is not None:
            message, remedy = self.only_known
            strange = matched.isna() & rows[list(self.key)].notna().all(axis=1)
            batch.faults.refuse(strange, message, field=self.key[0], values=rows[self.key[0]], remedy=remedy)
        if self.verify is not None:
            self.verify(batch, planned)
        replaced = pd.Index(matched.dropna().astype("int64"))
        if self.allowed is not None:
            self._refuse_foreign(circumstances, batch, planned, existing.loc[replaced])
        if self.check is not None:
            self.check(circumstances, batch, planned, existing.drop(index=replaced))
        actions = pd.Series(Action.UNCHANGED.value, index=rows.index, dtype="str")
        actions[self._differs(circumstances, rows, existing, matched)] = Action.CHANGED.value
        actions[matched.isna()] = Action.NEW.value
        actions[batch.faults.rows] = Action.REFUSED.value
        return Plan(actions, lambda progress: self._write(circumstances, rows, existing, matched, actions, progress))

    def _refer(self, circumstances: Circumstances, batch: Batch) -> pd.DataFrame:
        """The columns of the table that the file gives, codes led to ids, geometry in `geom`."""
        by_field = {reference.field: reference for reference in self.references}
        columns: dict[str, pd.Series] = {}
        for name, column in batch.rows.items():
            reference = by_field.get(str(name))
            if reference is not None:
                ids = self._ids(circumstances, reference, column)
                batch.faults.refuse(
                    column.notna() & ids.isna(),
                    reference.unknown,
                    field=reference.field,
                    values=column,
                    remedy=reference.remedy,
                )
                columns[reference.column] = ids
            elif name not in self.elsewhere:
                columns[str(name)] = column
        if batch.geometry is not None:
            columns["geom"] = batch.geometry
        return pd.DataFrame(columns, index=batch.rows.index)

    def _ids(self, circumstances: Circumstances, reference: Reference, codes: pd.Series) -> pd.Series:
        unique = codes.dropna().drop_duplicates()
        ids = reference.lookup(circumstances, unique).set_axis(unique)
        return codes.map(ids).astype("Int64")

    def _refuse_repeated(self, batch: Batch, rows: pd.DataFrame) -> None:
        repeated = rows.duplicated(list(self.key)) & rows[list(self.key)].notna().all(axis=1)
        first = batch.rows.columns[0] if self.key[0] not in batch.rows.columns else self.key[0]
        batch.faults.refuse(
            repeated,
            T("An earlier row of the file has the same key ({key}).", key=" + ".join(self.key)),
            field=self.key[0],
            values=batch.rows[first],
            remedy=T("Keep one of the rows."),
        )

    def _existing(self, circumstances: Circumstances, rows: pd.DataFrame) -> pd.DataFrame:
        """The rows of the table that may matter, index `id`; typed like the columns of a batch."""
        table = table_of(self.row)
        geometry = next((column for column in table.c if isinstance(column.type, Geometry)), None)
        unread = {f"{each.field}_sealed" for each in self.sealed if each.field not in rows.columns}
        plain = [
            column
            for column in table.c
            if column is not geometry and not column.name.endswith("_index") and column.name not in unread
        ]
        dtypes = {column.name: kind for column in plain if (kind := _dtype(column.type))}
        session, query = circumstances.session, select(*plain)
        if geometry is None:
            frame = pd.concat(
                [read_frame(session, each, dtypes=dtypes, index="id") for each in self._asked(session, query, rows)]
            )
        else:
            frame = pd.concat(
                [
                    read_geoframe(session, each, geometry, dtypes=dtypes, index="id").rename_geometry("geom")
                    for each in self._asked(session, query, rows)
                ]
            )
        for column in plain:
            if isinstance(column.type, Date):
                frame[column.name] = pd.to_datetime(frame[column.name]).astype("datetime64[s]")
        return frame

    def _asked(
        self, session: Session, query: Select[*tuple[Any, ...]], rows: pd.DataFrame
    ) -> list[Select[*tuple[Any, ...]]]:
        """The query for the rows that the file may be about; for the whole table where a check needs that."""
        if self.check is not None:
            return [query]
        column = table_of(self.row).c[self.key[0]]
        keys = rows[self.key[0]].dropna().unique().tolist()
        starts = range(0, max(len(keys), 1), KEYS_AT_A_TIME)
        return [query.where(among(session, column, keys[start : start + KEYS_AT_A_TIME])) for start in starts]

    def _match(self, rows: pd.DataFrame, existing: pd.DataFrame) -> pd.Series:
        """The id of the row that each row is about; NA for a new one."""
        key = list(self.key)
        known = existing[key].drop_duplicates(key, keep="last").reset_index()
        ids = pd.DataFrame(rows[key]).merge(known, on=key, how="left")["id"]
        return ids.astype("Int64").set_axis(rows.index)

    def _completed(self, rows: pd.DataFrame, existing: pd.DataFrame, matched: pd.Series) -> pd.DataFrame:
        """The rows as they will be: what the file does not give stays as it is."""
        kept = existing.drop(columns=[*rows.columns], errors="ignore").reindex(matched.fillna(-1).astype("int64"))
        return pd.concat([rows, pd.DataFrame(kept).set_axis(rows.index)], axis=1)

    def _refuse_foreign(
        self, circumstances: Circumstances, batch: Batch, planned: pd.DataFrame, replaced: pd.DataFrame
    ) -> None:
        """Nobody writes outside the own part of the district, nor takes a row away from another's."""
        if self.allowed is None:
            return
        allowed = self.allowed(circumstances, planned)
        sound = ~planned.index.isin(batch.faults.rows)
        foreign = ~allowed & sound
        if len(replaced):
            known = self._match(planned, replaced)
            taken = ~self.allowed(circumstances, replaced)
            foreign |= sound & known.isin(replaced.index[taken.to_numpy()])
        batch.faults.refuse(
            foreign,
            T("The row lies outside your part of the district."),
            field=self.key[0],
            remedy=T("Leave it to the people who answer for that part, or ask for a wider scope."),
        )

    def _differs(
        self, circumstances: Circumstances, rows: pd.DataFrame, existing: pd.DataFrame, matched: pd.Series
    ) -> pd.Series:
        known = matched.notna()
        old = existing.loc[matched[known].astype("int64")].set_axis(matched.index[known])
        changed = pd.Series(data=False, index=rows.index)
        sealed = {each.field for each in self.sealed}
        for name in rows.columns:
            if name in sealed:
                keys = old[self.key[0]].tolist()
                field = str(name)
                opened = circumstances.vault.open_many(
                    table_of(self.row).name, field, keys, _bytes(old[f"{field}_sealed"])
                )
                before = pd.Series(opened, index=old.index, dtype="str")
            else:
                before = old[name]
            changed[known] |= differing(rows.loc[known, name], before)
        return changed

    def _write(
        self,
        circumstances: Circumstances,
        rows: pd.DataFrame,
        existing: pd.DataFrame,
        matched: pd.Series,
        actions: pd.Series,
        progress: Progress,
    ) -> None:
        new, changed = rows[actions.eq(Action.NEW)], rows[actions.eq(Action.CHANGED)]
        total, ids = len(new) + len(changed), [matched[changed.index].to_numpy(dtype="int64")]
        if len(changed):
            if self.completed is not None:
                changed = self.completed(circumstances, changed, existing.loc[ids[0]].set_axis(changed.index))
            frame = self._seal(circumstances, changed).assign(id=ids[0])
            update_frame(
                circumstances.session, self.row, frame, progress=lambda done, _: progress(done, total, T("Updating"))
            )
        if len(new):
            if self.completed is not None:
                new = self.completed(circumstances, new, None)
            frame = self._seal(circumstances, new)
            fresh = insert_frame(
                circumstances.session,
                self.row,
                frame,
                progress=lambda done, _: progress(len(changed) + done, total, T("Inserting")),
            )
            ids.append(fresh)
        if self.written is not None:
            self.written(circumstances, np.concatenate(ids), progress)

    def _seal(self, circumstances: Circumstances, rows: pd.DataFrame) -> pd.DataFrame:
        """Personal columns replaced by their sealed form and blind index."""
        vault, table, frame = circumstances.vault, table_of(self.row).name, rows.copy()
        keys = rows[self.key[0]].tolist()
        for each in self.sealed:
            if each.field not in frame.columns:
                continue
            values = frame.pop(each.field).astype(object).where(rows[each.field].notna(), None).tolist()
            frame[f"{each.field}_sealed"] = _objects(vault.seal_many(table, each.field, keys, values), frame.index)
            if each.index is not None:
                frame[f"{each.field}_index"] = _objects(vault.blind_index_many(each.index, values), frame.index)
        return frame


def _objects(values: list[bytes | None], index: pd.Index) -> pd.Series:
    return pd.Series(values, index=index, dtype=object)


def _bytes(column: pd.Series) -> list[bytes | None]:
    return [None if value is None else bytes(value) for value in column]


def _dtype(kind: Any) -> str | None:
    if isinstance(kind, Integer):
        return "Int64"
    if isinstance(kind, Float):
        return "Float64"
    return "str" if getattr(kind, "length", None) and kind.python_type is str else None


def lookup_by_code(row: type[Row], column: str) -> Callable[[Circumstances, pd.Series], pd.Series]:
    """A `Reference.lookup` through a unique code of another table."""

    def look_up(circumstances: Circumstances, codes: pd.Series) -> pd.Series:
        table = table_of(row)
        query = select(table.c.id, table.c[column].label("code"))
        if len(codes) <= ASKED_BY_KEY:
            query = query.where(table.c[column].in_(codes.tolist()))
        known = read_frame(circumstances.session, query, dtypes={"id": "Int64", "code": "str"}, index="code")["id"]
        return codes.map(known).astype("Int64")

    return look_up
