"""Standard addresses and their placements: which area and which beat answers for an address, over which period."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, column, table, text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from gis_service.storage.fence import BEATS, HOMES
from gis_service.storage.fence_rules import FENCE, FENCED_VIEW, FencedView, Through, one_of
from gis_service.storage.rows import Period, Row, RowId, geometry_column

#: Addresses in a box are few of very many: each is looked up (OFFSET keeps the database from reading every placement
#: first, which takes longer up to some 30,000 addresses). What hangs on addresses is counted by the hundred thousand.
AT_ADDRESS = Through(
    "EXISTS (SELECT FROM placement WHERE placement.address_id = {key})",
    own="EXISTS (SELECT FROM placement WHERE placement.address_id = address.id OFFSET 0)",
)

_PLACED_HERE = f"{one_of('home_area_id', HOMES)} OR {one_of('beat_id', BEATS)}"
#: the points that scoped sessions see, with their placements of all days: each found by its place, then placed
FENCED_POINT = table(
    "fenced_point",
    *(column(name) for name in ("id", "geom", "home_area_id", "beat_id", "unresolved", "valid_from", "valid_to")),
)
_FENCED_POINT = FencedView(
    FENCED_POINT.name,
    "SELECT address.id, geom, home_area_id, beat_id, unresolved, valid_from, valid_to"  # noqa: S608 - constants
    " FROM address CROSS JOIN LATERAL"
    f" (SELECT * FROM placement WHERE address_id = address.id AND ({_PLACED_HERE}) OFFSET 0) AS placed",
)


class PointSource(StrEnum):
    """Where the point of an address comes from."""

    SURVEYED = "surveyed"
    GEOCODED = "geocoded"
    HAND_PLACED = "hand_placed"
    NONE = "none"


class Unresolved(StrEnum):
    """Why an address has no decided place, or nobody who answers for it."""

    OUTSIDE = "outside"
    NO_POINT = "no_point"
    STATED_DIFFERS = "stated_differs"
    OVERLAP = "overlap"
    NO_BEAT = "no_beat"


class Address(Row):
    """A 标准地址: code, text, parsed parts and a point."""

    __tablename__ = "address"
    __table_args__ = {"info": {FENCE: AT_ADDRESS}}  # noqa: RUF012 - SQLAlchemy's own form

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    code: Mapped[str] = mapped_column(String(64), unique=True)
    text: Mapped[str] = mapped_column(String(300))
    road: Mapped[str | None] = mapped_column(String(100))
    lane: Mapped[str | None] = mapped_column(String(32))
    number: Mapped[str | None] = mapped_column(String(32))
    building: Mapped[str | None] = mapped_column(String(32))
    unit: Mapped[str | None] = mapped_column(String(32))
    room: Mapped[str | None] = mapped_column(String(32))
    stated_village_code: Mapped[str | None] = mapped_column(String(64), index=True)
    point_source: Mapped[str] = mapped_column(String(16))
    geom: Mapped[Any] = geometry_column("POINT", nullable=True)


class Placement(Period, Row):
    """Where an address belongs over a period.

    `area_id` is the compound once that is decided; until then `unresolved` says why not and `suggested_*` what is
    nearest. `home_area_id`
    is the smallest area whose people see the address: the compound when decided, else the suggestion or the stated
    village.
    """

    __tablename__ = "placement"
    __table_args__ = (
        Index("ix_placement_address_id_valid_from", "address_id", "valid_from", unique=True),
        # one open placement an address; an exclusion constraint over 10^5 rows would make re-assignment several times
        # slower
        Index(
            "ix_placement_open",
            "address_id",
            unique=True,
            sqlite_where=text("valid_to IS NULL"),
            postgresql_where=text("valid_to IS NULL"),
        ),
        Index("ix_placement_unresolved_valid_to", "unresolved", "valid_to"),
        # everything that a search in a part of the district asks of a placement
        Index("ix_placement_home", "home_area_id", "address_id", "valid_from", "valid_to"),
        {"info": {FENCE: _PLACED_HERE, FENCED_VIEW: _FENCED_POINT}},
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    #: nearly all begin on one day and have no end: an index of days would choose nothing
    valid_from: Mapped[date] = mapped_column()
    valid_to: Mapped[date | None] = mapped_column()
    address_id: Mapped[int] = mapped_column(ForeignKey("address.id"))
    area_id: Mapped[int | None] = mapped_column(ForeignKey("area.id"), index=True)
    beat_id: Mapped[int | None] = mapped_column(ForeignKey("beat.id"), index=True)
    home_area_id: Mapped[int | None] = mapped_column(ForeignKey("area.id"))
    unresolved: Mapped[str | None] = mapped_column(String(20))
    suggested_area_id: Mapped[int | None] = mapped_column(ForeignKey("area.id"))
    suggested_distance_m: Mapped[float | None]
    candidate_area_ids: Mapped[list[int] | None] = mapped_column(JSON(none_as_null=True))
    override_reason: Mapped[str | None] = mapped_column(String(500))


class UnresolvedSignOff(Row):
    """Somebody answers for what could not be decided in an area in a quarter (`2026-Q3`)."""

    __tablename__ = "unresolved_sign_off"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    area_id: Mapped[int] = mapped_column(ForeignKey("area.id"), index=True)
    quarter: Mapped[str] = mapped_column(String(7), index=True)
    day: Mapped[date]
    counts: Mapped[dict[str, int]] = mapped_column(JSON)
    note: Mapped[str] = mapped_column(String(500))
    signed_by: Mapped[str] = mapped_column(String(100))
    account_id: Mapped[int | None]
    signed_at: Mapped[datetime]


class SignedAddress(Row):
    """One address that was signed, and why it was not decided."""

    __tablename__ = "signed_address"
    __table_args__ = (Index("ix_signed_address_sign_off_id_address_id", "sign_off_id", "address_id", unique=True),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    sign_off_id: Mapped[int] = mapped_column(ForeignKey("unresolved_sign_off.id", ondelete="CASCADE"))
    address_id: Mapped[int] = mapped_column(ForeignKey("address.id", ondelete="CASCADE"), index=True)
    unresolved: Mapped[str] = mapped_column(String(20))


class AcknowledgedDoubt(Row):
    """A doubt about an address that somebody has looked into and answers for, as long as the facts are the same."""

    __tablename__ = "acknowledged_doubt"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    address_id: Mapped[int] = mapped_column(ForeignKey("address.id", ondelete="CASCADE"), index=True)
    doubt: Mapped[str] = mapped_column(String(20))
    #: a digest of what was seen: other facts are another doubt
    facts: Mapped[str] = mapped_column(String(32))
    day: Mapped[date]
    reason: Mapped[str] = mapped_column(String(500))
    acknowledged_by: Mapped[str] = mapped_column(String(100))
    account_id: Mapped[int | None]
    acknowledged_at: Mapped[datetime]


class AddressSearch(Row):
    """What an address is found by; `gis_service.addresses.search_index` keeps it in step with the addresses."""

    __tablename__ = "address_search"
    __table_args__ = (
        Index(
            "ix_address_search_tokens",
            "tokens",
            postgresql_using="gin",
            sqlite_where=text("tokens IS NOT NULL"),  # none are: there the index is empty
        ),
    )

    #: the address's own
    id: Mapped[int] = mapped_column(RowId, ForeignKey("address.id", ondelete="CASCADE"), primary_key=True)
    #: lower case; exact in every collation, so that a beginning can be looked up as a range
    code: Mapped[str] = mapped_column(String(64).with_variant(String(64, collation="C"), "postgresql"), index=True)
    #: the forms of `gis_service.addresses.text.search_terms.searched_forms`
    text: Mapped[str] = mapped_column(Text)
    initials: Mapped[str] = mapped_column(Text)
    #: on PostGIS; SpatiaLite keeps the tokens in its full-text table `address_search_tokens`
    tokens: Mapped[Any | None] = mapped_column(Text().with_variant(TSVECTOR(), "postgresql"), deferred=True)
