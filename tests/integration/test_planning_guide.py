"""The guide on planning does what it says, on one township of the demo district and on both databases."""

import re
from pathlib import Path

import pytest
from sqlalchemy import Engine

from gis_service.access.viewer import SHELL
from gis_service.demo.district import build_demo
from gis_service.settings import Settings
from gis_service.shell import Shell

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "planning.md"


@pytest.mark.slow
def test_the_guide_on_planning_runs(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    shell = Shell(settings, engine, SHELL)
    build_demo(shell, size="township", seed=2026, fresh=False, progress=lambda *_step: None, with_quarters=False)
    known: dict[str, object] = {"engine": engine, "settings": settings, "folder": tmp_path}
    blocks = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert blocks
    for block in blocks:
        exec(block, known)  # noqa: S102 - our own documentation
    assert (tmp_path / "brief.pdf").read_bytes().startswith(b"%PDF")
