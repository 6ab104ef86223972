"""Lines of a scope with their numbers as they are read aloud, and back; names stay as people write them.

::

    中山路 12–48 号（双号）、51 号，柳园小区 3幢、5幢2单元     中山路 十二号至四十八号的双号、五十一号，柳园小区 三幢、五幢二单元
    Hill Street 12–48 (even), 14A; The Oaks Building 3        Hill Street even numbers twelve to forty-eight, number fourteen A; …

A number is ours where it stands as `notices.spots` writes it: behind a space or a mark, with a unit or a mark behind it. So the
3 of 柳树3号公变 and of 三里村 is part of a name, and is left alone both ways. What is in quotes is a name too.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from notices.housenumbers import ENGLISH_WORDS
from notices.numerals import EN_NUMBER, ZH_NUMBER, digit_by_digit, in_figures, in_words


def scope_aloud(text: str, language: str) -> str:
    """Return a scope text with its numbers to be spoken."""
    pattern, say = (_ZH_SPOT, _say_zh_spot) if language == "zh" else (_EN_SPOT, _say_en_spot)
    return _outside_quotes(text, lambda words: pattern.sub(say, words))


def scope_written(text: str, language: str) -> str:
    """Return a text with the numbers that `scope_aloud` said in figures again."""
    pattern, write = (_ZH_SAID, _write_zh_spot) if language == "zh" else (_EN_SAID, _write_en_spot)
    return _outside_quotes(text, lambda words: pattern.sub(write, words))


def _outside_quotes(text: str, change: Callable[[str], str]) -> str:
    pieces = re.split(r"(「[^」]*」|“[^”]*”)", text)
    return "".join(piece if at % 2 else change(piece) for at, piece in enumerate(pieces))


_UNIT = "(?:号楼|单元|号|[弄幢栋座楼层室])"
_ENDS = r"(?=及部分其他用户|[，、；。：\n]|$)"
_ZH_SIDES = ("双号", "单号", "部分双号", "部分单号", "部分用户", "部分")
_ZH_SIDE = "|".join(_ZH_SIDES)
_ZH_SPOT = re.compile(
    rf"(?<=[ 、])([甲乙丙丁]?)((?:[0-9]+(?:[A-Z]|-[0-9]+|–[0-9]+)? ?{_UNIT})+)(?:（({_ZH_SIDE})）)?{_ENDS}", re.MULTILINE
)
_ZH_PIECE = re.compile(rf"([0-9]+)(?:([A-Z])|-([0-9]+)|–([0-9]+))? ?({_UNIT})")
_ZH_SAID = re.compile(
    rf"(?<=[ 、])([甲乙丙丁]?)((?:{ZH_NUMBER}(?:[A-Z]|杠{ZH_NUMBER})?{_UNIT}至?)+)(?:的({_ZH_SIDE}))?{_ENDS}", re.MULTILINE
)
_ZH_SAID_PIECE = re.compile(rf"({ZH_NUMBER})(?:([A-Z])|杠({ZH_NUMBER}))?({_UNIT})(?:至({ZH_NUMBER})\4)?")


def _say_zh_spot(found: re.Match[str]) -> str:
    said = _ZH_PIECE.sub(_say_zh_piece, found[2])
    return f"{found[1]}{said}" + (f"的{found[3]}" if found[3] else "")


def _say_zh_piece(found: re.Match[str]) -> str:
    first, letter, dashed, last, unit = found.groups()
    room = _room if unit == "室" else in_words
    more = letter or (f"杠{in_words(dashed, 'zh')}" if dashed else "")
    return f"{room(first, 'zh')}{more}{unit}" + (f"至{room(last, 'zh')}{unit}" if last else "")


def _room(digits: str, language: str) -> str:
    """A room on the third floor is three zero one, not three hundred and one."""
    return digit_by_digit(digits, language) if len(digits) > 2 else in_words(digits, language)


def _write_zh_spot(found: re.Match[str]) -> str:
    written = _ZH_SAID_PIECE.sub(_write_zh_piece, found[2])
    return f"{found[1]}{written}" + (f"（{found[3]}）" if found[3] else "")


def _write_zh_piece(found: re.Match[str]) -> str:
    first, letter, dashed, unit, last = found.groups()
    more = letter or (f"-{in_figures(dashed, 'zh')}" if dashed else f"–{in_figures(last, 'zh')}" if last else "")
    return f"{in_figures(first, 'zh')}{more}{' ' if unit == '号' else ''}{unit}"


_EN_SPOT = re.compile(
    rf"(?<= )((?:(?:{ENGLISH_WORDS})s? )?)([0-9]+)(?:([A-Z])|-([0-9]+)|–([0-9]+))?"
    r"(?: \((some odd|some even|some|odd|even|part)\))?"
    rf"(?=[,;]|$| (?:{ENGLISH_WORDS})s? [0-9]| and some other addresses)",
    re.MULTILINE,
)
_EN_SIDES = {
    "some": "some of ",
    "part": "part of ",
    "odd": "odd ",
    "even": "even ",
    "some odd": "some odd ",
    "some even": "some even ",
}
_EN_SIDES_BACK = {words: side for side, words in _EN_SIDES.items()}
_EN_SAID = re.compile(
    rf"({'|'.join(sorted(_EN_SIDES_BACK, key=len, reverse=True))}|)\b((?:{ENGLISH_WORDS})s? |numbers? )({EN_NUMBER})"
    rf"(?: dash ({EN_NUMBER})| to ({EN_NUMBER})| ([A-Z])\b)?"
)


def _say_en_spot(found: re.Match[str]) -> str:
    lead, first, letter, dashed, last, side = found.groups()
    room = _room if lead.startswith("Room") else in_words
    more = f" {letter}" if letter else f" dash {in_words(dashed, 'en')}" if dashed else ""
    until = f" to {room(last, 'en')}" if last else ""
    return f"{_EN_SIDES.get(side, '')}{lead or ('numbers ' if last else 'number ')}{room(first, 'en')}{more}{until}"


def _write_en_spot(found: re.Match[str]) -> str:
    side, lead, first, dashed, last, letter = found.groups()
    more = letter or (f"-{in_figures(dashed, 'en')}" if dashed else f"–{in_figures(last, 'en')}" if last else "")
    word = "" if lead.startswith("number") else lead
    return f"{word}{in_figures(first, 'en')}{more}" + (f" ({_EN_SIDES_BACK[side]})" if side else "")
