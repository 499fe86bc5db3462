"""The officer's phone: one page that works without a network, its worker and its manifest."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse

from gis_service.access.http import OPEN, ViewerDep, requires
from gis_service.access.permissions import Permission
from gis_service.api.dependencies import SettingsDep
from gis_service.fieldwork.rules import KIND_OF
from gis_service.fieldwork.tables import VisitKind, VisitOutcome
from gis_service.texts import T, Text
from gis_service.web.rendering import HERE, page
from gis_service.web.wording import code_name

router = APIRouter(include_in_schema=False)

#: what the page says by itself, without the server
WORDS: dict[str, Text] = {
    "today": T("Today's list"),
    "map": T("Map"),
    "all": T("All addresses"),
    "waiting": T("To be sent"),
    "news": T("New in your assignment"),
    "news_beat": T("Beat {name}, yours since {day}"),
    "news_compound": T("{name} belongs to your beat since {day}"),
    "nothing_due": T("Nothing is due today. Well done."),
    "nothing_waiting": T("Everything has been sent."),
    "no_match": T("No address matches; try a shorter part of it."),
    "stop": T("Stop {number}"),
    "overdue": T("{days} days overdue"),
    "due_today": T("due today"),
    "due_on": T("due {day}"),
    "residents": T("Residents ({count})"),
    "nobody_registered": T("Nobody is registered here."),
    "since": T("since {day}"),
    "rental": T("Rental"),
    "rental_facts": T("{rooms} rooms, {beds} beds, {residents} residents"),
    "visited": T("last visit {day}"),
    "never_visited": T("no visit yet"),
    "note": T("Note"),
    "photo": T("Photo"),
    "more": T("Note and photo"),
    "checklist": T("Counted on the spot"),
    "rooms": T("Rooms"),
    "beds": T("Beds"),
    "persons": T("Persons"),
    "area_m2": T("Usable area, m²"),
    "what": T("What for"),
    "done": T("Recorded: {address}"),
    "undo": T("Undo"),
    "undone": T("Taken back."),
    "sent": T("{count} sent"),
    "offline": T("No network: {count} kept on this device"),
    "online": T("Up to date, {time}"),
    "sign_in": T("Sign in to send"),
    "send_now": T("Send now"),
    "refused": T("Not accepted: {why}"),
    "receipts": T("Receipts"),
    "receipt": T("Receipt {number}"),
    "forget": T("Drop this record"),
    "forget_sure": T("Drop this record for good? It was not accepted and will be lost."),
    "pin_new": T("Choose a PIN of 6 digits or more. It locks what this phone keeps for work without a network."),
    "pin": T("Your PIN for this phone"),
    "pin_short": T("The PIN has at least 6 digits."),
    "pin_wrong": T("This is not the PIN."),
    "pin_foreseen": T("Not one digit repeated, and not digits in a row."),
    "open": T("Unlock"),
    "expired": T("What was kept has expired; connect once to take it along again."),
    "close": T("Close"),
    "search": T("Search your addresses"),
    "suspected": T("Group rental suspected: {why}"),
    "per_room": T("{number} persons a room"),
    "per_person": T("{number} m² a person"),
    "many_rooms": T("{number} rooms"),
    "many_beds": T("{number} beds"),
    "here": T("Walk from where I am"),
    "unsent_leave": T("Records wait to be sent; signing out would lose them. Send them first."),
    "conflict": T("Kept, and marked for somebody to look at: {said}"),
    "read_only": T("You may only look, not change anything."),
}
MANIFEST_COLOURS = {"background_color": "#f3f5f7", "theme_color": "#0b5cad"}


@router.get("/field", dependencies=[Depends(requires(Permission.SEE_WORKLIST))])
def field_page(request: Request, viewer: ViewerDep, settings: SettingsDep) -> HTMLResponse:
    """Today's walk, the own beats and what waits to be sent."""
    codes: list[Any] = [*VisitKind, *VisitOutcome, *KIND_OF, "green", "yellow", "orange", "red"]
    words = {
        "words": {name: str(text) for name, text in WORDS.items()},
        "codes": {str(code): code_name(str(code)) for code in codes},
        "kinds": [kind.value for kind in VisitKind],
        "outcomes": [outcome.value for outcome in VisitOutcome],
        "kind_of": {why: kind.value for why, kind in KIND_OF.items()},
        "read_only": not viewer.may(Permission.RECORD_VISITS),
        "limits": {
            "area_m2": settings.group_rental_min_area_m2,
            "per_room": settings.group_rental_max_persons_per_room,
            "rooms": settings.group_rental_rooms,
            "beds": settings.group_rental_beds,
        },
    }
    return page(request, "field.html", viewer, words=words)


@router.get("/field/worker.js", dependencies=[OPEN])
def field_worker() -> FileResponse:
    """The page's service worker, allowed to serve `/field` and the files of the page."""
    return FileResponse(
        HERE / "static" / "field" / "worker.js",
        media_type="text/javascript",
        headers={"Service-Worker-Allowed": "/", "Cache-Control": "no-cache"},
    )


@router.get("/field/manifest.webmanifest", dependencies=[OPEN])
def field_manifest() -> JSONResponse:
    """What a phone needs to put the page on its home screen."""
    name = str(T("Grid service"))
    manifest = {
        "name": name,
        "short_name": name,
        "start_url": "/field",
        "scope": "/field",
        "display": "standalone",
        "icons": [{"src": "/static/site/field/icon.svg", "sizes": "any", "type": "image/svg+xml", "purpose": "any"}],
        **MANIFEST_COLOURS,
    }
    return JSONResponse(manifest, media_type="application/manifest+json")
