"""The customers whom an issued notice was for: a million ids in a few MB, sorted, each once."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from itertools import islice

from sqlalchemy import Connection, insert, select

from outages.appending import check_text
from outages.failures import StoreError
from outages.tables import NOTICE_TOLD

_IDS_AT_ONCE = 10_000


def keep_told(connection: Connection, notice_id: str, told: Iterable[str]) -> None:
    """Keep whom a notice is for, within the transaction that issues it. Raises StoreError for an id that cannot be kept."""
    packer, packed, count = zlib.compressobj(), bytearray(), 0
    source = _each_once(sorted(told))
    while ids := [*islice(source, _IDS_AT_ONCE)]:
        _check_ids(ids)
        packed += packer.compress("".join(f"{one}\n" for one in ids).encode())
        count += len(ids)
    packed += packer.flush()
    connection.execute(insert(NOTICE_TOLD), {"notice_id": notice_id, "customers": bytes(packed), "count": count})


def find_told(connection: Connection, notice_id: str) -> tuple[str, ...]:
    """Return whom a notice was for, sorted; nobody before it is issued."""
    packed = connection.execute(select(NOTICE_TOLD.c.customers).where(NOTICE_TOLD.c.notice_id == notice_id)).scalar()
    # Not splitlines: an id may hold other separators than the one that was put between them.
    return tuple(zlib.decompress(packed).decode().split("\n")[:-1]) if packed else ()


def _each_once(ids: Iterable[str]) -> Iterator[str]:
    before = None
    for one in ids:
        if one != before:
            yield one
        before = one


def _check_ids(ids: list[str]) -> None:
    check_text(*ids)
    if (broken := next((one for one in ids if "\n" in one), None)) is not None:
        raise StoreError(f"The customer id {broken!r} has a line break in it. Nothing was issued. Correct the id in the network.")
