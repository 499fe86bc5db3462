"""The guide on the quarter does what it says, on the small demo district, on both databases."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, select, update
from typer.testing import CliRunner

from gis_service.access.accounts import create_first_administrator
from gis_service.access.audit import trail_of
from gis_service.access.scope import Scope
from gis_service.access.tables import Account
from gis_service.access.viewer import SHELL
from gis_service.addresses.actions import assign_addresses
from gis_service.api.dependencies import today_here
from gis_service.app import create_app
from gis_service.areas.queries import area_names
from gis_service.cli import app as command_line
from gis_service.demo.district import LAND_SINCE
from gis_service.demo.generation import DemoDistrict, generate
from gis_service.intake.actions import apply_import
from gis_service.intake.subject import ImportOptions
from gis_service.registers.mismatches.evidence import unpacked
from gis_service.registers.tables import Mismatch
from gis_service.settings import Settings
from gis_service.storage.engine import reading, transaction
from gis_service.subjects import SUBJECTS
from tests.import_steps import BEFORE_A_QUARTER
from tests.integration.route_call import PNG

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "quarter.md"


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> DemoDistrict:
    return generate(2026, tmp_path_factory.mktemp("demo"), "small")


@pytest.fixture
def district(engine: Engine, settings: Settings, generated: DemoDistrict) -> DemoDistrict:
    """The small demo district in the database of the test, its addresses placed."""
    for name in BEFORE_A_QUARTER:
        subject = SUBJECTS[name]
        options = ImportOptions(crs="EPSG:4326" if subject.shape else None)
        if subject.dated:
            options = replace(options, valid_from=LAND_SINCE)
        apply_import(engine, settings, SHELL, subject, generated.file(name), options)
    assign_addresses(engine, settings, SHELL, today_here())
    return generated


class Town:
    """What the guide works with: commands, people signed in, and what is true."""

    def __init__(self, engine: Engine, settings: Settings, district: DemoDistrict, open_clients: ExitStack) -> None:
        self.engine, self.settings, self.folder, self.open_clients = engine, settings, district.out_dir, open_clients
        self.passwords: dict[str, str] = {}
        served = settings.model_copy(update={"cookie_secure": False, "requests_per_minute": 100_000})
        self.service = create_app(served)

    def run(self, *arguments: str) -> str:
        """A command on the server; remembers the one-time passwords that it shows."""
        where = ["--data-dir", str(self.settings.data_dir)]
        where += ["--database-url", self.settings.database_url] if self.settings.database_url else []
        result = CliRunner().invoke(command_line, [*where, *arguments], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        if arguments[:2] == ("accounts", "create"):
            login, password = result.stdout.split()[-2:]
            self.passwords[login] = password
            with transaction(self.engine) as session:
                session.execute(update(Account).values(must_change_password=False))
        return result.stdout

    def client(self, login: str) -> TestClient:
        """Somebody signed in."""
        client = self.open_clients.enter_context(TestClient(self.service))
        answer = client.post("/api/v1/sign-in", json={"login": login, "password": self.passwords[login]})
        assert answer.status_code == 200, answer.text
        client.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
        return client

    def found(self) -> pd.DataFrame:
        """The facts found: mismatch_class and person (as the truth names people)."""
        people = pd.read_csv(self.folder / "truth" / "register_people.csv", dtype="str")
        person_of = {(row.register, row.source_key): row.person for row in people.itertuples()}
        vault = trail_of(self.engine).vault
        with reading(self.engine) as session:
            items = session.scalars(select(Mismatch).where(Mismatch.sides_sealed.is_not(None))).all()
            rows = []
            for item in items:
                assert item.sides_sealed is not None
                sides = unpacked(vault.open("mismatch", item.source_key, "sides", bytes(item.sides_sealed)))
                who = {person_of.get((side, record["source_key"])) for side, record in sides.items() if side != "other"}
                rows.append((item.mismatch_class, min(str(person) for person in who if person)))
        return pd.DataFrame(rows, columns=["mismatch_class", "person"])

    def truth(self) -> pd.DataFrame:
        """What was planted among the people of the township: planted, mismatch_class, person."""
        planted = pd.read_csv(self.folder / "truth" / "mismatches.csv", dtype="str")
        return planted[planted["in_registers"].eq("true")]

    def found_beside_truth(self) -> pd.DataFrame:
        """For each kind that was planted: how many, and of how many the right class was found of the right person."""
        facts = set(zip(self.found()["mismatch_class"], self.found()["person"], strict=True))
        truth = self.truth()
        right = [pair in facts for pair in zip(truth["mismatch_class"], truth["person"], strict=True)]
        table = truth.assign(found_right=right).groupby("planted")["found_right"].agg(["size", "sum"])
        return table.rename(columns={"size": "planted", "sum": "found_right"}).astype("int64")

    def found_besides(self) -> pd.DataFrame:
        """Facts found that nobody planted, by class."""
        planted = set(zip(self.truth()["mismatch_class"], self.truth()["person"], strict=True))
        found = self.found()
        beyond = [pair not in planted for pair in zip(found["mismatch_class"], found["person"], strict=True)]
        return found[beyond]


@pytest.fixture
def town(engine: Engine, settings: Settings, district: DemoDistrict) -> Iterator[Town]:
    with ExitStack() as open_clients:
        create_first_administrator(engine, settings, SHELL, "root", "管理员", "a long walk by the sea")
        yield Town(engine, settings, district, open_clients)


@pytest.mark.slow
def test_the_guide_on_the_quarter_runs(town: Town) -> None:
    scope = Scope(today_here(), None)
    with reading(town.engine) as session:
        tree = area_names(session, scope)
    (town_id,) = tree.index[tree["name"].eq("青屿镇")]
    villages = tree[tree["parent_id"].eq(town_id).fillna(value=False)]
    known: dict[str, Any] = {
        "run": town.run,
        "client": town.client,
        "demo": town.folder,
        "town": str(tree["code"].to_dict()[town_id]),
        "town_id": int(town_id),
        "village_codes": villages["code"].tolist(),
        "found_beside_truth": town.found_beside_truth,
        "found_besides": town.found_besides,
        "png": PNG,
        "hashlib": hashlib,
    }
    blocks = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert blocks
    for block in blocks:
        exec(block, known)  # noqa: S102 - our own documentation
