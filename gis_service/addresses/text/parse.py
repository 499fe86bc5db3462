"""Address texts to parts, by the names of the local gazetteer; what is not understood is kept and said."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

import numpy as np
import pandas as pd

from gis_service.addresses.text.gazetteer import Gazetteer
from gis_service.addresses.text.normalise import normalise
from gis_service.addresses.text.scanning import PARTS, take_apart
from gis_service.addresses.text.templates import Templates

CODED: Final = ("township", "village", "compound")
"""The parts that stand for an area of the tree; their codes are in the columns `<part>_code`."""

_ROAD_NAME: Final = re.compile("[\u4e00-\u9fff〇]{1,9}(?:路|街|道|巷|弄|胡同|线)")


def parse(texts: pd.Series, gazetteer: Gazetteer) -> pd.DataFrame:
    """Take address texts apart.

    Returns
    -------
    Same index; the columns `PARTS` (normalised, with their words: 18弄, 2-1号, 3幢; missing where a text has none),
    `township_code`, `village_code`, `compound_code` (of the area that the name stands for; missing where the names
    leave a choice) and `rest` (what was not understood, pieces apart by a space; empty when everything was).
    """
    templates = Templates.of(normalise(texts), gazetteer.stand_ins)
    names = {character: name for name, character in gazetteer.stand_ins.items()}
    each = [take_apart(template, gazetteer) for template in templates.unique]
    columns = {part: templates.fill([taken.patterns.get(part, ()) for taken in each]) for part in PARTS}
    for part in CODED:
        codes = [taken.code(part) for taken in each]
        columns[f"{part}_code"] = templates.fill([(code,) if code else () for code in codes])
    columns["rest"] = templates.fill([taken.rest(names) for taken in each])
    frame = pd.DataFrame(columns, index=texts.index).astype("str")
    return frame.assign(rest=frame["rest"].fillna(""))


def format_parts(parts: pd.DataFrame) -> pd.Series:
    """Write parts as one text in the usual order (region to room), without the rest."""
    written = np.full(len(parts), "", dtype=object)
    for part in PARTS:
        written = written + parts[part].fillna("").to_numpy(dtype=object)
    return pd.Series(written, index=parts.index, dtype="str")


def stored_parts(parts: pd.DataFrame) -> pd.DataFrame:
    """Return the parts as an address keeps them: `road` with its section, `lane` with its alley, and the others."""
    kept = parts[["number", "building", "unit", "room"]].copy()
    for column, pair in (("lane", ["lane", "alley"]), ("road", ["road", "section"])):
        joined = parts[pair[0]].fillna("") + parts[pair[1]].fillna("")
        kept.insert(0, column, joined.where(joined.ne("")))
    return kept


def roads_seen(texts: pd.Series, gazetteer: Gazetteer, least: int) -> list[str]:
    """Names of roads that the gazetteer lacks and that at least `least` of the texts have before a number.

    Compounds are left aside: their names are short, and stand inside those of roads.
    """
    without_compounds = gazetteer.without("compound")
    templates = Templates.of(normalise(texts), without_compounds.stand_ins)
    held = np.bincount(templates.codes, minlength=len(templates.unique))
    seen: Counter[str] = Counter()
    for template, count in zip(templates.unique, held, strict=True):
        for unknown in take_apart(template, without_compounds).unknown:
            if unknown.names_a_road and _ROAD_NAME.fullmatch(unknown.piece):
                seen[unknown.piece] += int(count)
    return sorted(road for road, count in seen.items() if count >= least)
