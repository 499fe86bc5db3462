"""Everything that can be imported, by name, in the order in which it comes to be."""

from __future__ import annotations

from typing import Final

import typer

from gis_service.addresses.intake import ADDRESSES
from gis_service.areas.intake import AREAS
from gis_service.intake.commands import import_app
from gis_service.intake.subject import Subject
from gis_service.registers.intake import REGISTER_SUBJECTS
from gis_service.teams.intake import TEAM_SUBJECTS

SUBJECTS: Final[dict[str, Subject]] = {
    subject.name: subject for subject in (AREAS, *TEAM_SUBJECTS, ADDRESSES, *REGISTER_SUBJECTS)
}


def import_commands() -> typer.Typer:
    """The commands that import each of them."""
    return import_app(SUBJECTS.values())
