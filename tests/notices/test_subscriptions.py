"""Who asked to be told is told, and who asked not to be is not; no address lies where it cannot be taken out again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from notices.registry import Registry
from notices.subscriptions import OptOut, Subscription, SubscriptionError
from outages.archive import write_lines
from outages.audit import read_audit, verify_audit
from outages.database import Database, StoreError, open_database
from tests.notices.dossiers import AT, LATER
from tests.postgres import Cluster

ANN = Subscription("s1", "email", "ann@example.org", "en", "P1", AT)
BOB = Subscription("s2", "sms", "13800000002", "zh", "P2", AT)
OUT = OptOut("sms", "13800000003", AT, "desk", "asked by telephone")


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path, cluster: Cluster) -> Iterator[Database]:
    """An empty store, on SQLite and on PostgreSQL."""
    url = f"sqlite:///{tmp_path}/outages.db" if request.param == "sqlite" else cluster.new_database()
    with closing(open_database(url)) as database:
        yield database


def test_a_subscription_is_active_from_its_confirmation_to_its_end(database: Database) -> None:
    subscriptions = Registry(database).subscriptions
    for one in (ANN, BOB):
        subscriptions.add(one, secret=f"secret of {one.id}")
    assert subscriptions.list_active() == []
    confirmed = subscriptions.confirm("s1", "secret of s1", at=LATER)
    assert confirmed == replace(ANN, confirmed_at=LATER)
    assert confirmed.is_active
    assert subscriptions.confirm("s1", "secret of s1", at=LATER + timedelta(days=1)) == confirmed
    subscriptions.confirm("s2", "secret of s2", at=LATER)
    assert [one.id for one in subscriptions.list_active()] == ["s1", "s2"]
    assert [one.id for one in subscriptions.list_active({"P2", "P9"})] == ["s2"]
    assert subscriptions.list_active([]) == []
    ended = subscriptions.end("s1", "secret of s1", at=LATER)
    assert subscriptions.end("s1", "secret of s1", at=AT) == ended
    assert not ended.is_active
    assert [one.id for one in subscriptions.list_active()] == ["s2"]
    assert [row.entry.what for row in read_audit(database, subject="s1")] == [
        "subscription asked for",
        "subscription confirmed",
        "subscription ended",
    ]


def test_only_the_right_link_confirms_or_ends_and_says_nothing_of_others(database: Database) -> None:
    subscriptions = Registry(database).subscriptions
    subscriptions.add(ANN, secret="right")
    says = set()
    for settle in (subscriptions.confirm, subscriptions.end):
        for subscription_id in ("s1", "s9"):
            with pytest.raises(SubscriptionError) as refused:
                settle(subscription_id, "wrong", at=LATER)
            says.add(str(refused.value))
    assert says == {"This link is not valid. Subscribe again to get a new one."}
    with pytest.raises(SubscriptionError, match="There is a subscription 's1' already"):
        subscriptions.add(ANN, secret="other")
    with pytest.raises(StoreError, match="is no text"):
        subscriptions.add(replace(BOB, address="1\0"), secret="x")
    subscriptions.end("s1", "right", at=LATER)
    with pytest.raises(SubscriptionError, match=r"has ended\. Subscribe again"):
        subscriptions.confirm("s1", "right", at=LATER)


def test_an_opt_out_stands_until_it_is_taken_back(database: Database) -> None:
    opt_outs = Registry(database).opt_outs
    assert opt_outs.add(OUT)
    assert not opt_outs.add(replace(OUT, by="other", why="again"))
    assert opt_outs.add(replace(OUT, channel="call"))
    assert opt_outs.list_all() == [replace(OUT, channel="call"), OUT]
    assert opt_outs.remove("call", OUT.address, at=LATER, by="desk")
    assert not opt_outs.remove("call", OUT.address, at=LATER, by="desk")
    assert opt_outs.list_all() == [OUT]


def test_neither_an_address_nor_a_secret_is_in_the_audit_log(database: Database, tmp_path: Path) -> None:
    registry = Registry(database)
    registry.subscriptions.add(ANN, secret="a secret")
    registry.opt_outs.add(OUT)
    registry.opt_outs.remove(OUT.channel, OUT.address, at=LATER, by="desk")
    assert verify_audit(database).problems == ()
    assert not [row for row in read_audit(database) if ANN.address in repr(row) or OUT.address in repr(row)]
    write_lines(database, tmp_path / "all.jsonl", now=LATER)
    assert "a secret" not in (tmp_path / "all.jsonl").read_text(encoding="utf-8")
