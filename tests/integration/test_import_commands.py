"""`gis-service import …` as people type it."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from gis_service.access.viewer import SHELL
from gis_service.addresses.tables import Address
from gis_service.intake.commands import import_app
from gis_service.shell import Shell
from gis_service.subjects import SUBJECTS
from gis_service.texts import use_locale
from tests.import_steps import Desk

pytestmark = pytest.mark.parametrize("settings", ["spatialite"], indirect=True)
LINES = ["门牌,标准地址,经度,纬度", "A,东一路1号,121.45,29.9", "B,,121.45,29.9"]


@pytest.fixture(autouse=True)
def _chinese() -> None:
    use_locale("zh_CN")


def run(desk: Desk, *arguments: str) -> tuple[int, str]:
    shell = Shell(desk.settings, desk.engine, SHELL)
    result = CliRunner().invoke(import_app(SUBJECTS.values()), arguments, obj=shell, env={"COLUMNS": "200"})
    return result.exit_code, result.output.strip()


def arguments(path: Path) -> list[str]:
    return ["addresses", str(path), "--crs", "EPSG:4326", "--map", "门牌=code", "--set", "point_source=surveyed"]


def test_a_dry_run_writes_nothing_and_names_the_faults(land: Desk) -> None:
    faults, rows = land.folder / "faults.csv", land.folder / "rows.csv"
    code, said = run(
        land, *arguments(land.csv("a.csv", LINES)), "--dry-run", "--faults-out", str(faults), "--rows-out", str(rows)
    )
    assert code == 1
    for expected in ("不写入任何内容", "地址 text", "单元格为空", "请补填", "拒绝: 1"):
        assert expected in said
    assert "a.csv,3,地址 text" in faults.read_text(encoding="utf-8-sig")
    assert rows.read_text(encoding="utf-8-sig").splitlines()[1:] == ["a.csv,2,A,new", "a.csv,3,B,refused"]
    assert land.count(Address) == 0


def test_an_import_says_what_it_did_and_the_second_one_that_nothing_changed(land: Desk) -> None:
    path = land.csv("a.csv", LINES[:2])
    assert run(land, *arguments(path)) == (
        0,
        "a.csv 已导入。\n新增: 1  变更: 0  不变: 0  拒绝: 0\n· 按 UTF-8 编码读取。",
    )
    code, said = run(land, *arguments(path))
    assert (code, "没有改动" in said) == (0, True)


def test_a_refused_file_ends_with_one_and_a_wrong_option_with_two(land: Desk) -> None:
    code, said = run(land, "addresses", str(land.csv("a.csv", LINES)))
    assert code == 1
    assert "缺少这一列" in said
    assert run(land, "addresses", str(land.csv("a.csv", LINES)), "--map", "nonsense")[0] == 2
    assert run(land, "addresses", str(land.folder / "absent.csv"))[0] == 2


def test_areas_take_a_mode_and_a_day(land: Desk) -> None:
    path = land.csv("names.csv", ["编码,名称,级别", "330211001001,新东村,村"])
    assert run(land, "areas", str(path))[0] == 1
    code, said = run(land, "areas", str(path), "--mode", "change", "--valid-from", "2030-01-01")
    assert code == 0
    assert "变更: 1" in said
