"""Who runs which tests when several processes share them: a file stays together, and what takes minutes comes first.

A long file whose tests ask each database apart is two parts, one for each, so that two processes can have them.
"""

from __future__ import annotations

import re
from typing import Final

from xdist.scheduler import LoadFileScheduling

#: the files that take longest, longest first: whoever begins one of them last ends last
LONGEST: Final = (
    "test_route_matrix.py",
    "test_openapi.py",
    "test_keelung.py",
    "test_small_counts.py",
    "test_command.py",
    "test_scenarios.py",
    "test_scenarios_land.py",
    "test_scenarios_published.py",
    "test_land_forms.py",
    "test_import_areas.py",
    "test_demo_district.py",
    "test_planning_posts.py",
    "test_land_pages.py",
    "test_planning_guide.py",
    "test_land_changes.py",
    "test_import_teams.py",
    "test_import_registers.py",
    "test_first_use.py",
)
#: those of them that have nothing in common on the two databases
APART: Final = LONGEST[:4]
_DATABASE: Final = re.compile(r"[\[-](spatialite|postgis)[\]-]")


def part_of(node_id: str) -> str:
    """What has to stay in one process: the file of a test, and for some files its database."""
    file = node_id.partition("::")[0]
    database = _DATABASE.search(node_id) if file.endswith(APART) else None
    return f"{file} {database[1]}" if database else file


def turn_of(file_name: str) -> int:
    """When the tests of a file come; those that are not long keep their order behind the others."""
    return LONGEST.index(file_name) if file_name in LONGEST else len(LONGEST)


class InTurn(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """Deals out parts in the order of the collection."""

    def _split_scope(self, nodeid: str) -> str:
        return part_of(nodeid)
