"""Frames into tables on both databases."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import shapely
from psycopg.errors import DatabaseError
from sqlalchemy import Engine, func, select, text
from sqlalchemy.exc import IntegrityError

from gis_service.addresses.tables import Address, Placement
from gis_service.areas.tables import Area, AreaVersion
from gis_service.storage.boxes import in_box
from gis_service.storage.bulk import LOOKED_AT_FROM, insert_frame, update_frame
from gis_service.storage.engine import reading, transaction


def addresses(count: int = 3) -> pd.DataFrame:
    points = shapely.points(np.linspace(121, 122, count), np.linspace(29, 30, count))
    points[-1] = None
    texts = [f'路"{n}"号,\n\\N' for n in range(count)]
    return pd.DataFrame(
        {
            "code": [f"A{n}" for n in range(count)],
            "text": texts,
            "road": pd.array(["", *[None] * (count - 1)], dtype="str"),
            "point_source": "surveyed",
            "geom": points,
        }
    )


def test_inserted_rows_come_back_as_they_were(engine: Engine) -> None:
    frame = addresses()
    with transaction(engine) as session:
        ids = insert_frame(session, Address, frame)
    with reading(engine) as session:
        columns = (Address.id, Address.text, Address.road, func.ST_X(Address.geom), func.ST_Y(Address.geom))
        rows = session.execute(select(*columns).order_by(Address.code)).all()
    assert [row[0] for row in rows] == ids.tolist()
    assert [row[1] for row in rows] == frame["text"].tolist()
    assert [row[2] for row in rows] == ["", None, None]
    assert [(row[3], row[4]) for row in rows] == [(121.0, 29.0), (121.5, 29.5), (None, None)]


def test_ids_go_on_after_a_bulk_insert_for_rows_inserted_one_by_one(engine: Engine) -> None:
    with transaction(engine) as session:
        ids = insert_frame(session, Address, addresses())
    with transaction(engine) as session:
        row = Address(code="B", text="B", point_source="none")
        session.add(row)
        session.flush()
        assert row.id > ids.max()


def test_inserted_points_are_found_through_the_spatial_index(engine: Engine) -> None:
    with transaction(engine) as session:
        insert_frame(session, Address, addresses())
    with reading(engine) as session:
        inside = select(Address.code).where(in_box(session, Address, (121.4, 29.4, 121.6, 29.6)))
        assert session.scalars(inside).all() == ["A1"]


def test_updated_columns_change_and_others_stay(engine: Engine) -> None:
    with transaction(engine) as session:
        ids = insert_frame(session, Address, addresses())
        moved = pd.DataFrame({"id": ids[:2], "road": ["新路", None], "geom": [None, shapely.Point(120, 28)]})
        update_frame(session, Address, moved)
    with reading(engine) as session:
        columns = (Address.text, Address.road, func.ST_X(Address.geom))
        rows = session.execute(select(*columns).order_by(Address.code)).all()
    texts = addresses()["text"]
    assert rows[:2] == [(texts[0], "新路", None), (texts[1], None, 120.0)]


def test_polygons_dates_and_lists_are_stored(engine: Engine) -> None:
    square = shapely.MultiPolygon([shapely.box(121, 29, 122, 30)])
    day = pd.Timestamp("2026-01-01")
    with transaction(engine) as session:
        area = insert_frame(session, Area, pd.DataFrame({"level": ["compound"]}))[0]
        version = {"area_id": area, "code": "C", "name": "C", "geom": [square], "source": "t", "recorded_at": day}
        insert_frame(session, AreaVersion, pd.DataFrame({**version, "valid_from": day, "valid_to": pd.NaT}))
        address = insert_frame(session, Address, addresses(1))[0]
        placed = {"address_id": address, "area_id": area, "candidate_area_ids": [[1, 2]], "valid_from": day}
        insert_frame(session, Placement, pd.DataFrame(placed))
    with reading(engine) as session:
        stored = session.scalars(select(AreaVersion)).one()
        wkb = session.scalar(select(func.ST_AsBinary(AreaVersion.geom)))
        placement = session.scalars(select(Placement)).one()
        lists = placement.candidate_area_ids, placement.beat_id
        period = stored.valid_from, stored.valid_to, stored.recorded_at
    assert shapely.from_wkb(wkb) == square
    assert period == (day.date(), None, day.to_pydatetime())
    assert lists == ([1, 2], None)


def test_a_row_that_breaks_a_constraint_leaves_nothing_behind(engine: Engine) -> None:
    frame = addresses()
    frame.loc[2, "code"] = "A0"
    with pytest.raises((IntegrityError, DatabaseError), match=r"(?i)unique"), transaction(engine) as session:
        insert_frame(session, Address, frame)
    with reading(engine) as session:
        assert session.scalar(select(func.count()).select_from(Address)) == 0


def test_what_was_added_at_once_is_looked_up_by_its_index(engine: Engine) -> None:
    explain = "EXPLAIN QUERY PLAN" if engine.dialect.name == "sqlite" else "EXPLAIN"
    asked = ", ".join(f"'A{n}'" for n in range(0, LOOKED_AT_FROM, 50))
    with transaction(engine) as session:
        insert_frame(session, Address, addresses(LOOKED_AT_FROM))
    with reading(engine) as session:
        query = f"{explain} SELECT code, count(*) FROM address WHERE code IN ({asked}) GROUP BY code"
        plan = " ".join(str(row) for row in session.execute(text(query)))
    assert " index " in plan.lower()
    assert "scan on address" not in plan.lower().replace("bitmap heap scan", "")
