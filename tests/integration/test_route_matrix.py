"""One filter: every registered route × every role × own, foreign and parent area, against the table of permissions.

A route without an entry in `route_calls.CALLS` fails by name. What a route shows is compared with an oracle that knows
the codes of the small district only (`route_callers.Caller`): nothing of elsewhere may be in any answer, and lists,
counts and tiles must hold all that is in scope.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from httpx2 import Response

from gis_service.access.audit_review import verify_audit
from gis_service.access.http import Guard, guards_of
from gis_service.access.permissions import Role
from gis_service.app import create_app
from gis_service.settings import Settings
from tests.integration.doors import Door, Headers
from tests.integration.route_answers import in_scope, is_empty, is_tile, named_in, shown_by
from tests.integration.route_call import Call
from tests.integration.route_callers import CALLERS, PROBES, SAFE, By, Caller
from tests.integration.route_calls import CALLS
from tests.integration.route_spots import Site, Spot, Where

#: mounted folders and the description of the API: the same for everybody, and nothing of the district in them
STATIC = ("/static/vendor", "/static/maps", "/static/site", "/api/v1/openapi.json")
PAGE = {"Accept": "text/html"}


@dataclass(frozen=True)
class Case:
    """One call by one caller, aimed at one spot."""

    route: str
    guard: Guard
    call: Call
    where: Where
    code: str

    def __str__(self) -> str:
        return f"{self.route} [{self.where} {self.code}]"


def cases(app: FastAPI, caller: Caller) -> list[Case]:
    """Every route in every way it is called, at every place where this caller may be sent."""
    found = []
    for guard in guards_of(app):
        for method in guard.methods:
            for call in CALLS.get(f"{method} {guard.path}", ()):
                at_all = call.elsewhere is not None and caller.role is not None and caller.role.is_business
                places = dict(caller.places) if at_all else dict(list(caller.places.items())[:1])
                if call.elsewhere == "refused":
                    places.pop(Where.PARENT, None)
                found += [Case(f"{method} {guard.path}", guard, call, where, code) for where, code in places.items()]
    return found


def routes_of(app: FastAPI) -> list[str]:
    """Every registered route as `METHOD path`; what is mounted or described by path alone."""
    names = []
    for route in iter_route_contexts(app.routes):
        if isinstance(route.original_route, APIRoute):
            names += [f"{method} {route.path}" for method in route.methods or ()]
        else:
            names.append(str(route.path))
    return names


def test_every_route_says_how_to_call_it(tmp_path: Path) -> None:
    app = create_app(Settings(data_dir=tmp_path))
    registered = set(routes_of(app)) - set(STATIC)
    assert sorted(registered - set(CALLS)) == [], "routes without an entry in tests/integration/route_calls.py"
    assert sorted(set(CALLS) - registered) == [], "entries of routes that are no more"


def test_every_route_asks_for_a_permission_or_says_that_it_is_open(tmp_path: Path) -> None:
    bare = [guard.path for guard in guards_of(create_app(Settings(data_dir=tmp_path))) if not guard.permissions]
    opened = {"/api/v1/sign-in", "/api/v1/oidc/start", "/api/v1/oidc/callback", "/sign-in", "/language"}
    opened |= {"/field/worker.js", "/field/manifest.webmanifest"}  # files, the same for everybody
    assert set(bare) == opened | PROBES


def test_the_matrix_is_not_trivial(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    app = create_app(Settings(data_dir=tmp_path))
    sizes = {name: len(cases(app, caller)) for name, caller in CALLERS.items()}
    with capsys.disabled():
        sys.stdout.write(f"\n{len(CALLS)} routes × {len(CALLERS)} callers: {sum(sizes.values())} cases a database\n")
    assert {caller.role for caller in CALLERS.values()} == {None, *Role}
    assert min(sizes.values()) >= len(CALLS)
    assert sum(sizes.values()) > 10 * len(CALLS)


@pytest.mark.parametrize("name", CALLERS)
def test_each_gets_the_own_part_and_nothing_else(site: tuple[Door, Site], name: str) -> None:
    door, place = site
    caller = CALLERS[name]
    headers = caller.enter(door, place)
    account_id = place.board.accounts.get(caller.login)
    walked = cases(door.app, caller)
    wrong: list[str] = []
    for case in walked:
        spot = Spot(place, case.where, case.code, caller.login, account_id)
        answer = send(door, case, spot, headers)
        wrong += [f"{case}: {fault}" for fault in faults_of(case, caller, spot, answer)]
        if place.laid or (answer.status_code < 400 and not case.guard.methods <= SAFE):
            place.tidy()
        if case.call.renews and answer.status_code < 400 and caller.by is not By.NOTHING:
            door.restore_account(caller.login)
            headers = caller.enter(door, place)
    assert not wrong, "\n".join(wrong)


def test_the_trail_holds_after_all_that(site: tuple[Door, Site]) -> None:
    assert verify_audit(site[1].engine).holds


def send(door: Door, case: Case, spot: Spot, headers: Headers) -> Response:
    """Send one request as this caller."""
    call = case.call
    method, _space, path = case.route.partition(" ")
    made: dict[str, Any] = {
        name: dict(make(spot))
        for name, make in (("params", call.query), ("json", call.json), ("data", call.form), ("files", call.files))
        if make is not None
    }
    is_page = not path.startswith("/api/")
    answer: Response = door.client.request(
        method,
        path.format(**(call.path(spot) if call.path else {})),
        headers={**headers, **(PAGE if is_page else {})},
        **made,
    )
    door.client.cookies.clear()
    return answer


def faults_of(case: Case, caller: Caller, spot: Spot, answer: Response) -> Iterator[str]:
    """What is wrong with an answer: its status, or something in it that the caller may not know."""
    expected = expected_of(case, caller)
    got = outcome_of(case, caller, answer)
    if got not in expected:
        yield f"{answer.status_code} is {got}, expected {'/'.join(sorted(expected))}: {answer.text[:200]!r}"
        return
    if not case.call.tells_all and not (case.call.echoes and got == "refused"):
        unknown = sorted(thing for thing in named_in(spot.site, answer) if not caller.may_read_of(*thing))
        if unknown:
            yield f"names {unknown}"
    if got == "done" and case.call.lists and caller.may(case.guard):
        shown = shown_by(case.call.lists, answer)
        expected_rows = in_scope(case.call.lists, caller, spot.site, with_point=is_tile(answer))
        if shown != expected_rows:
            yield f"shows {shown}, in scope are {expected_rows}"


def expected_of(case: Case, caller: Caller) -> set[str]:
    """The outcomes that the table of permissions and the scope leave."""
    call, guard = case.call, case.guard
    if not guard.permissions or caller.role is None:
        return {"signed out"} if guard.permissions else {"done"}
    may_act = guard.methods <= SAFE or call.for_lookers or not caller.may_only_look
    if not caller.may(guard) or not may_act or caller.role in call.refused_to:
        return {"forbidden"}
    if call.district_wide and caller.sees != "":
        return {"forbidden", "refused"}
    if call.areas_only and caller.is_officer:
        return {"hidden"}
    if call.elsewhere is None or case.where is Where.OWN or caller.role in call.everywhere:
        # there is no map of nothing, and no quarter
        bare = {
            "GET /maps/{kind}/frame",
            "GET /sheets/maps/{indicator}.{suffix}",
            "POST /quarters",
            "POST /quarters/match",
        }
        return {"done", "hidden"} if caller.sees is None and case.route in bare else {"done"}
    # a filter by a larger area leaves what is in scope of it
    return {"done", "nothing"} if (call.elsewhere, case.where) == ("nothing", Where.PARENT) else {call.elsewhere}


def outcome_of(case: Case, caller: Caller, answer: Response) -> str:
    """What became of a request, in the words of `Call`."""
    status = answer.status_code
    is_page = not case.route.partition(" ")[2].startswith("/api/")
    if is_page and status == 303 and answer.headers["location"].startswith("/sign-in?next="):
        return "signed out"
    if status in (case.call.done or ()) and (caller.role is not None or not case.guard.permissions):
        return "done"
    if status < 400:
        asks_elsewhere = case.call.elsewhere == "nothing" and case.where is not Where.OWN
        return "nothing" if asks_elsewhere and is_empty(answer) else "done"
    return {401: "signed out", 403: "forbidden", 404: "hidden", 422: "refused"}.get(status, "failed")
