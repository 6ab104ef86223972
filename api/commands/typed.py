"""The facts of an outage as they are typed or read from a file → what the JSON interface would be asked for.

::

    facts as seen (a revision) ◀── file ◀── options: what comes later replaces what came before, field by field
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from api.report import read_time, switching_of
from outages.facts import FactProblem, FactsError, switching_to_json
from topology.network import Network

_Model = TypeVar("_Model", bound=BaseModel)

_TIMES = ("windows", "start", "end", "daily")


@dataclass(frozen=True)
class Typed:
    """What was typed about an outage; "" and () where nothing was."""

    file: Path | None = None
    outage_class: str = ""
    open: tuple[str, ...] = ()
    close: tuple[str, ...] = ()
    fault: tuple[str, ...] = ()
    feeder: str = ""
    start: str = ""
    end: str = ""
    windows: tuple[str, ...] = ()
    daily: str = ""
    reason: str = ""
    contact: str = ""
    back: str = ""
    source: str = "control"
    confidence: str = "medium"
    next_update: str = ""

    def over(self, base: Mapping[str, Any], network: Network, zone: str) -> dict[str, Any]:
        """Return ``base`` with what was typed in its place. Raises FactsError, and OSError where the file cannot be read."""
        given = {**base, **(_read(self.file) if self.file is not None else {})}
        given |= {name: said for name in ("outage_class", "reason", "contact") if (said := getattr(self, name))}
        self._put_switching(given, network)
        self._put_times(given, zone)
        if self.back:
            given["estimate"] = self._estimate(zone)
        return given

    def _put_switching(self, given: dict[str, Any], network: Network) -> None:
        if not (self.open or self.close or self.fault or self.feeder):
            return
        named = switching_to_json(switching_of(network, [*self.open], [*self.close], [*self.fault]))
        given["switching"] = {**given.get("switching", {}), **{name: listed for name, listed in named.items() if listed}}
        given["selection"] = {"feeder": self.feeder} if self.feeder else None

    def _put_times(self, given: dict[str, Any], zone: str) -> None:
        if self.windows:
            windows = [_pair("window", text, zone, open_end=True) for text in self.windows]
            _replace_times(given, windows=[{"start": start, "end": end} for start, end in windows])
        elif self.daily:
            _replace_times(given, daily=_daily(self.daily))
        elif self.start or self.end:
            _replace_times(given, **self._span(given, zone))

    def _span(self, given: Mapping[str, Any], zone: str) -> dict[str, Any]:
        windows = given.get("windows") or [{"start": given.get("start"), "end": given.get("end")}]
        if len(windows) > 1:
            says = f"The outage has {len(windows)} windows. Give each anew: --window START/END."
            raise FactsError(FactProblem("start" if self.start else "end", "several_windows", says))
        start, end = windows[0]["start"], windows[0]["end"]
        return {
            "start": read_time("start", self.start, zone).isoformat() if self.start else start,
            "end": read_time("end", self.end, zone).isoformat() if self.end else end,
        }

    def _estimate(self, zone: str) -> dict[str, Any]:
        earliest, latest = _pair("back", self.back, zone)
        following = read_time("next_update", self.next_update, zone).isoformat() if self.next_update else None
        words = {"source": self.source, "confidence": self.confidence, "next_update": following}
        return {"earliest": earliest, "latest": latest, **words}


def checked(model: type[_Model], given: Mapping[str, Any]) -> _Model:
    """Return ``given`` as the JSON interface takes it. Raises FactsError that names every field."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise FactsError(*(_problem(one) for one in error.errors())) from error


def time_or(at: str, now: datetime, zone: str) -> datetime:
    """Return the time that was typed, else ``now``. Raises FactsError."""
    return read_time("at", at, zone) if at else now


def _problem(one: Any) -> FactProblem:
    field = ".".join(map(str, one["loc"]))
    given = f" {one['input']!r} was given." if isinstance(one["input"], str) else ""
    return FactProblem(field, one["type"], f"{one['msg']}.{given} Correct it.")


def _read(file: Path) -> dict[str, Any]:
    text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    try:
        said = json.loads(text)
    except ValueError as error:
        says = f"{file} is no JSON: {error}. Write an object, as POST /api/v1/outages takes it."
        raise FactsError(FactProblem("facts", "not_json", says)) from error
    if not isinstance(said, dict):
        says = f"{file} holds no JSON object. Write one, as POST /api/v1/outages takes it."
        raise FactsError(FactProblem("facts", "not_an_object", says))
    return said


def _replace_times(given: dict[str, Any], **times: Any) -> None:
    for name in _TIMES:
        given.pop(name, None)
    given.update(times)


def _pair(field: str, text: str, zone: str, *, open_end: bool = False) -> tuple[str, str | None]:
    start, slash, end = text.partition("/")
    if not slash or not (end or open_end):
        says = f"{text!r} is not two times. Write 2026-05-01T08:30/2026-05-01T12:00."
        raise FactsError(FactProblem(field, "no_span", says))
    return read_time(field, start, zone).isoformat(), read_time(field, end, zone).isoformat() if end else None


def _daily(text: str) -> dict[str, str]:
    parts = text.split("/")
    if len(parts) != 4:
        says = f"{text!r} is not first day, last day, off and on. Write 2026-05-01/2026-05-03/08:00/18:00."
        raise FactsError(FactProblem("daily", "no_daily", says))
    return dict(zip(("first", "last", "off", "on"), parts, strict=True))
