"""How long a notice is, in what its channel counts: characters, parts of an SMS, seconds of a voice."""

from __future__ import annotations

from dataclasses import dataclass

from notices.sms import Encoding, encode_size
from notices.speech import seconds
from notices.text import Notice

_READ_ALOUD = ("radio", "call")


@dataclass(frozen=True)
class Sizes:
    """Size of the text that goes out: ``length`` in characters; ``parts`` and ``encoding`` of an SMS; ``seconds`` where it is
    read aloud."""

    length: int
    parts: int | None = None
    encoding: Encoding | None = None
    seconds: float | None = None


def sizes(notice: Notice) -> Sizes:
    """Return the size of ``notice`` in what its channel counts."""
    if notice.channel == "sms":
        size = encode_size(notice.text)
        return Sizes(notice.length, parts=size.parts, encoding=size.encoding)
    if notice.channel in _READ_ALOUD:
        return Sizes(notice.length, seconds=seconds(notice.text, notice.language))
    return Sizes(notice.length)
