"""Every screen, map, tile, export and route of the API can be asked for a day, and tells the land of that day."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from sqlalchemy import Engine

from gis_service.api.dependencies import day_asked
from gis_service.app import create_app
from gis_service.settings import Settings
from tests.integration.board import Board
from tests.integration.conftest import SignIn
from tests.integration.land import DAY, carry

#: what belongs to no day of the land, or has one of its own
DAYLESS = (
    "/accounts", "/api/v1/accounts", "/approvals", "/api/v1/export-approvals", "/audit", "/api/v1/audit",
    "/imports", "/api/v1/imports", "/jobs", "/api/v1/jobs", "/start/assignment", "/me", "/api/v1/me",
    "/sign-in", "/api/v1/oidc", "/healthz", "/readyz", "/field", "/api/v1/openapi.json",
    "/changes", "/api/v1/land-changes", "/planning/scenarios/", "/api/v1/planning/scenarios",
)  # fmt: skip
NEW = {"N": "改后街道", "N1": "改后村", "N11": "改后小区"}


def takes_a_day(called: Dependant) -> bool:
    return called.call is day_asked or any(takes_a_day(each) for each in called.dependencies)


def test_whatever_shows_land_or_people_takes_a_day(tmp_path: Path) -> None:
    app = create_app(Settings(data_dir=tmp_path))
    without = [
        str(route.path)
        for route in iter_route_contexts(app.routes)
        if isinstance(route.original_route, APIRoute)
        and "GET" in (route.methods or ())
        and not takes_a_day(route.original_route.dependant)
    ]
    assert [path for path in without if not path.startswith(DAYLESS)] == []


#: what is asked, and the area whose new name it must tell
ASKED = {
    "/": "N",
    "/areas/{N}": "N",
    "/areas/{N1}": "N11",
    "/areas/{N1}/change": "N1",
    "/addresses": "N11",
    "/addresses/{A-N11-0}": "N11",
    "/registers/{N1}": "N1",
    "/unresolved": "N1",
    "/unresolved/doubtful": "N1",
    "/land-editor/areas?level=village": "N1",
    "/maps/coverage/frame": "N",
    "/maps/addresses/frame": "N1",
    "/maps/address/{A-N11-0}": "N11",
    "/command/land/township": "N",
    "/exports/areas.csv": "N11",
    "/exports/areas.gpkg": "N11",
    "/exports/addresses.csv": "N11",
    "/api/v1/areas?level=township": "N",
    "/api/v1/areas.geojson?level=village": "N1",
    "/api/v1/areas/{N11}": "N11",
    "/api/v1/addresses/{A-N11-0}": "N11",
    "/api/v1/units": "N1",
    "/api/v1/tiles/areas/village/9/428/211.mvt": "N1",
}


def test_the_land_is_told_as_of_the_day(engine: Engine, settings: Settings, signed_in: SignIn, board: Board) -> None:
    for code, name in NEW.items():
        carry(engine, settings, {"kind": "rename", "area_id": board.areas[code], "name": name})
    ids = {**board.areas, **board.addresses}
    planner = signed_in("planner")

    def tells(path: str, told: str, day: date) -> bool:
        for code in sorted(ids, key=len, reverse=True):
            path = path.replace(f"{{{code}}}", str(ids[code]))
        answer = planner.get(f"{path}{'&' if '?' in path else '?'}as_of={day}")
        assert answer.status_code == 200, answer.text
        return told.encode() in answer.content or told.encode("unicode_escape") in answer.content

    before = DAY - timedelta(days=1)
    assert [path for path, area in ASKED.items() if not tells(path, NEW[area], DAY)] == []
    assert [path for path, area in ASKED.items() if tells(path, NEW[area], before)] == []
