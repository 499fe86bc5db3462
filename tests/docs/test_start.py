"""What a start loads: a list of commands needs no database and no frames, the site needs none of the solvers."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import typer

from gis_service.command_rooms import ROOMS

ROOT = Path(__file__).parents[2]
TELL = "import sys; print(*sorted({name.partition('.')[0] for name in sys.modules}))"

LISTING = """
from typer.testing import CliRunner
from gis_service.cli import app
assert CliRunner().invoke(app, ["--help"]).exit_code == 0
"""
COMPUTING = ("scipy", "sklearn", "esda", "libpysal", "numba", "ortools", "weasyprint", "openpyxl")


def loaded_by(program: str) -> set[str]:
    """The packages that a Python of its own has loaded after running `program`."""
    command = [sys.executable, "-c", f"{program}\n{TELL}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_a_list_of_commands_loads_no_database_and_no_frames() -> None:
    loaded = loaded_by(LISTING)
    assert "typer" in loaded
    assert not loaded & {"sqlalchemy", "alembic", "pandas", "geopandas", "shapely", "fastapi", *COMPUTING}


def test_the_site_starts_without_what_only_some_pages_and_jobs_compute_with() -> None:
    loaded = loaded_by("import gis_service.app")
    assert "fastapi" in loaded
    assert not loaded & {"alembic", "httpx", "huey", *COMPUTING}


@pytest.mark.parametrize("name", ROOMS)
def test_a_room_says_of_its_commands_what_the_list_says(name: str) -> None:
    module, found, help_text = ROOMS[name]
    brought = getattr(import_module(module), found)
    room = brought if isinstance(brought, typer.Typer) else brought()
    assert room.info.help == help_text
