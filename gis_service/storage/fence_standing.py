"""Standing the second fence up: the role, its rights and the policies of every table; anew after each upgrade.

Whoever owns the tables is never fenced: migrations, the shell, background work and the transactions of actions.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import ProgrammingError

from gis_service.storage.fence import ROLE_TO_TAKE, role_asked
from gis_service.storage.fence_rules import FENCED_VIEW, Closed, FencedView, rule_of
from gis_service.storage.rows import Row
from gis_service.texts import T, Text

POLICY: Final = "own_part"
#: An operator that might tell of the rows it sees is not used with an index before the policy has looked at them,
#: unless it is known to tell nothing. These compare boxes and word lists; they raise no error that holds a value.
LEAKPROOF: Final = ("geometry_overlaps(geometry, geometry)", "pg_catalog.ts_match_vq(tsvector, tsquery)")

_INSUFFICIENT_PRIVILEGE: Final = "42501"


def stand_fence(connection: Connection, role: str) -> bool:
    """Make the role when it is missing, and give it its rights and policies; False when that is not ours to do.

    The schema is the newest one, and the caller commits.
    """
    named = connection.dialect.identifier_preparer.quote(role)
    there = connection.scalar(text("SELECT count(*) FROM pg_roles WHERE rolname = :role"), {"role": role})
    if not there and not _may(connection, f"CREATE ROLE {named} NOLOGIN NOSUPERUSER NOBYPASSRLS"):
        return False
    if not _can_take(connection, role) and not _may(connection, f"GRANT {named} TO CURRENT_USER"):
        return False
    for statement in _statements(named):
        connection.execute(text(statement))
    for function in LEAKPROOF:
        _may(connection, f"ALTER FUNCTION {function} LEAKPROOF")
    return True


def lower_views(connection: Connection) -> None:
    """Take away the views of scoped sessions: a table that a migration changes may have none."""
    for view in _views():
        connection.execute(text(f"DROP VIEW IF EXISTS {view.name}"))


def fence_faults(engine: Engine) -> list[Text]:
    """What keeps the fence from standing or from being quick, with what a superuser does about it; usually nothing."""
    role = role_asked(engine)
    if not role:
        return []
    with engine.connect() as connection:
        user = connection.scalar(text("SELECT session_user"))
        if not _stands(connection, role):
            return [
                T(
                    "Row-level security does not stand, and whoever sees a part of the district gets no answer."
                    " A superuser makes the role: CREATE ROLE {role} NOLOGIN; GRANT {role} TO {user};"
                    " then run `gis-service db upgrade` again. To do without it, set GIS_DATABASE_ROLE to nothing.",
                    role=role,
                    user=user,
                )
            ]
        leaky = [function for function in LEAKPROOF if not _is_leakproof(connection, function)]
    return [
        T(
            "Behind row-level security {function} makes no use of its index: a superuser should run"
            " ALTER FUNCTION {function} LEAKPROOF in this database.",
            function=function,
        )
        for function in leaky
    ]


def fence_stands(engine: Engine) -> bool:
    """Say whether the role can be taken and the policies are there, or none are wanted."""
    role = role_asked(engine)
    if not role:
        return True
    with engine.connect() as connection:
        return _stands(connection, role)


def _stands(connection: Connection, role: str) -> bool:
    policies = text("SELECT count(*) FROM pg_policies WHERE policyname = :policy AND CAST(:role AS name) = ANY (roles)")
    views = text("SELECT to_regclass(:view) IS NOT NULL")
    return (
        _can_take(connection, role)
        and bool(connection.scalar(policies, {"policy": POLICY, "role": role}))
        and all(connection.scalar(views, {"view": view.name}) for view in _views())
    )


def _statements(role: str) -> list[str]:
    tables = Row.metadata.sorted_tables
    rules = {table.name: rule_of(table) for table in tables}
    opened = ", ".join(name for name, rule in rules.items() if not isinstance(rule, Closed))
    statements = [
        f"GRANT USAGE ON SCHEMA public TO {role}",
        f"REVOKE ALL ON {', '.join(rules)}, alembic_version FROM {role}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {opened} TO {role}",
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}",
    ]
    for name, rule in rules.items():
        if isinstance(rule, Closed):
            if rule.columns:
                statements.append(f"GRANT SELECT ({', '.join(rule.columns)}) ON {name} TO {role}")
            continue
        statements.append(f"DROP POLICY IF EXISTS {POLICY} ON {name}")
        if rule is not None:
            statements += [
                f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY",
                f"CREATE POLICY {POLICY} ON {name} TO {role} USING ({rule}) WITH CHECK ({rule})",
            ]
    for view in _views():
        statements += [
            f"DROP VIEW IF EXISTS {view.name}",
            f"CREATE VIEW {view.name} WITH (security_barrier) AS {view.query}",
            f"GRANT SELECT ON {view.name} TO {role}",
        ]
    return statements


def _views() -> list[FencedView]:
    return [table.info[FENCED_VIEW] for table in Row.metadata.sorted_tables if FENCED_VIEW in table.info]


def _can_take(connection: Connection, role: str) -> bool:
    return bool(connection.scalar(text(f"SELECT count(*) FROM pg_roles WHERE {ROLE_TO_TAKE}"), {"role": role}))  # noqa: S608 - a constant


def _is_leakproof(connection: Connection, function: str) -> bool:
    known = text("SELECT proleakproof FROM pg_proc WHERE oid = to_regprocedure(:function)")
    return bool(connection.scalar(known, {"function": function}))


def _may(connection: Connection, statement: str) -> bool:
    """Carry out a statement, unless the database user may not."""
    try:
        with connection.begin_nested():
            connection.execute(text(statement))
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", None) != _INSUFFICIENT_PRIVILEGE:
            raise
        return False
    return True
