"""What people change in a scenario, one step each, as it travels and as it is kept."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, TypeAdapter, ValidationError, model_validator

from gis_service.api.wire import PlainText, RowKey
from gis_service.errors import Fault, InvalidInputError
from gis_service.planning.inputs import HeldBeat, Outline, Place, Share, Unit
from gis_service.teams.tables import EmploymentForm, Side
from gis_service.texts import T

BeatKey = Annotated[str, Field(pattern=r"^[bn]\d{1,12}$")]
"""A beat on record (`b` and its id) or a new one of the scenario (`n` and a number)."""

UnitNo = Annotated[int, Field(ge=0, le=1_000_000)]
Units = Annotated[list[UnitNo], Field(min_length=1, max_length=10_000)]


class Person(BaseModel):
    """Somebody who is hired: without them a new beat is published with nobody."""

    badge_no: Annotated[PlainText, Field(min_length=1, max_length=32)]
    name: Annotated[PlainText, Field(min_length=1, max_length=100)]


class Recruits(BaseModel):
    """So many officers more from a day on ("12 more in October"), for a township; names may follow later."""

    kind: Literal["recruits"]
    count: Annotated[int, Field(ge=1, le=500)]
    from_day: date
    township_id: RowKey | None = None
    form: EmploymentForm = EmploymentForm.NOT_TRANSITIONED
    side: Side = Side.POLICE
    people: Annotated[list[Person], Field(max_length=500)] = []


class Leave(BaseModel):
    """An officer will not be there: the beat is shared out."""

    kind: Literal["leave"]
    badge_no: Annotated[PlainText, Field(max_length=32)]


class Give(BaseModel):
    """Units go to a beat, by hand."""

    kind: Literal["give"]
    units: Units
    beat: BeatKey


class NewBeat(BaseModel):
    """A beat more, made of these units, for the first recruit who has none."""

    kind: Literal["new_beat"]
    units: Units


class Assign(BaseModel):
    """An officer (by badge number, recruits too) takes a beat; None leaves it to nobody."""

    kind: Literal["assign"]
    beat: BeatKey
    badge_no: Annotated[PlainText, Field(max_length=32)] | None


class Boundary(BaseModel):
    """A change of the land that the plan counts on: it is applied by itself, and the plan is not published before.

    Taken by hand it becomes `Redrawn`.
    """

    kind: Literal["boundary"]
    land_change_id: RowKey


class PartNumber(BaseModel):
    """Which part of a beat a provisional id stands for: the `number`-th, from 0, of a compound and a beat."""

    part_id: int
    area_id: int
    beat_id: int
    number: int


class Redrawn(BaseModel):
    """What a change of the land that the plan counts on does to its units, worked out when it was chosen.

    Units that stay keep their order; `units` follow them. `came_from`: for each of these, the former unit that most of
    its addresses were in. `shares`: for each, whose its addresses are today; nothing where all are `Unit.beat`'s.
    `edges` are those of `units`, in the new numbering. `beats` come from outside and are put behind the others.
    """

    kind: Literal["redrawn"]
    land_change_id: RowKey
    dropped: list[int] = []
    units: list[Unit] = []
    came_from: list[int | None] = []
    shares: list[list[Share]] = []
    edges: list[tuple[int, int, float]] = []
    beats: list[HeldBeat] = []
    places: list[Place] = []
    gone_places: list[int] = []
    outlines: list[Outline] = []
    parts: list[PartNumber] = []


class TownshipPosts(BaseModel):
    """How many posts a township gets."""

    area_id: RowKey
    posts: Annotated[int, Field(ge=1, le=10_000)]


class Headcount(BaseModel):
    """Posts of the townships: at the next drawing officers move to where there are more than people, on short ways."""

    kind: Literal["headcount"]
    townships: Annotated[list[TownshipPosts], Field(min_length=1, max_length=200)]


class Mark(BaseModel):
    """What the drawing of beats must respect, or no longer (`on` false).

    A locked unit stays in the beat that it is in, and a beat drawn from scratch grows from it (a seed). A bridge joins
    two units that share no border (a ferry); over a barrier (a river, an expressway) no beat reaches.
    """

    kind: Literal["mark"]
    mark: Literal["lock", "bridge", "barrier"]
    units: Units
    on: bool = True

    @model_validator(mode="after")
    def _names_a_pair(self) -> Self:
        if self.mark != "lock" and len(set(self.units)) != 2:
            raise ValueError("a bridge or barrier is between two units")
        return self


class Drawn(BaseModel):
    """What the optimiser drew: beats with their officers, and the beat of each unit. `told` is what is known of it."""

    kind: Literal["drawn"]
    beats: list[dict[str, Any]]
    beat_of: list[str | None]
    told: dict[str, Any]


ByHand = Annotated[
    Recruits | Leave | Give | NewBeat | Assign | Boundary | Headcount | Mark, Field(discriminator="kind")
]
Edit = Annotated[
    Recruits | Leave | Give | NewBeat | Assign | Boundary | Headcount | Mark | Redrawn | Drawn,
    Field(discriminator="kind"),
]

_EDIT: TypeAdapter[Edit] = TypeAdapter(Edit)


def edit_of(said: dict[str, Any]) -> Edit:
    """A step as it was kept, or as somebody sent it.

    Raises
    ------
    InvalidInputError
        It cannot be understood.
    """
    try:
        return _EDIT.validate_python(said)
    except ValidationError as error:
        faults = [
            Fault(T("{problem}", problem=each["msg"]), field=".".join(str(part) for part in each["loc"]))
            for each in error.errors()
        ]
        raise InvalidInputError(T("This step of a scenario cannot be understood."), faults) from error
