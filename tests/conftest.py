import os
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of the real data, which is never copied into the project: GIS_TEST_DATA, else ../shared/data.

    Absent, a test is skipped with this reason; in CI (environment variable CI set) it fails.
    """
    folder = Path(os.environ.get("GIS_TEST_DATA") or PROJECT.parent / "shared" / "data")
    if not folder.is_dir():
        missing = f"real data is absent: {folder} is no folder; set GIS_TEST_DATA"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
    return folder
