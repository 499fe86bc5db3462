"""Posts required, handed out and paid for, on both databases; the check figures of the district's published answer."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pandas as pd
import pytest
from sqlalchemy import Engine

from gis_service.access.scope import Scope
from gis_service.areas.tables import AreaLevel
from gis_service.planning.bases import Base, same_day_before
from gis_service.planning.staffing import StaffingAsked, staffing
from gis_service.registers.tables import Registration
from gis_service.settings import Settings
from gis_service.storage.bulk import insert_frame
from gis_service.storage.engine import open_engine, reading, transaction
from gis_service.teams.tables import Officer, Posting
from tests.conftest import Template, closed, copied
from tests.integration.board import START, TODAY, Board
from tests.integration.conftest import SignIn
from tests.private_postgres import Cluster

#: already on the board: 4 compounds of 4 addresses with 3 people in each township
LAID = 48


def register(engine: Engine, address_id: int, people: int, name: str, since: object = START) -> None:
    rows = pd.DataFrame({"source_key": [f"{name}-{n}" for n in range(people)]})
    rows = rows.assign(address_id=address_id, name_sealed=b"sealed", registered_on=pd.Timestamp(str(since)))
    with transaction(engine) as session:
        insert_frame(session, Registration, rows)


def post(engine: Engine, board: Board, unit: str, officers: int) -> None:
    with transaction(engine) as session:
        for number in range(officers):
            officer = Officer(badge_no=f"X{unit}{number}", name="x", form="transitioned", side="police")
            session.add(officer)
            session.flush()
            said = {"officer_id": officer.id, "unit_id": board.units[unit], "role": "member", "share": 1.0}
            session.add(Posting(**said, valid_from=START))


@pytest.fixture(scope="module")
def published_spatialite(
    laid_spatialite: Template, tmp_path_factory: pytest.TempPathFactory, laid: dict[str, Board]
) -> Template:
    """The district of the published answer: 357,000 people, one township of 32,900 with 26 officers."""
    template = Template(tmp_path_factory.mktemp("published"))
    with copied(laid_spatialite, template.folder, None, "") as settings:
        fill(settings, laid["sqlite"])
    return template


@pytest.fixture(scope="module")
def published_postgis(
    laid_postgis: Template, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory, laid: dict[str, Board]
) -> Iterator[Template]:
    """The same on PostGIS."""
    template = Template(tmp_path_factory.mktemp("published_postgis"), "published")
    with copied(laid_postgis, template.folder, cluster, "published") as settings:
        fill(settings, laid["postgresql"])
        yield template


def fill(settings: Settings, board: Board) -> None:
    engine = open_engine(settings)
    register(engine, board.addresses["A-N11-0"], 32_900 - LAID, "n")
    register(engine, board.addresses["A-S11-0"], 357_000 - 32_900 - LAID, "s")
    post(engine, board, "N", 24)
    closed(engine)


@pytest.fixture
def published(board: Board) -> Board:
    """Ids of the district of the published answer, which the test begins with (`BEGINNINGS`)."""
    return board


def test_the_published_figures_come_through_the_api(published: Board, signed_in: SignIn) -> None:
    planner = signed_in("planner")
    asked = {"as_of": str(TODAY)}
    township = planner.get("/api/v1/planning/staffing", params={"level": "township", **asked}).json()["items"]
    north = next(row for row in township if row["code"] == "N")
    assert (north["migrants"], north["officers_fte"], north["required"], north["short"]) == (32_900, 26, 42, 16)
    assert round(north["load"]) == 1265
    assert round(north["coverage"] * 100, 1) == 63.2
    [district] = planner.get("/api/v1/planning/staffing", params={"level": "district", **asked}).json()["items"]
    assert (district["required"], district["social"], district["police"]) == (447, 134, 313)


def test_parts_add_up_at_every_level(published: Board, engine: Engine, settings: Settings) -> None:
    with reading(engine) as session:
        found = staffing(session, Scope(TODAY, None), settings, StaffingAsked(weighted=True))
    for name in ("allotted", "social", "police"):
        below = found.groupby("parent_id")[name].sum()
        assert below.tolist() == found.loc[below.index.tolist(), name].tolist()
    assert (found["social"] + found["police"] == found["allotted"]).all()
    assert found.loc[published.areas["D"], "allotted"] == 447


def test_the_district_pays_its_recruits_and_the_townships_the_rest(
    published: Board, engine: Engine, settings: Settings
) -> None:
    with reading(engine) as session:
        found = staffing(session, Scope(TODAY, None), settings, StaffingAsked(recruits=20))
    townships = found[found["level"].eq(AreaLevel.TOWNSHIP)]
    assert townships["district_pays"].sum() == 20
    assert (townships["district_pays"] + townships["township_pays"] == townships["missing"]).all()


def test_the_three_year_average_is_of_the_same_day_each_year(engine: Engine, settings: Settings, board: Board) -> None:
    register(engine, board.addresses["A-N11-0"], 300, "late", since=same_day_before(TODAY, 1))
    with reading(engine) as session:
        found = staffing(session, Scope(TODAY, None), settings, StaffingAsked(Base.THREE_YEARS))
    # 12 people since 2024-01-01 count on 2026-11-01, 2025-11-01 and 2024-11-01; the 300 on the first two
    assert found["base"].astype("float64")[board.areas["N11"]] == pytest.approx((12 * 3 + 300 * 2) / 3)
    assert found.loc[board.areas["N11"], "migrants"] == 312


def test_posts_are_handed_out_with_a_certificate_and_a_curve(published: Board, signed_in: SignIn) -> None:
    order = {"level": "township", "change": 100, "accept": 0.0}
    answer = signed_in("planner").post("/api/v1/planning/posts", json=order, params={"as_of": str(TODAY)}).json()
    posts = {row["code"]: row["posts"] for row in answer["rows"]}
    assert sum(posts.values()) == answer["posts"] == 26 + 2 + 100
    # nobody loses one, so the township with 26 keeps them and the other gets all the new ones
    assert posts == {"N": 26, "S": 102}
    assert answer["least_worst_load"] == max(32_900 / 26, 324_100 / 102)
    assert answer["posts_below"] > answer["posts"]
    assert answer["curve"][0]["moves"] == 100
    assert len(answer["curve"]) == 20


def test_posts_go_where_the_shortfall_times_difficulty_is_worst(published: Board, signed_in: SignIn) -> None:
    planner, day = signed_in("planner"), {"as_of": str(TODAY)}
    order = {"level": "township", "change": 100, "aim": "shortfall"}
    answer = planner.post("/api/v1/planning/posts", json=order, params=day).json()
    posts = {row["code"]: row["posts"] for row in answer["rows"]}
    # 16 and 404 posts are short: nobody's loss in the north is worth a post
    assert posts == {"N": 26, "S": 102}
    assert re.search("缺 304 个岗位", answer["certificate"])
    page = planner.get("/planning/posts", params={**day, "change": "3", "aim": "shortfall"}).text
    assert "缺额最重" in page


def test_bounds_that_leave_no_plan_are_refused_with_their_numbers(published: Board, signed_in: SignIn) -> None:
    order = {"level": "township", "change": 10, "bounds": [{"area_id": published.areas["S"], "most": 3}]}
    order["bounds"].append({"area_id": published.areas["N"], "most": 27})  # type: ignore[attr-defined]  # a list
    answer = signed_in("planner").post("/api/v1/planning/posts", json=order, params={"as_of": str(TODAY)})
    assert answer.status_code == 409
    assert "38" in answer.json()["detail"]
    assert "30" in answer.json()["detail"]
    assert re.search("至少取消 area [NS] 的上限（(3|27)）", answer.json()["detail"])  # one of the two is enough


def test_floors_ceilings_and_locks_are_set_on_the_page(board: Board, signed_in: SignIn) -> None:
    planner, n1 = signed_in("planner"), board.areas["N1"]
    asked = {"as_of": str(TODAY), "level": "village", "change": "3", f"least.{n1}": "3", f"most.{n1}": "3"}
    page = planner.get("/planning/posts", params=asked).text
    assert re.search('area N1</th><td class="number">1</td><td class="number">3</td><td class="number">\\+2</td>', page)
    assert f'name="least.{n1}" min="0" max="9999" value="3"' in page
    crossed = planner.get("/planning/posts", params=asked | {f"least.{n1}": "9"}).text
    assert "至少取消 area N1" in crossed
    assert f'name="least.{n1}" min="0" max="9999" value="9"' in crossed  # and can be mended there
    assert planner.get("/planning/posts", params=asked | {f"least.{n1}": "x"}).status_code == 422
    fixed = planner.get("/planning/posts", params={**asked, f"total.{board.areas['S']}": "2", f"least.{n1}": ""}).text
    assert re.search('area S1</th><td class="number">1</td><td class="number">1</td>', fixed)


def test_a_commander_plans_within_the_own_township(published: Board, signed_in: SignIn) -> None:
    commander = signed_in("commander")
    order = {"level": "village", "change": 5}
    rows = commander.post("/api/v1/planning/posts", json=order, params={"as_of": str(TODAY)}).json()["rows"]
    assert {row["code"] for row in rows} == {"N1", "N2"}
    order = {"level": "village", "within": published.areas["S"]}
    assert commander.post("/api/v1/planning/posts", json=order).status_code == 404


def test_the_pages_show_posts_and_difficulty(board: Board, signed_in: SignIn) -> None:
    planner = signed_in("planner")
    page = planner.get("/planning/posts", params={"as_of": str(TODAY), "change": 3, "recruits": 2})
    assert page.status_code == 200
    assert "area N" in page.text
    assert "新补 3 个岗位" in page.text
    difficult = planner.get("/planning/difficulty", params={"as_of": str(TODAY), "level": "village"})
    assert difficult.status_code == 200
    assert difficult.text.count("<tr>") == 1 + 4
    export = planner.get("/exports/staffing.csv", params={"as_of": str(TODAY)})
    assert "allotted" in export.text
