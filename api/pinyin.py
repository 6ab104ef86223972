"""Chinese names as people type them in Latin letters: in full (liuan) or by initials (la), 重 as zhong and as chong."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TypeVar

from pypinyin import Style, pinyin

_T = TypeVar("_T")

MOST_READINGS = 16
"""Readings of one name that are kept: the likeliest, and those in which one character is read otherwise."""

_CHINESE = re.compile(r"([㐀-䶿一-鿿豈-﫿𠀀-𲎯]+)")
_SEPARATORS = re.compile(r"[\s'’]+")


def spellings(names: Iterable[str]) -> list[str]:
    r"""Return for each name its spellings, a line each; a capital begins each character. "" where nothing is Chinese.

    >>> spellings(["10kV柳岸线", "TIE"])
    ['10kvLiuAnXian\n10kvLAX', '']
    """
    return [_spelling(name) for name in names]


def patterns(typed: str) -> tuple[str, str] | None:
    """Return what finds ``typed`` in spellings: at the beginning of a name, and at the beginning of any of its characters.

    Regular expressions (RE2). None where what was typed has no Latin letter, or others than Latin letters.
    """
    sought = _SEPARATORS.sub("", typed).lower()
    if not sought.isascii() or not any(letter.isalpha() for letter in sought):
        return None
    first, rest = sought[0], re.escape(sought[1:])
    beginning = f"(?i)(?:^|\n){re.escape(sought)}"
    # A digit begins no character: within a name it is found as it is written.
    return beginning, f"{first.upper()}(?i:{rest})" if first.isalpha() else beginning


def _spelling(name: str) -> str:
    parts = _CHINESE.split(name)
    if len(parts) == 1:
        return ""
    options = [_readings(part) if place % 2 else ((part.lower(), part.lower()),) for place, part in enumerate(parts)]
    read = [tuple(map("".join, zip(*chosen, strict=True))) for chosen in _choices(options)]
    return "\n".join(dict.fromkeys(form for forms in zip(*read, strict=True) for form in forms))


@lru_cache(maxsize=100_000)
def _readings(run: str) -> tuple[tuple[str, str], ...]:
    """Return the readings of Chinese characters, each in full and by initials; that of the words they make first."""
    in_words = [word[0].capitalize() for word in pinyin(run, style=Style.NORMAL)]
    if len(in_words) < len(run):  # characters without a reading are not told apart
        in_words = [_alone(one)[0] for one in run]
    options = [tuple(dict.fromkeys((word, *_alone(one)))) for word, one in zip(in_words, run, strict=True)]
    chosen = _choices(options)
    return tuple(("".join(one), "".join(syllable[:1] for syllable in one)) for one in chosen)


@lru_cache(maxsize=100_000)
def _alone(character: str) -> tuple[str, ...]:
    """Return the usual readings of a character that stands alone."""
    return tuple(syllable.capitalize() for syllable in pinyin(character, style=Style.NORMAL, heteronym=True)[0][:2])


def _choices(options: Sequence[Sequence[_T]]) -> list[tuple[_T, ...]]:
    """Return the first of each of ``options``, and every way that differs from that in one place, up to `MOST_READINGS`."""
    likely = tuple(one[0] for one in options)
    swapped = [(*likely[:place], other, *likely[place + 1 :]) for place, one in enumerate(options) for other in one[1:]]
    return [likely, *swapped[: MOST_READINGS - 1]]
