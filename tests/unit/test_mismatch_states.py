"""Which steps a mismatch takes, on which side; which files are attached."""

import json

import pytest

from gis_service.access.permissions import Role
from gis_service.access.viewer import SHELL, Viewer
from gis_service.errors import InvalidInputError
from gis_service.registers.mismatches.attachments import label_of, media_type_of
from gis_service.registers.mismatches.evidence import differing, masked, unpacked
from gis_service.registers.mismatches.states import SETTLED, Side, may_become, side_of
from gis_service.registers.tables import MismatchState

PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 50 + b"IEND\xaeB`\x82"
PDF = b"%PDF-1.7\n1 0 obj<<>>endobj\n%%EOF\n"


def test_each_role_is_on_the_side_of_the_register_that_it_keeps() -> None:
    sides = {role: side_of(Viewer("x", role)) for role in Role}
    assert {role for role, side in sides.items() if side is Side.POLICE} == {Role.SQUAD_LEADER, Role.OFFICER}
    assert (sides[Role.STEWARD], sides[Role.GRID_WORKER], sides[Role.PLANNER]) == (Side.VILLAGE, Side.GRID, None)
    assert side_of(SHELL) is None


@pytest.mark.parametrize("before", MismatchState)
@pytest.mark.parametrize("side", [None, *Side])
def test_a_side_corrects_its_own_register_and_what_is_settled_is_only_opened_again(
    before: MismatchState, side: Side | None
) -> None:
    may = {after for after in MismatchState if may_become(side, before, after)}
    own = {each.corrected for each in Side if side in (None, each)}
    if before in SETTLED:
        assert may == {MismatchState.OPEN}
    else:
        assert may == {*own, MismatchState.REJECTED, MismatchState.OPEN, MismatchState.CONFIRMED} - {before}


@pytest.mark.parametrize(
    ("content", "media_type"),
    [(PNG, "image/png"), (b"\xff\xd8\xff\xe0" + b"x" * 9 + b"\xff\xd9", "image/jpeg"), (PDF, "application/pdf")],
)
def test_a_file_is_known_by_its_content(content: bytes, media_type: str) -> None:
    assert media_type_of(content)[0] == media_type


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"MZ" + b"\0" * 100,
        PNG[:40],
        b"GIF89a" + PNG,
        b"PK\x03\x04" + PDF,
        PDF.replace(b"<<>>", b"<</OpenAction 2 0 R/JS(app.alert)>>"),
        PDF.replace(b"<<>>", b"<</EmbeddedFile 2 0 R>>"),
    ],
)
def test_whatever_else_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidInputError):
        media_type_of(content)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("现场 照片.JPG", "现场 照片.jpg"),
        ("../../etc/passwd", "passwd.jpg"),
        ("C:\\temp\\a\r\nSet-Cookie: x.png", "a_Set-Cookie_ x.jpg"),
        ('"><script>.jpg', "_script_.jpg"),
        ("", "file.jpg"),
        ("x" * 300, "x" * 100 + ".jpg"),
    ],
)
def test_the_name_of_a_file_is_a_label_and_nothing_else(name: str, label: str) -> None:
    assert label_of(name, "jpg") == label


def test_evidence_is_masked_and_tells_where_the_records_differ() -> None:
    one, other = {"name": "张三丰", "phone": "13800138000"}, {"name": "张三丰", "phone": "13811138000"}
    sides = unpacked(json.dumps({"police": one, "grid": other}))
    assert masked(sides)["police"] == masked(sides)["grid"] == {"name": "张**", "phone": "138****8000"}
    assert differing(sides) == {"phone"}  # though the masks are the same
    assert unpacked(None) == {}
