"""What is sent to a route, and how it is made for a spot: the words of the tables of calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from gis_service.access.permissions import Role
from gis_service.planning.tables import ScenarioState
from gis_service.web.command.indicators import Indicator
from tests.integration.board import PASSWORD
from tests.integration.route_spots import Spot, import_file

NEW_PASSWORD = "a longer walk by the sea"

Make = Callable[[Spot], Mapping[str, Any]]
BUSINESS = frozenset(role for role in Role if role.is_business)
NOT_BUSINESS = frozenset(Role) - BUSINESS


@dataclass(frozen=True)
class Call:
    """What to send to a route.

    Attributes
    ----------
    path, query, json, form, files : made for the spot that is aimed at.
    elsewhere : what a call beyond the own part gets; None when the call names no place.
        `hidden`: 404, as if it did not exist; `nothing`: 2xx without any row; `refused`: 422; `forbidden`: 403.
    lists : of which things a call without a place shows all that are in scope, and no other (`ids_in`).
    done : statuses of a call that is permitted; any 2xx or 3xx when None.
    refused_to : roles that have the permission, and that the use case refuses all the same (403).
    everywhere : roles for which there is no elsewhere.
    district_wide : what only somebody with the whole district may.
    areas_only : hidden from whoever has beats and no areas.
    for_lookers : a POST that who may only look can send.
    renews : it changes the caller's session, account or password: sign in anew afterwards.
    echoes : the answer repeats what was sent.
    tells_all : what it shows belongs to no place: accounts, the audit trail.
    """

    path: Make | None = None
    query: Make | None = None
    json: Make | None = None
    form: Make | None = None
    files: Make | None = None
    elsewhere: Literal["hidden", "nothing", "refused", "forbidden"] | None = None
    lists: str | None = None
    done: frozenset[int] | None = None
    refused_to: frozenset[Role] = frozenset()
    everywhere: frozenset[Role] = frozenset()
    district_wide: bool = False
    areas_only: bool = False
    for_lookers: bool = False
    renews: bool = False
    echoes: bool = False
    tells_all: bool = False


def whole_board(_spot: Spot) -> dict[str, int]:
    return {"z": 9, "x": 428, "y": 211}


def of_level(level: str) -> Make:
    return lambda _spot: {"level": level, "limit": 1000}


def of_kind(kind: str, **more: str) -> Make:
    return lambda _spot: {"kind": kind, **more}


def of_measure(measure: str) -> Make:
    return lambda _spot: {"measure": measure}


def of_indicator(indicator: Indicator) -> Make:
    return lambda _spot: {"indicator": indicator.value}


def all_rows(_spot: Spot) -> dict[str, int]:
    return {"limit": 1000}


def seen(_spot: Spot) -> dict[str, str]:
    return {"reason": "seen on site"}


def register_said(spot: Spot) -> dict[str, object]:
    """The register of the caller's side for the village of this place."""
    return {"side": spot.side.value, "area_id": spot.village_id}


def sign_in(spot: Spot) -> dict[str, str]:
    return {"login": spot.login or "planner", "password": PASSWORD}


def layer(spot: Spot) -> dict[str, tuple[str, bytes]]:
    return {"file": import_file("areas", spot)}


AREA = Call(path=lambda s: {"area_id": s.area_id}, elsewhere="hidden")
CHANGE = Call(path=lambda s: {"change_id": s.fresh_change()}, elsewhere="hidden", areas_only=True)
SCENARIO = Call(path=lambda s: {"scenario_id": s.fresh_scenario()}, elsewhere="hidden")
FROZEN = Call(path=lambda s: {"scenario_id": s.fresh_scenario(ScenarioState.FROZEN)}, elsewhere="hidden")
#: everybody sees the own ones
JOB = Call(path=lambda s: {"job_id": s.fresh_job()}, elsewhere="hidden")
REGISTRATION = Call(path=lambda s: {"registration_id": s.fresh_registration()}, elsewhere="hidden")
RENTAL = Call(path=lambda s: {"rental_id": s.fresh_rental()}, elsewhere="hidden")
MISMATCH = Call(path=lambda s: {"mismatch_id": s.fresh_mismatch()}, elsewhere="hidden")
PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 50 + b"IEND\xaeB`\x82"
#: a quarter of a recent year may have something open: the use case was reached
STEP = Call(elsewhere="hidden", done=frozenset({200, 303, 409}))
QUARTER = Call(path=lambda s: s.fresh_quarter("open"), elsewhere="hidden")
ADDRESS = Call(path=lambda s: {"address_id": s.address_id}, elsewhere="hidden")

TAKE_FILE = Call(path=lambda s: {"approval_id": s.approved_request()}, elsewhere="hidden")
