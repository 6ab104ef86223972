"""The whole way of a planned outage at the desk, on the demonstration network: the right people hear the right thing."""

from __future__ import annotations

import pytest

from tests.proofs.desk_walk import Walk, walk

HELD, FREED, ADDED, OWN, READER = "+99910000001", "freed@example.org", "+99910000201", "own@example.org", "reader@example.org"


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Walk:
    return walk(tmp_path_factory.mktemp("desk"), lambda line: None)


def test_everybody_hears_what_concerns_them_and_nothing_else(walked: Walk) -> None:
    assert [sorted(heard) for heard in walked.heard] == [
        sorted([HELD, FREED, OWN]),
        sorted([HELD, FREED, ADDED, OWN, READER]),
        sorted([HELD, ADDED, OWN, READER]),
    ]
    assert all(len(texts) == 1 for heard in walked.heard for texts in heard.values()), "nobody hears anything twice"


@pytest.mark.parametrize(
    ("notice", "who", "words"),
    [
        (0, HELD, "计划停电。范围："),
        (0, FREED, "计划停电通知"),
        (0, OWN, "计划停电通知"),
        (1, HELD, "计划停电改期"),
        (1, FREED, "不再受计划停电影响的通知"),
        (1, ADDED, "计划停电。范围："),
        (1, OWN, "计划停电时间变更通知"),
        (1, READER, "Planned power outage"),
        (2, HELD, "计划停电取消"),
        (2, ADDED, "计划停电取消"),
        (2, OWN, "计划停电取消通知"),
        (2, READER, "Cancelled: planned power outage"),
    ],
)
def test_each_hears_the_kind_that_is_theirs(walked: Walk, notice: int, who: str, words: str) -> None:
    (text,) = walked.heard[notice][who]
    assert words in text


def test_every_message_that_went_out_has_a_proof_and_the_log_holds(walked: Walk) -> None:
    messages = sum(len(heard) for heard in walked.heard)
    sent = {what: count for what, count in walked.proofs.items() if what.startswith("accepted")}
    assert sent["accepted sms"] + sent["accepted email"] == messages
    assert walked.files == sorted(walked.files)
    # A letter for the customer with a transformer of their own each time; two languages in the newspaper and on television.
    assert (sent["accepted letter"], sent["accepted newspaper"], sent["accepted tv"]) == (3, 8, 8)
    assert set(walked.proofs) == set(sent), "nothing failed"
    assert walked.audit == []
