"""A real district's list of 101 villages through five editions: what churns is told apart, nothing else gets a version.

The last edition is the list as published; the earlier ones undo, step by step, the kinds of churn that such lists go
through: villages that become communities under another code, renamed, merged and new ones (97 → 101).
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import func, select

from gis_service.access.scope import Scope
from gis_service.access.viewer import SHELL
from gis_service.areas.queries import area_names
from gis_service.areas.tables import AreaVersion
from gis_service.changes.actions import apply_change, approve_change
from gis_service.changes.reimporting import draft_reimport
from gis_service.intake.subject import ImportOptions, Mode
from gis_service.storage.engine import reading
from tests.import_steps import Desk

pytestmark = pytest.mark.real_data
LEVELS = {"county": "district", "town": "township", "village": "village"}


def published(folder: Path) -> pd.DataFrame:
    """The list as published; a village committee is a village, everything else a community."""
    rows = pd.read_csv(folder / "zhenhai" / "division_codes.csv", dtype="str")
    rows["level"] = rows["level"].map(LEVELS)
    is_village = rows["level"].eq("village")
    rows["kind"] = rows["name"].str.endswith("村委会").map({True: "village", False: "community"}).where(is_village)
    rows["parent_code"] = rows["parent_code"].where(rows["level"].ne("district"))
    return rows[["code", "name", "level", "kind", "parent_code"]]


def editions(last: pd.DataFrame) -> list[tuple[pd.DataFrame, dict[str, int]]]:
    """Five editions, the oldest first, each with what it brings against the one before."""
    communities = last.index[last["kind"].eq("community")]
    renamed, recoded, new = communities[:3], communities[10:14], communities[20:27]
    gone = last.loc[communities[30:33]].assign(
        code=lambda rows: rows["code"].str[:9].str.cat(["981", "982", "983"]),
        name=["合并甲村委会", "合并乙村委会", "合并丙村委会"],
        kind="village",
    )
    fourth = last.drop(new[:4])  # four new communities in the last edition: 97 → 101
    third = fourth.copy()
    third.loc[renamed, "name"] = "旧" + third.loc[renamed, "name"]
    second = third.copy()  # four villages became communities, under another code
    second.loc[recoded, "code"] = second.loc[recoded, "code"].str[:9].str.cat(["971", "972", "973", "974"])
    second.loc[recoded, "kind"] = "village"
    first = pd.concat([second.drop(new[4:]), gone])  # three merged away, three others founded
    return [
        (first, {"new": len(first)}),
        (second, {"new": 3, "missing": 3}),
        (third, {"changed": 4}),
        (fourth, {"changed": 3}),
        (last, {"new": 4}),
    ]


def versions(desk: Desk) -> int:
    with reading(desk.engine) as session:
        return session.scalar(select(func.count()).select_from(AreaVersion)) or 0


def test_five_editions_of_a_village_list_make_the_versions_that_their_churn_is(desk: Desk, real_data: Path) -> None:
    last, count = published(real_data), 0
    for number, (edition, expected) in enumerate(editions(last)):
        day = date(2019 + number, 1, 1)
        path = desk.folder / f"edition{number}.csv"
        edition.to_csv(path, index=False)
        said = ImportOptions(valid_from=day, mode=Mode.CHANGE)
        made = draft_reimport(desk.engine, desk.settings, SHELL, path, said, end_missing=True)
        found = {name: held for name, held in made.comparison.counts.items() if held and name != "unchanged"}
        assert found == expected, number
        assert made.change is not None
        approve_change(desk.engine, SHELL, made.change.id, accepted_reason="a list has no borders")
        apply_change(desk.engine, desk.settings, SHELL, made.change.id)
        count += expected.get("new", 0) + expected.get("changed", 0)
        assert versions(desk) == count
        again = draft_reimport(desk.engine, desk.settings, SHELL, path, said, end_missing=True)
        assert again.change is None
    with reading(desk.engine) as session:
        counts = [
            int(area_names(session, Scope(date(2019 + number, 6, 1), None))["level"].eq("village").sum())
            for number in range(5)
        ]
    assert counts == [97, 97, 97, 97, 101]
