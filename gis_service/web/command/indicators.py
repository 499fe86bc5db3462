"""What the map of the command centre can be coloured by: classes, numbers and their texts for every area in scope.

Class edges are the same on every day, so that two days side by side can be compared by eye.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

import pandas as pd
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.addresses.queries import placement_in_scope
from gis_service.addresses.tables import Placement
from gis_service.areas.queries import area_names
from gis_service.areas.tables import AreaLevel
from gis_service.planning.difficulty import published_difficulty
from gis_service.registers.published import published_coverage, published_mismatches
from gis_service.storage.frames import read_frame
from gis_service.teams.queries import beats
from gis_service.texts import T, Text
from gis_service.web.command.figures import shared
from gis_service.web.command.summing import summed
from gis_service.web.drawing import Drawing, beat_outlines, hotspot_figures
from gis_service.web.wording import amount, load
from maps.beats import neighbour_colours
from maps.figures import decimal_text
from maps.hotspots import HOTSPOT_CLASSES
from maps.legend import QUALITATIVE, Legend, LegendClass, graded, load_legend, no_data_class, rate_legend

DIFFICULTY_EDGES: Final = (20.0, 40.0, 60.0, 80.0)
MISMATCH_EDGES: Final = (5.0, 10.0, 20.0, 40.0)
PER_MILLE: Final = 1000
WAITING_EDGES: Final = (5.0, 20.0, 50.0, 100.0)
HOT: Final = ("hot_99", "hot_95", "hot_90")


class Indicator(StrEnum):
    """What can be shown."""

    LOAD = "load"
    DIFFICULTY = "difficulty"
    HOTSPOTS = "hotspots"
    MISMATCHES = "mismatches"
    WAITING = "waiting"
    BEATS = "beats"


INDICATOR_NAMES: dict[Indicator, Text] = {
    Indicator.LOAD: T("Load and coverage"),
    Indicator.DIFFICULTY: T("Difficulty"),
    Indicator.HOTSPOTS: T("Rental hotspots"),
    Indicator.MISMATCHES: T("Mismatches"),
    Indicator.WAITING: T("To decide"),
    Indicator.BEATS: T("Beats and officers"),
}


@dataclass(frozen=True)
class Shown:
    """One indicator over the areas in scope: class key, text and number (NA where there is none) per area."""

    legend: Legend
    classes: pd.Series
    texts: pd.Series
    numbers: pd.Series
    source: Text


def indicator_answer(drawing: Drawing, indicator: Indicator) -> dict[str, Any]:
    """What the page fetches: the legend with its source and day, and `[class, text, number]` by area id."""
    shown = SHOWN_BY[indicator](drawing)
    values = {
        str(area_id): [key, text, None if pd.isna(number) else round(float(number), 3)]
        for area_id, key, text, number in zip(
            shown.classes.index.tolist(),
            shown.classes.tolist(),
            shown.texts.tolist(),
            shown.numbers.tolist(),
            strict=True,
        )
    }
    return {
        "indicator": indicator.value,
        "name": str(INDICATOR_NAMES[indicator]),
        "title": shown.legend.title,
        "note": shown.legend.note,
        "source": str(shown.source),
        "as_of": drawing.scope.day.isoformat(),
        "classes": [asdict(each) for each in shown.legend.classes],
        "values": values,
    }


def waiting_by_area(session: Session, scope: Scope) -> pd.Series:
    """How many addresses of each area wait for a decision: index `area_id`, Int64."""
    query = (
        select(Placement.home_area_id.label("area_id"), func.count().label("waiting"))
        .where(Placement.valid_on(scope.day), Placement.unresolved.is_not(None), placement_in_scope(scope))
        .group_by(Placement.home_area_id)
    )
    return summed(session, scope, read_frame(session, query, dtypes={"area_id": "Int64", "waiting": "int64"}))


def _load(drawing: Drawing) -> Shown:
    settings = drawing.settings
    figures = shared(published_coverage, drawing.session, drawing.scope, settings)
    legend = load_legend(
        settings.load_class_edges,
        standard=settings.persons_per_officer,
        note=drawing.texts("Load = registered migrants ÷ full-time officers on duty"),
        texts=drawing.texts,
    )
    status = figures["status"].astype(str).replace("withheld", "no_data")
    status = status.where(figures["load"].notna() | ~status.isin(["covered", "short"]), "empty")
    known = status.isin(["covered", "short"])
    classes = graded(figures["load"].where(known), settings.load_class_edges, "load").astype(object)
    words = {each.key: each.label.partition("（")[0] for each in legend.classes}
    texts = figures["withheld_mark"].fillna(figures["load"].map(load).where(known, status.map(words)))
    return Shown(legend, classes.where(known, status), texts, figures["load"], T("registrations, postings, beats"))


def _difficulty(drawing: Drawing) -> Shown:
    scored = published_difficulty(drawing.session, drawing.scope, drawing.settings)["score"]
    title = str(T("Difficulty, 0 to 100 among areas of one level"))
    note = str(T("Weighted sum of load, churn, rentals, mismatches and staff"))
    legend = rate_legend(DIFFICULTY_EDGES, title=title, note=note, texts=drawing.texts)
    legend = Legend(title, note, tuple(each for each in legend.classes if each.key not in ("none", "no_base")))
    classes = graded(scored, DIFFICULTY_EDGES, "rate").astype(object).where(scored.notna(), "no_data")
    return Shown(legend, classes, scored.map(decimal_text), scored, T("registrations, rentals, mismatches, postings"))


def _mismatches(drawing: Drawing) -> Shown:
    settings = drawing.settings
    published = shared(published_mismatches, drawing.session, drawing.scope, settings)
    counts = published["mismatches"]
    people = shared(published_coverage, drawing.session, drawing.scope, settings)
    migrants = people["migrants"]
    rate = (counts.astype("Float64") * settings.rate_per / migrants.where(migrants > 0)).astype("Float64")
    title = str(T("Unsettled mismatches per {count} registered", count=f"{settings.rate_per:,.0f}"))
    legend = rate_legend(MISMATCH_EDGES, title=title, note="", texts=drawing.texts)
    classes = graded(rate, MISMATCH_EDGES, "rate").astype(object)
    withheld = published["withheld_mark"].fillna(people["withheld_mark"])
    unknown = migrants.isna() | counts.isna()
    classes = classes.where(rate.notna(), "no_base").mask(counts.eq(0), "none").mask(unknown, "no_data")
    said = drawing.texts("{rate} per 1,000") if settings.rate_per == PER_MILLE else "{rate}"
    texts = withheld.where(unknown).fillna(rate.map(lambda value: decimal_text(value, 1, said)))
    return Shown(legend, classes, texts, rate, T("mismatches, registrations"))


def _waiting(drawing: Drawing) -> Shown:
    counts = waiting_by_area(drawing.session, drawing.scope)
    legend = rate_legend(
        WAITING_EDGES, title=str(T("Addresses that wait for a decision")), note="", texts=drawing.texts
    )
    legend = Legend(legend.title, "", tuple(each for each in legend.classes if each.key not in ("no_base", "no_data")))
    classes = graded(counts.astype("Float64"), WAITING_EDGES, "rate").astype(object).mask(counts.eq(0), "none")
    return Shown(legend, classes, counts.map(amount), counts, T("addresses"))


def _hotspots(drawing: Drawing) -> Shown:
    names = area_names(drawing.session, drawing.scope)
    found = hotspot_figures(drawing)
    words = {key: drawing.texts(name) for key, (name, _fill) in HOTSPOT_CLASSES.items()}
    compounds = found["hotspot"].astype(object).where(found["hotspot"].notna(), "no_data")
    hot = summed(
        drawing.session,
        drawing.scope,
        pd.DataFrame({"area_id": found.index, "hot": compounds.isin(HOT).astype("int64").to_numpy()}),
    )
    # above the compounds: the strongest class that any compound within has
    order = {key: place for place, key in enumerate(HOTSPOT_CLASSES)}
    strongest = compounds.map(order).fillna(len(order))
    above = _strongest_above(names, strongest)
    keys = [*HOTSPOT_CLASSES, "no_data"]
    classes = compounds.reindex(names.index).where(
        names["level"].eq(AreaLevel.COMPOUND), above.map(lambda place: keys[int(place)])
    )
    classes = classes.fillna("no_data").mask(~names["level"].eq(AreaLevel.COMPOUND) & hot.eq(0), "not_significant")
    texts = classes.map({**words, "no_data": no_data_class(drawing.texts).label}).where(
        names["level"].eq(AreaLevel.COMPOUND), hot.map(lambda count: str(T("{count} hot compounds", count=count)))
    )
    legend = Legend(
        drawing.texts("Hotspot classes (Getis-Ord Gi*)"),
        str(T("Larger areas: the strongest class within")),
        (
            *(LegendClass(key, words[key], fill) for key, (_name, fill) in HOTSPOT_CLASSES.items()),
            no_data_class(drawing.texts),
        ),
    )
    return Shown(legend, classes, texts, hot, T("rentals"))


def _strongest_above(names: pd.DataFrame, strongest: pd.Series) -> pd.Series:
    place = strongest.reindex(names.index).fillna(strongest.max() if len(strongest) else 0).astype(float)
    for level in (AreaLevel.COMPOUND, AreaLevel.VILLAGE, AreaLevel.TOWNSHIP):
        below = names["level"].eq(level)
        least = place[below].groupby(names.loc[below, "parent_id"]).min()
        known = least.index.intersection(names.index)
        place.loc[known] = least[known].to_numpy()
    return place


def _beats(drawing: Drawing) -> Shown:
    session, scope = drawing.session, drawing.scope
    names = area_names(session, scope)
    held = beats(session, scope)
    outlines = beat_outlines(session, scope)
    colour = neighbour_colours(outlines.geometry).map(lambda number: f"beat_{number}")
    held_by = _beats_of_compounds(session, scope)
    holder = held_by.drop_duplicates("area_id").set_index("area_id")["beat_id"]
    classes = holder.map(colour).where(holder.map(held["officer_id"].notna()).fillna(value=False), "nobody")
    classes = classes.reindex(names.index).where(names["level"].eq(AreaLevel.COMPOUND), "several").fillna("nobody")
    named = held_by.assign(officer=held_by["beat_id"].map(held["officer"])).dropna(subset=["officer"])
    officer = named.groupby("area_id")["officer"].agg(lambda each: "、".join(dict.fromkeys(each))).reindex(names.index)
    figures = shared(published_coverage, session, scope, drawing.settings)
    staff = figures["officers_fte"]
    crowd = staff.map(lambda count: str(T("{count} officers", count=amount(count))))
    crowd = crowd.where(staff.notna(), figures["withheld_mark"].fillna(crowd))
    texts = officer.fillna(str(T("Nobody"))).where(names["level"].eq(AreaLevel.COMPOUND), crowd)
    legend = Legend(
        str(T("Beats")),
        str(T("Colours only tell neighbouring beats apart")),
        (
            *(LegendClass(f"beat_{n}", str(T("Beat")), fill) for n, fill in enumerate(QUALITATIVE)),
            LegendClass("nobody", str(T("Nobody")), "#f3d6ea", "dense", "#7a0177"),
            LegendClass("several", str(T("Several beats")), "#c9d3db"),
        ),
    )
    return Shown(legend, classes, texts, staff, T("beats, postings"))


def _beats_of_compounds(session: Session, scope: Scope) -> pd.DataFrame:
    """Which beats answer for each compound in scope, the one with most addresses first: `area_id`, `beat_id`."""
    query = (
        select(Placement.area_id, Placement.beat_id, func.count().label("addresses"))
        .where(
            Placement.valid_on(scope.day),
            placement_in_scope(scope),
            Placement.area_id.is_not(None),
            Placement.beat_id.is_not(None),
        )
        .group_by(Placement.area_id, Placement.beat_id)
    )
    rows = read_frame(session, query, dtypes={"area_id": "int64", "beat_id": "int64", "addresses": "int64"})
    return rows.sort_values(["addresses", "beat_id"], ascending=[False, True])


SHOWN_BY: dict[Indicator, Callable[[Drawing], Shown]] = {
    Indicator.LOAD: _load,
    Indicator.DIFFICULTY: _difficulty,
    Indicator.HOTSPOTS: _hotspots,
    Indicator.MISMATCHES: _mismatches,
    Indicator.WAITING: _waiting,
    Indicator.BEATS: _beats,
}
