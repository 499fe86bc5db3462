"""What a command on the server's shell works with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from gis_service.access.viewer import Viewer
    from gis_service.settings import Settings


@dataclass(frozen=True)
class Shell:
    """The settings, the database and the viewer of one command."""

    settings: Settings
    engine: Engine
    viewer: Viewer
