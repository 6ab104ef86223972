"""Numbers as words and back, as they are read aloud: values up to 9,999, and digits one by one.

::

    105      一百零五      one hundred and five          a value: how many, or which house
    "101"    一零一        one zero one                  digits: a room, a telephone, anything with a nought in front

A string of digit words is read back as these digits, anything else as a value, so that the two are never mixed up.
"""

from __future__ import annotations

import re

MOST = 9999
"""The highest number that is said as a value; longer ones are said digit by digit."""

_ZH_DIGITS = "零一二三四五六七八九"
_ZH_UNITS = {"千": 1000, "百": 100, "十": 10}
_EN_DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
_EN_TEENS = ["ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
_EN_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_EN_VALUES = (
    {word: value for value, word in enumerate(_EN_DIGITS + _EN_TEENS)}
    | {word: 20 + 10 * at for at, word in enumerate(_EN_TENS)}
    | {"hundred": 100, "thousand": 1000}
)
_EN_WORD = "|".join(sorted(_EN_VALUES, key=len, reverse=True))
_IRREGULAR = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth"}
_IRREGULAR |= {"twelve": "twelfth"}

ZH_NUMBER = "[零〇一二两三四五六七八九十百千]+"
"""Pattern of a number in Chinese words."""
EN_NUMBER = rf"\b(?:{_EN_WORD})(?:(?: and |[ -])(?:{_EN_WORD}))*\b"
"""Pattern of a number in English words."""


def in_words(digits: str, language: str) -> str:
    """Return a whole number in words: as a value, or digit by digit where it is long or begins with a nought.

    >>> in_words("48", "zh"), in_words("148", "en"), in_words("012", "en")
    ('四十八', 'one hundred and forty-eight', 'zero one two')
    """
    if int(digits) > MOST or (len(digits) > 1 and digits.startswith("0")):
        return digit_by_digit(digits, language)
    return _zh_value(int(digits)) if language == "zh" else _en_value(int(digits))


def digit_by_digit(digits: str, language: str) -> str:
    """Return digits as words one by one.

    >>> digit_by_digit("95598", "zh"), digit_by_digit("95598", "en")
    ('九五五九八', 'nine five five nine eight')
    """
    words, between = (_ZH_DIGITS, "") if language == "zh" else (_EN_DIGITS, " ")
    return between.join(words[int(digit)] for digit in digits)


def in_figures(words: str, language: str) -> str:
    """Return the digits that ``words`` say, as `in_words` or `digit_by_digit` wrote them.

    >>> in_figures("一百零五", "zh"), in_figures("one zero one", "en")
    ('105', '101')
    """
    return _zh_figures(words) if language == "zh" else _en_figures(words)


def ordinal(number: int) -> str:
    """Return the English ordinal of a day of the month.

    >>> ordinal(12), ordinal(23), ordinal(30)
    ('twelfth', 'twenty-third', 'thirtieth')
    """
    *front, last = re.split(r"(-)", _en_value(number))
    last = _IRREGULAR.get(last) or (f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th")
    return "".join([*front, last])


def _zh_value(number: int) -> str:
    said, skipped = "", False
    for unit, size in (*_ZH_UNITS.items(), ("", 1)):
        digit = number // size % 10
        skipped = skipped or (digit == 0 and said != "")
        if digit:
            said += ("零" if skipped else "") + _ZH_DIGITS[digit] + unit
            skipped = False
    return (said.removeprefix("一") if said.startswith("一十") else said) or "零"


def _zh_figures(words: str) -> str:
    words = words.replace("〇", "零").replace("两", "二")
    if not set(words) & set(_ZH_UNITS):
        return "".join(str(_ZH_DIGITS.index(char)) for char in words)
    total, digit = 0, 1 if words.startswith("十") else 0
    for char in words:
        if char in _ZH_UNITS:
            total, digit = total + digit * _ZH_UNITS[char], 0
        else:
            digit = _ZH_DIGITS.index(char)
    return str(total + digit)


def _en_value(number: int) -> str:
    if number < 20:
        return (_EN_DIGITS + _EN_TEENS)[number]
    if number < 100:
        tens, rest = _EN_TENS[number // 10 - 2], number % 10
        return f"{tens}-{_EN_DIGITS[rest]}" if rest else tens
    size, unit = (1000, "thousand") if number >= 1000 else (100, "hundred")
    rest = number % size
    joint = " and " if rest < 100 else " "
    return f"{_en_value(number // size)} {unit}" + (f"{joint}{_en_value(rest)}" if rest else "")


def _en_figures(words: str) -> str:
    values = [_EN_VALUES[word] for word in re.split(r"[ -]", words) if word != "and"]
    if all(value < 10 for value in values):
        return "".join(map(str, values))
    total = group = 0
    for value in values:
        if value == 1000:
            total, group = group * value, 0
        else:
            group = group * value if value == 100 else group + value
    return str(total + group)


DAYS_OF_MONTH = {ordinal(day): day for day in range(1, 32)}
"""English ordinals → days."""
