"""The one table from errors to status codes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gis_service import errors
from gis_service.api.problems import STATUS, TITLES, status_of
from gis_service.errors import GridError
from gis_service.texts import T


def leaves(kind: type[GridError] = GridError) -> Iterator[type[GridError]]:
    """Every error class that has no subclass."""
    children = kind.__subclasses__()
    if not children:
        yield kind
    for child in children:
        yield from leaves(child)


@pytest.mark.parametrize("kind", [pytest.param(kind, id=kind.__name__) for kind in leaves()])
def test_every_error_has_a_status_and_the_status_a_title(kind: type[GridError]) -> None:
    mapped = [cls for cls in kind.__mro__ if cls in STATUS]
    assert mapped, f"{kind.__name__} is in no row of STATUS"
    assert STATUS[mapped[0]] in TITLES


def test_the_nearest_class_decides() -> None:
    class Narrower(errors.ConflictError):
        """A case of a conflict."""

    assert status_of(Narrower(T("Done"))) == 409


def test_an_error_reads_in_the_language_in_force() -> None:
    error = errors.NotFoundError(T("There is no tile {z}/{x}/{y}.", z=1, x=2, y=3))
    assert error.text.render("zh_CN") == "没有瓦片 1/2/3。"
    assert error.text.render("en") == "There is no tile 1/2/3."
