"""The demo's two quarters: what the service found beside what the generator planted, and how people see it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine, func, select

from gis_service.access.audit import attach_audit, trail_of
from gis_service.access.personal import Vault
from gis_service.access.scope import Scope
from gis_service.access.tables import Account
from gis_service.access.viewers import viewer_of_account
from gis_service.api.dependencies import today_here
from gis_service.areas.queries import area_by_code
from gis_service.registers.mismatches.actions import set_state
from gis_service.registers.mismatches.evidence import unpacked
from gis_service.registers.mismatches.queries import Wanted, mismatches
from gis_service.registers.mismatches.states import Side
from gis_service.registers.quarters.actions import printed_certificate
from gis_service.registers.quarters.calendar import Quarter
from gis_service.registers.quarters.tables import ReconciledItem, Reconciliation
from gis_service.registers.rentals.tables import RentalGrading
from gis_service.registers.tables import Mismatch, MismatchState, Rental
from gis_service.settings import Settings
from gis_service.storage.engine import open_engine, reading
from gis_service.teams.scope import scope_of
from tests.browser.conftest import Site

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SignIn = Callable[[str], Page]

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
PHONE_PX = 390


@pytest.fixture
def engine(site: Site) -> Iterator[Engine]:
    """The database of the running demo."""
    settings = Settings(data_dir=site.data_dir)
    opened = open_engine(settings)
    attach_audit(opened, Vault.load_or_create(settings), settings)
    yield opened
    opened.dispose()


def found(engine: Engine, truth: Path) -> pd.DataFrame:
    """Every fact on record: mismatch_class, person (as the truth names people), state, times_opened, index as items."""
    people = pd.concat(
        [
            pd.read_csv(truth / "register_people.csv", dtype="str"),
            # the police side is the service's own list, whose keys are the people themselves
            pd.read_csv(truth.parent / "registrations.csv", dtype="str", usecols=["source_key"]).assign(
                register="police", person=lambda rows: rows["source_key"]
            ),
        ]
    ).drop_duplicates(["register", "source_key"])
    person_of = {(row.register, row.source_key): row.person for row in people.itertuples()}
    vault = trail_of(engine).vault
    rows = {}
    with reading(engine) as session:
        for item in session.scalars(select(Mismatch).where(Mismatch.sides_sealed.is_not(None))):
            sides = unpacked(vault.open("mismatch", item.source_key, "sides", bytes(item.sides_sealed or b"")))
            who = {person_of.get((side, record["source_key"])) for side, record in sides.items() if side != "other"}
            person = min(str(each) for each in who if each)
            rows[item.source_key] = (item.mismatch_class, person, item.state, item.times_opened)
    columns = ["mismatch_class", "person", "state", "times_opened"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def test_the_demo_finds_of_every_person_what_was_planted(site: Site, engine: Engine) -> None:
    truth = site.data_dir / "demo" / "small" / "truth"
    facts = found(engine, truth)
    planted = pd.read_csv(truth / "mismatches.csv", dtype="str")
    planted = planted[planted["in_registers"].eq("true")]
    pairs = set(zip(facts["mismatch_class"], facts["person"], strict=True))
    known = set(zip(planted["mismatch_class"], planted["person"], strict=True))
    assert len(known) > 30
    assert known - pairs == set()
    # and besides it nothing but what the quarter before was about, and a door that two standard addresses claim
    forgotten = pd.read_csv(truth / "quarter_before.csv", dtype="str")
    besides = pairs - known - {("missing_registration", person) for person in forgotten["person"]}
    assert {kind for kind, _person in besides} <= {"wrong_address"}
    assert len(besides) <= 2


def test_the_demo_has_closed_the_quarter_before_and_is_in_the_middle_of_this_one(site: Site, engine: Engine) -> None:
    truth, today = site.data_dir / "demo" / "small" / "truth", today_here()
    said = json.loads((truth / "truth.json").read_text(encoding="utf-8"))["quarter_before"]
    facts, forgotten = found(engine, truth), pd.read_csv(truth / "quarter_before.csv", dtype="str")
    with reading(engine) as session:
        before, last = Quarter.of(today).previous, Scope(today, None)
        row = session.scalars(select(Reconciliation).where(Reconciliation.quarter == str(before))).one()
        assert row.village_id == area_by_code(session, last, said["village_code"])
        signed = (row.police_signed_by, row.village_signed_by)
        assert (row.state, *signed) == ("closed", "王建国（commander）", "吴卫东（steward）")
        graded = session.scalar(select(func.count(RentalGrading.rental_id.distinct())))
        assert graded  # each grade says why
        assert graded == session.scalar(select(func.count(Rental.id)))
        sheet = printed_certificate(session, last, row.id)
        assert hashlib.sha256(sheet).hexdigest() == row.certificate_sha256
        closed = session.scalars(select(ReconciledItem.source_key).where(ReconciledItem.reconciliation_id == row.id))
        settled = facts.loc[list(closed)]
        states = session.scalars(select(Reconciliation.state).where(Reconciliation.quarter == str(before.next))).all()
    assert (states.count("matched"), states.count("open")) == (3, 5)
    # whom a list had forgotten is on it now; what was said to be corrected and was not has come back
    of_forgotten = settled[settled["person"].isin(forgotten["person"])]
    assert len(of_forgotten) == len(forgotten)
    assert set(of_forgotten["state"]) == {"corrected_village", "corrected_grid"}
    assert settled["times_opened"].max() == 2


def test_a_newcomer_sees_two_quarters_an_item_with_its_links_and_the_certificate(site: Site, at_desk: SignIn) -> None:
    page, quarter = at_desk("commander"), Quarter.of(today_here())
    page.goto(f"{site.address}/quarters?quarter={quarter.previous}")
    page.get_by_role("row").filter(has_text="已关账").get_by_role("link").click()
    page.get_by_role("link", name="确认单").click()
    expect(page.locator("body")).to_contain_text(str(quarter.previous))
    page.goto(f"{site.address}/mismatches?kind=attribute_conflict")
    page.locator("tbody tr th a").first.click()
    expect(page.locator("main")).to_contain_text("认定为同一人的依据")
    page.set_viewport_size({"width": 390, "height": 800})
    for path in ("quarters", "mismatches", "snapshots"):
        page.goto(f"{site.address}/{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path


def others_settle(engine: Engine) -> None:
    """The station and the grid correct their own registers in the demo's own village."""
    for login, side in (("commander", Side.POLICE), ("grid", Side.GRID)):
        with reading(engine) as session:
            account = session.scalars(select(Account.id).where(Account.login == login)).one()
            viewer = viewer_of_account(session, account, datetime.now(UTC))
            assert viewer is not None
            wanted = Wanted(state=MismatchState.OPEN, at_register=side)
            found = mismatches(session, scope_of(session, viewer, today_here()), viewer, wanted, limit=1000)[0]
        if len(found):
            set_state(engine, viewer, [int(key) for key in found.index], side.corrected, today=today_here())


def test_a_cadre_hands_the_register_in_settles_what_is_the_villages_and_signs_the_quarter(
    site: Site, at_desk: SignIn, engine: Engine
) -> None:
    page = at_desk("steward")
    quarter, looked_at = Quarter.of(today_here()), []

    def look(path: str, heading: str) -> None:
        """A page as people see it: headed, within the screen of a phone, and nothing that axe complains of."""
        page.goto(f"{site.address}/{path}")
        expect(page.get_by_role("heading", level=1)).to_contain_text(heading)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE_PX, path
        page.evaluate(AXE.read_text(encoding="utf-8") + ";0")
        found = page.evaluate("values => axe.run({ runOnly: values })", WCAG)
        assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found["violations"]] == [], path
        looked_at.append(path)

    page.set_viewport_size({"width": PHONE_PX, "height": 780})
    look("snapshots", "底册快照")
    page.locator("details.hand-in > summary").click()
    page.get_by_label("文件").set_input_files(site.data_dir / "demo/small/registers/quarter_before/village.csv")
    page.get_by_role("button", name="校验并留存").click()
    page.wait_for_url("**/snapshots/*")
    look(page.url.removeprefix(f"{site.address}/"), "底册")
    look("unresolved", "待判定")
    assert page.locator("main tbody tr, main .empty").count() > 0

    look("mismatches?state=open", "差异")
    own = page.locator("tbody tr").filter(has=page.locator("td", has_text="村社底册")).get_by_role("checkbox")
    for box in own.all():
        box.check()
    page.get_by_label("将所选改为").select_option("corrected_village")
    page.get_by_role("button", name="批量处理").click()
    page.wait_for_url("**/mismatches?state=corrected_village")
    page.goto(f"{site.address}/mismatches?state=open")
    expect(own).to_have_count(0)
    others_settle(engine)

    page.goto(f"{site.address}/quarters?quarter={quarter}")
    page.locator("tbody tr th a").first.click()
    look(page.url.removeprefix(f"{site.address}/"), str(quarter))
    page.get_by_role("button", name="办结").click()
    page.get_by_role("button", name="本方签字").click()
    expect(page.get_by_role("row").filter(has_text="村社签字")).to_contain_text("steward")
    assert len(looked_at) == 5
