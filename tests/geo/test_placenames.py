"""Invented names: no two alike where they have to differ, in either language."""

from collections import Counter

import numpy as np
import pytest

from geo.gazetteer.placenames import draw_names

KINDS = ["town", "community", "street", "estate", "substation"]


@pytest.mark.parametrize("kind", KINDS)
def test_names_are_unique_within_their_group_even_when_the_words_run_out(kind: str) -> None:
    within = np.repeat(np.arange(3), [2000, 1, 500])
    for names in draw_names(kind, within, np.random.default_rng(1)):
        assert max(Counter(zip(within.tolist(), names, strict=True)).values()) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_both_languages_name_the_same_place(kind: str) -> None:
    chinese, english = draw_names(kind, np.arange(3000) % 30, np.random.default_rng(2))
    pairs = set(zip(chinese, english, strict=True))
    assert len(pairs) == len(set(chinese)) == len(set(english))


def test_nothing_to_name_needs_no_names() -> None:
    assert [len(names) for names in draw_names("town", np.zeros(0, dtype=np.int64), np.random.default_rng(1))] == [0, 0]
