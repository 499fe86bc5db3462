"""Who calls in the route matrix, and an oracle that says by the codes of `board.py` alone what each of them sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from gis_service.access.http import Guard
from gis_service.access.permissions import PERMISSIONS, Role
from tests.integration.board import cells
from tests.integration.doors import Door, Headers
from tests.integration.route_spots import Site, Where

#: routes that neither ask for a permission nor mark themselves as open: probes of whoever runs the service
PROBES = frozenset({"/healthz", "/readyz"})
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class By(Enum):
    """How somebody comes in."""

    NOTHING = auto()
    SESSION = auto()
    READING_TOKEN = auto()
    EYES_OF_AN_OFFICER = auto()


@dataclass(frozen=True)
class Caller:
    """Somebody who calls every route.

    `sees` is what the codes in scope begin with ("" = the whole district); None is nothing at all.
    """

    login: str = ""
    role: Role | None = None
    sees: str | None = None
    places: Mapping[Where, str] = field(default_factory=lambda: {Where.OWN: "N11"})
    by: By = By.SESSION

    @property
    def may_only_look(self) -> bool:
        return self.by in (By.READING_TOKEN, By.EYES_OF_AN_OFFICER)

    @property
    def is_officer(self) -> bool:
        return self.role is Role.OFFICER

    def enter(self, door: Door, site: Site) -> Headers:
        """Come in by the door."""
        match self.by:
            case By.NOTHING:
                return {}
            case By.SESSION:
                return door.session(self.login)
            case By.READING_TOKEN:
                return door.token(self.login)
            case By.EYES_OF_AN_OFFICER:
                return door.session(self.login, view_as=site.board.officers["N1"])

    def may(self, guard: Guard) -> bool:
        """What the table of permissions says about this caller and a route."""
        return all(
            self.role in PERMISSIONS[permission] and (permission.value.startswith("see_") or not self.may_only_look)
            for permission in guard.permissions
        )

    def has(self, kind: str, code: str) -> bool:
        """Say whether a thing of `kind` that belongs to the area `code` is in scope."""
        if self.sees is None:
            return False
        if not self.is_officer:
            return code.startswith(self.sees)
        # an officer has the beat held, its compounds with the addresses in them, and whoever is posted there
        if kind in ("beat", "officer"):
            return code == self.sees
        return code.startswith(self.sees) and code[:3] in cells()

    def may_read_of(self, kind: str, code: str) -> bool:
        """Say whether an answer may name such a thing: what is in scope, and the names of the areas above it."""
        above = self.sees is not None and kind == "area" and (code == "D" or self.sees.startswith(code))
        own_unit = self.is_officer and kind == "unit" and code == self.sees
        return self.has(kind, code) or above or own_unit


def _places(own: str, foreign: str, parent: str) -> dict[Where, str]:
    return {Where.OWN: own, Where.FOREIGN: foreign, Where.PARENT: parent}


_OF_N1 = _places("N11", "N21", "N")

CALLERS: dict[str, Caller] = {
    "nobody": Caller(by=By.NOTHING),
    "administrator": Caller("administrator", Role.ADMINISTRATOR),
    "auditor": Caller("auditor", Role.AUDITOR),
    "planner": Caller("planner", Role.PLANNER, "", {Where.OWN: "S11"}),
    "planner_of_a_part": Caller("planner_n", Role.PLANNER, "N", _places("N11", "S11", "D")),
    "commander": Caller("commander", Role.COMMANDER, "N", _places("N11", "S11", "D")),
    "commander_of_nothing": Caller("commander_0", Role.COMMANDER, None, {Where.FOREIGN: "N11"}),
    "commander_with_a_reading_token": Caller(
        "commander", Role.COMMANDER, "N", _places("N11", "S11", "D"), By.READING_TOKEN
    ),
    "squad_leader": Caller("squad_leader", Role.SQUAD_LEADER, "N1", _OF_N1),
    "officer": Caller("officer", Role.OFFICER, "N1", _OF_N1),
    "steward": Caller("steward", Role.STEWARD, "N1", _OF_N1),
    "grid_worker": Caller("grid_worker", Role.GRID_WORKER, "N1", _OF_N1),
    "planner_with_the_eyes_of_an_officer": Caller("planner", Role.OFFICER, "N1", _OF_N1, By.EYES_OF_AN_OFFICER),
}
