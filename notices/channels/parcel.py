"""What is handed over, what came of it, and who hands over."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

Result = Literal["accepted", "refused", "later", "unknown", "dead"]

LONGEST_SAYS = 500
"""Characters of what a gateway said that are kept."""


@dataclass(frozen=True)
class Parcel:
    """One text for one recipient. It may be handed over more than once, and always under the same ``key``.

    >>> Parcel("7.1/anna/sms", "7.1", "sms", "en", "+4912345", "", "The power will be off.").mark
    '6f3beba14c6a3bb31a117ce6646342d3'
    """

    key: str
    notice_id: str
    channel: str
    language: str
    address: str
    title: str
    text: str
    slot_s: int | None = None

    @property
    def mark(self) -> str:
        """The key as others see it: 32 hexadecimal digits (128 bits of its SHA-256), since a key may name an account."""
        return hashlib.sha256(self.key.encode("utf-8", "surrogatepass")).hexdigest()[:32]


@dataclass(frozen=True)
class Outcome:
    """What came of one parcel; ``says`` is in the words of whoever received it, or of what went wrong.

    ::

        accepted   it is with the recipient, or with a gateway that answers for it
        refused    the other side will never take it (an unknown number)
        later      it did not leave: the other side is away or busy
        unknown    it may have arrived: handed over again under the same key
        dead       it cannot be sent as it is (a text is missing): a person has to look
    """

    result: Result
    says: str = ""


class Adapter(Protocol):
    """Hands parcels over, up to ``batch`` at a time.

    `send` returns an outcome for each parcel, in their order, and returns in good time whatever the other side does: a channel
    is held up by its own adapter, until the lease of its messages ends and they go out again.
    """

    @property
    def batch(self) -> int:
        """How many parcels are handed over at a time."""

    def send(self, parcels: Sequence[Parcel]) -> list[Outcome]:
        """Hand over ``parcels``, all of one channel; an outcome for each, in their order."""


class ChannelError(ValueError):
    """An adapter cannot be used as it is set up."""


def one_line(text: str) -> str:
    """Return ``text`` on one line, without anything that is not to be seen: fit for a header, a log and every database.

    >>> one_line("Power cut\\r\\nBcc: all@example.org\\0")
    'Power cut Bcc: all@example.org'
    """
    seen = "".join(char for char in text if char.isspace() or unicodedata.category(char) not in ("Cc", "Cf", "Cs"))
    return " ".join(seen.split())


def shown(says: object, *secrets: str) -> str:
    """Return what was said on one line of at most `LONGEST_SAYS` characters, with ``secrets`` blotted out."""
    text = str(says) or type(says).__name__
    for secret in filter(None, secrets):
        text = text.replace(secret, "•••")
    return one_line(text[: 4 * LONGEST_SAYS])[:LONGEST_SAYS]
