"""The least that a service in front of ST_AsMVT does: one route, no sign-in, no scope, no compression."""

import argparse
import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date

import psycopg
import uvicorn
from fastapi import FastAPI
from fastapi.responses import Response

from gis_service.areas.tiles import MVT
from tests.benchmarks.tile_ways import AREAS_SQL, AT_ONCE, points_sql


def route_app(url: str, day: date) -> FastAPI:
    """An application with that route; its connections are kept open."""
    pool: asyncio.Queue[psycopg.AsyncConnection] = asyncio.Queue()

    @asynccontextmanager
    async def connected(_app: FastAPI) -> AsyncIterator[None]:
        for _each in range(AT_ONCE):
            pool.put_nowait(await psycopg.AsyncConnection.connect(url, autocommit=True))
        yield

    app = FastAPI(lifespan=connected)

    def sql_of(layer: str, z: int) -> str:
        sql = points_sql(z) if layer == "addresses" else AREAS_SQL
        for name in ("day", "z", "x", "y"):
            sql = sql.replace(f":{name}", f"%({name})s")
        return sql

    @app.get("/{layer}/{z}/{x}/{y}")
    async def tile(layer: str, z: int, x: int, y: int) -> Response:
        connection = await pool.get()
        try:
            cursor = await connection.execute(sql_of(layer, z), {"day": day, "z": z, "x": x, "y": y})
            row = await cursor.fetchone()
        finally:
            pool.put_nowait(connection)
        return Response(bytes(row[0]) if row else b"", media_type=MVT)

    return app


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    app = route_app(os.environ["TILES_URL"], date.fromisoformat(os.environ["TILES_DAY"]))
    uvicorn.run(app, port=parser.parse_args().port, log_level="warning")
