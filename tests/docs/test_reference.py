"""The reference pages say what the code says."""

from pathlib import Path

import pytest

from gis_service.reference import DOCS, PAGES


@pytest.fixture(autouse=True)
def own_data_dir(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GIS_DATA_DIR", str(tmp_path))


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_reference_page_is_in_step_with_the_code(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name](), f"run `make docs`: {name} is out of step"
