"""The page of `bench_land`: its tables, of which each run replaces the rows that it measured and keeps the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

INTRODUCTION: Final = """# Land that changes: times

Written by `python -m tests.benchmarks.bench_land --part PART --only DATABASE --out docs/benchmarks/land.md`, part by
part: a run replaces its own rows and keeps the others, and each row says at what load it was measured. The city is
Keelung (1,750 compounds, 192,230 addresses), with invented teams and people: {people}.
Machine: {machine}. PostGIS ran on the same machine, in a cluster of its own that does not wait for the
disk (`fsync=off`). Database writes are included. Seconds are on the clock, and in brackets of the processors, the
server's too; those hardly grow with the load.
"""


@dataclass(frozen=True)
class Table:
    """One table of the page.

    Attributes
    ----------
    keys : how many of the first columns name a row.
    remark : what stands beneath it.
    """

    title: str
    columns: tuple[str, ...]
    keys: int
    remark: str


TABLES: Final = {
    "changing": Table(
        "One compound redrawn, and every address assigned",
        (
            "", "first impact of a process s", "after a change s", "again s", "applied s", "addresses written",
            "first assignment s", "again s", "runs", "load",
        ),
        1,
        "Medians. The impact as a planner sees it: after every change of the data the small counts of the whole\n"
        "district are withheld anew; people are counted anew only where the change touched them, and everywhere once\n"
        "a day and process (beside the start of the service, and while somebody draws). Aimed at: impact in 0.3 s,\n"
        "applied in 1 s, an assignment in 2 s.",
    ),
    "search": Table(
        "Search over 300,000 addresses",
        (
            "", "district, median ms", "99 %", "largest village, median ms", "99 %", "first key there, ms",
            "its addresses", "load",
        ),
        1,
        "What one key stroke asks of the database and of memory; the village as its own people see it, behind the\n"
        "fence of PostGIS. Aimed at: 50 ms. The first search after a change of the data reads the village.",
    ),
    "growth": Table(
        "How it grows",
        (
            "", "addresses", "first assignment s", "again s", "first impact of a process s", "after a change s",
            "again s", "applied s", "most memory MB", "load",
        ),
        2,
        "Measured once each. Assigning grows with the addresses; a redrawn compound costs nearly the same in a larger\n"
        "city, because only the addresses between the old and the new border, and the people of the areas concerned,\n"
        "are looked at. Memory is that of our process at its highest, with the making of the addresses.",
    ),
}  # fmt: skip


def rewritten(page: str, part: str, rows: Sequence[Sequence[str]], people: str, machine: str) -> str:
    """The page with rows of one table replaced or added; what other runs measured stays."""
    sections = [INTRODUCTION.format(people=people, machine=machine)]
    for name, table in TABLES.items():
        known = {row[: table.keys]: row for row in _rows_of(page, table)}
        known |= {tuple(row[: table.keys]): tuple(row) for row in rows if name == part}
        if known:
            lines = [table.columns, ("---",) + ("---:",) * (len(table.columns) - 1), *known.values()]
            drawn = "\n".join(f"| {' | '.join(line)} |" for line in lines)
            sections.append(f"## {table.title}\n\n{drawn}\n\n{table.remark}\n")
    return "\n".join(sections)


def _rows_of(page: str, table: Table) -> list[tuple[str, ...]]:
    """The rows that the page has; none when it has other columns."""
    _, _, section = page.partition(f"## {table.title}\n")
    lines = [line for line in section.partition("\n## ")[0].splitlines() if line.startswith("|")]
    cells = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]
    return cells[2:] if cells and cells[0] == table.columns else []
