"""Which side somebody is on, and which steps a mismatch can take. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from gis_service.access.permissions import Role
from gis_service.access.viewer import Viewer
from gis_service.registers.tables import MismatchState


class Side(StrEnum):
    """The three registers and the people who keep them: station, village, grid."""

    POLICE = "police"
    VILLAGE = "village"
    GRID = "grid"

    @property
    def corrected(self) -> MismatchState:
        """The state of a mismatch that this side has corrected."""
        return MismatchState(f"corrected_{self.value}")


_SIDES: Final[dict[Role, Side]] = {
    Role.SQUAD_LEADER: Side.POLICE,
    Role.OFFICER: Side.POLICE,
    Role.STEWARD: Side.VILLAGE,
    Role.GRID_WORKER: Side.GRID,
}

SETTLED: Final = frozenset({*(side.corrected for side in Side), MismatchState.REJECTED})
"""States in which nobody has to do anything more."""


def side_of(viewer: Viewer) -> Side | None:
    """The side that a viewer is on; None for those who lead all sides."""
    return None if viewer.everything else _SIDES.get(viewer.role)


def may_become(side: Side | None, before: MismatchState, after: MismatchState) -> bool:
    """Say whether somebody of `side` may take a mismatch from one state to another.

    What is open is confirmed, corrected or rejected; what is confirmed corrected or rejected; what is settled is opened
    again. A side says of its own register only that it is corrected.
    """
    if before == after:
        return False
    if after in SETTLED and after is not MismatchState.REJECTED:
        return before not in SETTLED and side in (None, Side(after.value.removeprefix("corrected_")))
    if after is MismatchState.OPEN:
        return True
    return before not in SETTLED


def needs_reason(after: MismatchState) -> bool:
    """Say whether this step is taken only with a reason: a rejection, and whatever opens an item again."""
    return after in (MismatchState.REJECTED, MismatchState.OPEN)
