"""Alembic's environment: one history for SpatiaLite and PostGIS, run through `gis_service.storage.schema`."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from geoalchemy2 import alembic_helpers

from gis_service.tables import metadata

# A batch recreate of a geometry table corrupts `geometry_columns` unless GeoAlchemy2 knows which tables are spatial.
alembic_helpers._SPATIAL_TABLES.update(  # noqa: SLF001 - there is no public way
    table.name for table in metadata.tables.values() if any(hasattr(c.type, "geometry_type") for c in table.columns)
)


def include_name(name: str | None, type_: str, _parents: Any) -> bool:
    """Keep autogenerate away from the tables that SpatiaLite and PostGIS make for themselves."""
    return type_ != "table" or name in metadata.tables


def render_item(kind: str, item: Any, autogen_context: Any) -> str | Literal[False]:
    """Render our variants of types the way the database needs them."""
    return alembic_helpers.render_item(kind, item, autogen_context)  # type: ignore[no-any-return]


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    include_name=include_name,
    process_revision_directives=alembic_helpers.writer,
    render_item=render_item,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
