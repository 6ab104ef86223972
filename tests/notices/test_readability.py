"""What makes a text hard to read is named: sentences and clauses that are too long, and words of the trade."""

from __future__ import annotations

import pytest

from notices.readability import LONGEST_SENTENCE, PLAIN_WORDS, faults


@pytest.mark.parametrize(
    ("language", "text", "codes"),
    [
        ("en", "We will turn off the power. Call us.", []),
        ("en", "word " * 25 + ".", []),
        ("en", "word " * 26 + ".", ["sentence_too_long"]),
        ("en", "word " * 20 + ".\n" + "word " * 20, []),
        ("en", "Off from 08.30 to 17.00, see https://power.example/a.b", []),
        ("en", "Prior to the work we isolate the feeder.", ["word_unknown"] * 3),
        ("en", "An isolated word is a word; feeders too.", ["word_unknown"] * 2),
        ("en", "We approximated the priority.", []),
        ("zh", "停" * 32 + "，" + "电" * 32 + "。", []),
        ("zh", "停" * 33 + "。", ["clause_too_long"]),
        ("zh", ("停" * 24 + "，") * 3 + "。", ["sentence_too_long"]),
        ("zh", "因开关跳闸，需倒闸操作。", ["word_unknown"] * 2),
        ("zh", "6月12日08:30至17:00停电", []),
    ],
)
def test_faults_are_found_and_named(language: str, text: str, codes: list[str]) -> None:
    found = faults(text, language)
    assert [fault.code for fault in found] == codes
    assert all(fault.given and fault.says.endswith(".") for fault in found)


def test_faults_in_words_come_in_the_order_of_the_text_and_say_what_to_write() -> None:
    assert [fault.given for fault in faults("The feeder tripped prior to noon.", "en")] == ["feeder", "tripped", "prior to"]
    assert "Say 'before'." in faults("prior to", "en")[0].says


def test_a_list_of_places_is_no_sentence() -> None:
    places = "all of " + ", ".join(f"Street {at}" for at in range(40)) + " and Feeder Lane"
    assert faults(f"Where: {places}.", "en", lists=[places]) == []
    assert faults(f"Where: {places}.", "en") != []


@pytest.mark.parametrize("language", LONGEST_SENTENCE)
def test_what_is_to_be_said_instead_is_plain(language: str) -> None:
    for instead in PLAIN_WORDS[language].values():
        assert faults(instead, language) == []
