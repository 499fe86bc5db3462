"""Where the calls of the route matrix aim at: an area with whatever hangs on it, or rows laid anew for one call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from io import BytesIO
from itertools import count

import geopandas as gpd
import shapely
from sqlalchemy import Engine, delete, insert, select, update

from gis_service.access.audit import trail_of
from gis_service.access.tables import AccountArea, ApprovalState, AppToken, ExportApproval
from gis_service.access.viewer import SHELL
from gis_service.addresses.tables import Address, Placement, SignedAddress, UnresolvedSignOff
from gis_service.areas.tables import AreaVersion, ChangeState, LandChange
from gis_service.changes.actions import apply_change
from gis_service.fieldwork.tables import Visit
from gis_service.intake.uploads import keep_upload
from gis_service.jobs.tables import Job, JobState
from gis_service.planning.edits import Recruits
from gis_service.planning.publishing import publish
from gis_service.planning.scenarios import add_step, create_scenario
from gis_service.planning.tables import Scenario, ScenarioState
from gis_service.registers.mismatches.actions import attach
from gis_service.registers.mismatches.states import Side
from gis_service.registers.quarters.tables import Reconciliation
from gis_service.registers.rentals.tables import Rectification, RentalInspection
from gis_service.registers.snapshots.actions import Handing, hand_in
from gis_service.registers.snapshots.handed import table_of_records
from gis_service.registers.snapshots.tables import SnapshotRow
from gis_service.registers.tables import Mismatch, Registration, Rental
from gis_service.settings import Settings
from gis_service.storage.engine import reading, transaction
from gis_service.storage.rows import Row
from gis_service.teams.tables import Beat
from tests.integration.board import START, STEP, TODAY, Board, cells
from tests.integration.tiles import tile_of

_numbers = count(1)


class Where(StrEnum):
    """Whose part of the district a spot is in, seen from the caller."""

    OWN = "own"
    FOREIGN = "foreign"
    PARENT = "parent"


@dataclass(frozen=True)
class Site:
    """The district that is called upon.

    `askers` are accounts by the township that they are of (D: the whole district), `spare_id` is an account that nobody
    uses, `codes` has for each kind of thing the code of the area that one belongs to, by id;
    `standing` are addresses that only the people of one area see, with that area.
    """

    engine: Engine
    settings: Settings
    board: Board
    askers: dict[str, int]
    spare_id: int
    codes: dict[str, dict[int, str]]
    standing: dict[int, int]
    laid: list[int] = field(default_factory=list)
    scenarios: dict[int, int] = field(default_factory=dict)
    """area → a scenario for it that nobody touches"""
    quarters: Iterator[int] = field(default_factory=count)
    """quarters are laid from 1901 on, so they have numbers of their own"""

    def lay(self, *rows: Row) -> int:
        """Add rows; return the id of the first."""
        with transaction(self.engine) as session:
            session.add_all(rows)
            session.flush()
            row_id: int = rows[0].id  # type: ignore[attr-defined]  # every table used here has one
            return row_id

    def tidy(self) -> None:
        """Take away the addresses that were laid for one call, put the others and the names of areas back."""
        with transaction(self.engine) as session:
            session.execute(delete(Placement).where(Placement.address_id.in_([*self.laid, *self.standing])))
            session.execute(delete(SignedAddress).where(SignedAddress.address_id.in_([*self.laid, *self.standing])))
            session.execute(delete(Address).where(Address.id.in_(self.laid)))
            session.execute(
                update(AreaVersion).where(AreaVersion.name.contains("(")).values(name="area " + AreaVersion.code)
            )
            session.add_all(
                Placement(address_id=address_id, home_area_id=home_id, unresolved="no_point", valid_from=START)
                for address_id, home_id in self.standing.items()
            )
        for address_id in self.laid:
            self.codes["address"].pop(address_id)
        self.laid.clear()


@dataclass(frozen=True)
class Spot:
    """The area `code` and what belongs to it, for the caller with this login and account (None: nobody)."""

    site: Site
    where: Where
    code: str
    login: str
    account_id: int | None

    @property
    def team(self) -> str:
        """Of which team: a compound's is that of its village."""
        return self.code[:2]

    @property
    def area_id(self) -> int:
        return self.site.board.areas[self.code]

    @property
    def address_code(self) -> str:
        return f"A-{self.code}-0" if self.code in cells() else f"A-{self.code}"

    @property
    def address_id(self) -> int:
        return self.site.board.addresses[self.address_code]

    @property
    def beat_id(self) -> int:
        return self.site.board.beats[self.team]

    @property
    def officer_id(self) -> int:
        return self.site.board.officers[self.team]

    @property
    def bbox(self) -> str:
        """The box around the first address of the compound (of the first one, for a larger area)."""
        lon, lat = self._point
        return f"{lon - STEP / 12},{lat - STEP / 12},{lon + STEP / 12},{lat + STEP / 12}"

    @property
    def tile(self) -> dict[str, int]:
        """The tile of zoom 17 around the same address."""
        z, x, y = tile_of(*self._point, 17)
        return {"z": z, "x": x, "y": y}

    @property
    def _point(self) -> tuple[float, float]:
        west, south, _east, _north = next(
            s for code, s in cells().items() if code.startswith(self.code.strip("D"))
        ).bounds
        return west + STEP / 6, south + STEP / 2

    def fresh_beat(self) -> int:
        number = next(_numbers)
        unit_id = self.site.board.units[self.team]
        beat = Beat(code=f"R-{self.team}-{number}", name=f"beat {self.team}", unit_id=unit_id, valid_from=START)
        beat_id = self.site.lay(beat)
        self.site.codes["beat"][beat_id] = self.team
        return beat_id

    def fresh_token(self) -> int:
        """A token of the caller's account; elsewhere than in the own place, of somebody else's."""
        now = datetime.now(UTC)
        own = self.where is Where.OWN and self.account_id is not None
        token = AppToken(
            token_hash=f"{next(_numbers):032d}".encode(),
            account_id=self.account_id if own else self.site.spare_id,
            name="fresh",
            scope="read",
            created_at=now,
            expires_at=now + timedelta(days=1),
        )
        return self.site.lay(token)

    def fresh_grant(self) -> int:
        area_id = self.site.board.areas["S1"]
        return self.site.lay(AccountArea(account_id=self.site.spare_id, area_id=area_id, valid_from=START))

    def fresh_approval(self) -> int:
        """A request of somebody of this part of the district."""
        now = datetime.now(UTC)
        request = ExportApproval(
            subject="registrations",
            reason="quarterly check",
            asked_by=self.site.askers[self.code[:1]],
            asked_at=now,
            state=ApprovalState.ASKED.value,
            expires_at=now + timedelta(hours=1),
        )
        return self.site.lay(request)

    def approved_request(self) -> int:
        """A request of the caller that a second person has approved; elsewhere, of somebody else."""
        now = datetime.now(UTC)
        may_ask = self.login not in {"administrator", "auditor"}
        own = self.where is Where.OWN and self.account_id is not None and may_ask
        request = ExportApproval(
            subject="registrations",
            reason="quarterly check",
            asked_by=self.account_id if own else self.site.spare_id,
            asked_at=now,
            state=ApprovalState.APPROVED.value,
            expires_at=now + timedelta(hours=1),
        )
        return self.site.lay(request)

    def fresh_address(self, *, overridden: bool = False) -> int:
        """An address of this place that waits, with a compound as its suggestion; or that somebody has overridden."""
        code, number, compound = self.code, next(_numbers), self.compound_id
        address = Address(code=f"A-{code}-9{number}", text=f"澜港区{code}路{number}号", point_source="none")
        address_id = self.site.lay(address)
        decided = {"area_id": compound, "override_reason": "laid by hand"} if overridden else {"unresolved": "no_point"}
        placement = Placement(
            address_id=address_id,
            home_area_id=self.area_id,
            suggested_area_id=compound,
            valid_from=START,
            **decided,
        )
        self.site.lay(placement)
        self.site.laid.append(address_id)
        self.site.codes["address"][address_id] = code
        return address_id

    def with_waiting_address(self) -> int:
        """The area, where one more address waits."""
        self.fresh_address()
        return self.area_id

    def with_doubt(self) -> int:
        """The area, where somebody has decided one more address otherwise than its point says."""
        self.fresh_address(overridden=True)
        return self.area_id

    def fresh_sign_off(self) -> int:
        """Somebody has signed for this area."""
        return self.site.lay(
            UnresolvedSignOff(
                area_id=self.area_id,
                quarter="2026-Q3",
                day=START,
                counts={},
                note="nobody knows",
                signed_by="somebody else",
                signed_at=datetime.now(UTC).replace(tzinfo=None),
            )
        )

    @property
    def compound_id(self) -> int:
        return self.site.board.areas[next(name for name in cells() if name.startswith(self.code.strip("D")))]

    @property
    def lonlat(self) -> dict[str, float]:
        return dict(zip(("lon", "lat"), self._point, strict=True))

    def across(self) -> list[tuple[float, float]]:
        """A line from south to north through the middle of the compound."""
        west, south, east, north = cells()[
            next(code for code in cells() if code.startswith(self.code.strip("D")))
        ].bounds
        return [((west + east) / 2, south - STEP), ((west + east) / 2, north + STEP)]

    def rename(self) -> dict[str, object]:
        """A change of the land that asks for little."""
        return {"kind": "rename", "area_id": self.area_id, "name": f"area {self.code} ({next(_numbers)})"}

    def fresh_change(self, state: ChangeState = ChangeState.DRAFT) -> int:
        """A change of the land by somebody else; carried out when it is to be an applied one."""
        change = LandChange(
            kind="rename",
            mode="correction",
            day=START,
            payload=self.rename(),
            state=(ChangeState.APPROVED if state is ChangeState.APPLIED else state).value,
            author="somebody else",
            author_id=self.site.spare_id,
            drafted_at=datetime.now(UTC).replace(tzinfo=None),
        )
        change_id = self.site.lay(change)
        if state is ChangeState.APPLIED:
            apply_change(self.site.engine, self.site.settings, SHELL, change_id)
        return change_id

    def fresh_scenario(self, state: ScenarioState = ScenarioState.DRAFT, *, step: bool = False) -> int:
        """A scenario by somebody else for this area, shared; of an area above, one that is not."""
        scenario_id = self._copied_scenario()
        if step:
            hire = Recruits(kind="recruits", count=1, from_day=TODAY)
            add_step(self.site.engine, SHELL, scenario_id, hire)
        shared = self.where is not Where.PARENT
        before = ScenarioState.APPROVED if state is ScenarioState.PUBLISHED else state
        with transaction(self.site.engine) as session:
            session.execute(
                update(Scenario).where(Scenario.id == scenario_id).values(shared=shared, state=before.value)
            )
        if state is ScenarioState.PUBLISHED:
            publish(self.site.engine, self.site.settings, SHELL, scenario_id, day_of_hand_over())
        return scenario_id

    def _copied_scenario(self) -> int:
        """A scenario as it was made for this area the first time: copying the day again would say the same."""
        if self.area_id not in self.site.scenarios:
            made = create_scenario(self.site.engine, self.site.settings, SHELL, "plan", self.area_id, TODAY)
            self.site.scenarios[self.area_id] = made
        columns = [column for column in Scenario.__table__.columns if column.name != "id"]
        with transaction(self.site.engine) as session:
            first = session.execute(select(*columns).where(Scenario.id == self.site.scenarios[self.area_id])).one()
            copy_id: int = session.scalars(insert(Scenario).values(first._mapping).returning(Scenario.id)).one()
            return copy_id

    def fresh_job(self) -> int:
        """A computation of the caller; elsewhere than in the own place, of somebody else."""
        own = self.where is Where.OWN and self.account_id is not None
        job = Job(
            kind="none",
            params={},
            state=JobState.WAITING.value,
            asked_by=self.account_id if own else self.site.spare_id,
            asked_name="x",
            asked_at=datetime.now(UTC),
            attempts=0,
            cancel_asked=False,
            progress=0.0,
        )
        return self.site.lay(job)

    def fresh_registration(self) -> int:
        """Somebody registered in this place, not at the address that the calls name."""
        key = f"{self.address_code}-x{next(_numbers)}"
        sealed = trail_of(self.site.engine).vault.seal("registration", key, "name", "王五")
        address_id = self.site.board.addresses.get(f"A-{self.code}-1", self.address_id)
        return self.site.lay(
            Registration(source_key=key, address_id=address_id, name_sealed=sealed, registered_on=START)
        )

    def fresh_rental(self) -> int:
        """A dwelling let in this place."""
        code = f"L-{self.code}-{next(_numbers)}"
        counts = {"rooms": 2, "beds": 2, "residents": 2, "grade": "green"}
        return self.site.lay(Rental(code=code, address_id=self.address_id, let_from=START, **counts))

    def fresh_rectification(self) -> int:
        """Something to be put right in a dwelling of this place."""
        rental_id = self.fresh_rental()
        visit = RentalInspection(rental_id=rental_id, inspected_on=START, inspector="somebody else", grade="green")
        inspection_id = self.site.lay(visit)
        remedy = {"inspection_id": inspection_id, "rental_id": rental_id, "what": "wires", "due_on": START}
        return self.site.lay(Rectification(**remedy))

    def fresh_mismatch(self) -> int:
        """A mismatch in this place that all three sides have to do with."""
        said = {"mismatch_class": "should_be_registered", "state": "open", "registers": "police+village+grid"}
        key = f"M-{self.code}-{next(_numbers)}"
        return self.site.lay(Mismatch(source_key=key, address_id=self.address_id, found_on=START, **said))

    def fresh_attachment(self, content: bytes) -> dict[str, int]:
        """A file of a mismatch in this place."""
        mismatch_id = self.fresh_mismatch()
        day = date.today()  # noqa: DTZ011 - as the service has it
        made = attach(self.site.engine, self.site.settings, SHELL, mismatch_id, "a.png", content, today=day)
        return {"mismatch_id": mismatch_id, "attachment_id": made}

    @property
    def village_id(self) -> int:
        """The village of this place; of a larger area, that area."""
        return self.site.board.areas[self.team]

    def fresh_quarter(self, state: str) -> dict[str, int]:
        """A quarter long ago of the village of this place; nothing was found then."""
        number = next(self.site.quarters)
        quarter = f"{1901 + number // 4}-Q{number % 4 + 1}"
        said = {"opened_by": "somebody else", "opened_at": datetime(1901, 1, 1), "due_on": START}  # noqa: DTZ001 - as stored
        row = Reconciliation(village_id=self.village_id, quarter=quarter, state=state, **said)
        return {"reconciliation_id": self.site.lay(row)}

    @property
    def side(self) -> Side:
        """The side that the caller is on; of those who lead all sides, the village's."""
        return {"grid_worker": Side.GRID}.get(self.login, Side.POLICE if "leader" in self.login else Side.VILLAGE)

    def fresh_snapshot(self) -> int:
        """What a register of the caller's side said of the village of this place."""
        table = table_of_records([{"source_key": f"K{next(_numbers)}", "name": "张三"}])
        said = Handing(self.side, self.village_id, START)
        return hand_in(self.site.engine, SHELL, table, said, today=TODAY).snapshot_id

    def fresh_snapshot_row(self) -> int:
        """One record of it."""
        snapshot_id = self.fresh_snapshot()
        with reading(self.site.engine) as session:
            return session.scalars(select(SnapshotRow.id).where(SnapshotRow.snapshot_id == snapshot_id)).one()

    def visit(self) -> dict[str, object]:
        """A visit as a device sends it."""
        return {
            "receipt_key": f"visit-{next(_numbers):08d}",
            "address_id": self.address_id,
            "kind": "publicity",
            "outcome": "done",
            "made_at": datetime.now(UTC).isoformat(),
        }

    def fresh_visit(self) -> str:
        """A visit by whoever answers for this place: its receipt key."""
        now = datetime.now(UTC).replace(tzinfo=None)
        said = {name: value for name, value in self.visit().items() if name != "made_at"}
        visit = Visit(officer_id=self.officer_id, made_at=now, received_at=now, **said)
        self.site.lay(visit)
        return visit.receipt_key

    def fresh_login(self) -> str:
        return f"new{next(_numbers)}"

    def kept_file(self) -> str:
        """The ticket of a file that the caller has uploaded; elsewhere, that somebody else has."""
        owner = self.account_id if self.where is Where.OWN else self.site.spare_id
        name, content = import_file("units", self)
        return keep_upload(self.site.settings, f"account-{owner}", name, BytesIO(content)).ticket

    def kept_layer(self) -> str:
        """The same of a layer of areas."""
        own = self.where is Where.OWN
        owner = self.account_id if own else self.site.spare_id
        name, content = import_file("areas" if own else "units", self)
        return keep_upload(self.site.settings, f"account-{owner}", name, BytesIO(content)).ticket


#: lines of the import files that say what is there already; codes are those of `board.py`
_LINES: dict[str, Callable[[Spot], tuple[str, str]]] = {
    "units": lambda s: ("code,name,area_code,valid_from", f"U-{s.code},unit {s.code},{s.code},{START}"),
    "officers": lambda s: ("badge_no,name,form,side", f"B{s.team},officer {s.team},transitioned,police"),
    "postings": lambda s: ("badge_no,unit_code,role,share,valid_from", f"B{s.team},U-{s.team},leader,1,{START}"),
    "beats": lambda s: ("code,name,unit_code,valid_from", f"R-{s.team},beat {s.team},U-{s.team},{START}"),
    "beat_parts": lambda s: ("beat_code,area_code,valid_from", f"R-{s.team},{s.code},{START}"),
    "beat_duties": lambda s: ("beat_code,badge_no,valid_from", f"R-{s.team},B{s.team},{START}"),
    "addresses": lambda s: (
        "code,text,number,stated_village_code,point_source,lon,lat",
        f"{s.address_code},澜港区{s.code}路1号,1,{s.team},surveyed,{s._point[0]},{s._point[1]}",
    ),
    "registrations": lambda s: (
        "source_key,name,address_code,registered_on",
        f"{s.address_code}-0,张三,{s.address_code},{START}",
    ),
    "deregistrations": lambda s: (
        "source_key,deregistered_on,deregistration_reason",
        f"{s.address_code}-0,2026-11-01,left_district",
    ),
    "rentals": lambda s: (
        "code,address_code,rooms,beds,residents,grade,let_from",
        f"L-{s.code},{s.address_code},4,4,3,green,{START}",
    ),
    "mismatches": lambda s: (
        "source_key,mismatch_class,address_code,found_on,state,registers",
        f"M-{s.code},duplicate,{s.address_code},{START},open,police+village",
    ),
}


def import_file(subject: str, spot: Spot) -> tuple[str, bytes]:
    """A file that says of a compound what is there already: its name and content."""
    if subject == "areas":
        row = {"code": spot.code, "name": f"area {spot.code}", "level": "compound", "parent_code": spot.team}
        frame = gpd.GeoDataFrame([row], geometry=[shapely.MultiPolygon([cells()[spot.code]])], crs="EPSG:4326")
        return "areas.geojson", frame.to_json().encode()
    return f"{subject}.csv", "\n".join(_LINES[subject](spot)).encode()


def day_of_hand_over() -> date:
    """A day in the future, so that nothing that is looked at today changes."""
    return date(2030, 1, 1)
