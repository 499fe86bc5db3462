"""The rules that grade rentals: data in versions, and the ones that the service comes with."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from gis_service.access.audit import record
from gis_service.access.permissions import Permission
from gis_service.access.viewer import Viewer
from gis_service.api.wire import PlainText
from gis_service.registers.rentals.tables import RentalRuleSet
from gis_service.storage.bulk import hold_alone
from gis_service.storage.engine import transaction
from layers.rental_grades import Rule

Points = Annotated[int, Field(ge=1, le=1000)]


class RuleSaid(BaseModel):
    """One rule as people write it."""

    model_config = ConfigDict(extra="forbid")

    label: Annotated[PlainText, Field(min_length=1, max_length=60)]
    factor: Literal[
        "area_per_person_m2",
        "persons_per_room",
        "rooms",
        "beds",
        "residents",
        "open_rectifications",
        "overdue_rectifications",
    ]
    test: Literal["at_least", "above", "below"]
    threshold: Annotated[float, Field(ge=0, le=100_000, allow_inf_nan=False)]
    points: Points


class RulesSaid(BaseModel):
    """A whole set of rules: they add up, and the sum decides the grade."""

    model_config = ConfigDict(extra="forbid")

    rules: Annotated[list[RuleSaid], Field(min_length=1, max_length=50)]
    yellow: Points
    orange: Points
    red: Points

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if not self.yellow < self.orange < self.red:
            raise ValueError("the lowest scores of yellow, orange and red do not rise")
        return self

    @property
    def as_rules(self) -> list[Rule]:
        """The rules as `layers` takes them."""
        return [Rule(**rule.model_dump()) for rule in self.rules]

    @property
    def edges(self) -> dict[str, int]:
        """Lowest score of each grade but green."""
        return {"yellow": self.yellow, "orange": self.orange, "red": self.red}


DEFAULT_NUMBER: Final = 0
DEFAULT_RULES: Final = RulesSaid(
    rules=[
        RuleSaid(label=label, factor=factor, test=test, threshold=threshold, points=points)
        for label, factor, test, threshold, points in (
            ("人均使用面积不足4㎡", "area_per_person_m2", "below", 4, 40),
            ("人均使用面积不足6㎡", "area_per_person_m2", "below", 6, 10),
            ("每间超过2人", "persons_per_room", "above", 2, 25),
            ("10间及以上", "rooms", "at_least", 10, 15),
            ("床位10张及以上", "beds", "at_least", 10, 15),
            ("有未完成整改", "open_rectifications", "at_least", 1, 15),
            ("整改逾期", "overdue_rectifications", "at_least", 1, 30),
        )
    ],
    yellow=15,
    orange=40,
    red=70,
)
"""Until somebody publishes others: the limits of group rental weigh most, overdue rectification next."""


def publish_rule_set(
    engine: Engine, viewer: Viewer, rules: RulesSaid, valid_from: date, *, note: str | None = None
) -> int:
    """Publish another version of the rules; returns its number. Older versions stay, for what was graded by them."""
    viewer.require(Permission.SET_RENTAL_RULES)
    with transaction(engine) as session:
        hold_alone(session, "rental_rule_set")
        number = (session.scalar(select(func.max(RentalRuleSet.number))) or DEFAULT_NUMBER) + 1
        session.add(
            RentalRuleSet(
                number=number,
                valid_from=valid_from,
                rules=rules.model_dump(),
                note=note,
                author=viewer.name[:100],
                recorded_at=datetime.now(UTC).replace(tzinfo=None),
            )
        )
        session.flush()
        record(session, viewer, "publish_rental_rules", "rental_rule_set", number, after={"valid_from": valid_from})
    return number


def rules_on(session: Session, day: date) -> tuple[int, RulesSaid]:
    """The version in force on a day and its number: the newest that holds from that day or before."""
    query = select(RentalRuleSet).where(RentalRuleSet.valid_from <= day).order_by(RentalRuleSet.number.desc())
    row = session.scalars(query.limit(1)).first()
    return (DEFAULT_NUMBER, DEFAULT_RULES) if row is None else (row.number, RulesSaid.model_validate(row.rules))


def rule_sets(session: Session) -> list[RentalRuleSet]:
    """Every published version, the newest first."""
    return list(session.scalars(select(RentalRuleSet).order_by(RentalRuleSet.number.desc())))
