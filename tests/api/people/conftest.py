"""What the tests of people share: a store for each, on both databases, and a way of hashing that takes no time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from api.people.sessions import Lifetime
from outages.database import Database, open_database

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
LIFETIME = Lifetime(idle=timedelta(hours=8), most=timedelta(days=7))
SECRET = "river stone candle"
"""A password that the rule has nothing against."""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(f"sqlite:///{tmp_path}/people.db")
    yield database
    database.close()
