"""What is kept beside the events: networks by the hash of their content, and the impacts that were told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import insert, select

from outages.database import Database
from outages.kept import KeptImpact
from outages.tables import IMPACTS, NETWORK_PARTS, NETWORKS


def keep_network(database: Database, version: str, about: dict[str, Any], parts: Iterable[bytes]) -> None:
    """Keep a network, or do nothing where this version is kept. Nobody else writes until its last part is there."""
    with database.writing() as connection:
        if connection.execute(select(NETWORKS.c.number).where(NETWORKS.c.version == version)).first() is not None:
            return
        count = 0
        for count, body in enumerate(parts, 1):
            connection.execute(insert(NETWORK_PARTS), {"version": version, "number": count, "body": body})
        connection.execute(insert(NETWORKS), {"version": version, "about": about, "parts": count})


def find_network(database: Database, version: str) -> tuple[dict[str, Any], Iterator[bytes]] | None:
    """Return what is known of a network, and its parts one by one; None where it is not kept."""
    with database.reading() as connection:
        query = select(NETWORKS.c.about, NETWORKS.c.parts).where(NETWORKS.c.version == version)
        found = connection.execute(query).one_or_none()
    return None if found is None else (found.about, _parts(database, version, found.parts))


def list_networks(database: Database) -> dict[str, dict[str, Any]]:
    """Return version → what is known of it, in the order in which they were kept."""
    with database.reading() as connection:
        rows = connection.execute(select(NETWORKS.c.version, NETWORKS.c.about).order_by(NETWORKS.c.number)).all()
    return {row.version: row.about for row in rows}


def find_impact(database: Database, outage_id: str, seq: int) -> KeptImpact | None:
    """Return the newest impact kept of the outage at or before revision ``seq``."""
    of_outage = select(IMPACTS).where(IMPACTS.c.outage_id == outage_id, IMPACTS.c.seq <= seq)
    with database.reading() as connection:
        newest = of_outage.order_by(IMPACTS.c.seq.desc(), IMPACTS.c.position.desc()).limit(1)
        row = connection.execute(newest).mappings().one_or_none()
    if row is None:
        return None
    given = tuple((other, at) for other, at in row["given"])
    return KeptImpact(outage_id, row["seq"], row["network_version"], row["rules"], given, row["counts"], bytes(row["customers"]))


def _parts(database: Database, version: str, count: int) -> Iterator[bytes]:
    for number in range(1, count + 1):
        query = select(NETWORK_PARTS.c.body).where(NETWORK_PARTS.c.version == version, NETWORK_PARTS.c.number == number)
        with database.reading() as connection:
            body = connection.execute(query).scalar_one()
        yield bytes(body)
