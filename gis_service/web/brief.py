"""The brief for the leadership: one page of PDF with the problem, the proposal, its effect and its cost."""

from __future__ import annotations

from typing import Any, NoReturn

from markupsafe import Markup

from gis_service.planning.measures import Measures
from gis_service.planning.plans import Plan
from gis_service.planning.published_plans import marked, published_measures, withheld_beats
from gis_service.planning.scenarios import Seen
from gis_service.settings import Settings
from gis_service.texts import T
from gis_service.web.plan_maps import Land, load_sheet
from gis_service.web.rendering import environment


def brief_pdf(found: Seen, land: Land, plan: Plan, today: Plan, settings: Settings, reasons: list[str]) -> bytes:
    """One page A4 as PDF, Chinese fonts embedded; nothing is loaded from anywhere."""
    from weasyprint import HTML

    before, after = published_measures(found, today, settings), published_measures(found, plan, settings)
    gone, gone_before = withheld_beats(found, plan, settings), withheld_beats(found, today, settings)
    recruits = [person for person in plan.staff.values() if person.officer_id is None]
    page = (
        environment()
        .get_template("brief.html")
        .render(
            scenario=found.scenario,
            area_name=plan.inputs.area_name,
            standard=plan.inputs.standard,
            before=marked(before.total),
            after=marked(after.total),
            recruits=len(recruits),
            rows=effect_rows(before, after),
            histogram=histogram_bars(before, after),
            map_before=Markup(load_sheet(land, today, title=str(T("Today")), withheld=gone_before, height_mm=118)),  # noqa: S704 - our own SVG
            map_after=Markup(load_sheet(land, plan, title=str(T("Proposal")), withheld=gone, height_mm=118)),  # noqa: S704 - our own SVG
            reasons=reasons[:3],
        )
    )
    pdf: bytes = HTML(string=page, url_fetcher=_nothing).write_pdf()
    return pdf


def effect_rows(before: Measures, after: Measures) -> list[dict[str, Any]]:
    """Townships and villages with their figures before and after; those whose officers change first."""
    old = {row["area_id"]: row for row in before.areas}
    founded: dict[str, Any] = {
        "withheld": [],
        "withheld_mark": None,
        "officers": None,
        "load": None,
        "coverage": None,
        "weighted_missing": None,
    }
    pairs = [(row, old.get(row["area_id"], founded)) for row in after.areas]
    changed = {row["area_id"]: abs((row["officers"] or 0) - (was["officers"] or 0)) for row, was in pairs}
    pairs.sort(key=lambda pair: (not pair[0]["is_township"], -changed[pair[0]["area_id"]]))
    return [{**marked(row), "was": marked(was)} for row, was in pairs]


def histogram_bars(before: Measures, after: Measures) -> list[dict[str, Any]]:
    """Beats per class of load, before and after, with their heights in a picture 100 high."""
    most = max([1, *(row["beats"] for row in (*before.histogram, *after.histogram))])
    bars = []
    for number, (one, other) in enumerate(zip(before.histogram, after.histogram, strict=True)):
        label = f"≤ {one['to']:,.0f}" if one["to"] is not None else f"> {one['from']:,.0f}"
        bars.append(
            {
                "x": number * 40,
                "label": label,
                "before": one["beats"],
                "after": other["beats"],
                "before_height": round(100 * one["beats"] / most, 1),
                "after_height": round(100 * other["beats"] / most, 1),
            }
        )
    return bars


def _nothing(url: str, *_args: object, **_more: object) -> NoReturn:
    msg = str(T("A sheet loads nothing from outside: {url}", url=url))
    raise ValueError(msg)
