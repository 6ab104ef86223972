"""The same text to each person: every blank filled, nothing of a person read as a form, no line that says nothing."""

from __future__ import annotations

import re

import jinja2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notices.facts import NoticeError
from notices.personal import KNOWN, Form

LETTER = "Dear [[name]],\n\nAddress: [[address]]\n\nThe power will be off.\n\nTo confirm: [[ack]]\n\nQinghe Power"
SOMEBODY = {"name": "Ann Lee", "address": "12 Hill Street", "ack": "https://qinghe.example/a/7Q"}


def test_a_person_of_whom_all_is_known_reads_all_of_it() -> None:
    assert Form.of(LETTER, "en").fill(SOMEBODY) == (
        "Dear Ann Lee,\n\nAddress: 12 Hill Street\n\nThe power will be off.\n\n"
        "To confirm: https://qinghe.example/a/7Q\n\nQinghe Power"
    )


def test_a_person_of_whom_nothing_is_known_reads_a_whole_letter() -> None:
    assert Form.of(LETTER, "en").fill({}) == "Dear customer,\n\nThe power will be off.\n\nQinghe Power"


@pytest.mark.parametrize(
    ("language", "text", "unknown"),
    [
        ("zh", "尊敬的[[name]]：您好。", "尊敬的用户：您好。"),
        ("en", "Dear [[name]], the power is off.", "Dear customer, the power is off."),
        ("zh", "【供电】[[name]]，[[address]]将停电。", "【供电】用户，您的用电地址将停电。"),
        ("en", "The supply to [[address]] is off.", "The supply to your address is off."),
        ("zh", "用电地址：[[address]]\n将停电。", "\n将停电。"),
        ("zh", "将停电。\n用电地址：[[address]]", "将停电。"),
        ("zh", "将停电。\n[[address]]\n[[ack]]\n某公司", "将停电。\n某公司"),
        ("en", "Off at 8:00. Address: [[address]]", "Off at 8:00. Address: your address"),
        ("en", "To\n[[name]]\n[[address]]\n\nDear [[name]],", "To\ncustomer\n\nDear customer,"),
        ("en", "No blank at all.", "No blank at all."),
        ("en", "", ""),
    ],
)
def test_what_is_not_known_leaves_words_that_read_well(language: str, text: str, unknown: str) -> None:
    assert Form.of(text, language).fill({}) == unknown
    assert Form.of(text, language).fill(dict.fromkeys(KNOWN, " \t　")) == unknown


@pytest.mark.parametrize(
    ("given_name", "printed"),
    [
        ("王　强", "王 强"),
        ("王\n强", "王 强"),
        ("Ann\u202eeeL", "AnneeL"),
        ("Ann\x00\x1b[31m Lee", "Ann[31m Lee"),
        ("محمد", "محمد"),
        ("<b>Ann</b> & {{ 7*7 }} %s {0}", "<b>Ann</b> & {{ 7*7 }} %s {0}"),
        ("[[address]]", "[[address]]"),
    ],
)
def test_a_name_is_text_and_nothing_else(given_name: str, printed: str) -> None:
    assert Form.of("Dear [[name]], [[address]]", "en").fill({"name": given_name, "address": "x"}) == f"Dear {printed}, x"


@pytest.mark.parametrize(
    ("text", "code", "about"),
    [
        ("Dear [[nmae]],", "placeholder_unknown", "[[nmae]]"),
        ("Dear [[]],", "placeholder_unknown", "[[]]"),
        ("Dear [[ name ]],", "placeholder_unknown", "[[ name ]]"),
        ("Dear [[name,", "placeholder_broken", "double bracket"),
        ("Dear name]],", "placeholder_broken", "double bracket"),
        ("Please use [[ack]] to confirm.", "placeholder_not_alone", "[[ack]]"),
        ("The power is off. To confirm: [[ack]]", "placeholder_not_alone", "[[ack]]"),
    ],
)
def test_a_blank_that_nobody_can_fill_is_named(text: str, code: str, about: str) -> None:
    with pytest.raises(NoticeError) as refused:
        Form.of(text, "en")
    assert [problem.code for problem in refused.value.problems] == [code]
    assert about in str(refused.value)


def test_all_faults_of_a_form_are_said_at_once() -> None:
    with pytest.raises(NoticeError) as refused:
        Form.of("[[nmae]] [[adress]] [[ack]] [[", "en")
    assert [problem.code for problem in refused.value.problems] == [
        "placeholder_unknown",
        "placeholder_unknown",
        "placeholder_not_alone",
        "placeholder_broken",
    ]


def test_a_language_without_words_for_a_missing_name_is_refused() -> None:
    with pytest.raises(NoticeError, match=r"'fr'.*zh, en"):
        Form.of("Cher [[name]],", "fr")


def test_columns_of_different_length_are_refused_before_anything_is_written() -> None:
    with pytest.raises(ValueError, match=r"name 2, address 1"):
        Form.of(LETTER, "en").fill_many({"name": ["a", "b"], "address": ["c"]})


def test_a_text_without_blanks_goes_to_everybody() -> None:
    assert [*Form.of("Off.", "en").fill_many({"name": ["a", "b", ""]})] == ["Off."] * 3
    assert [*Form.of("Off.", "en").fill_many({})] == []


def test_a_form_says_what_it_asks_for() -> None:
    assert Form.of(LETTER, "en").names == {"name", "address", "ack"}


words = st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters="[]"), max_size=8)
columns_of = st.lists(st.tuples(words, words, words), max_size=6)
anything = st.lists(st.tuples(st.text(max_size=8), st.text(max_size=8), st.text(max_size=8)), max_size=6)


@settings(max_examples=60, deadline=None)
@given(anything)
def test_many_are_what_one_by_one_would_be(people: list[tuple[str, str, str]]) -> None:
    form = Form.of(LETTER, "en")
    columns = {name: [person[at] for person in people] for at, name in enumerate(KNOWN)}
    assert [*form.fill_many(columns)] == [form.fill(dict(zip(KNOWN, person, strict=True))) for person in people]


PEER = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False, keep_trailing_newline=True)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(words, st.sampled_from(["[[name]]", "[[address]]", "\n"])), max_size=8), columns_of)
def test_a_form_says_what_an_engine_of_templates_says(pieces: list[str], people: list[tuple[str, str, str]]) -> None:
    text = "".join(f"{piece};" for piece in pieces)  # never the end of a line: no line is left out
    inner = re.sub(r"\[\[(\w+)\]\]", r'{{ \1 or instead["\1"] }}', text.replace("{", "<"))
    template = PEER.from_string(inner)
    columns = {"name": [one for one, _, _ in people], "address": [two for _, two, _ in people]}
    expected = [
        template.render(name=name, address=address, instead={"name": "customer", "address": "your address"})
        for name, address, _ in people
    ]
    assert [*Form.of(text.replace("{", "<"), "en").fill_many(columns)] == expected
