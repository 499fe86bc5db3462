"""What can be asked of the land: the kinds of change, as they come over the wire and rest in a draft."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import shapely
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from shapely.geometry.base import BaseGeometry

from gis_service.areas.tables import AreaLevel
from gis_service.errors import Fault, InvalidInputError
from gis_service.intake.subject import Mode
from gis_service.texts import T

Code = Annotated[str, Field(min_length=1, max_length=64)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Border = Annotated[dict[str, Any] | None, Field(description="GeoJSON Polygon or MultiPolygon in degrees lon-lat.")]


class _Ask(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Create(_Ask):
    """A new area."""

    kind: Literal["create"] = "create"
    level: AreaLevel
    code: Code
    name: Name
    area_kind: str | None = None
    parent_id: int | None = None
    border: Border = None


class Rename(_Ask):
    """Another name."""

    kind: Literal["rename"] = "rename"
    area_id: int
    name: Name


class Recode(_Ask):
    """Another code."""

    kind: Literal["recode"] = "recode"
    area_id: int
    code: Code


class NewBorder(_Ask):
    """The border of one area."""

    area_id: int
    border: dict[str, Any]


class Redraw(_Ask):
    """Other borders; neighbours that share them come in the same change."""

    kind: Literal["redraw"] = "redraw"
    borders: Annotated[list[NewBorder], Field(min_length=1, max_length=10_000)]


class Part(_Ask):
    """One area that a split or a merge leaves: an area that goes on (`area_id`), or a new one."""

    area_id: int | None = None
    code: Code
    name: Name
    area_kind: str | None = None
    border: Border = None
    children: list[int] = Field(default=[], description="Areas one level below that belong to it from then on.")


class UnitGoes(_Ask):
    """Where a unit whose area ends goes: to the area with this code, or nowhere (it ends with its area)."""

    unit_id: int
    area_code: Code | None = None


Units = Annotated[
    list[UnitGoes],
    Field(max_length=10_000, description="Others go to the successor with the most of their addresses."),
]


class Split(_Ask):
    """One area becomes several; without any border it stays in force until the borders are drawn."""

    kind: Literal["split"] = "split"
    area_id: int
    parts: Annotated[list[Part], Field(min_length=2, max_length=100)]
    units: Units = []


class Merge(_Ask):
    """Several areas become one; its border is theirs together unless another is given."""

    kind: Literal["merge"] = "merge"
    area_ids: Annotated[list[int], Field(min_length=2, max_length=100)]
    into: Part
    units: Units = []


class Move(_Ask):
    """Another parent, and with it perhaps another code."""

    kind: Literal["move"] = "move"
    area_id: int
    parent_id: int
    code: Code | None = None


class Retire(_Ask):
    """An area that is no more."""

    kind: Literal["retire"] = "retire"
    area_id: int
    units: Units = []


class Incoming(_Ask):
    """One area as a new layer shows it; what is absent stays as it is.

    A parent below 0 is an area of the same layer: -1 the first, -2 the second.
    """

    area_id: int | None = None
    level: AreaLevel
    code: Code
    name: Name
    area_kind: str | None = None
    parent_id: int | None = None
    border: Border = None
    mode: Annotated[Mode | None, Field(description="Why it differs, where that is not what the whole says.")] = None


class Successor(_Ask):
    """An area that has ground of one that ends; below 0 an area of the same layer."""

    area_id: int
    heir_id: int


class Reimport(_Ask):
    """A layer delivered anew: many areas at once, their parents and their borders."""

    kind: Literal["reimport"] = "reimport"
    source: Name
    areas: Annotated[list[Incoming], Field(max_length=100_000)] = []
    ended: Annotated[list[int], Field(max_length=100_000)] = []
    heirs: Annotated[list[Successor], Field(max_length=100_000)] = []
    units: Units = []


AnyAsked = Create | Rename | Recode | Redraw | Split | Merge | Move | Retire | Reimport
Asked = Annotated[AnyAsked, Field(discriminator="kind")]
ASKED: TypeAdapter[AnyAsked] = TypeAdapter(Asked)


def asked_of(payload: dict[str, Any]) -> AnyAsked:
    """Read a payload.

    Raises
    ------
    InvalidInputError
        It is none of the kinds; the faults say where.
    """
    try:
        return ASKED.validate_python(payload)
    except ValidationError as error:
        faults = [
            Fault(
                T("Not acceptable: {problem}", problem=found["msg"]), field=".".join(str(part) for part in found["loc"])
            )
            for found in error.errors()
        ]
        raise InvalidInputError(T("This change of the land cannot be understood."), faults) from error


def areas_named(asked: AnyAsked) -> list[int]:
    """Every area on record that the change names: what it changes first, then where that goes."""
    match asked:
        case Create():
            named = [asked.parent_id]
        case Redraw():
            named = [new.area_id for new in asked.borders]
        case Split():
            named = [asked.area_id, *(child for part in asked.parts for child in (part.area_id, *part.children))]
        case Merge():
            named = [*asked.area_ids, asked.into.area_id, *asked.into.children]
        case Move():
            named = [asked.area_id, asked.parent_id]
        case Reimport():
            named = [each for new in asked.areas for each in (new.area_id, new.parent_id)]
            named += [*asked.ended, *(heir.heir_id for heir in asked.heirs)]
        case _:
            named = [asked.area_id]
    return list(dict.fromkeys(area_id for area_id in named if area_id is not None and area_id > 0))


def border_of(given: dict[str, Any] | None, max_vertices: int, *, as_delivered: bool = False) -> BaseGeometry | None:
    """A border as a multipolygon; None for none. One that is taken `as_delivered` may cross itself.

    Raises
    ------
    InvalidInputError
        It is no polygon, it crosses itself, it lies outside the degrees, or it has too many vertices.
    """
    if given is None:
        return None
    try:
        shape = shapely.force_2d(shapely.geometry.shape(given))
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, shapely.errors.ShapelyError) as error:
        raise InvalidInputError(T("A border is a GeoJSON Polygon or MultiPolygon.")) from error
    if shape.geom_type not in ("Polygon", "MultiPolygon") or shape.is_empty:
        raise InvalidInputError(T("A border is a GeoJSON Polygon or MultiPolygon."))
    if shapely.get_num_coordinates(shape) > max_vertices:
        raise InvalidInputError(T("A border has at most {most} vertices.", most=max_vertices))
    west, south, east, north = shape.bounds
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise InvalidInputError(T("A border is drawn in degrees of longitude and latitude."))
    if not as_delivered and not shape.is_valid:
        raise InvalidInputError(T("The border crosses itself: {reason}", reason=shapely.is_valid_reason(shape)))
    return shape if shape.geom_type == "MultiPolygon" else shapely.MultiPolygon([shape])
