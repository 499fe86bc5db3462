"""Land, teams, addresses, registers.

Revision: 0001
Revises:
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_geospatial_table(
        "address",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("text", sa.String(length=300), nullable=False),
        sa.Column("road", sa.String(length=100), nullable=True),
        sa.Column("lane", sa.String(length=32), nullable=True),
        sa.Column("number", sa.String(length=32), nullable=True),
        sa.Column("building", sa.String(length=32), nullable=True),
        sa.Column("unit", sa.String(length=32), nullable=True),
        sa.Column("room", sa.String(length=32), nullable=True),
        sa.Column("stated_village_code", sa.String(length=64), nullable=True),
        sa.Column("point_source", sa.String(length=16), nullable=False),
        sa.Column(
            "geom",
            Geometry(
                geometry_type="POINT",
                srid=4326,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            nullable=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address")),
        sa.UniqueConstraint("code", name=op.f("uq_address_code")),
    )
    with op.batch_alter_table("address", schema=None) as batch_op:
        batch_op.create_geospatial_index(
            "idx_address_geom", ["geom"], unique=False, postgresql_using="gist", postgresql_ops={}
        )
        batch_op.create_index(batch_op.f("ix_address_stated_village_code"), ["stated_village_code"], unique=False)

    op.create_table(
        "area",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("level", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_area")),
    )
    with op.batch_alter_table("area", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_area_level"), ["level"], unique=False)

    op.create_table(
        "import_run",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("subject", sa.String(length=32), nullable=False),
        sa.Column("file_name", sa.String(length=300), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("imported_at", sa.DateTime(), nullable=False),
        sa.Column("imported_by", sa.String(length=100), nullable=False),
        sa.Column("outcome", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_run")),
    )
    with op.batch_alter_table("import_run", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_import_run_subject"), ["subject"], unique=False)

    op.create_table(
        "officer",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("badge_no", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("id_number_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("id_number_index", sa.LargeBinary(length=32), nullable=True),
        sa.Column("phone_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("phone_index", sa.LargeBinary(length=32), nullable=True),
        sa.Column("form", sa.String(length=20), nullable=False),
        sa.Column("side", sa.String(length=20), nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column("education", sa.String(length=50), nullable=True),
        sa.Column("hired_on", sa.Date(), nullable=True),
        sa.Column("left_on", sa.Date(), nullable=True),
        sa.Column("exception_reason", sa.String(length=500), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_officer")),
        sa.UniqueConstraint("badge_no", name=op.f("uq_officer_badge_no")),
    )
    with op.batch_alter_table("officer", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_officer_id_number_index"), ["id_number_index"], unique=False)
        batch_op.create_index(batch_op.f("ix_officer_phone_index"), ["phone_index"], unique=False)

    op.create_geospatial_table(
        "area_version",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("area_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=True),
        sa.Column("parent_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "geom",
            Geometry(
                geometry_type="MULTIPOLYGON",
                srid=4326,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=True),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["area_id"], ["area.id"], name=op.f("fk_area_version_area_id")),
        sa.ForeignKeyConstraint(["parent_id"], ["area.id"], name=op.f("fk_area_version_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_area_version")),
    )
    with op.batch_alter_table("area_version", schema=None) as batch_op:
        batch_op.create_geospatial_index(
            "idx_area_version_geom", ["geom"], unique=False, postgresql_using="gist", postgresql_ops={}
        )
        batch_op.create_index("ix_area_version_area_id_valid_from", ["area_id", "valid_from"], unique=True)
        batch_op.create_index(batch_op.f("ix_area_version_code"), ["code"], unique=False)
        batch_op.create_index(batch_op.f("ix_area_version_parent_id"), ["parent_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_area_version_valid_from"), ["valid_from"], unique=False)
        batch_op.create_index(batch_op.f("ix_area_version_valid_to"), ["valid_to"], unique=False)

    op.create_table(
        "mismatch",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("source_key", sa.String(length=64), nullable=False),
        sa.Column("mismatch_class", sa.String(length=32), nullable=False),
        sa.Column("address_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("found_on", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("registers", sa.String(length=64), nullable=False),
        sa.Column("evidence", sa.String(length=1000), nullable=True),
        sa.ForeignKeyConstraint(["address_id"], ["address.id"], name=op.f("fk_mismatch_address_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mismatch")),
        sa.UniqueConstraint("source_key", name=op.f("uq_mismatch_source_key")),
    )
    with op.batch_alter_table("mismatch", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_mismatch_address_id"), ["address_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_mismatch_mismatch_class"), ["mismatch_class"], unique=False)
        batch_op.create_index(batch_op.f("ix_mismatch_state"), ["state"], unique=False)

    op.create_table(
        "registration",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("source_key", sa.String(length=64), nullable=False),
        sa.Column("address_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("id_number_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("id_number_index", sa.LargeBinary(length=32), nullable=True),
        sa.Column("phone_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("phone_index", sa.LargeBinary(length=32), nullable=True),
        sa.Column("registered_on", sa.Date(), nullable=False),
        sa.Column("deregistered_on", sa.Date(), nullable=True),
        sa.Column("deregistration_reason", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["address_id"], ["address.id"], name=op.f("fk_registration_address_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registration")),
        sa.UniqueConstraint("source_key", name=op.f("uq_registration_source_key")),
    )
    with op.batch_alter_table("registration", schema=None) as batch_op:
        batch_op.create_index(
            "ix_registration_address_id_period", ["address_id", "registered_on", "deregistered_on"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_registration_deregistered_on"), ["deregistered_on"], unique=False)
        batch_op.create_index(batch_op.f("ix_registration_id_number_index"), ["id_number_index"], unique=False)
        batch_op.create_index(batch_op.f("ix_registration_phone_index"), ["phone_index"], unique=False)
        batch_op.create_index(batch_op.f("ix_registration_registered_on"), ["registered_on"], unique=False)

    op.create_table(
        "rental",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("address_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("landlord_name_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("landlord_phone_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("landlord_phone_index", sa.LargeBinary(length=32), nullable=True),
        sa.Column("rooms", sa.Integer(), nullable=False),
        sa.Column("beds", sa.Integer(), nullable=False),
        sa.Column("usable_area_m2", sa.Double(), nullable=True),
        sa.Column("residents", sa.Integer(), nullable=False),
        sa.Column("grade", sa.String(length=16), nullable=False),
        sa.Column("inspected_on", sa.Date(), nullable=True),
        sa.Column("let_from", sa.Date(), nullable=False),
        sa.Column("let_to", sa.Date(), nullable=True),
        sa.CheckConstraint("rooms >= 0 AND beds >= 0 AND residents >= 0", name=op.f("ck_rental_counts")),
        sa.ForeignKeyConstraint(["address_id"], ["address.id"], name=op.f("fk_rental_address_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rental")),
        sa.UniqueConstraint("code", name=op.f("uq_rental_code")),
    )
    with op.batch_alter_table("rental", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_rental_address_id"), ["address_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_rental_grade"), ["grade"], unique=False)
        batch_op.create_index(batch_op.f("ix_rental_landlord_phone_index"), ["landlord_phone_index"], unique=False)

    op.create_table(
        "unit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("area_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["area_id"], ["area.id"], name=op.f("fk_unit_area_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unit")),
        sa.UniqueConstraint("code", name=op.f("uq_unit_code")),
    )
    with op.batch_alter_table("unit", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_unit_area_id"), ["area_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_unit_valid_from"), ["valid_from"], unique=False)
        batch_op.create_index(batch_op.f("ix_unit_valid_to"), ["valid_to"], unique=False)

    op.create_table(
        "beat",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("unit_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_beat_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_beat")),
        sa.UniqueConstraint("code", name=op.f("uq_beat_code")),
    )
    with op.batch_alter_table("beat", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_beat_unit_id"), ["unit_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_beat_valid_from"), ["valid_from"], unique=False)
        batch_op.create_index(batch_op.f("ix_beat_valid_to"), ["valid_to"], unique=False)

    op.create_table(
        "posting",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("officer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("unit_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("share", sa.Double(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.CheckConstraint("share > 0 AND share <= 1", name=op.f("ck_posting_share")),
        sa.ForeignKeyConstraint(["officer_id"], ["officer.id"], name=op.f("fk_posting_officer_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_posting_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_posting")),
    )
    with op.batch_alter_table("posting", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_posting_officer_id"), ["officer_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_posting_unit_id"), ["unit_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_posting_valid_from"), ["valid_from"], unique=False)
        batch_op.create_index(batch_op.f("ix_posting_valid_to"), ["valid_to"], unique=False)

    op.create_table(
        "beat_duty",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("beat_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("officer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["beat_id"], ["beat.id"], name=op.f("fk_beat_duty_beat_id")),
        sa.ForeignKeyConstraint(["officer_id"], ["officer.id"], name=op.f("fk_beat_duty_officer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_beat_duty")),
    )
    with op.batch_alter_table("beat_duty", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_beat_duty_beat_id"), ["beat_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_beat_duty_officer_id"), ["officer_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_beat_duty_valid_from"), ["valid_from"], unique=False)
        batch_op.create_index(batch_op.f("ix_beat_duty_valid_to"), ["valid_to"], unique=False)

    op.create_geospatial_table(
        "beat_part",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("beat_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("area_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("buildings", sa.JSON(none_as_null=True), nullable=True),
        sa.Column(
            "geom",
            Geometry(
                geometry_type="MULTIPOLYGON",
                srid=4326,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            nullable=True,
        ),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["area_id"], ["area.id"], name=op.f("fk_beat_part_area_id")),
        sa.ForeignKeyConstraint(["beat_id"], ["beat.id"], name=op.f("fk_beat_part_beat_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_beat_part")),
    )
    with op.batch_alter_table("beat_part", schema=None) as batch_op:
        batch_op.create_geospatial_index(
            "idx_beat_part_geom", ["geom"], unique=False, postgresql_using="gist", postgresql_ops={}
        )
        batch_op.create_index(batch_op.f("ix_beat_part_area_id"), ["area_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_beat_part_beat_id"), ["beat_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_beat_part_valid_from"), ["valid_from"], unique=False)
        batch_op.create_index(batch_op.f("ix_beat_part_valid_to"), ["valid_to"], unique=False)

    op.create_table(
        "placement",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("address_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("area_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("beat_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("home_area_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("unresolved", sa.String(length=20), nullable=True),
        sa.Column("suggested_area_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("suggested_distance_m", sa.Double(), nullable=True),
        sa.Column("candidate_area_ids", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("override_reason", sa.String(length=500), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["address_id"], ["address.id"], name=op.f("fk_placement_address_id")),
        sa.ForeignKeyConstraint(["area_id"], ["area.id"], name=op.f("fk_placement_area_id")),
        sa.ForeignKeyConstraint(["beat_id"], ["beat.id"], name=op.f("fk_placement_beat_id")),
        sa.ForeignKeyConstraint(["home_area_id"], ["area.id"], name=op.f("fk_placement_home_area_id")),
        sa.ForeignKeyConstraint(["suggested_area_id"], ["area.id"], name=op.f("fk_placement_suggested_area_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_placement")),
    )
    with op.batch_alter_table("placement", schema=None) as batch_op:
        batch_op.create_index("ix_placement_address_id_valid_from", ["address_id", "valid_from"], unique=True)
        batch_op.create_index(
            "ix_placement_open",
            ["address_id"],
            unique=True,
            sqlite_where=sa.text("valid_to IS NULL"),
            postgresql_where=sa.text("valid_to IS NULL"),
        )
        batch_op.create_index(batch_op.f("ix_placement_area_id"), ["area_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_placement_beat_id"), ["beat_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_placement_home_area_id"), ["home_area_id"], unique=False)
        batch_op.create_index("ix_placement_unresolved_valid_to", ["unresolved", "valid_to"], unique=False)
        batch_op.create_index(batch_op.f("ix_placement_valid_from"), ["valid_from"], unique=False)
        batch_op.create_index(batch_op.f("ix_placement_valid_to"), ["valid_to"], unique=False)

    if op.get_bind().dialect.name == "postgresql":
        # periods of one thing do not overlap; SQLite has no such constraint, there the actions alone see to it
        for table, key in (
            ("area_version", "area_id"),
            ("beat_duty", "beat_id"),
        ):
            op.execute(
                f"ALTER TABLE {table} ADD CONSTRAINT ex_{table}_periods "
                f"EXCLUDE USING gist ({key} WITH =, daterange(valid_from, valid_to) WITH &&)"
            )
