"""Two quarters of the demo, done by its own people: one of a village closed, and that of its township under way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import select

from gis_service.access.scope import Scope
from gis_service.access.tables import Account
from gis_service.access.viewer import Viewer
from gis_service.access.viewers import viewer_of_account
from gis_service.addresses.acknowledging import acknowledge_doubts, open_doubts
from gis_service.addresses.signing_off import clearance, sign_off_unresolved
from gis_service.areas.queries import area_by_code, area_names
from gis_service.areas.tables import AreaLevel
from gis_service.demo.generation import DemoDistrict
from gis_service.registers.mismatches.actions import comment, set_state
from gis_service.registers.mismatches.queries import Wanted, mismatches
from gis_service.registers.mismatches.states import Side
from gis_service.registers.quarters.actions import close, finish_work, open_quarter, sign
from gis_service.registers.quarters.calendar import Quarter
from gis_service.registers.quarters.matching import match_quarter
from gis_service.registers.snapshots.actions import Handing, hand_in
from gis_service.registers.snapshots.handed import table_of_file
from gis_service.registers.tables import MismatchState
from gis_service.shell import Shell
from gis_service.storage.engine import reading

SOURCES: Final = {Side.VILLAGE: "人口信息底册", Side.GRID: "网格通"}
WORKERS: Final = {Side.POLICE: "commander", Side.VILLAGE: "steward", Side.GRID: "grid"}
"""Who of the demo's accounts corrects which register."""


@dataclass(frozen=True)
class DemoQuarters:
    """The demo's people, places and files, and the day on which everything happens."""

    shell: Shell
    folder: Path
    people: Mapping[str, Viewer]
    village_id: int
    township_id: int
    today: date

    def close_the_one_before(self) -> None:
        """Open, match, work, sign and close the last quarter of one village; one mismatch is carried over."""
        engine, settings, people = self.shell.engine, self.shell.settings, self.people
        quarter, station = Quarter.of(self.today).previous, people["commander"]
        (number,) = open_quarter(engine, station, quarter, today=self.today, area_id=self.village_id)
        self._hand_in(self.folder / "quarter_before", self.village_id, quarter.last)
        match_quarter(engine, settings, station, quarter, today=self.today, area_id=self.village_id)
        self._work()
        finish_work(engine, people["steward"], number, today=self.today)
        sign(engine, station, number, today=self.today)
        sign(engine, people["steward"], number, today=self.today)
        with reading(engine) as session:
            scope = Scope(self.today, None)
            cleared = clearance(session, scope, self.village_id, str(quarter)).is_cleared
            doubts = open_doubts(session, settings, scope, self.village_id)
        if not cleared:
            note = "无坐标地址已报测绘，下季度核实"
            sign_off_unresolved(engine, station, self.village_id, str(quarter), note, self.today)
        if any(doubts.values()):
            acknowledge_doubts(engine, settings, station, self.today, "已上门核实，地址无误", area_id=self.village_id)
        close(engine, settings, station, number, today=self.today)

    def begin_this_one(self) -> None:
        """Open this quarter in every village; hand in the lists of one township, and match it."""
        engine, settings, viewer = self.shell.engine, self.shell.settings, self.shell.viewer
        quarter = Quarter.of(self.today)
        open_quarter(engine, viewer, quarter, today=self.today)
        self._hand_in(self.folder, self.township_id, self.today)
        match_quarter(engine, settings, viewer, quarter, today=self.today, area_id=self.township_id)

    def _hand_in(self, folder: Path, area_id: int, day: date) -> None:
        for side, source in SOURCES.items():
            own = area_id == self.village_id
            viewer = self.people[WORKERS[side]] if own else self.people["commander"]
            table = table_of_file(self.shell.settings, folder / f"{side.value}.csv")
            said = Handing(side, area_id, day, source)
            hand_in(self.shell.engine, viewer, table, said, today=self.today)

    def _work(self) -> None:
        """Each side corrects what is wrong in its own register; the station leaves one to be looked at on the spot."""
        engine = self.shell.engine
        for side, login in WORKERS.items():
            viewer = self.people[login]
            with reading(engine) as session:
                wanted = Wanted(state=MismatchState.OPEN, at_register=side)
                scope = Scope(self.today, frozenset({self.village_id}))
                found = [int(key) for key in mismatches(session, scope, viewer, wanted, limit=1000)[0].index]
            if side is Side.POLICE and found:
                kept = found.pop()
                set_state(engine, viewer, [kept], MismatchState.CONFIRMED, today=self.today)
                comment(engine, viewer, kept, "下季度上门核实", today=self.today)
            if found:
                set_state(engine, viewer, found, side.corrected, today=self.today)


def quarters_of(shell: Shell, district: DemoDistrict, today: date) -> DemoQuarters:
    """The demo's people and places, from its accounts and land."""
    with reading(shell.engine) as session:
        scope = Scope(today, None)
        village_id = area_by_code(session, scope, district.unreconciled)
        (parent,) = area_names(session, scope, levels=[AreaLevel.VILLAGE], within=village_id)["parent_id"]
        accounts = select(Account.id, Account.login).where(Account.login.in_(WORKERS.values()))
        people = {
            login: viewer_of_account(session, account_id, datetime.now(UTC))
            for account_id, login in session.execute(accounts)
        }
    known = {login: viewer for login, viewer in people.items() if viewer is not None}
    return DemoQuarters(shell, district.out_dir / "registers", known, village_id, int(parent), today)
