"""A PostgreSQL with PostGIS of the tests' own: a cluster in a temporary folder, on a port of its own, gone afterwards.

Debian's default cluster is never touched: it may hold somebody's data, and it is made in SQL_ASCII where the machine has
no locale. The server refuses to run as root, so only it (and ``initdb``) drops to the user ``postgres``; the tests stay
who they are. Everything is written to disk as in earnest (``fsync`` is on), since what is tested is also durability.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Literal

import psycopg
from psycopg import sql

INSTALL = "apt-get install postgresql-15 postgresql-15-postgis-3 (on any Debian: postgresql-postgis), or `make postgres`"
GUARDED = "guarded"
"""The one role that has to give its password; a test that needs it makes it. Everybody else is trusted."""

_PATIENCE_S = 120
_STOP_SIGNALS = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "on",
    "recovery_init_sync_method": "syncfs",  # file by file it takes a minute where there are many databases
    "max_connections": "200",
    "shared_buffers": "32MB",
    "max_wal_size": "256MB",
    # Not the zone of anything that is tested: whoever forgets a zone is found out.
    "timezone": "America/St_Johns",
}
_ACCESS = f"""\
host all {GUARDED} 127.0.0.1/32 scram-sha-256
host all all 127.0.0.1/32 trust
local all all trust
"""

# The kernel ends the server when the thread that started it ends, whatever becomes of the tests: a thread that stays.
_starter = ThreadPoolExecutor(1, thread_name_prefix="postgres-starter")


class Cluster:
    """A running server. ``stop``, ``kill`` and ``start`` take the databases away and bring them back at the same address."""

    def __init__(self) -> None:
        self._bin = _binaries()
        self.folder = Path(tempfile.mkdtemp(prefix="gridnotice-pg-"))
        self.port = _free_port()
        self._names = count(1)
        self._has_template = False
        self._process: subprocess.Popen[bytes] | None = None
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
        self._make()
        self.start()

    @property
    def log(self) -> str:
        """What the server said so far."""
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    @property
    def is_up(self) -> bool:
        """Tell whether the server runs."""
        return self._process is not None and self._process.poll() is None

    def url(self, database: str) -> str:
        """Return the address of a database."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def new_database(self, postgis: bool = False) -> str:
        """Return the address of an empty database that nobody else has; the server is started where a test left it down."""
        if not self.is_up:
            self.start()
        if postgis and not self._has_template:
            self._create("with_postgis", "template1")
            with psycopg.connect(self.url("with_postgis"), autocommit=True) as connection:
                connection.execute("CREATE EXTENSION postgis")
            self._has_template = True
        name = f"test_{next(self._names)}"
        self._create(name, "with_postgis" if postgis else "template1")
        return self.url(name)

    def start(self) -> None:
        """Start the server, and return when it answers; fails with its log where it does not."""
        if self.is_up:
            return
        give_up = time.monotonic() + _PATIENCE_S
        # After a kill the old workers may hold their memory for a moment more, and a new server refuses to start.
        while not self._is_answering():
            if not self.is_up:
                self._process = _starter.submit(self._launch).result()
            assert time.monotonic() < give_up, f"PostgreSQL did not start in {_PATIENCE_S} s:\n{self.log}"
            time.sleep(0.02)

    def stop(self, mode: Literal["smart", "fast", "immediate"] = "fast") -> None:
        """Stop the server: when the last one has left, at once and in order, or at once as after a crash."""
        self._end(_STOP_SIGNALS[mode])

    def kill(self) -> None:
        """End the server as a loss of power does; it recovers at the next `start`."""
        self._end(signal.SIGKILL)

    def remove(self) -> None:
        """Stop the server, and have all it holds deleted: some ten thousand files, for which nobody needs to wait."""
        self.stop("immediate")
        subprocess.run(["sh", "-c", 'rm -rf "$1" >/dev/null 2>&1 &', "rm", str(self.folder)], check=True)

    def _make(self) -> None:
        options = ["--locale=C.UTF-8", "--encoding=UTF8", "--username=postgres", "--auth=trust", "--no-sync"]
        command = [*_as_server(), f"{self._bin}/initdb", *options, "-D", f"{self.folder}/data"]
        made = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        assert made.returncode == 0, f"initdb failed:\n{made.stdout}{made.stderr}"
        (self.folder / "data" / "pg_hba.conf").write_text(_ACCESS)

    def _launch(self) -> subprocess.Popen[bytes]:
        settings = _SETTINGS | {"port": str(self.port), "unix_socket_directories": str(self.folder)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [*_as_server(), f"{self._bin}/postgres", "-D", f"{self.folder}/data", *options]
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log, start_new_session=True)

    def _is_answering(self) -> bool:
        if not self.is_up:
            return False
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(_PATIENCE_S)
            self._process = None

    def _create(self, name: str, template: str) -> None:
        command = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(command)


def _binaries() -> Path:
    """Return the folder of the newest server with PostGIS on this machine."""
    extensions = Path("/usr/share/postgresql").glob("*/extension/postgis.control")
    versions = {path.parents[1].name for path in extensions}
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/postgres") if path.parents[1].name in versions]
    assert found, f"These tests run a PostgreSQL with PostGIS of their own, and there is none: {INSTALL}."
    return max(found, key=lambda folder: float(folder.parent.name))


def _as_server() -> Sequence[str]:
    """Return how a command is run as the server's user, ended by the kernel when the tests are gone."""
    user = ["--reuid", "postgres", "--regid", "postgres", "--clear-groups"] if os.geteuid() == 0 else []
    return ["setpriv", *user, "--pdeathsig", "QUIT", "--"]


def _free_port() -> int:
    """Return a free port below those that the system gives to outgoing connections, so that none takes it while we are down."""
    for port in random.sample(range(20_000, 32_000), 100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise AssertionError("a hundred ports of 127.0.0.1 between 20000 and 32000 are all in use")
