"""Who was found to be who: the links of a matching with level, score and evidence, kept beside the items."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
from sqlalchemy import ColumnElement, Select, and_, delete, false, func, or_, select
from sqlalchemy.orm import Session, aliased

from gis_service.access.personal import Vault
from gis_service.access.scope import Scope
from gis_service.access.viewer import Viewer
from gis_service.errors import NotFoundError
from gis_service.registers.quarters.calendar import Quarter
from gis_service.registers.quarters.tables import LinkKind, PersonLink
from gis_service.registers.snapshots.queries import masked, opened, visible
from gis_service.registers.snapshots.tables import Snapshot, SnapshotRow
from gis_service.storage.bulk import insert_frame
from gis_service.storage.frames import read_frame
from gis_service.texts import T

if TYPE_CHECKING:
    from layers.linkage import Linkage

EVIDENCE: Final = ("name", "id_number", "phone", "birth_year", "address")
"""Fields of which a link says how well they agree (`layers._linkage_compare.WORDS`)."""


def keep_links(
    session: Session, quarter: Quarter, people: pd.DataFrame, linkage: Linkage, villages: Collection[int]
) -> dict[int, dict[str, int]]:
    """Keep the links of some villages, instead of those of an earlier matching; how many of each kind by village.

    A link belongs to the village of its left record, else of its right one; `refused` ones would have given a person
    two records of one register, and `duplicate` ones say of two records of one register that they are one person.
    """
    session.execute(
        delete(PersonLink).where(PersonLink.quarter == str(quarter), PersonLink.village_id.in_(sorted(villages)))
    )
    kinds = {
        LinkKind.LINK: linkage.links,
        LinkKind.DUPLICATE: linkage.duplicates,
        LinkKind.REFUSED: linkage.refused,
    }
    rows = pd.concat([frame.assign(kind=kind.value) for kind, frame in kinds.items()], ignore_index=True)
    village = people["village_id"]
    place = village.reindex(rows["left_id"]).array
    rows["village_id"] = pd.Series(place, index=rows.index).fillna(
        pd.Series(village.reindex(rows["right_id"]).array, index=rows.index)
    )
    ours = rows[rows["village_id"].isin(list(villages))]
    if len(ours):
        insert_frame(session, PersonLink, _written(ours, quarter))
    found: dict[int, dict[str, int]] = {}
    for (place_id, kind), count in Counter(zip(ours["village_id"], ours["kind"], strict=True)).items():
        found.setdefault(int(place_id), {})[str(kind)] = count
    return found


def _written(rows: pd.DataFrame, quarter: Quarter) -> pd.DataFrame:
    texts = {field: rows[field].astype("str") for field in ("level", *EVIDENCE)}
    return pd.DataFrame(
        {
            "quarter": str(quarter),
            "village_id": rows["village_id"].astype("Int64"),
            "kind": rows["kind"],
            "left_row_id": rows["left_id"],
            "right_row_id": rows["right_id"],
            "left_side": rows["left_register"],
            "right_side": rows["right_register"],
            "score": rows["score"],
            **texts,
        }
    ).reset_index(drop=True)


def links_of_rows(session: Session, row_ids: Collection[int]) -> pd.DataFrame:
    """The links of some rows, newest quarter first: both rows and sides, kind, level, score and `EVIDENCE`."""
    query = _LINKS.where(or_(PersonLink.left_row_id.in_(sorted(row_ids)), PersonLink.right_row_id.in_(sorted(row_ids))))
    return read_frame(session, query.order_by(PersonLink.quarter.desc(), PersonLink.score.desc(), PersonLink.id))


def links_of_mismatch(session: Session, found: Mapping[str, Any]) -> pd.DataFrame:
    """Why the records of a mismatch are taken for one person: their links in the newest matching of its village.

    Parameters
    ----------
    found
        From `mismatches.queries.mismatch`.
    """
    keys = {
        (found["at_register"] if side == "other" else side, record["source_key"])
        for side, record in found["sides"].items()
    }
    newest = select(func.max(PersonLink.quarter)).where(PersonLink.village_id == found["village_id"])
    left, right = aliased(SnapshotRow), aliased(SnapshotRow)
    query = (
        _LINKS.join(left, left.id == PersonLink.left_row_id)
        .join(right, right.id == PersonLink.right_row_id)
        .where(
            PersonLink.village_id == found["village_id"],
            PersonLink.quarter == newest.scalar_subquery(),
            _is_one_of(PersonLink.left_side, left.source_key, keys),
            _is_one_of(PersonLink.right_side, right.source_key, keys),
        )
    )
    return read_frame(session, query.order_by(PersonLink.score.desc(), PersonLink.id))


def _is_one_of(side: Any, source_key: Any, keys: Collection[tuple[str, str]]) -> ColumnElement[bool]:
    return or_(false(), *(and_(side == one, source_key == key) for one, key in sorted(keys)))


_LINKS: Final[Select[*tuple[Any, ...]]] = select(
    PersonLink.quarter,
    PersonLink.kind,
    PersonLink.left_row_id,
    PersonLink.right_row_id,
    PersonLink.left_side,
    PersonLink.right_side,
    PersonLink.level,
    PersonLink.score,
    *(getattr(PersonLink, field) for field in EVIDENCE),
)


def person(session: Session, scope: Scope, viewer: Viewer, vault: Vault, row_id: int) -> dict[str, Any]:
    """A record of the viewer's part and side beside those that it is linked to, masked; and the links with evidence.

    Of records that are another side's or another part's the viewer learns how well they agree, and not what they say.

    Raises
    ------
    NotFoundError
        There is no such record.
    """
    links = links_of_rows(session, [row_id])
    ids = sorted({row_id, *links["left_row_id"], *links["right_row_id"]})
    seen = visible(scope, viewer).with_only_columns(SnapshotRow.id, Snapshot.side, Snapshot.id)
    seen = seen.join(SnapshotRow, SnapshotRow.snapshot_id == Snapshot.id).where(SnapshotRow.id.in_(ids))
    of = {key: (side, snapshot_id) for key, side, snapshot_id in session.execute(seen)}
    if row_id not in of:
        raise NotFoundError(T("There is no such record in your part of the district."))
    rows = masked(opened(session, vault, select(SnapshotRow).where(SnapshotRow.id.in_(sorted(of)))))
    rows["side"] = pd.Series({key: side for key, (side, _snapshot_id) in of.items()})
    return {"snapshot_id": of[row_id][1], "rows": rows, "links": links}
