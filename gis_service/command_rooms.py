"""The groups of commands that the rooms of the service bring; each is loaded when one of its commands is called.

`gis-service --help`, and every command of another room, would otherwise load the whole service.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_group

#: by name: the module, the application in it (or what makes it), and what the list of commands says about it
ROOMS: Final = {
    "import": (
        "gis_service.subjects",
        "import_commands",
        "Import tables and layers: a dry run first, then all rows or none.",
    ),
    "accounts": ("gis_service.access.commands", "accounts_app", "Accounts and the areas that they see."),
    "keys": ("gis_service.access.commands", "keys_app", "The keys of personal data."),
    "land": ("gis_service.changes.commands", "land_app", "Changes of the land: draft, impact, approve, apply, revert."),
    "repair": (
        "gis_service.changes.repair_commands",
        "repair_app",
        "Repairs of borders: propose, accept as a correction.",
    ),
    "plan": ("gis_service.planning.commands", "plan_app", "Posts, difficulty, scenarios."),
    "audit": ("gis_service.access.commands", "audit_app", "The audit trail."),
    "registrations": (
        "gis_service.registers.registrations.commands",
        "registrations_app",
        "Registrations: the acts, the history, stock and flow.",
    ),
    "rentals": (
        "gis_service.registers.rentals.commands",
        "rentals_app",
        "Rentals: grades and their rules, inspections, what is overdue.",
    ),
    "mismatches": (
        "gis_service.registers.mismatches.commands",
        "mismatches_app",
        "Mismatches between the registers: list, show, settle.",
    ),
    "snapshots": (
        "gis_service.registers.snapshots.commands",
        "snapshots_app",
        "The registers as they stood: hand in, list, remove old ones.",
    ),
    "quarters": (
        "gis_service.registers.quarters.commands",
        "quarters_app",
        "The quarterly reconciliation: open, match, finish, sign, close.",
    ),
}


class RoomGroup(TyperGroup):
    """A group whose commands are looked up in their room when they are first wanted."""

    module: str
    found: str
    _commands: MutableMapping[str, Any] | None = None

    @property
    def commands(self) -> MutableMapping[str, Any]:
        """The commands by name."""
        if self._commands is None:
            brought = getattr(import_module(self.module), self.found)
            self._commands = get_group(brought if isinstance(brought, typer.Typer) else brought()).commands
        return self._commands

    @commands.setter
    def commands(self, _none: MutableMapping[str, Any]) -> None:
        """Typer knows of none."""


def group_of(module: str, found: str, help_text: str) -> typer.Typer:
    """A group of commands that is found in `module` under the name `found`."""
    group = type(RoomGroup.__name__, (RoomGroup,), {"module": module, "found": found})
    return typer.Typer(cls=group, help=help_text, no_args_is_help=True)
