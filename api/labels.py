"""Codes as people read them. English here; the catalogue in ``web/locale`` says them in other languages."""

from __future__ import annotations

from collections.abc import Callable

from outages.events import OUTAGE_CLASSES, FactProblem

CLASSES: dict[str, str] = dict(
    zip(
        OUTAGE_CLASSES,
        (
            "Planned outage",
            "Short-notice outage",
            "Fault",
            "Supply limited by capacity",
            "Orderly use of electricity",
            "Meter box work",
            "Load transfer",
            "Other outage",
        ),
        strict=True,
    )
)

STATUSES: dict[str, str] = {"approved": "Approved", "restored": "Restored", "cancelled": "Cancelled"}

WHEN: dict[str, str] = {"current": "Power off now", "planned": "To come", "past": "Over"}

EVENTS: dict[str, str] = {
    "entered": "Entered",
    "revised": "Changed",
    "restored": "Restoration confirmed",
    "cancelled": "Cancelled",
}

PRIORITIES: dict[str, str] = {"none": "", "important": "Important", "life_support": "Life support"}

STATES: dict[str, str] = {"out": "No power", "partial": "Some phases off"}

KINDS: dict[str, str] = {
    "line": "Line",
    "transformer": "Transformer",
    "breaker": "Breaker",
    "recloser": "Recloser",
    "fuse": "Fuse",
    "load_break": "Load-break switch",
    "disconnector": "Disconnector",
    "switch": "Switch",
    "normally_open": "normally open",
}
"""What a device is, as a suggestion says it."""

PROBLEMS: dict[str, str] = {
    "class_unknown": "Choose the class of the outage.",
    "class_missing": "Choose the class of the outage.",
    "nothing_opened": "Name a device to open, or where the fault is.",
    "reason_missing": "Say why, in words for the public.",
    "start_missing": "Say from when.",
    "restored_at_missing": "Say since when power is back.",
    "end_missing": "This class is announced beforehand: say until when.",
    "end_not_after_start": "The end must be after the start.",
    "time_malformed": "This is not a date and a time. Write them as 2026-05-01T08:30.",
    "time_skipped": "The clock skips this time on that day (summer time begins). Choose another.",
    "time_naive": "The time has no zone.",
    "end_passed": "The end has passed already. Give a later one, or leave it empty while it is not known.",
    "fault_in_future": "A fault cannot begin in the future. Correct the start or the class.",
    "reason_too_long": "The reason is too long: 300 characters at most.",
    "text_unprintable": "The text has characters that cannot be seen. Type it again.",
    "device_unknown": "There is no device “{given}”. Choose one from the suggestions.",
    "device_missing": "Name a device.",
    "phase_unknown": "The device has no such phase: {given}.",
    "phases_unknown": "These are not phases: {given}.",
    "key_reused": "This form was used already: an outage was entered with it. Send it again only to enter another one.",
    "store": "The store cannot be used now. What you typed is kept here: try again, and tell whoever runs this server.",
    "opened_and_closed": "{given} is opened and closed at once. Keep it in one of the two lists.",
}
"""Code of a problem with the facts → what stands beside the field."""


def say_problem(problem: FactProblem, translate: Callable[[str], str]) -> str:
    """Return what stands beside the field; the English sentence of the problem itself where the code is new."""
    known = PROBLEMS.get(problem.code)
    return problem.says if known is None else translate(known).format(given=problem.given)
