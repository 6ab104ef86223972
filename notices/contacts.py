"""Telephone numbers and e-mail addresses as people type them: brought into one form, or refused with the reason.

What is refused is shown masked, since a wrong number is often somebody's right one::

    "（010）1234-5678"     → 01012345678        "+44 20 7946 0000"  → +442079460000
    "Ann.Lee@Example.ORG"  → ann.lee@example.org
    "ask the porter"       → refused: is no telephone number; given as "as…er"
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

from outages.facts import FactProblem

_PHONE = re.compile(r"(?:\+(?!0))?[0-9]{5,15}")  # no country code begins with 0
_PHONE_MARKS = str.maketrans("", "", " -()")
_EMAIL = re.compile(
    r"[a-z0-9_%+'-]+(?:\.[a-z0-9_%+'-]+)*"  # no dot at an end, none after another
    r"@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?:[a-z]{2,63}|xn--[a-z0-9-]{1,59})"
)
_LONGEST_LOCAL, _LONGEST_EMAIL = 64, 254  # characters, RFC 5321

_NO_PHONE = (
    "{} is no telephone number. Give 5 to 15 digits, with a + before the country code if there is one; "
    "spaces, hyphens and brackets are read over."
)
_NO_EMAIL = "{} is no e-mail address. Give one address, such as name@example.org."
_HIDDEN = "{} has characters that cannot be seen. Type it again without them."


def phone_of(text: str) -> str | FactProblem:
    """Return a telephone number as digits, with a ``+`` before a country code; or what is wrong with it.

    Our own rule, and no numbering plan: 5 to 15 digits (E.164 has 15 at most; short codes of services have 5), between them
    spaces, hyphens and brackets; a leading ``00`` is a ``+``. Full-width characters are read as the plain ones. Whether the
    number is in use, only its gateway can tell.

    >>> phone_of("0044 (20) 7946-0000")
    '+442079460000'
    """
    plain = unicodedata.normalize("NFKC", text)
    digits = plain.translate(_PHONE_MARKS)
    digits = f"+{digits[2:]}" if digits.startswith("00") else digits
    return digits if _PHONE.fullmatch(digits) else _refused("phone", plain, _NO_PHONE)


def email_of(text: str) -> str | FactProblem:
    """Return an e-mail address in small letters, or what is wrong with it.

    Less than RFC 5321 allows: one address of ASCII letters, digits and ``. _ % + ' -`` at a domain with a dot. No quotes, no
    comments, no display name: nothing that could become a header, or a second recipient.

    >>> email_of(" Ann.Lee@Example.ORG ")
    'ann.lee@example.org'
    """
    plain = unicodedata.normalize("NFKC", text)
    address = plain.strip(" ").lower()
    local = address.partition("@")[0]
    if _EMAIL.fullmatch(address) and len(local) <= _LONGEST_LOCAL and len(address) <= _LONGEST_EMAIL:
        return address
    return _refused("email", plain, _NO_EMAIL)


def missing(field: Literal["phone", "email", "address"]) -> FactProblem:
    """Return that nothing is given at all."""
    words = {"phone": "telephone number", "email": "e-mail address", "address": "postal address"}[field]
    return FactProblem(field, f"{field}_missing", f"No {words} is known. Enter one in the customer table.")


def masked(text: str) -> str:
    """Return enough of a text to find it again, and too little to use it.

    >>> masked("ask the porter"), masked("12")
    ('as…er', '…')
    """
    seen = "".join(char if char.isprintable() else "\ufffd" for char in text.strip(" "))
    return f"{seen[:2]}…{seen[-2:]}" if len(seen) >= 8 else "…"


def _refused(field: str, text: str, says: str) -> FactProblem:
    code, sentence = (f"{field}_invalid", says) if text.isprintable() else (f"{field}_hidden", _HIDDEN)
    return FactProblem(field, code, sentence.format(f'"{masked(text)}"'), masked(text))
