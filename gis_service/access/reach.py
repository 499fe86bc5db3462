"""What access asks the features about a viewer's scope, because only they know what hangs on what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from gis_service.access.viewer import Viewer


@dataclass(frozen=True)
class Reach:
    """Three questions, answered for a viewer on a day; put on the application where it is composed.

    `officer_name` gives the name of an officer in scope, None otherwise; `holds_row` says whether the row of a table
    (by the key that its personal fields are sealed under) is in scope; `covers` whether the whole scope of a second
    viewer is.
    """

    officer_name: Callable[[Session, Viewer, int, date], str | None]
    holds_row: Callable[[Session, Viewer, str, str, date], bool]
    covers: Callable[[Session, Viewer, Viewer, date], bool]
