"""The marks and words of a scope text, per language, and how names that contain them are quoted.

A scope text is a list of lines; the reader (`notices.readback`) knows it by nothing but these marks::

    青河镇：柳树社区全部，中山路 2–18 号（双号）、21 号      Qinghe Town: all of Willow Community; Zhongshan Road 2–18 (even), 21
    head   item          item = name, space, spots                head         item                      item

    zh  lines or ;  >  ,  >  、     path 青河镇柳树社区        quotes 「」
    en  lines         >  ;   >  ,      path Qinghe Town, Willow   quotes “”

Names that share a word share it: 柳树社区、杨树社区全部, all of Willow Community and Poplar Community. A line about any other
effect than "off" begins with its words: 【部分相线停电】青河镇：中山路 51 号.

A name that contains one of the marks or words, or that could be taken for another name and a number, is quoted.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Language = Literal["zh", "en"]
Effect = Literal["off", "partial", "moved"]
"""What customers feel: no power; some phases lost; a short break while they are moved to another supply line."""

EFFECTS: tuple[Effect, ...] = ("off", "partial", "moved")

MARKS = frozenset("、,;:()，；：（）「」“”–—~～。\n")
"""Marks that structure a text in either language; a name with one of them is quoted in both."""


UNSEEN = frozenset({"Cc", "Cf", "Cs"})
"""Unicode categories of characters that nobody sees: controls, formatting (direction overrides too), lone surrogates."""


class ScopeError(ValueError):
    """Words that name no known place or address, or customers that do not exist.

    Attributes
    ----------
    words
        What could not be understood ("" where it is not about words).
    nearest
        Known names closest to ``words``, best first.
    least
        The shortest that a text can be, where a limit is too short for any; else None.
    """

    def __init__(self, message: str, *, words: str = "", nearest: tuple[str, ...] = (), least: int | None = None) -> None:
        super().__init__(message)
        self.words = words
        self.nearest = nearest
        self.least = least


@dataclass(frozen=True)
class Grammar:
    """Marks and words of one language. A pair is (what stands before, what stands after); ``line`` may stand for a new line.

    ``group`` joins names that share a word: between two of them, and before the last. ``parity`` and ``some`` stand behind a
    run, of which all or some are meant: both sides, odd, even. ``part_too`` is read like ``part``.
    """

    language: Language
    quotes: tuple[str, str]
    path: str
    line: str
    head: str
    item: str
    spot: str
    whole: tuple[str, str]
    part: tuple[str, str]
    part_too: tuple[str, str]
    group: tuple[str, str]
    spot_part: str
    rest: str
    parity: tuple[str, str, str]
    some: tuple[str, str, str]
    transformer: tuple[str, str]
    unaddressed: str
    area: str
    effects: Mapping[Effect, str]
    kinds: Mapping[str, str]
    reserved: tuple[str, ...]

    def quote(self, name: str) -> str:
        """Return ``name`` in quotes; a closing quote inside it is doubled."""
        start, stop = self.quotes
        return f"{start}{name.replace(stop, stop * 2)}{stop}"

    def quoted_if_needed(self, name: str) -> str:
        """Return ``name``, in quotes where its marks or words could be read as structure."""
        folded = name.casefold()
        worded = any(word in f" {folded} " or word.startswith(f"{folded} ") for word in self.reserved)
        return self.quote(name) if worded or MARKS & set(name) or name.endswith(".") else name

    def in_quotes(self, label: str) -> str:
        """Return a label with its name in quotes, a kind behind it left outside."""
        if label.startswith(self.quotes[0]):
            return label
        name, bracket, kind = label.partition("（" if self.language == "zh" else " (")
        return f"{self.quote(name)}{bracket}{kind}"

    def unquoted(self, label: str) -> str:
        """Return a label whose name is in quotes without them; other labels as they are."""
        start, stop = self.quotes
        found = re.fullmatch(rf"{start}((?:[^{stop}]|{stop}{stop})*){stop}(?!{stop})(.*)", label)
        return f"{found[1].replace(stop * 2, stop)}{found[2]}" if found else label

    def with_kind(self, label: str, kind: str) -> str:
        """Return a name with its kind, for names that two places of different kinds share."""
        return f"{label}（{self.kinds[kind]}）" if self.language == "zh" else f"{label} ({self.kinds[kind]})"

    def key(self, spot: str) -> str:
        """Return a number or building as it is compared: without spaces in Chinese, with single ones in English."""
        return ("" if self.language == "zh" else " ").join(spot.split())

    def shown(self, spot: str) -> str:
        """Return the key of a number or building as it is printed: ``2–18号`` as ``2–18 号``."""
        return re.sub(r"(?<=[0-9A-Z])号(?!楼)", " 号", spot) if self.language == "zh" else spot


ZH = Grammar(
    language="zh",
    quotes=("「", "」"),
    path="",
    line="；",
    head="：",
    item="，",
    spot="、",
    whole=("", "全部"),
    part=("", "部分用户"),
    part_too=("", "（部分用户）"),
    group=("、", "、"),
    spot_part="（部分用户）",
    rest="及部分其他用户",
    parity=("", "（单号）", "（双号）"),
    some=("（部分）", "（部分单号）", "（部分双号）"),
    transformer=("", "台区"),
    unaddressed="地址未登记的用户",
    area="供电区域",
    effects=MappingProxyType({"off": "", "partial": "【部分相线停电】", "moved": "【转电短时停电】"}),
    kinds=MappingProxyType(
        {"county": "县", "town": "镇", "community": "社区", "street": "街路", "estate": "小区", "building": "楼"}
    ),
    reserved=("全部", "部分用户", "部分其他用户", "台区", "地址未登记的用户", "供电区域", "部分相线停电", "转电短时停电"),
)

EN = Grammar(
    language="en",
    quotes=("“", "”"),
    path=", ",
    line="",
    head=": ",
    item="; ",
    spot=", ",
    whole=("all of ", ""),
    part=("part of ", ""),
    part_too=("parts of ", ""),
    group=(", ", " and "),
    spot_part=" (part)",
    rest=" and some other addresses",
    parity=("", " (odd)", " (even)"),
    some=(" (some)", " (some odd)", " (some even)"),
    transformer=("transformer area ", ""),
    unaddressed="customers with no registered address",
    area="the supply area",
    effects=MappingProxyType({"off": "", "partial": "[some appliances may not work] ", "moved": "[supply moved, short break] "}),
    kinds=MappingProxyType({kind: kind for kind in ("county", "town", "community", "street", "estate", "building")}),
    reserved=(
        "all of ",
        "part of ",
        "parts of ",
        " and ",
        "transformer area",
        "customers with no registered address",
        "the supply area",
        "some appliances may not work",
        "supply moved, short break",
    ),
)

GRAMMARS: Mapping[str, Grammar] = MappingProxyType({"zh": ZH, "en": EN})


def grammar_of(language: str) -> Grammar:
    """Return the grammar of ``language``; raises ScopeError with the languages there are."""
    if language not in GRAMMARS:
        raise ScopeError(f"no scope text can be written in {language!r}. Take one of: {', '.join(GRAMMARS)}.")
    return GRAMMARS[language]


def clean(name: str) -> str:
    """Return a name as it can be printed: no control or invisible formatting characters, single spaces.

    >>> clean("  Hill\\u202e   Street ")
    'Hill Street'
    """
    if name.isprintable():
        return " ".join(name.split())
    spaced = "".join(" " if char.isspace() else char for char in name)
    return " ".join("".join(char for char in spaced if unicodedata.category(char) not in UNSEEN).split())


def tokens(text: str, grammar: Grammar) -> list[str]:
    """Cut a text into quoted names, each with its quotes, and single characters.

    >>> tokens("「a,b」、c", ZH)
    ['「a,b」', '、', 'c']
    """
    start, stop = map(re.escape, grammar.quotes)
    return re.findall(rf"{start}(?:[^{stop}]|{stop}{stop})*{stop}(?!{stop})|.", text, re.DOTALL)


def split_outside(text: str, mark: str, grammar: Grammar) -> list[str]:
    """Split ``text`` at every ``mark`` that is not inside quotes; the pieces are stripped.

    >>> split_outside("「a、b」、c", "、", ZH)
    ['「a、b」', 'c']
    """
    pieces = [""]
    for token in tokens(text, grammar):
        if token == mark:
            pieces.append("")
        else:
            pieces[-1] += token
    return [piece.strip() for piece in pieces]
