"""Commands in a process of their own, which loads no more than they ask for, on both databases."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from gis_service.settings import Settings
from gis_service.storage.schema import newest_revision

ROOT = Path(__file__).parents[2]


def test_the_schema_is_brought_up_to_date_by_a_process_of_its_own(settings: Settings) -> None:
    where = ["--data-dir", str(settings.data_dir), "--locale", "en"]
    where += ["--database-url", settings.database_url] if settings.database_url else []
    for command, said in (("upgrade", f"revision {newest_revision()}."), ("status", f"{newest_revision()} /")):
        done = subprocess.run(
            [sys.executable, "-m", "gis_service", *where, "db", command],
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert said in done.stdout
