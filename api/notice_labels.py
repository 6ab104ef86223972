"""Codes of notices as people read them at the desk. English here; the catalogue in ``web/locale`` says them otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from notices.crosscheck import MOST_SHOWN, Finding
from notices.history import TextKey
from outages.facts import FactProblem

KINDS: dict[str, str] = {
    "first": "First notice",
    "reminder": "Reminder",
    "reschedule": "New times",
    "extension": "Takes longer",
    "scope_change": "Other places",
    "cancellation": "Cancellation",
    "restoration": "Power is back",
    "unaffected": "No longer affected",
}

STATUSES: dict[str, str] = {
    "draft": "Draft",
    "submitted": "To be approved",
    "rejected": "Not approved",
    "approved": "Approved",
    "issued": "Issued",
    "dropped": "Dropped",
}

NEXT: dict[str, str] = {
    "draft": "Read the texts, change what needs it, then submit them. Another person approves them.",
    "submitted": "Somebody who wrote none of the texts reads them and approves them, or gives them back.",
    "rejected": "The texts were given back. Change them as asked for, then submit them again.",
    "approved": "Everything is approved. Issue the notice: from then on it is on its way, and its words never change.",
    "issued": "It is out. Watch below that every message arrives, and call those who have to be called.",
    "dropped": "Nothing of this notice goes out. If there is something to tell, write a new one at the desk.",
}
"""What is to be done with a notice, by its status."""

EVENTS: dict[str, str] = {
    "drafted": "Texts written",
    "redrafted": "Texts written anew",
    "submitted": "Submitted for approval",
    "approved": "Approved",
    "rejected": "Given back",
    "withdrawn": "Taken back to be edited",
    "issued": "Issued",
    "dropped": "Dropped",
}

CHANNELS: dict[str, str] = {
    "newspaper": "Newspaper",
    "tv": "TV crawl",
    "radio": "Radio",
    "sms": "Text message",
    "web": "Web",
    "app": "App",
    "letter": "Letter",
    "door_card": "Door card",
    "email": "E-mail",
    "call": "Telephone call",
    "poster": "Poster",
}

AUDIENCES: dict[str, str] = {
    "public": "the public",
    "customers": "each affected customer",
    "dedicated": "customers with their own transformer",
    "important": "important customers",
    "life_support": "customers on life support",
    "subscribers": "subscribers",
}

DUES: dict[str, str] = {"open": "in time", "at_risk": "at risk", "missed": "missed", "met": "met"}

MARKS: dict[str, str] = {"confirmed": "read in the source", "second_hand": "second-hand"}

MESSAGE_STATES: dict[str, str] = {
    "waiting": "waiting",
    "claimed": "being sent",
    "accepted": "accepted",
    "refused": "refused",
    "dead": "could not be sent",
    "given_up": "given up",
}

REFUSALS: dict[str, str] = {
    "saved": "The texts cannot be edited as the notice stands now. Take it back first.",
    "submitted": "It cannot be submitted: only a draft can be, and a late one needs the reason for that.",
    "approved": "It cannot be approved: only what is submitted can be, and only by somebody who wrote none of its texts.",
    "rejected": "There is nothing to give back any more.",
    "withdrawn": "Only somebody who wrote it can take it back, and only before it is issued.",
    "issued": "It cannot be issued: only what is approved can be, once.",
    "dropped": "It cannot be dropped any more: it is issued, or dropped already.",
    "redrafted": "Its texts cannot be written anew any more: it is issued, or dropped.",
    "acknowledged": "The notice was not for this customer.",
    "retried": "That cannot be done with these messages.",
    "given_up": "That cannot be done with these messages.",
}
"""Why a step cannot be taken: the rule that stands in its way."""

DONE: dict[str, str] = {
    "saved": "The texts are saved.",
    "submitted": "Submitted. Another person has to approve the texts before anybody is told.",
    "approved": "Approved. The desk can issue the notice now.",
    "rejected": "Given back to the desk, with your reason.",
    "withdrawn": "Taken back: the texts can be edited again.",
    "issued": "Issued. The messages are on their way.",
    "dropped": "Dropped. Nothing of this notice goes out.",
    "redrafted": "The texts are written anew, as the outage stands now.",
    "acknowledged": "It is on record that the customer knows.",
    "retried": "The messages go out again.",
    "given_up": "The messages are given up.",
}
"""What was done just now, and what comes next."""

FACTS: dict[str, str] = {
    "time": "time",
    "place": "place",
    "line": "line",
    "reference": "reference",
    "phone": "telephone number",
}

FINDINGS: dict[str, str] = {
    "changed": "{fact}: {dropped} became {added}. Put it back as it was, or say why.",
    "dropped": "{fact}: {dropped} is not named any more. Put it back, or say why.",
    "added": "{fact}: {added} is new. Take it out, or say why.",
    "disagrees": "{fact}: only this text says {added}, the others do not. Correct one of them, or say why they differ.",
    "time_order": "The same times stand in another order, so that one may be taken for another. Put them back, or say why.",
    "time_unreadable": "Nobody can be sure which time is meant by {added}. Write day, month and 24-hour time.",
    "place_unreadable": "Some places cannot be read any more, so that nobody knows who is told: {added}",
    "place_effect": "Some customers are told that they feel something else than before. Put the words back, or say why.",
    "customers_dropped": "Affected customers are not named any more: {dropped}. Name them again; no reason can stand for them.",
    "words_changed": "Only words were changed. Read the text once more.",
    "text_missing": "This text could not be written.",
}
"""Code of a finding, or how it ends → what the desk reads."""

PROBLEMS: dict[str, str] = {
    "nothing_new": "People were told all there is. Ask for a reminder to tell it again, or change the outage first.",
    "nobody_affected": "Nobody is affected and nobody was told: it needs no notice. Check the devices of the outage.",
    "why_missing": "Say why, in a few words: others have to understand it later.",
    "how_missing": "Say how that is known, in a few words.",
    "positions_missing": "Choose the messages first.",
}
"""Code of a problem with a notice → what stands beside the form."""

TABLES = (
    KINDS,
    STATUSES,
    NEXT,
    EVENTS,
    CHANNELS,
    AUDIENCES,
    DUES,
    MARKS,
    MESSAGE_STATES,
    REFUSALS,
    DONE,
    FACTS,
    FINDINGS,
    PROBLEMS,
)

_LANGUAGES = {"zh": "中文", "en": "English"}

Translate = Callable[[str], str]


def say_key(key: TextKey, translate: Translate) -> str:
    """Return which text it is: channel, language, seconds of a radio script."""
    slot = f" {key.slot_s} s" if key.slot_s else ""
    return f"{translate(CHANNELS[key.channel])}{slot} · {_LANGUAGES[key.language]}"


def say_finding(one: Finding, translate: Translate) -> str:
    """Return what was found; the English sentence of the finding itself where its code is new."""
    known = FINDINGS.get(one.code) or FINDINGS.get(one.code.rpartition("_")[2])
    if known is None:
        return one.says
    fact = translate(FACTS[one.kind]) if one.kind in FACTS else ""
    words = {"fact": f"{fact[:1].upper()}{fact[1:]}", "dropped": _listed(one.dropped), "added": _listed(one.added)}
    return translate(known).format(**words)


def say_problem(problem: FactProblem, translate: Translate) -> str:
    """Return what is in the way; the English sentence of the problem itself where its code is new."""
    known = PROBLEMS.get(problem.code)
    return problem.says if known is None else translate(known)


def _listed(things: Iterable[str]) -> str:
    every = list(things)
    return ", ".join(every[:MOST_SHOWN]) + (f" … ({len(every)})" if len(every) > MOST_SHOWN else "")
