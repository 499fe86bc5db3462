"""One importable thing, said in a declaration: its fields, its permission, and how its rows are planned and written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

import geopandas as gpd
import pandas as pd
from sqlalchemy.orm import Session

from gis_service.access.permissions import Permission
from gis_service.access.personal import Vault
from gis_service.access.viewer import Viewer
from gis_service.intake.fault_list import FaultList
from gis_service.intake.fields import Field
from gis_service.texts import Text

Progress = Callable[[int, int, Text], None]


class Mode(StrEnum):
    """Why a thing that is known looks different now: the record was wrong, or the world changed."""

    CORRECTION = "correction"
    CHANGE = "change"


class Action(StrEnum):
    """What an import does with a row."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


class Shape(StrEnum):
    """Which geometry a subject takes; a subject with none ignores a file's geometry."""

    POLYGON = "polygon"
    POINT = "point"


@dataclass(frozen=True)
class ImportOptions:
    """What the caller says about a file.

    Attributes
    ----------
    crs : "EPSG:<code>", "GCJ-02" or "BD-09"; None to believe a file that names its own.
    columns : from the file's headings to fields, where names and aliases do not do.
    constants : fields with one value for all rows.
    layers : layers or the sheet to read; None for all layers, or the only sheet.
    valid_from : first day on which the content holds; today when None.
    mode : why known things look different; None refuses changed areas until it is said.
    file_name : what the owner calls the file; the path's name when None.
    """

    crs: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    layers: Sequence[str] | None = None
    valid_from: date | None = None
    mode: Mode | None = None
    file_name: str | None = None


@dataclass
class Batch:
    """The rows of one import, typed.

    Attributes
    ----------
    rows : columns named as fields, only those that the file (or a constant) gives; index 0…n-1.
    layers : the layer of each row, on the same index; NA for a file without layers.
    geometry : lon-lat on the same index; None without geometry.
    written : the same as the file has it, in degrees, for a diagnosis; None when it is not in degrees.
    faults : what is wrong, to be added to.
    warnings : what the user should know and may ignore, to be added to.
    """

    rows: pd.DataFrame
    layers: pd.Series
    geometry: gpd.GeoSeries | None
    faults: FaultList
    warnings: list[Text]
    written: gpd.GeoSeries | None = None

    def column(self, name: str) -> pd.Series:
        """A field's column; all NA when the file does not give it."""
        if name in self.rows.columns:
            return self.rows[name]
        return pd.Series(None, index=self.rows.index, dtype="str", name=name)


@dataclass(frozen=True)
class Circumstances:
    """In what an import is planned and written: one transaction, somebody, the keys, and what the caller said."""

    session: Session
    viewer: Viewer
    vault: Vault
    options: ImportOptions
    today: date
    file_name: str

    @property
    def valid_from(self) -> date:
        """First day on which the content holds."""
        return self.options.valid_from or self.today


@dataclass(frozen=True)
class Plan:
    """What an import would do.

    Attributes
    ----------
    actions : `Action` of each row, on the batch's index.
    write : does it, in the transaction that it was planned in.
    missing : keys that the database has and the file has not; only reported.
    """

    actions: pd.Series
    write: Callable[[Progress], None]
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Subject:
    """One importable thing.

    Attributes
    ----------
    name, title : for commands and for people.
    permission : needed to import it.
    fields : its columns.
    plan : compares a batch with the database; adds faults to the batch.
    key : the field that names a row to people.
    shape : its geometry; None for none.
    lonlat_columns : whether the geometry may come as columns `lon` and `lat`.
    dated : whether `valid_from` and `mode` mean something to it.
    outline : the district on a day, in which the geometry should lie; None when nothing can be said.
    """

    name: str
    title: Text
    permission: Permission
    fields: tuple[Field, ...]
    plan: Callable[[Circumstances, Batch], Plan]
    key: str
    shape: Shape | None = None
    lonlat_columns: bool = False
    dated: bool = False
    outline: Callable[[Session, date], gpd.GeoSeries] | None = None
