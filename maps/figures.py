"""Numbers as people read them on a map: ``1,265 人/员``, ``63.2%``, and a word where there is no number."""

import math

import pandas as pd

from maps.texts import Texts

__all__ = ["area_m2_text", "count_text", "decimal_text", "load_text", "marked", "officers_text", "share_text"]

_NONE = "—"


def _known(value: object) -> bool:
    return not (value is None or value is pd.NA or (isinstance(value, float) and not math.isfinite(value)))


def count_text(value: float | None, template: str = "{count}") -> str:
    """Return a whole number with thousands marks, in a translated template; a dash when there is none."""
    return template.format(count=f"{value:,.0f}") if _known(value) else _NONE


def decimal_text(value: float | None, digits: int = 1, template: str = "{rate}") -> str:
    """Return a number with a fixed count of decimals; a dash when there is none."""
    return template.format(rate=f"{value:,.{digits}f}") if _known(value) else _NONE


def load_text(migrants_per_officer: float | None, texts: Texts) -> str:
    """Return the load in people per officer, whole: ``1,265 人/员``."""
    if not _known(migrants_per_officer):
        return _NONE
    return texts("1 : {load}").format(load=f"{migrants_per_officer:,.0f}")


def share_text(share: float | None) -> str:
    """Return a share (1 = all) as a percentage with one decimal: ``63.2%``."""
    return f"{share:.1%}" if _known(share) else _NONE


def officers_text(full_time: float | None, required: float | None, texts: Texts) -> str:
    """Return officers on duty against posts required: ``26 / 42``, a half post as ``0.5``."""
    return texts("{officers} / {required} officers").format(officers=fte_text(full_time), required=count_text(required))


def fte_text(full_time: float | None) -> str:
    """Return full-time equivalents with no more decimals than they have (at most two)."""
    return f"{full_time:,.2f}".rstrip("0").rstrip(".") if _known(full_time) else _NONE


def area_m2_text(area_m2: float | None, texts: Texts) -> str:
    """Return an area in square metres, whole from 10 m² and with two decimals below."""
    if not _known(area_m2) or area_m2 is None:
        return _NONE
    return texts("{area} m²").format(area=f"{area_m2:,.0f}" if area_m2 >= 10 else f"{area_m2:,.2f}")


def marked(figures: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    """
    Return texts of figures with the mark of withheld ones in place of dashes.

    Parameters
    ----------
    figures
        Texts, one row an area.
    frame
        On the same index; ``withheld_mark``, if there, is what stands for a number that the reader may not see (NA: the
        row shows all).
    """
    if "withheld_mark" not in frame or frame["withheld_mark"].isna().all():
        return figures
    marks = frame["withheld_mark"].fillna(_NONE)
    replaced = {
        caption: [str(text).replace(_NONE, mark) for text, mark in zip(figures[caption], marks, strict=True)]
        for caption in figures
    }
    return pd.DataFrame(replaced, index=figures.index)
