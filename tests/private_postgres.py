"""A PostgreSQL cluster of our own for tests and benchmarks: on a free port, in a temporary folder, gone afterwards.

PostgreSQL refuses to run as root, so for root the server runs as an unprivileged account. The server is our child and
asks the kernel to be stopped when we die, so that a killed test run leaves no server behind.
"""

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

SUPERUSER = "postgres"
UNPRIVILEGED_ACCOUNTS = ("postgres", "nobody")
EXTENSIONS = ("postgis", "btree_gist")
START_TIMEOUT_S = 60.0
ROOM_BYTES = 6 * 2**30
TEMPLATE = "template_spatial"


class PostgresUnavailableError(RuntimeError):
    """No PostgreSQL server can be started here; the message says what is missing."""


@dataclass(frozen=True)
class Cluster:
    """A running private server, reached over TCP on the loopback interface or over its Unix socket."""

    port: int
    password: str
    folder: Path
    server_pid: int

    def url(self, database: str = "postgres") -> str:
        """SQLAlchemy URL of one database, for psycopg 3."""
        return f"postgresql+psycopg://{SUPERUSER}:{self.password}@127.0.0.1:{self.port}/{database}"

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """Autocommit connection to one database as the superuser."""
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user=SUPERUSER, password=self.password, dbname=database, autocommit=True
        )


def find_binaries() -> Path:
    """Folder that holds the newest installed ``initdb`` and ``postgres``.

    Raises
    ------
    PostgresUnavailableError
        When no server is installed.
    """
    versions = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    newest_first = sorted(versions, key=lambda found: float(found.parent.parent.name), reverse=True)
    if newest_first:
        return newest_first[0].parent
    on_path = shutil.which("postgres")
    if on_path is None:
        message = (
            "PostgreSQL is not installed: apt-get install postgresql postgresql-15-postgis-3 (or your release's number)"
        )
        raise PostgresUnavailableError(message)
    return Path(on_path).resolve().parent


@contextmanager
def private_cluster() -> Iterator[Cluster]:
    """Run a throw-away cluster: not durable (``fsync=off``), password-protected, on a free port of 127.0.0.1.

    Raises
    ------
    PostgresUnavailableError
        When the server is not installed or does not come up; the message holds the end of its log.
    """
    binaries = find_binaries()
    account = _server_account()
    folder = Path(tempfile.mkdtemp(prefix="private-postgres-", dir=_roomy_memory()))
    try:
        cluster_password = secrets.token_hex(16)
        _initialise(binaries, folder, account, cluster_password)
        port = _free_port()
        with (folder / "server.log").open("wb") as log:
            server = subprocess.Popen(
                _as_account(account, _server_command(binaries, folder, port)),
                cwd=folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            cluster = Cluster(port, cluster_password, folder, server.pid)
            _wait_until_ready(cluster, server)
            yield cluster
        finally:
            _stop(server)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def create_database(cluster: Cluster, name: str, extensions: Sequence[str] = EXTENSIONS) -> str:
    """Create an empty database with the extensions in it; return its SQLAlchemy URL.

    The default extensions are installed once in a template, so that every further database costs a file copy only.
    """
    with cluster.connect() as admin:
        template = "template1"
        if tuple(extensions) == EXTENSIONS:
            template = TEMPLATE
            if not admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [TEMPLATE]).fetchone():
                _create_empty(admin, TEMPLATE, "template1")
                _install(cluster, TEMPLATE, EXTENSIONS)
        _create_empty(admin, name, template)
    if template != TEMPLATE:
        _install(cluster, name, extensions)
    return cluster.url(name)


def drop_database(cluster: Cluster, name: str) -> None:
    """Drop a database, cutting the connections that are still open.

    The server looks only every 0.1 s whether those that are just closing have gone, so we look first.
    """
    with cluster.connect() as admin:
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        for _look in range(50):
            if not admin.execute("SELECT FROM pg_stat_activity WHERE datname = %s", [name]).fetchall():
                break
            time.sleep(0.002)
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _create_empty(admin: psycopg.Connection, name: str, template: str) -> None:
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    admin.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))


def _install(cluster: Cluster, database: str, extensions: Sequence[str]) -> None:
    with cluster.connect(database) as connection:
        for extension in extensions:
            connection.execute(sql.SQL("CREATE EXTENSION {}").format(sql.Identifier(extension)))


def _roomy_memory() -> Path | None:
    """A file system in memory with room for the cluster, else None.

    A database is some thousand small files: to copy and remove them on a disk takes most of the time of a small test.
    """
    memory = Path("/dev/shm")  # noqa: S108 - the folder in it has a name of its own and is ours alone
    return memory if memory.is_dir() and shutil.disk_usage(memory).free > ROOM_BYTES else None


def _server_account() -> pwd.struct_passwd | None:
    """Account to run the server as; None means our own."""
    if os.geteuid() != 0:
        return None
    for name in UNPRIVILEGED_ACCOUNTS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    message = f"PostgreSQL does not run as root and none of the accounts {UNPRIVILEGED_ACCOUNTS} exists"
    raise PostgresUnavailableError(message)


def _as_account(account: pwd.struct_passwd | None, command: Sequence[str]) -> list[str]:
    """Command that runs as the account and gets SIGINT (PostgreSQL's fast shutdown) when its parent dies."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        if account is not None:
            raise PostgresUnavailableError("to start PostgreSQL from root, install setpriv: apt-get install util-linux")
        return list(command)
    identity = [] if account is None else [f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
    return [setpriv, *identity, "--pdeathsig=INT", *command]


def _initialise(binaries: Path, folder: Path, account: pwd.struct_passwd | None, password: str) -> None:
    password_file = folder / "password"
    password_file.write_text(password)
    if account is not None:
        for owned in (folder, password_file):
            os.chown(owned, account.pw_uid, account.pw_gid)
    command = [
        str(binaries / "initdb"),
        f"--pgdata={folder / 'data'}",
        f"--username={SUPERUSER}",
        f"--pwfile={password_file}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        "--no-sync",
    ]
    done = subprocess.run(_as_account(account, command), cwd=folder, capture_output=True, text=True, check=False)
    password_file.unlink()
    if done.returncode != 0:
        raise PostgresUnavailableError(f"initdb failed: {done.stderr or done.stdout}")


def _server_command(binaries: Path, folder: Path, port: int) -> list[str]:
    options = {
        "listen_addresses": "127.0.0.1",
        "port": port,
        "unix_socket_directories": folder,
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "max_connections": 100,
    }
    settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    return [str(binaries / "postgres"), "-D", str(folder / "data"), *settings]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(cluster: Cluster, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            cluster.connect().close()
        except psycopg.OperationalError as not_yet:
            if server.poll() is not None or time.monotonic() > deadline:
                log = (cluster.folder / "server.log").read_text(errors="replace")[-2000:]
                raise PostgresUnavailableError(f"PostgreSQL did not come up: {log}") from not_yet
            time.sleep(0.05)
        else:
            return


def _stop(server: subprocess.Popen[bytes]) -> None:
    """Immediate shutdown: nothing in the cluster is worth a checkpoint."""
    if server.poll() is None:
        server.send_signal(signal.SIGQUIT)
        try:
            server.wait(timeout=20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
