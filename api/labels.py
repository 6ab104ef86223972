"""Codes as people read them. English here; the catalogue in ``web/locale`` says them in other languages."""

from __future__ import annotations

from collections.abc import Callable

from api.people.accounts import AccountError
from outages.conflicts import Conflict
from outages.facts import ANNOUNCED_CLASSES, OUTAGE_CLASSES, FactProblem

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

AT_ONCE = frozenset(OUTAGE_CLASSES) - set(ANNOUNCED_CLASSES)
"""Classes that nobody announces: what has begun is in force as soon as it is entered."""

STATUSES: dict[str, str] = {
    "draft": "Draft",
    "submitted": "To be approved",
    "rejected": "Not approved",
    "approved": "Approved",
    "in_progress": "Power is off",
    "partially_restored": "Partly restored",
    "restored": "Restored",
    "closed": "Record closed",
    "cancelled": "Cancelled",
}

WHEN: dict[str, str] = {"draft": "Not in force", "current": "Power off now", "planned": "To come", "past": "Over"}

EVENTS: dict[str, str] = {
    "entered": "Entered",
    "revised": "Changed",
    "submitted": "Submitted for approval",
    "approved": "Approved",
    "rejected": "Not approved",
    "switched_off": "Power went off",
    "staged": "Devices operated",
    "restored": "Restoration confirmed",
    "closed": "Record closed",
    "cancelled": "Cancelled",
    "undone": "Undone",
}
"""What has happened, as the history says it."""

CHANGE_CODES: dict[str, str] = {"00": "new", "01": "withdrawn", "02": "change of plan", "03": "change on site"}
"""变更类型 of an event, as utilities exchange it."""

FIELDS: dict[str, str] = {
    "outage_class": "Class",
    "switching": "Switching",
    "windows": "Times",
    "reason": "Reason",
    "contact": "Contact at the site",
    "estimate": "Expected back",
    "selection": "Chosen by",
}
"""What a difference of facts is in."""

SOURCES: dict[str, str] = {"control": "control", "crew": "the crew", "telemetry": "telemetry", "statistics": "statistics"}
"""By whose word power is expected back."""

CONFIDENCES: dict[str, str] = {"low": "unsure", "medium": "fairly sure", "high": "sure"}

ACTIONS: dict[str, str] = {"open": "opened", "close": "closed", "fault": "fault at", "repaired": "repaired"}
"""What was done to a device."""

SAYINGS: dict[str, str] = {
    "daily": "daily",
    "opens": "Opens:",
    "closes": "Closes:",
    "fault": "Fault at:",
    "by": "by",
    "next": "next word at",
    "feeder": "feeder",
    "polygon": "area with %d corners",
    "none": "nothing",
    "hidden": "changed; only some roles may read it",
}
"""Words between the values when facts are told."""

REFUSALS: dict[str, str] = {
    "submitted": "It cannot be submitted as it stands now.",
    "approved": "It cannot be approved: only what is submitted can be, and only by another person than its author.",
    "rejected": "There is nothing to approve or reject any more.",
    "switched_off": "Power cannot have gone off like that: it is in force only once it is approved, and the time must have come.",
    "staged": "Operations come in the order of time, after power went off and not later than now.",
    "restored": "Power cannot be back before it went off or before the last operation, and not later than now.",
    "closed": "Only what is restored can be closed.",
    "cancelled": "Power is off already, or it is over: it cannot be cancelled. Confirm when power is back instead.",
    "undone": "Only the last step can be undone.",
    "revised": "It is over, or cannot be changed now.",
}
"""Why a step cannot be taken: the rule that stands in its way."""

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
    "too_many_windows": "These are more windows than there are days in a year. Enter several outages.",
    "windows_overlap": "The windows overlap, or are not in order. Only the last may have no end.",
    "days_order": "The last day is before the first, or too far from it.",
    "first_day_missing": "Say from which day.",
    "last_day_missing": "Say until which day.",
    "off_time_missing": "Say when power goes off each day.",
    "on_time_missing": "Say when power comes back each day.",
    "day_malformed": "This is not a day. Write it as 2026-05-01.",
    "hour_malformed": "This is not a time of day. Write it as 08:30.",
    "estimate_order": "The latest time is before the earliest.",
    "earliest_missing": "Say from when power may be back.",
    "latest_missing": "Say when power is back at the latest.",
    "source_unknown": "Choose by whose word power is expected back.",
    "confidence_unknown": "Choose how sure that is.",
    "polygon_malformed": "These are not the corners of an area. Give three or more, each as 114.30,30.50 (longitude, latitude).",
    "polygon_places": "A corner is no place on earth. Write longitude,latitude in degrees, in that order.",
    "polygon_corners": "An area has three corners at least.",
    "polygon_crossing": "The outline of the area crosses itself. Draw it again without a crossing.",
    "feeder_unknown": "There is no feeder “{given}”. Take its name from the suggestions.",
    "nothing_selected": "No transformer is in there. Draw the area around transformers, or choose another feeder.",
    "estimate_before_window": "The latest time is before power goes off for the last time.",
    "action_unknown": "Choose what was done to the device.",
    "operations_missing": "Name the device that was operated, and when.",
    "at_missing": "Say when the device was operated.",
    "off_at_missing": "Say since when power is off.",
    "why_missing": "Say why, in a few words: others have to understand it later.",
    "stale": "Somebody else changed this outage meanwhile; what changed stands here. Send yours again if it still holds.",
    "transition": "The outage is over, or cannot be changed now.",
    "opened_and_closed": "{given} is opened and closed at once. Keep it in one of the two lists.",
}
"""Code of a problem with the facts → what stands beside the field."""


CONFLICTS: dict[str, str] = {
    "shared_transformers": "{count} transformers are off under another outage at the same time.",
    "contrary_switching": "Another outage at the same time opens what this one closes, or closes what it opens.",
    "dead_tie": "With another outage at the same time nothing feeds the tie that is closed.",
    "out_again": "Transformers are off for the second time within {days} days.",
    "out_often": "Transformers are off three times or more within {days} days.",
    "both_feeds_lost": "{count} important customers lose all of their feeds.",
    "short_notice": "It begins in {given_hours} hours; such a plan has to be known {needed_hours} hours before.",
    "tie_overloaded": "The tie would carry {load_kw} kW and can take over {capacity_kw} kW.",
}
"""Code of a conflict → what an approver reads."""

ROLES: dict[str, str] = {
    "viewer": "Viewer",
    "control": "Control room",
    "desk": "Desk staff",
    "approver": "Approver",
    "head": "Head of department",
    "admin": "Administrator",
    "machine": "Program",
}

ACCOUNT_PROBLEMS: dict[str, str] = {
    "name_length": "A name has 2 to 64 characters.",
    "name_characters": "A name has no colon, and only characters that can be seen.",
    "name_taken": "There is an account of that name already.",
    "name_unknown": "There is no account of that name.",
    "role_unknown": "Choose a role.",
    "password_length": "A password has 12 to 200 characters. Take several words.",
    "password_name": "The password is little more than the name. Take several words that are not the name.",
    "password_common": "Everybody tries this password first. Take several words that do not belong together.",
    "password_same": "The new password is the old one. Choose another.",
    "password_again": "The two new passwords differ. Type them again.",
    "no_password": "This account signs in without a password here.",
    "last_admin": "This is the last administrator. Make another one first.",
    "disabled": "This account is disabled. Ask an administrator.",
    "permission_unknown": "A token cannot hold that. Choose from the list.",
    "permission_missing": "Choose what the token may do.",
    "expiry": "A token is valid for 1 to 730 days.",
    "token_unknown": "There is no such token.",
    "no_role": "You are known, and have no role here. Ask an administrator.",
}
"""Code of an `AccountError` → what stands beside the form."""

SIGN_IN_PROBLEMS: dict[str, str] = {
    "WrongCredentialsError": "Name and password do not belong together. Try again, or ask an administrator for a new password.",
    "BusyError": "Too many people sign in at this moment. Try again in a few seconds.",
    "OidcError": "The sign-in of the company did not work. Try again, and tell whoever runs this server.",
}


def sign_in_problem(error: Exception) -> str:
    """Return what stands above the form of the sign-in, in English."""
    return ACCOUNT_PROBLEMS[error.code] if isinstance(error, AccountError) else SIGN_IN_PROBLEMS[type(error).__name__]


def say_conflict(conflict: Conflict, translate: Callable[[str], str]) -> str:
    """Return what an approver should know; the English sentence of the conflict itself where its code is new."""
    known = CONFLICTS.get(conflict.code)
    return conflict.says if known is None else translate(known).format(**conflict.values)


def say_problem(problem: FactProblem, translate: Callable[[str], str]) -> str:
    """Return what stands beside the field; the English sentence of the problem itself where the code is new."""
    known = PROBLEMS.get(problem.code)
    return problem.says if known is None else translate(known).format(given=problem.given)
