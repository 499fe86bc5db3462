"""From a template to paper: PDF with embedded fonts, and pictures of a PDF; nothing is fetched from anywhere."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, Final, NoReturn

from gis_service.errors import NotReadyError
from gis_service.texts import T
from gis_service.web.rendering import HERE, environment
from maps.assets import OWN_DIR

PNG_DPI: Final = 144
_RASTER_LIMIT_S: Final = 60


def pdf_of(template: str, **content: Any) -> bytes:
    """Lay `sheets/<template>` out as a PDF; its fonts are embedded, so that it looks the same everywhere."""
    from weasyprint import CSS, HTML

    html = environment().get_template(f"sheets/{template}").render(**content)
    document: bytes = HTML(string=html, url_fetcher=_nothing_is_fetched).write_pdf(
        stylesheets=[CSS(string=style, url_fetcher=_nothing_is_fetched) for style in _styles()]
    )
    return document


def png_of(pdf: bytes) -> bytes:
    """The first page of a PDF as a PNG of `PNG_DPI`.

    Raises
    ------
    NotReadyError
        This machine lacks pdftoppm (Debian: poppler-utils).
    """
    program = shutil.which("pdftoppm")
    if program is None:
        raise NotReadyError(T("Pictures of maps need pdftoppm: install the package poppler-utils."))
    with tempfile.TemporaryDirectory() as folder:
        source, picture = Path(folder, "sheet.pdf"), Path(folder, "sheet")
        source.write_bytes(pdf)
        command = [program, "-png", "-r", str(PNG_DPI), "-f", "1", "-l", "1", "-singlefile", str(source), str(picture)]
        subprocess.run(command, check=True, timeout=_RASTER_LIMIT_S)  # noqa: S603 - our own file, no shell
        return picture.with_suffix(".png").read_bytes()


@cache
def _styles() -> tuple[str, ...]:
    files = (OWN_DIR / "tokens.css", HERE / "static" / "sheet.css")
    return tuple(file.read_text(encoding="utf-8") for file in files)


def _nothing_is_fetched(url: str, *_args: object, **_options: object) -> NoReturn:
    raise ValueError(f"a sheet names {url!r}; everything on a sheet is in the sheet")
