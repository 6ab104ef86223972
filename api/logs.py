"""What the process says of itself: one line for each thing that happened, as key=value, on standard error.

::

    time=2026-05-01T08:30:00.125Z level=warning logger=gridnotice.live event="store lost" position=4711 says="…"

Neither secrets nor what people wrote belong into a field; passwords in addresses are masked in any case.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

_PLAIN = re.compile(r"[\w.:/+@%-]+\Z", re.ASCII)
_BREAK = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_PASSWORD = re.compile(r"(\w://[^\s:/@]*):[^\s@]+@")


class LineFormatter(logging.Formatter):
    """One record, one line, whatever is in it: a line break in a value cannot make a second line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of ``record``; fields come with ``extra={"fields": {…}}``, as `note` gives them."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        fields = {"time": moment, "level": record.levelname.lower(), "logger": record.name, "event": record.getMessage()}
        fields |= getattr(record, "fields", {})
        if record.exc_info:
            fields["trace"] = self.formatException(record.exc_info)
        return " ".join(f"{name}={_written(value)}" for name, value in fields.items())


def note(logger: logging.Logger, level: int, event: str, **fields: Any) -> None:
    """Log ``event``, with what is to be known about it."""
    logger.log(level, event, extra={"fields": fields})


def set_up_logging(level: str = "info", *, stream: TextIO | None = None) -> None:
    """Send what our own code and the server say to ``stream``, standard error by default, a line each."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(LineFormatter())
    for name in ("gridnotice", "uvicorn"):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.propagate = False
    logging.getLogger("gridnotice").setLevel(level.upper())
    logging.getLogger("uvicorn").setLevel("WARNING")


def _written(value: Any) -> str:
    text = _PASSWORD.sub(r"\1:***@", str(value))
    if _PLAIN.match(text):
        return text
    return _BREAK.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))
