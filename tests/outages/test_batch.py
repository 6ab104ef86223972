"""A case a line in, an answer a line out."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outages.batch import answer_lines
from outages.facts import Operation, Switching
from outages.impact import assess
from tests.grids import device_choices, grids
from topology.network import build_network
from topology.sketch import tables_from_text

TOWN = "*s -B1:breaker- a -L1- b : c2, c1\nb -L2.B- c : c3\n*r -B2:breaker- d : c4\nb /X1/ d"


def _answer(line: str) -> dict:
    return next(answer_lines(build_network(tables_from_text(TOWN)), [line]))


@pytest.mark.parametrize(
    ("case", "answer"),
    [
        ({"open": ["L1"]}, {"out": ["c2", "c1", "c3"], "partial": []}),
        ({"open": [["L1", "B"]]}, {"out": ["c3"], "partial": ["c2", "c1"]}),
        ({"open": [["L1", "AC"]]}, {"out": [], "partial": ["c2", "c1"]}),
        ({"open": ["L1"], "close": ["X1"]}, {"out": [], "partial": []}),
        ({"open": ["L1"], "close": [["X1", "A"]]}, {"out": ["c3"], "partial": ["c2", "c1"]}),
        ({"fault": ["L2"]}, {"out": ["c2", "c1", "c3"], "partial": []}),
        ({"open": ["X1"]}, {"out": [], "partial": []}),
        ({"open": []}, {"out": [], "partial": []}),
        ({}, {"out": [], "partial": []}),
    ],
)
def test_a_case_is_answered_with_customers_in_input_order(case: dict, answer: dict) -> None:
    assert _answer(json.dumps(case)) == answer


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "the line is no JSON"),
        ("[]", "a case is an object with some of open, close, fault"),
        ('{"opne": ["L1"]}', "given the words opne"),
        ('{"open": "L1"}', "'open' holds a list of devices; given 'L1'"),
        ('{"open": [["L1"]]}', r"""'open' holds ids or a pair ["ID", "B"]; given ['L1']"""),
        ('{"open": [["L1", ""]]}', "given ['L1', '']"),
        ('{"fault": [["L1", "B"]]}', "'fault' holds ids; given"),
        ('{"open": ["L9"]}', "no device has the id 'L9'; the nearest are L1"),
        ('{"open": [["L2", "A"]]}', "device L2 has no phase 'A': it has B"),
        ('{"open": [7]}', "given 7"),
    ],
)
def test_a_line_that_is_no_case_is_answered_with_what_is_wrong(line: str, says: str) -> None:
    assert says in _answer(line)["error"]


def test_a_bad_line_does_not_hold_up_the_others() -> None:
    network = build_network(tables_from_text(TOWN))
    answers = list(answer_lines(network, ['{"open": ["B2"]}', "", "nonsense", '{"open": ["L2"]}']))
    assert [sorted(answer) for answer in answers] == [["out", "partial"], ["error"], ["out", "partial"]]
    assert answers[2]["out"] == ["c3"]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_the_batch_says_what_a_single_impact_says(data: st.DataObject) -> None:
    network = build_network(data.draw(grids()))
    opened = data.draw(device_choices(network.tables))
    case = json.dumps({"open": [[id_, phases] if phases else id_ for id_, phases in opened]})
    impact = assess(network, Switching(open=tuple(Operation(*choice) for choice in opened)))
    ids = network.tables.customers["id"].to_numpy(dtype=object)
    assert next(answer_lines(network, [case])) == {"out": ids[impact.out].tolist(), "partial": ids[impact.partial].tolist()}
