"""The API by its own description: whatever is sent, no answer is a failure of ours, and what is said is what comes.

Two ways: schemathesis makes requests from the OpenAPI document for every role, good and bad ones; and every value of a
request that works is replaced, one at a time, by what lies at the edge of its kind.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis import openapi as described
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.python import asgi
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from gis_service.access.permissions import PERMISSIONS, Permission, Role
from tests.integration.doors import Door, Headers
from tests.integration.route_call import Call
from tests.integration.route_calls import CALLS
from tests.integration.route_spots import Site, Spot, Where

ROLES = tuple(role.value for role in Role)
EXAMPLES = 2
CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance]
#: what takes seconds a call, or asks an identity provider; each has tests of its own
LEFT_OUT = ("/api/v1/imports/", "/api/v1/oidc/")


def on_spatialite(*logins: str) -> list[Any]:
    return [pytest.param("spatialite", login) for login in logins]


def on_postgis(*logins: str) -> list[Any]:
    """The other database has other bounds, but the same routes: fewer roles will do."""
    return [pytest.param("postgis", login, marks=pytest.mark.postgis) for login in logins]


TEXTS = ("", "a\x00b", "\ud800", "😀" * 50, "' OR 1=1 --", "x" * 5000)
NUMBERS = (0, -1, 2**31, 2**63, 10**30)
DAYS = ("0001-01-01", "9999-12-31", "2026-02-30")


@pytest.mark.parametrize(("site", "login"), [*on_spatialite(*ROLES), *on_postgis("planner")], indirect=["site"])
def test_nothing_made_from_the_description_is_a_failure_of_ours(site: tuple[Door, Site], login: str) -> None:
    door, _place = site
    schema = described.from_asgi("/api/v1/openapi.json", door.app)
    headers = door.session(login)
    documented = door.app.openapi()["paths"]
    faults: list[str] = []
    tried = 0
    with asgi.get_client(door.app) as client:
        for found in schema.get_all_operations():
            operation = found.ok()
            if operation.path.startswith(LEFT_OUT):
                continue
            tried += 1
            route = f"{operation.method.upper()} {operation.path}"
            examples = EXAMPLES if _may(Role(login), documented, route) else 1
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                headers = _still_inside(door, login, headers)
                faults += _tried(operation, mode, headers, client, examples)
    assert tried > 40
    assert not faults, "\n".join(faults)


def _may(role: Role, documented: Mapping[str, Any], route: str) -> bool:
    """Whether a role gets into a route at all; who does not is refused before anything sent is looked at."""
    method, _space, path = route.partition(" ")
    needed = documented[path][method.lower()].get("x-permissions", ())
    return all(role in PERMISSIONS[Permission(name)] for name in needed)


def _still_inside(door: Door, login: str, headers: Headers) -> Headers:
    """The headers of a session that holds: a request that was made up may have ended the last one."""
    answer = door.client.get("/api/v1/me", headers=headers)
    if answer.status_code == 200 and answer.json()["seen_by"] is None:
        return headers
    door.restore_account(login)
    return door.session(login)


def _tried(operation: Any, mode: GenerationMode, headers: Headers, client: Any, examples: int) -> list[str]:
    """What goes wrong with requests made from the description of one operation."""
    faults: list[str] = []

    @seed(20261122)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def one(case: Case) -> None:
        answer = case.call(session=client, headers=headers)
        try:
            case.validate_response(answer, checks=CHECKS)
        except (Failure, FailureGroup) as failure:
            said = failure.exceptions if isinstance(failure, FailureGroup) else [failure]
            sent = {"path": case.path_parameters, "query": case.query, "body": case.body}
            faults.append(f"{operation.label} {answer.status_code}: {[str(each)[:300] for each in said]}; sent {sent}")

    try:
        one()
    except Unsatisfiable:  # nothing that can be wrong, or nothing at all to be sent
        assert mode is GenerationMode.NEGATIVE or not operation.body
    return faults[:1]


@pytest.mark.parametrize(
    ("site", "login"),
    [*on_spatialite("administrator", "auditor", "planner"), *on_postgis("administrator", "planner")],
    indirect=["site"],
)
def test_no_value_at_the_edge_of_its_kind_is_a_failure_of_ours(site: tuple[Door, Site], login: str) -> None:
    door, place = site
    headers = door.session(login)
    spot = Spot(place, Where.OWN, "S11", login, place.board.accounts[login])
    documented = door.app.openapi()["paths"]
    faults: list[str] = []
    tried = 0
    role = Role(login)
    for route, calls in CALLS.items():
        if not route.partition(" ")[2].startswith("/api/") or "/imports/" in route or not _may(role, documented, route):
            continue
        headers = _still_inside(door, login, headers)
        for call in calls:
            for told, method, url, body in _at_the_edge(route, call, spot, _parameters(documented, route)):
                content = None if body is None else json.dumps(body).encode()
                more = headers if body is None else {**headers, "Content-Type": "application/json"}
                answer = door.client.request(method, url, content=content, headers=more)
                tried += 1
                if answer.status_code >= 500:
                    faults.append(f"{route} {told}: {answer.status_code}")
                elif answer.status_code >= 400:
                    assert answer.headers["content-type"] == "application/problem+json"
        door.client.cookies.clear()
        place.tidy()
    assert tried > 100
    assert not faults, "\n".join(faults)


#: something acceptable for parameters that the route matrix does not use
USUAL: dict[str, object] = {
    "as_of": "2026-01-01",
    "offset": 0,
    "limit": 10,
    "search": "x",
    "bbox": "121.6,29.9,121.7,30.0",
    "area_id": 1,
    "beat_id": 1,
    "since": "2026-01-01T00:00:00Z",
    "actor": "x",
}


def _parameters(documented: Mapping[str, Any], route: str) -> set[str]:
    """The names of what a route takes in its query."""
    method, _space, path = route.partition(" ")
    told = documented[path][method.lower()].get("parameters", ())
    return {parameter["name"] for parameter in told if parameter["in"] == "query"}


def _at_the_edge(route: str, call: Call, spot: Spot, taken: set[str]) -> Iterator[tuple[str, str, str, Any]]:
    """Requests in which one value is at the edge of its kind: what it is, method, URL, body."""
    method, _space, template = route.partition(" ")
    path = dict(call.path(spot)) if call.path else {}
    query: dict[str, Any] = dict(call.query(spot)) if call.query else {}
    body = dict(call.json(spot)) if call.json else None
    for name, value in path.items():
        for edge in _edges_of(value):
            yield f"path {name}={edge!r}", method, _url(template, {**path, name: edge}, query), body
    for name, value in {**{name: value for name, value in USUAL.items() if name in taken}, **query}.items():
        for edge in _edges_of(value):
            yield f"query {name}={edge!r}", method, _url(template, path, {**query, name: edge}), body
    for place, value in _leaves(body):
        for edge in _edges_of(value):
            yield f"body {place}={edge!r}", method, _url(template, path, query), _replaced(body, place, edge)


def _edges_of(value: object) -> tuple[object, ...]:
    if isinstance(value, bool):
        return (None, "maybe")
    if isinstance(value, int | float):
        return NUMBERS
    return TEXTS + DAYS


def _url(template: str, path: Mapping[str, Any], query: Mapping[str, Any]) -> str:
    url = template.format(**{name: _quoted(value) for name, value in path.items()})
    if not query:
        return url
    return f"{url}?{urlencode({name: _bytes(value) for name, value in query.items()}, quote_via=quote)}"


def _bytes(value: object) -> bytes:
    return str(value).encode("utf-8", "surrogatepass")


def _quoted(value: object) -> str:
    return quote(_bytes(value), safe="") or "%20"


def _leaves(body: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if isinstance(body, dict):
        for name, value in body.items():
            yield from _leaves(value, (*place, name))
    elif isinstance(body, list):
        for number, value in enumerate(body):
            yield from _leaves(value, (*place, number))
    elif body is not None:
        yield place, body


def _replaced(body: Any, place: tuple[Any, ...], value: object) -> Any:
    changed = deepcopy(body)
    inner = changed
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    return changed
