"""The certificate of a village's quarter: one sheet of HTML, the same bytes for the same facts, in Chinese."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.areas.queries import lineage
from gis_service.registers.mismatches.states import SETTLED
from gis_service.registers.quarters.calendar import Quarter
from gis_service.registers.quarters.queries import by_class, digest_of, previous_counts
from gis_service.registers.quarters.tables import QuarterState, Reconciliation
from gis_service.registers.tables import MismatchClass, MismatchState
from gis_service.texts import T, Text, _

_LOCALE: Final = "zh_CN"
CLASS_NAMES: Final[dict[str, Text]] = {
    MismatchClass.MISSING_REGISTRATION: T("Not on the list"),
    MismatchClass.SHOULD_BE_REGISTERED: T("To be registered"),
    MismatchClass.SHOULD_BE_DEREGISTERED: T("To be deregistered"),
    MismatchClass.PERSON_DWELLING: T("Lives elsewhere"),
    MismatchClass.DUPLICATE: T("Registered twice"),
    MismatchClass.WRONG_ADDRESS: T("Wrong address"),
    MismatchClass.ATTRIBUTE_CONFLICT: T("Details differ"),
}
STATE_NAMES: Final[dict[str, Text]] = {
    MismatchState.OPEN: T("Open"),
    MismatchState.CONFIRMED: T("Confirmed"),
    MismatchState.CORRECTED_POLICE: T("Corrected by the station"),
    MismatchState.CORRECTED_VILLAGE: T("Corrected by the village"),
    MismatchState.CORRECTED_GRID: T("Corrected by the grid"),
    MismatchState.REJECTED: T("Rejected"),
}


def certificate(session: Session, row: Reconciliation, items: pd.DataFrame, scope: Scope) -> bytes:
    """Print the certificate of a village's quarter from its mismatches; a draft until it is signed."""
    quarter = Quarter.parse(row.quarter)
    names = [name for _id, _code, name in lineage(session, row.village_id, scope)] or ["—"]  # before there was land
    table = by_class(items)
    before = previous_counts(session, quarter)
    carried = items[~items["state"].isin([state.value for state in SETTLED])]
    body = (
        _environment()
        .get_template("certificate.html")
        .render(
            row=row,
            quarter=quarter,
            names=names,
            is_draft=row.state not in (QuarterState.SIGNED, QuarterState.CLOSED),
            states=list(STATE_NAMES),
            rows=[_row(table, kind.value) for kind in MismatchClass if kind.value in table.index],
            total=_total(table),
            figures=row.figures or {},
            previous=before.loc[row.village_id].to_dict() if row.village_id in before.index else None,
            carried=carried.to_dict("records"),
            digest=digest_of(items),
            day=scope.day,
        )
    )
    return body.encode()


def _row(table: pd.DataFrame, kind: str) -> dict[str, Any]:
    return {"mismatch_class": kind, **{str(name): int(table[name].to_dict()[kind]) for name in table.columns}}


def _total(table: pd.DataFrame) -> dict[str, int]:
    return {str(name): int(table[name].sum()) for name in table.columns}


def _name(code: str) -> str:
    text = CLASS_NAMES.get(code) or STATE_NAMES.get(code)
    return code if text is None else text.render(_LOCALE)


@cache
def _environment() -> Environment:
    env = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.globals["_"] = lambda message: _(message, _LOCALE)
    env.filters["code_name"] = _name
    return env
