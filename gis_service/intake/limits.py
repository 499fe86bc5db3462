"""How much of the machine one file may use; handed to the reading process as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the reading process has no use for the settings, and they take long to load
    from gis_service.settings import Settings


@dataclass(frozen=True)
class Limits:
    """The upload limits of one deployment.

    Attributes
    ----------
    max_bytes : size of the file, bytes.
    max_unzip_ratio : unpacked over packed size.
    max_vertices, max_ring_vertices : vertices in the whole file, and in one ring.
    max_json_depth : nesting of a JSON document.
    cpu_s, wall_s : seconds that the reading may take, of CPU and on the clock.
    memory_bytes : address space of the reading process.
    """

    max_bytes: int
    max_unzip_ratio: float
    max_vertices: int
    max_ring_vertices: int
    max_json_depth: int
    cpu_s: int
    wall_s: int
    memory_bytes: int

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """Take the limits of a deployment from its settings."""
        return cls(
            max_bytes=settings.upload_max_bytes,
            max_unzip_ratio=settings.upload_max_unzip_ratio,
            max_vertices=settings.upload_max_vertices,
            max_ring_vertices=settings.upload_max_ring_vertices,
            max_json_depth=settings.upload_max_json_depth,
            cpu_s=settings.upload_cpu_s,
            wall_s=settings.upload_wall_s,
            memory_bytes=settings.upload_memory_bytes,
        )
