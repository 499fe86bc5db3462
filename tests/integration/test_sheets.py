"""Printed sheets: the right paper, embedded fonts, what is in scope and nothing else, and an entry in the trail."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from openpyxl import load_workbook

from tests.integration.board import Board
from tests.integration.conftest import SignIn

DAY = {"as_of": "2026-11-01"}


@pytest.fixture
def planner(signed_in: SignIn) -> TestClient:
    return signed_in("planner")


def poppler(program: str, answer: Response, folder: Path, *options: str) -> str:
    """What one of poppler's programs says of a PDF."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    file = folder / "sheet.pdf"
    file.write_bytes(answer.content)
    target = ["-"] if program == "pdftotext" else []
    return subprocess.run([program, *options, str(file), *target], check=True, capture_output=True, text=True).stdout


def test_a_squads_sheet_is_a3_with_its_map_and_its_people(planner: TestClient, board: Board, tmp_path: Path) -> None:
    answer = planner.get(f"/sheets/squads/{board.areas['N1']}.pdf", params=DAY)

    text = poppler("pdftotext", answer, tmp_path)
    assert {"area N11", "area N12", "officer N1", "beat N1"} <= set(re.findall(r"(?:area|officer|beat) \w+", text))
    assert "N2" not in text
    assert "24" in text  # 2 compounds × 4 addresses × 3 people
    info = poppler("pdfinfo", answer, tmp_path)
    assert "A3" in info
    fonts = poppler("pdffonts", answer, tmp_path).splitlines()[2:]
    assert fonts
    assert all("Noto" in font and " yes yes " in font for font in fonts), fonts


def test_a_beat_sheet_lists_its_addresses_and_what_is_due(planner: TestClient, board: Board, tmp_path: Path) -> None:
    answer = planner.get(f"/sheets/beats/{board.beats['N1']}.pdf", params=DAY)

    text = poppler("pdftotext", answer, tmp_path, "-layout")
    assert len(set(re.findall(r"A-N1[12]-\d", text))) == 8
    assert "A-N2" not in text
    # let since 2024 and never inspected: red is due a week later, green three
    assert "2024-01-08" in text
    assert "2024-01-22" in text
    assert "张三" not in text
    assert "A4" in poppler("pdfinfo", answer, tmp_path)


def test_a_townships_bulletin_ranks_its_villages(planner: TestClient, board: Board, tmp_path: Path) -> None:
    answer = planner.get(f"/sheets/townships/{board.areas['N']}.pdf", params=DAY)

    text = poppler("pdftotext", answer, tmp_path, "-layout")
    assert "2026-11" in text
    ranked = re.findall(r"^\s*(\d)\s+area (N\d)", text, re.MULTILINE)
    assert ranked[:2] == [("1", "N1"), ("2", "N2")]
    assert sorted(name for _place, name in ranked[2:]) == ["N1", "N2"]  # and by what waits there


@pytest.mark.parametrize(("suffix", "start"), [("pdf", b"%PDF"), ("png", b"\x89PNG"), ("svg", b"<svg")])
def test_any_map_is_a_file(planner: TestClient, suffix: str, start: bytes) -> None:
    answer = planner.get(f"/sheets/maps/load.{suffix}", params={**DAY, "level": "village"})

    assert answer.status_code == 200, answer.text
    assert answer.content.startswith(start)
    if suffix == "svg":
        assert set(re.findall(r"area (\w+)", answer.text)) == {"N1", "N2", "S1", "S2"}


def test_a_map_of_beats_shows_what_they_are_made_of(planner: TestClient) -> None:
    drawn = planner.get("/sheets/maps/beats.svg", params=DAY).text

    assert {"N11", "N12", "S11"} <= set(re.findall(r"area (\w+)", drawn))
    assert re.findall(r"officer \w+", drawn)


@pytest.mark.parametrize(
    ("path", "login"), [("squads/{S1}", "squad_leader"), ("townships/{N}", "squad_leader"), ("squads/{N1}", "officer")]
)
def test_nobody_prints_beyond_the_own_part(signed_in: SignIn, board: Board, path: str, login: str) -> None:
    assert signed_in(login).get(f"/sheets/{path.format(**board.areas)}.pdf", params=DAY).status_code == 404


def test_what_was_printed_is_in_the_trail(signed_in: SignIn, board: Board) -> None:
    signed_in("officer").get(f"/sheets/beats/{board.beats['N1']}.pdf", params=DAY)

    entries = signed_in("auditor").get("/api/v1/audit", params={"action": "export"}).json()["items"]
    assert [(each["actor"], each["object_id"]) for each in entries] == [
        ("officer", f"beat-{board.beats['N1']}-2026-11-01.pdf")
    ]


def rows_of(book: Any, sheet: str) -> Iterator[tuple[Any, ...]]:
    yield from book[sheet].iter_rows(values_only=True)


def test_an_excel_export_has_types_a_frozen_head_a_filter_and_notes(planner: TestClient, tmp_path: Path) -> None:
    file = tmp_path / "coverage.xlsx"
    file.write_bytes(planner.get("/exports/coverage.xlsx", params=DAY).content)
    book = load_workbook(file)

    head, *rows = rows_of(book, "coverage")
    first = dict(zip(head, next(row for row in rows if "D" in row), strict=True))
    assert (first["migrants"], first["officers_fte"]) == (96, 4)
    assert isinstance(first["load"], float | int)
    shown = dict(zip(head, [cell.number_format for cell in book["coverage"][2]], strict=True))
    assert (shown["coverage"], shown["migrants"], shown["area_id"]) == ("0.0%", "#,##0", "General")
    assert book["coverage"].freeze_panes == "A2"
    assert book["coverage"].auto_filter.ref.startswith("A1:")
    notes = dict(rows_of(book, "notes"))
    assert notes["数据截至"] == "2026-11-01"
    assert notes["来源"]
    assert len(notes) >= 4
    assert notes["migrants"] == "登记流动人口"
    assert set(head) <= set(notes)  # each column says what it means
