"""What part of the district a viewer sees on a day: the one filter that every read and every write passes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Scope:
    """A viewer's part of the district, resolved for one day.

    `root_ids` are the areas whose subtrees are in scope; None is the whole district. `beat_ids`, when not None,
    narrows addresses and
    whatever hangs on them to these beats (an officer's scope).
    """

    day: date
    root_ids: frozenset[int] | None
    beat_ids: frozenset[int] | None = None

    @property
    def is_whole_district(self) -> bool:
        """Say whether nothing is hidden."""
        return self.root_ids is None and self.beat_ids is None
