"""Who lives where: registrations, rentals, and the places where the registers disagree."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from gis_service.storage.fence import OWN
from gis_service.storage.fence_rules import FENCE, one_of, through
from gis_service.storage.rows import Row, RowId


class RentalGrade(StrEnum):
    """绿 / 黄 / 橙 / 红."""

    GREEN = "green"
    YELLOW = "yellow"
    ORANGE = "orange"
    RED = "red"


class MismatchClass(StrEnum):
    """The classes of domain.md, Data mismatches."""

    MISSING_REGISTRATION = "missing_registration"
    SHOULD_BE_REGISTERED = "should_be_registered"
    SHOULD_BE_DEREGISTERED = "should_be_deregistered"
    PERSON_DWELLING = "person_dwelling"
    DUPLICATE = "duplicate"
    WRONG_ADDRESS = "wrong_address"
    ATTRIBUTE_CONFLICT = "attribute_conflict"


class MismatchState(StrEnum):
    """Where a mismatch stands."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    CORRECTED_POLICE = "corrected_police"
    CORRECTED_VILLAGE = "corrected_village"
    CORRECTED_GRID = "corrected_grid"
    REJECTED = "rejected"


class LeavingReason(StrEnum):
    """注销原因: why a registration ended."""

    LEFT_DISTRICT = "left_district"
    MOVED_WITHIN = "moved_within"
    NOT_RENEWED = "not_renewed"
    BECAME_RESIDENT = "became_resident"
    DECEASED = "deceased"
    ENTERED_IN_ERROR = "entered_in_error"
    OTHER = "other"


class Registration(Row):
    """居住登记: a person at an address from a day; personal fields are sealed under `source_key`."""

    __tablename__ = "registration"
    # counting who is registered where reads this index and not the rows, which are wide with sealed fields
    __table_args__ = (Index("ix_registration_address_id_period", "address_id", "registered_on", "deregistered_on"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    source_key: Mapped[str] = mapped_column(String(64), unique=True)
    address_id: Mapped[int] = mapped_column(ForeignKey("address.id"))
    name_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    id_number_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    id_number_index: Mapped[bytes | None] = mapped_column(LargeBinary(32), index=True)
    phone_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    phone_index: Mapped[bytes | None] = mapped_column(LargeBinary(32), index=True)
    registered_on: Mapped[date] = mapped_column(index=True)
    deregistered_on: Mapped[date | None] = mapped_column(index=True)
    deregistration_reason: Mapped[str | None] = mapped_column(String(64))


class Rental(Row):
    """出租房: a dwelling let to migrants; landlord fields are sealed under `code`."""

    __tablename__ = "rental"
    __table_args__ = (CheckConstraint("rooms >= 0 AND beds >= 0 AND residents >= 0", name="counts"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    code: Mapped[str] = mapped_column(String(64), unique=True)
    address_id: Mapped[int] = mapped_column(ForeignKey("address.id"), index=True)
    landlord_name_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    landlord_phone_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    landlord_phone_index: Mapped[bytes | None] = mapped_column(LargeBinary(32), index=True)
    rooms: Mapped[int]
    beds: Mapped[int]
    usable_area_m2: Mapped[float | None]
    residents: Mapped[int]
    grade: Mapped[str] = mapped_column(String(16), index=True)
    inspected_on: Mapped[date | None]
    let_from: Mapped[date]
    let_to: Mapped[date | None]


class Mismatch(Row):
    """One fact on which the registers disagree, with its evidence and its state.

    `fact` names the fact (who, which class, where to correct): sealed, with a blind index that keeps it from becoming
    two items; imported ones have none. `sides` is what each register says, sealed under `source_key`.
    """

    __tablename__ = "mismatch"
    # seen at an address, or without one by its village (`figures.mismatch_in_scope`)
    __table_args__ = {  # noqa: RUF012 - SQLAlchemy's own form
        "info": {
            FENCE: through(
                "mismatch",
                "EXISTS (SELECT FROM placement WHERE placement.address_id = mismatch.address_id)"
                f" OR {one_of('village_id', OWN)}",
            )
        }
    }

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    source_key: Mapped[str] = mapped_column(String(64), unique=True)
    mismatch_class: Mapped[str] = mapped_column(String(32), index=True)
    address_id: Mapped[int | None] = mapped_column(ForeignKey("address.id"), index=True)
    found_on: Mapped[date]
    state: Mapped[str] = mapped_column(String(24), index=True)
    registers: Mapped[str] = mapped_column(String(64))
    evidence: Mapped[str | None] = mapped_column(String(1000))
    fact_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    fact_index: Mapped[bytes | None] = mapped_column(LargeBinary(32), index=True, unique=True)
    sides_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    #: where something is to be corrected, and which field of an attribute conflict
    at_register: Mapped[str | None] = mapped_column(String(16))
    field: Mapped[str | None] = mapped_column(String(32))
    village_id: Mapped[int | None] = mapped_column(ForeignKey("area.id"), index=True)
    owner: Mapped[str | None] = mapped_column(String(100), index=True)
    due_on: Mapped[date | None] = mapped_column(index=True)
    last_found_on: Mapped[date | None]
    times_opened: Mapped[int] = mapped_column(server_default="1")
    settled_at: Mapped[datetime | None]
