"""The tests' own PostgreSQL: what it promises the tests that use it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.postgres import GUARDED, Cluster

ROOT = Path(__file__).parents[1]


def ask(url: str, question: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(question).fetchone()
    return row and row[0]


def test_each_database_is_empty_and_its_own(cluster: Cluster) -> None:
    first, second = cluster.new_database(), cluster.new_database()
    assert first != second
    with psycopg.connect(first) as connection:
        connection.execute("CREATE TABLE events (id text)")
    assert ask(second, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("SHOW server_encoding", "UTF8"),
        ("SHOW fsync", "on"),
        ("SHOW listen_addresses", "127.0.0.1"),
        ("SELECT datcollate FROM pg_database WHERE datname = current_database()", "C.UTF-8"),
        ("SELECT length('杨柳镇')", 3),
        ("SELECT count(*) FROM pg_extension WHERE extname = 'postgis'", 0),
    ],
)
def test_a_database_is_as_the_store_needs_it(question: str, answer: object, cluster: Cluster) -> None:
    assert ask(cluster.new_database(), question) == answer


def test_postgis_is_there_when_asked_for(cluster: Cluster) -> None:
    url = cluster.new_database(postgis=True)
    assert ask(url, "SELECT ST_AsText(ST_Transform(ST_Point(0, 0, 4326), 3857))") == "POINT(0 0)"
    assert ask(cluster.new_database(postgis=True), "SELECT count(*) FROM spatial_ref_sys") != 0


@pytest.mark.parametrize(
    "take_away", [lambda c: c.stop("fast"), lambda c: c.stop("immediate"), Cluster.kill], ids=["fast", "immediate", "kill"]
)
def test_what_was_written_is_there_when_the_database_comes_back(take_away: Callable[[Cluster], None], cluster: Cluster) -> None:
    url = cluster.new_database()
    with psycopg.connect(url) as open_all_the_time:
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE events (id text)")
        take_away(cluster)
        with pytest.raises(psycopg.OperationalError):
            open_all_the_time.execute("SELECT 1")
        with pytest.raises(psycopg.OperationalError, match="refused"):
            psycopg.connect(url)
    cluster.start()
    assert ask(url, "SELECT count(*) FROM events") == 0


def test_a_server_that_a_test_left_down_is_up_for_the_next(cluster: Cluster) -> None:
    cluster.stop()
    assert ask(cluster.new_database(), "SELECT 1") == 1


def test_only_the_guarded_role_needs_its_password(cluster: Cluster) -> None:
    url = cluster.new_database()
    with psycopg.connect(url) as connection:
        connection.execute(f"CREATE ROLE {GUARDED} LOGIN PASSWORD 'right'")
    try:
        assert ask(url.replace("postgres@", f"{GUARDED}:right@"), "SELECT 1") == 1
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(url.replace("postgres@", f"{GUARDED}:wrong@"))
    finally:
        with psycopg.connect(url) as connection:
            connection.execute(f"DROP ROLE {GUARDED}")


def test_the_server_does_not_outlive_tests_that_are_killed() -> None:
    told = "from tests.postgres import Cluster; c = Cluster(); print(c.folder, c.url('postgres'), flush=True); input()"
    command = [sys.executable, "-c", told]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as tests:
        assert tests.stdout is not None
        folder, url = tests.stdout.readline().split()
        with psycopg.connect(url) as connection:
            tests.kill()
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT pg_sleep(20)")
    shutil.rmtree(folder, ignore_errors=True)  # the server is deleting its own files there
