"""Published figures that several parts of the command centre ask for when it opens: computed once, for all of them.

The map, the panel and the alerts come as requests of their own, all at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pandas as pd
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from gis_service.access.freshness import etag
from gis_service.access.scope import Scope
from gis_service.settings import Settings
from gis_service.storage.engine import only_reads
from gis_service.storage.kept import Kept

_OPTION: Final = "command_figures"
_MOST_ROWS: Final = 100_000
"""Rows kept in all frames together."""

Published = Callable[[Session, Scope, Settings], pd.DataFrame]


def keep_figures(engine: Engine) -> None:
    """Let reads on `engine` share figures; called once, where the engine is opened."""
    store: Kept[pd.DataFrame] = Kept(_MOST_ROWS, len)
    engine.update_execution_options(**{_OPTION: store})


def shared(published: Published, session: Session, scope: Scope, settings: Settings) -> pd.DataFrame:
    """What `published` returns, computed once for a version of the data, a scope and a day; others wait for it."""
    store: Kept[pd.DataFrame] | None = session.get_bind().engine.get_execution_options().get(_OPTION)
    if store is None or not only_reads(session):
        return published(session, scope, settings)
    # the version is read before the figures: these are at least as new
    key = etag(session, scope, "figures", published.__name__)
    return store.get(key, lambda: published(session, scope, settings)).copy()
