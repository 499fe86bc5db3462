"""Row-level security on PostGIS: a role that sees the rows of its transaction's scope only.

Revision: 0014
Revises: 0013
"""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

ROLE = "gis_fenced"

#: the role may read and write what the features hold, and knows nothing of accounts, sessions, tokens and the trail
KEPT_FROM_IT = (
    "account",
    "account_area",
    "app_token",
    "audit_checkpoint",
    "audit_entry",
    "export_approval",
    "login_session",
    "oidc_attempt",
    "sign_in_wait",
)

#: table → which rows are in scope. The lists are read once a query (hashed), never once a row; a placement is found by
#: its index.
POLICIES = {
    "area": "id IN (SELECT unnest(current_setting('gis.land', true)::bigint[]))",
    "area_version": "area_id IN (SELECT unnest(current_setting('gis.land', true)::bigint[]))",
    "placement": (
        "home_area_id IN (SELECT unnest(current_setting('gis.homes', true)::bigint[]))"
        " OR beat_id IN (SELECT unnest(current_setting('gis.beats', true)::bigint[]))"
    ),
    "address": "EXISTS (SELECT FROM placement WHERE placement.address_id = address.id)",
    "address_search": "EXISTS (SELECT FROM placement WHERE placement.address_id = address_search.id)",
    "registration": "EXISTS (SELECT FROM placement WHERE placement.address_id = registration.address_id)",
    "rental": "EXISTS (SELECT FROM placement WHERE placement.address_id = rental.address_id)",
    "signed_address": "EXISTS (SELECT FROM placement WHERE placement.address_id = signed_address.address_id)",
    "visit": "EXISTS (SELECT FROM placement WHERE placement.address_id = visit.address_id)",
    "mismatch": "EXISTS (SELECT FROM placement WHERE placement.address_id = mismatch.address_id)",
}

#: An operator that might tell of the rows it sees is not used with an index before the policy has looked at them,
#: unless it is known to tell nothing. These compare boxes and word lists; they raise no error that holds a value.
LEAKPROOF = (
    "geometry_overlaps(geometry, geometry)",
    "pg_catalog.ts_match_vq(tsvector, tsquery)",
)


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute(
        f"""
        DO $$ BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') THEN
                CREATE ROLE {ROLE} NOLOGIN NOSUPERUSER NOBYPASSRLS;
            END IF;
            GRANT {ROLE} TO CURRENT_USER;
        EXCEPTION
            WHEN duplicate_object THEN NULL;
            WHEN insufficient_privilege THEN
                RAISE EXCEPTION 'CREATE ROLE {ROLE} NOLOGIN; GRANT {ROLE} TO % must be done by a superuser first',
                    current_user;
        END $$
        """
    )
    op.execute(f"GRANT USAGE ON SCHEMA public TO {ROLE}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {ROLE}")
    op.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {ROLE}")
    op.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {ROLE}")
    op.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO {ROLE}")
    for table in (*KEPT_FROM_IT, "alembic_version"):
        op.execute(f"REVOKE ALL ON {table} FROM {ROLE}")
    # the version of the data, which answers are kept under
    op.execute(f"GRANT SELECT (seq, action, result) ON audit_entry TO {ROLE}")
    for table, condition in POLICIES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY own_part ON {table} TO {ROLE} USING ({condition}) WITH CHECK ({condition})")
    for function in LEAKPROOF:
        op.execute(
            f"""
            DO $$ BEGIN
                ALTER FUNCTION {function} LEAKPROOF;
            EXCEPTION WHEN insufficient_privilege THEN
                RAISE NOTICE 'a superuser should run: ALTER FUNCTION {function} LEAKPROOF';
            END $$
            """
        )
