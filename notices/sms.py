"""How many parts an SMS takes, and how its marks are kept in the cheap alphabet.

::

    every character in the GSM 03.38 alphabet?   yes: GSM-7, septets   160 in one part, else 153 in each
                                                 no:  UCS-2, 16 bits    70 in one part, else  67 in each

    "50 €"  →  5 septets: € stands in the extension table and takes two     one "–" in 150 letters  →  UCS-2, three parts

Parts of a long message give 7 septets (3 characters of UCS-2) to the header that joins them. Two septets or two code units
that are one character never stand in two parts, so a part may stay one short. Source: 3GPP TS 23.038 (6.2.1) and TS 23.040.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Encoding = Literal["GSM-7", "UCS-2"]

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = frozenset("\f^{}\\[~]|€")
_ALONE = {"GSM-7": 160, "UCS-2": 70}
_JOINED = {"GSM-7": 153, "UCS-2": 67}

_PLAIN = str.maketrans(
    dict.fromkeys("‐‑‒–—―−•", "-")
    | dict.fromkeys("“”„‟″«»", '"')
    | dict.fromkeys("‘’‚‛′`´", "'")
    | dict.fromkeys("\t\u00a0\u2002\u2003\u2007\u2009\u200a\u202f", " ")
    | {"…": "...", "×": "x", "½": "1/2", "¼": "1/4", "¾": "3/4"}
)


@dataclass(frozen=True)
class SmsSize:
    """What a text takes: ``units`` are septets (GSM-7) or 16-bit code units (UCS-2), ``parts`` the messages that are paid for."""

    encoding: Encoding
    units: int
    parts: int


def encode_size(text: str) -> SmsSize:
    """Return the size of ``text`` as an SMS, the signature included, since it counts too.

    >>> encode_size("Power is back. " * 11)
    SmsSize(encoding='GSM-7', units=165, parts=2)
    >>> encode_size("停电" * 35)
    SmsSize(encoding='UCS-2', units=70, parts=1)
    """
    encoding: Encoding = "GSM-7" if set(text) <= _BASIC | _EXTENSION else "UCS-2"
    units = [_units(char, encoding) for char in text]
    total = sum(units)
    return SmsSize(encoding, total, 1 if total <= _ALONE[encoding] else _parts(units, _JOINED[encoding]))


def _units(char: str, encoding: Encoding) -> int:
    return 1 + (char in _EXTENSION if encoding == "GSM-7" else ord(char) > 0xFFFF)


def _parts(units: list[int], room: int) -> int:
    """Fill parts one after the other; a character of two units that does not fit begins the next."""
    parts, used = 1, 0
    for each in units:
        if used + each > room:
            parts, used = parts + 1, 0
        used += each
    return parts


def plain_sms(text: str) -> str:
    """Return an English text with typographic marks as they are typed; letters stay, as a name is spelt as people know it.

    >>> plain_sms("Hill Street 12–48 (even), “The Oaks”…")
    'Hill Street 12-48 (even), "The Oaks"...'
    """
    return text.translate(_PLAIN)
