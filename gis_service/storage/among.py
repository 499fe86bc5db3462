"""The filter for rows whose text is one of very many: a single parameter, however many there are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, String, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session


def among(session: Session, column: Any, texts: Sequence[str]) -> ColumnElement[bool]:
    """Rows whose `column` is one of `texts`; a list of parameters would cost the driver more than the database."""
    if session.get_bind().dialect.name == "postgresql":
        given = select(func.unnest(literal(list(texts), ARRAY(String))))  # joined by hash, where ANY would try each
        found: ColumnElement[bool] = column.in_(given)
        return found
    each = func.json_each(json.dumps(list(texts), ensure_ascii=False)).table_valued("value")
    within: ColumnElement[bool] = column.in_(select(each.c.value))
    return within
