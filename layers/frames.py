"""Column contracts of the frames that `layers` computes on, checked once at the border.

Inside, code trusts them: every public function of `layers` takes frames that passed one of these checks.
A check copies, casts only where no value changes, and refuses the rest with a `FrameError` naming column and rows.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Final

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from pyproj import CRS

_POLYGONAL: Final = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)

_NUMBERS: Final = frozenset({"integer", "floating", "mixed-integer-float", "empty"})

LEVELS: Final = ("district", "township", "village", "compound")
"""Area levels, from the root down; a parent is exactly one level above its children."""

KINDS: Final[Mapping[str, frozenset[str]]] = {
    "district": frozenset(),
    "township": frozenset({"town", "subdistrict"}),
    "village": frozenset({"village", "community"}),
    "compound": frozenset({"natural_village", "residential"}),
}
"""Kinds that an area of each level may have (a missing kind is allowed everywhere)."""

LONLAT: Final = "EPSG:4326"
"""CRS in which geometry is stored and served (CGCS2000, EPSG:4490, differs by centimetres)."""

AREA_COLUMNS: Final = ("code", "name", "level", "kind", "parent_id", "geometry")
ADDRESS_COLUMNS: Final = ("lon", "lat", "stated_village_id")
POPULATION_COLUMNS: Final = ("migrants", "officers_fte")
REGISTERS: Final = ("police", "village", "grid")
"""The three registers of the same people."""
ADDRESS_PARTS: Final = ("compound", "road", "lane", "number", "building", "unit", "room")
"""Parts of an address as a text says them, normalised: the first two are names, the others numbers."""
PEOPLE_COLUMNS: Final = (
    "register", "name", "id_number", "birth_year", "phone", "address_id", *ADDRESS_PARTS, "village_id", "from_on",
    "left_on",
)  # fmt: skip

ROWS_NAMED = 10
"""Rows that the text of an error names; the exception carries all of them."""


class FrameError(ValueError):
    """A frame breaks its contract.

    Attributes
    ----------
    column : column (or `index`, `crs`) that is wrong.
    problem : what is wrong with it, in one phrase.
    rows : index labels of the rows concerned; empty when the whole column is.
    """

    def __init__(self, column: str, problem: str, rows: Sequence[Hashable] = ()) -> None:
        self.column, self.problem, self.rows = column, problem, tuple(rows)
        named = ", ".join(str(row) for row in self.rows[:ROWS_NAMED])
        more = f" and {len(self.rows) - ROWS_NAMED} more" if len(self.rows) > ROWS_NAMED else ""
        super().__init__(f"{column}: {problem}" + (f" (rows {named}{more})" if named else ""))


class NotMetricError(ValueError):
    """Something is to be measured in a CRS in which metres are not metres."""


class NotLonLatError(ValueError):
    """Longitude and latitude are expected, and the frame is in another CRS."""


def check_areas(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Areas that keep the AREAS contract.

    Index `area_id` (int64, unique); `code`, `name` (str, never missing); `level` in `LEVELS`; `kind` (str or NA, see
    `KINDS`); `parent_id` (Int64, NA for a district and only there; a parent in the frame is one level above); geometry
    Polygon or MultiPolygon with finite coordinates, validity not required (`boundaries` reports it); any declared CRS.

    Returns
    -------
    A copy with the contract's columns first (others are kept) and its dtypes.

    Raises
    ------
    FrameError
    """
    areas = _with_columns(frame, AREA_COLUMNS)
    areas.index = _id_index(areas.index, "area_id")
    for column in ("code", "name", "level"):
        areas[column] = _text(areas[column])
        _refuse(areas[column].isna(), column, "is missing")
    _refuse(~areas["level"].isin(LEVELS), "level", f"is none of {', '.join(LEVELS)}")
    areas["kind"] = _text(areas["kind"])
    for level, kinds in KINDS.items():
        stray = areas["level"].eq(level) & areas["kind"].notna() & ~areas["kind"].isin(kinds)
        _refuse(stray, "kind", f"is not a kind of {level}")
    areas["parent_id"] = _int64(areas["parent_id"])
    _check_parents(areas)
    _check_polygons(areas)
    return areas


def check_addresses(frame: pd.DataFrame) -> pd.DataFrame:
    """Addresses that keep the ADDRESSES contract.

    Index `address_id` (int64, unique); `lon`, `lat` (float64 degrees, both NaN when there is no point, else within
    ±180 and ±90); `stated_village_id` (Int64, NA = not stated).

    Returns
    -------
    A copy with the contract's columns first (others are kept) and its dtypes.

    Raises
    ------
    FrameError
    """
    addresses: pd.DataFrame = _with_columns(frame, ADDRESS_COLUMNS)
    addresses.index = _id_index(addresses.index, "address_id")
    for column, bound in (("lon", 180.0), ("lat", 90.0)):
        addresses[column] = _float64(addresses[column])
        _refuse(addresses[column].abs() > bound, column, f"lies outside ±{bound:g}°")
    _refuse(addresses["lon"].isna() & addresses["lat"].notna(), "lon", "is missing where lat is given")
    _refuse(addresses["lat"].isna() & addresses["lon"].notna(), "lat", "is missing where lon is given")
    addresses["stated_village_id"] = _int64(addresses["stated_village_id"])
    return addresses


def check_population(frame: pd.DataFrame) -> pd.DataFrame:
    """Population and staff per area that keep the POPULATION contract.

    Index `area_id` (int64, unique); `migrants` (Int64 ≥ 0, NA = no data); `officers_fte` (Float64 ≥ 0: full-time
    officers on duty on the date asked for; NA = no data).

    Returns
    -------
    A copy with the contract's columns first (others are kept) and its dtypes.

    Raises
    ------
    FrameError
    """
    population: pd.DataFrame = _with_columns(frame, POPULATION_COLUMNS)
    population.index = _id_index(population.index, "area_id")
    population["migrants"] = _int64(population["migrants"])
    population["officers_fte"] = _float64(population["officers_fte"]).astype("Float64")
    for column in POPULATION_COLUMNS:
        _refuse(population[column].lt(0).fillna(value=False), column, "is negative")
    _refuse(population["officers_fte"].eq(np.inf).fillna(value=False), "officers_fte", "is infinite")
    return population


def check_people(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of the three registers that keep the PEOPLE contract.

    Index `record_id` (int64, unique over all registers); `register` in `REGISTERS`; `name` (str, never missing);
    `id_number` (str or NA, upper case, with or without a right check digit); `birth_year` (Int64 or NA); `phone` (str
    or NA, digits only); `address_id` (Int64, NA = the address is not a known one); `ADDRESS_PARTS` (str or NA, as
    normalised by one parser for all registers); `village_id` (Int64 or NA); `from_on`, `left_on` (datetime64, NaT =
    not stated, not left).

    Returns
    -------
    A copy with the contract's columns first (others are kept) and its dtypes.

    Raises
    ------
    FrameError
    """
    people: pd.DataFrame = _with_columns(frame, PEOPLE_COLUMNS)
    people.index = _id_index(people.index, "record_id")
    for column in ("register", "name", "id_number", "phone", *ADDRESS_PARTS):
        people[column] = _text(people[column])
    _refuse(~people["register"].isin(REGISTERS), "register", f"is none of {', '.join(REGISTERS)}")
    _refuse(people["name"].isna(), "name", "is missing")
    for column in ("birth_year", "address_id", "village_id"):
        people[column] = _int64(people[column])
    for column in ("from_on", "left_on"):
        if not pd.api.types.is_datetime64_any_dtype(people[column]):
            raise FrameError(column, f"must be days, not {people[column].dtype}")
    return people


def require_metric(frame_or_crs: Any) -> CRS:
    """CRS of a frame (or the CRS given), when lengths and areas may be measured in it.

    Raises
    ------
    NotMetricError
        No CRS, a geographic one, one whose axes are not in metres, or a Mercator for the whole world (EPSG:3857 shows
        areas at 30° N a third too large).
    """
    crs = _crs_of(frame_or_crs)
    if crs is None:
        raise NotMetricError("no CRS is declared, so nothing can be measured")
    if not crs.is_projected or {axis.unit_name for axis in crs.axis_info} != {"metre"}:
        raise NotMetricError(f"{crs.name} is not in metres: project to the deployment's metric CRS first")
    operation = crs.coordinate_operation
    method = operation.method_name if operation is not None else ""
    if "Mercator" in method and "Transverse" not in method and "Oblique" not in method:
        raise NotMetricError(f"{crs.name} stretches lengths and areas: project to the deployment's metric CRS first")
    return crs


def require_lonlat(frame_or_crs: Any) -> CRS:
    """CRS of a frame (or the CRS given), when it is WGS 84 or CGCS2000 longitude and latitude.

    Raises
    ------
    NotLonLatError
    """
    crs = _crs_of(frame_or_crs)
    if crs is None or not any(
        crs.equals(CRS(code), ignore_axis_order=True) for code in (LONLAT, "EPSG:4490", "OGC:CRS84")
    ):
        raise NotLonLatError(f"{crs.name if crs is not None else 'no CRS'} is neither EPSG:4326 nor EPSG:4490")
    return crs


def _crs_of(frame_or_crs: Any) -> CRS | None:
    crs = frame_or_crs.crs if isinstance(frame_or_crs, gpd.GeoDataFrame | gpd.GeoSeries) else frame_or_crs
    return None if crs is None else CRS.from_user_input(crs)


def _with_columns(frame: Any, columns: tuple[str, ...]) -> Any:
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise FrameError(", ".join(missing), "column is missing")
    if not frame.columns.is_unique:
        raise FrameError(str(frame.columns[frame.columns.duplicated()][0]), "column appears twice")
    return frame[[*columns, *(column for column in frame.columns if column not in columns)]].copy()


def _id_index(index: pd.Index, name: str) -> pd.Index:
    if index.name != name:
        raise FrameError("index", f"is named {index.name!r}, not {name!r}")
    if not pd.api.types.is_integer_dtype(index.dtype) or index.hasnans:
        raise FrameError("index", f"{name} must be whole numbers, not {index.dtype}")
    _refuse_labels(index[index.duplicated()].unique(), "index", f"{name} is not unique")
    return index.astype("int64")


def _text(column: pd.Series) -> pd.Series:
    if isinstance(column.dtype, pd.StringDtype):
        return column.astype("str")
    strange = column.notna() & ~column.map(lambda value: isinstance(value, str)).astype(bool)
    _refuse(strange, str(column.name), "is not text")
    return column.astype("str")


def _int64(column: pd.Series) -> pd.Series:
    return _numbers(column, pd.Int64Dtype(), "whole numbers")


def _float64(column: pd.Series) -> pd.Series:
    return _numbers(column, np.dtype("float64"), "numbers")


def _numbers(column: pd.Series, dtype: pd.Int64Dtype | np.dtype[np.float64], wanted: str) -> pd.Series:
    if pd.api.types.infer_dtype(column, skipna=True) not in _NUMBERS:
        raise FrameError(str(column.name), f"must be {wanted}, not {column.dtype}")
    try:
        return column.astype(dtype)
    except (TypeError, ValueError) as error:
        raise FrameError(str(column.name), f"must be {wanted}, not {column.dtype}") from error


def _check_parents(areas: gpd.GeoDataFrame) -> None:
    is_root, has_parent = areas["level"].eq(LEVELS[0]), areas["parent_id"].notna()
    _refuse(is_root & has_parent, "parent_id", f"is given for a {LEVELS[0]}")
    _refuse(~is_root & ~has_parent, "parent_id", "is missing")
    known = areas["parent_id"].isin(areas.index)
    depth = areas["level"].map(LEVELS.index).astype("int64")
    parent_depth = depth.reindex(areas["parent_id"].where(known).fillna(-1).astype("int64")).to_numpy()
    _refuse(known & (parent_depth != depth - 1), "parent_id", "is an area that is not one level above")


def _check_polygons(areas: gpd.GeoDataFrame) -> None:
    if not isinstance(areas, gpd.GeoDataFrame) or areas.geometry.name != "geometry":
        raise FrameError("geometry", "is not the frame's active geometry")
    if areas.crs is None:
        raise FrameError("crs", "is not declared")
    geometry = areas.geometry.to_numpy()
    coordinates, owner = shapely.get_coordinates(geometry, return_index=True)
    strange = np.zeros(len(areas), dtype=bool)
    strange[owner[~np.isfinite(coordinates).all(axis=1)]] = True
    refuse: list[tuple[npt.NDArray[np.bool_], str]] = [
        (shapely.is_missing(geometry) | shapely.is_empty(geometry), "is missing or empty"),
        (~np.isin(shapely.get_type_id(geometry), _POLYGONAL), "is neither Polygon nor MultiPolygon"),
        (strange, "has coordinates that are not finite"),
    ]
    for bad, problem in refuse:
        _refuse(pd.Series(bad, index=areas.index), "geometry", problem)


def _refuse(bad: pd.Series, column: str, problem: str) -> None:
    _refuse_labels(bad.index[bad.to_numpy(dtype=bool)], column, problem)


def _refuse_labels(labels: pd.Index, column: str, problem: str) -> None:
    if len(labels):
        raise FrameError(column, problem, labels.tolist())
