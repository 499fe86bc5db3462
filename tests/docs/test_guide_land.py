"""The guide on land that changes does what it says, on the real city."""

import re
from pathlib import Path

import pytest
from sqlalchemy import Engine

from gis_service.settings import Settings
from tests.import_steps import Desk

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "land-that-changes.md"


@pytest.mark.real_data
@pytest.mark.slow
def test_the_guide_on_land_that_changes_runs(
    engine: Engine, settings: Settings, real_data: Path, tmp_path: Path
) -> None:
    desk = Desk(engine, settings.model_copy(update={"metric_crs": "EPSG:3826"}), tmp_path)
    known: dict[str, object] = {"desk": desk, "folder": real_data / "keelung"}
    blocks = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert blocks
    for block in blocks:
        exec(block, known)  # noqa: S102 - our own documentation
