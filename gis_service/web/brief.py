"""The brief for the leadership: one page of PDF with the problem, the proposal, its effect and its cost."""

from __future__ import annotations

from typing import Any, NoReturn

from markupsafe import Markup
from weasyprint import HTML

from gis_service.planning.measures import Measures
from gis_service.planning.plans import Plan
from gis_service.planning.tables import Scenario
from gis_service.texts import T
from gis_service.web.plan_maps import Land, load_sheet
from gis_service.web.rendering import environment


def brief_pdf(
    scenario: Scenario, land: Land, plan: Plan, today: Plan, before: Measures, after: Measures, reasons: list[str]
) -> bytes:
    """One page A4 as PDF, Chinese fonts embedded; nothing is loaded from anywhere."""
    recruits = [person for person in plan.staff.values() if person.officer_id is None]
    page = (
        environment()
        .get_template("brief.html")
        .render(
            scenario=scenario,
            area_name=plan.inputs.area_name,
            standard=plan.inputs.standard,
            before=before.total,
            after=after.total,
            recruits=len(recruits),
            rows=effect_rows(before, after),
            histogram=histogram_bars(before, after),
            map_before=Markup(load_sheet(land, today, title=str(T("Today")), width_mm=180, height_mm=118)),  # noqa: S704 - our own SVG
            map_after=Markup(load_sheet(land, plan, title=str(T("Proposal")), width_mm=180, height_mm=118)),  # noqa: S704 - our own SVG
            reasons=reasons[:3],
        )
    )
    pdf: bytes = HTML(string=page, url_fetcher=_nothing).write_pdf()
    return pdf


def effect_rows(before: Measures, after: Measures) -> list[dict[str, Any]]:
    """Townships and villages with their figures before and after; those whose officers change first."""
    old = {row["area_id"]: row for row in before.areas}
    rows = [{**row, "was": old.get(row["area_id"], row)} for row in after.areas]
    return sorted(rows, key=lambda row: (not row["is_township"], -abs(row["officers"] - row["was"]["officers"])))


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
