"""The reference pages of docs/, written from the code (`make docs`); a test fails when they are out of step."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from typer.main import get_command

from gis_service.access.permissions import PERMISSIONS, Role
from gis_service.app import create_app
from gis_service.cli import app as command_line
from gis_service.settings import Settings

DOCS = Path(__file__).parent.parent / "docs" / "reference"


def settings_page() -> str:
    """Every setting with its default and meaning."""
    lines = ["# Settings", "", "Read from the environment with the prefix `GIS_`.", ""]
    lines += ["| variable | default | meaning |", "| --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None else f"`{field.default}`"
        lines.append(f"| `GIS_{name.upper()}` | {default} | {field.description} |")
    return "\n".join(lines) + "\n"


def permissions_page() -> str:
    """The permission table: what each role may do."""
    roles = list(Role)
    lines = [
        "# Permissions",
        "",
        "One table in `gis_service/access/permissions.py`; the area scope narrows it further.",
        "",
    ]
    lines += ["| permission | " + " | ".join(role.value for role in roles) + " |"]
    lines += ["| --- |" + " :-: |" * len(roles)]
    for permission, allowed in PERMISSIONS.items():
        lines.append(f"| {permission.value} | " + " | ".join("✓" if role in allowed else "" for role in roles) + " |")
    return "\n".join(lines) + "\n"


def commands_page() -> str:
    """Every command of `gis-service` with its help."""
    lines = ["# Commands", "", "`gis-service` does from a shell what the API does; `--help` shows the options.", ""]
    lines += ["| command | what it does |", "| --- | --- |"]
    lines += [f"| `{path}` | {text} |" for path, text in _commands(get_command(command_line), "gis-service")]
    return "\n".join(lines) + "\n"


def _commands(command: object, path: str) -> Iterator[tuple[str, str]]:
    children = getattr(command, "commands", {})
    if not children:
        text = (getattr(command, "help", "") or "").strip().split("\n\n")[0].replace("\n", " ")
        yield path, " ".join(text.split())
    for name, child in sorted(children.items()):
        yield from _commands(child, f"{path} {name}")


def routes_page() -> str:
    """Every route of the API with what it does and the permission that it asks for."""
    paths = create_app(Settings()).openapi()["paths"]
    lines = ["# Routes", "", "The OpenAPI document is served at `/api/v1/openapi.json`.", ""]
    lines += ["| method | path | what it does | permission |", "| --- | --- | --- | --- |"]
    for path, methods in sorted(paths.items()):
        for method, operation in sorted(methods.items()):
            text = (operation.get("description") or operation.get("summary") or "").split("\n\n")[0].replace("\n", " ")
            allowed = ", ".join(operation.get("x-permissions", ()))
            lines.append(f"| {method.upper()} | `{path}` | {text} | {allowed} |")
    return "\n".join(lines) + "\n"


PAGES = {
    "settings.md": settings_page,
    "permissions.md": permissions_page,
    "commands.md": commands_page,
    "routes.md": routes_page,
}


def write_pages(folder: Path = DOCS) -> None:
    """Write every reference page."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in PAGES.items():
        (folder / name).write_text(make(), encoding="utf-8")


if __name__ == "__main__":
    write_pages()
