"""Those who asked to be told what happens at a place, whoever is supplied there.

A subscriber to a place hears of every affected customer in it, and of those of whom nothing finer is known than a place that it
lies in::

    青河镇          ← affected, no finer place known: all three subscribers are told
    ├─ 柳树社区      ← subscriber: told of 中山路 too
    │  └─ 中山路     ← affected; subscriber: told
    └─ 杨树社区      ← subscriber: not told of 中山路
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from geo.places import PlaceTree, count_members
from notices.addresses import Flags, Rows
from notices.contacts import email_of, phone_of
from notices.facts import KINDS, Kind
from notices.grammar import Language
from notices.groups import KEPT, Group, Situation
from notices.mailing import Addressed, join_places
from notices.people import People
from outages.facts import FactProblem

RULES: dict[str, Callable[[str], str | FactProblem]] = {"sms": phone_of, "email": email_of}


@dataclass(frozen=True)
class Subscriber:
    """Who asked to be told of a place, and by which channel.

    ``was_there``: subscribed when the notice before was issued; whoever came later hears the next one as the first.
    """

    id: str
    channel: Literal["sms", "email"]
    address: str
    language: str
    place_id: str
    was_there: bool = True


@dataclass(frozen=True)
class Refused:
    """A subscriber who cannot be told, and why."""

    subscriber_id: str
    problem: FactProblem


def tell_subscribers(
    people: People,
    situation: Situation,
    subscribers: Sequence[Subscriber],
    *,
    change: Kind,
    closed: frozenset[tuple[str, str]],
) -> tuple[tuple[Addressed, ...], tuple[Refused, ...]]:
    """Return the messages to subscribers, one for each address and channel, and who cannot be told.

    ``closed``: channels and addresses, in the form of `notices.contacts`, that opted out or are told as customers already.
    """
    found: dict[tuple[str, str], list[tuple[Subscriber, int]]] = {}
    refused = []
    for one in sorted(subscribers, key=lambda one: one.id):
        checked = _check(one, people.tree)
        if isinstance(checked, FactProblem):
            refused.append(Refused(one.id, checked))
        elif (one.channel, checked[0]) not in closed:
            found.setdefault((one.channel, checked[0]), []).append((one, checked[1]))
    near = _near(people, situation)
    kinds = {key: _kind(near, several, change) for key, several in found.items()}
    written = (_message(people, found[key], key[1], KINDS[kind]) for key, kind in kinds.items() if kind != KEPT)
    return tuple(written), tuple(refused)


def _check(one: Subscriber, tree: PlaceTree) -> tuple[str, int] | FactProblem:
    """Return where a subscriber is told, and the row of the place."""
    if one.channel not in RULES:
        says = f"Nobody subscribes by {one.channel!r}. Take one of {', '.join(RULES)}."
        return FactProblem("channel", "channel_unknown", says, one.channel)
    address = RULES[one.channel](one.address)
    if isinstance(address, FactProblem):
        return address
    if one.place_id not in tree.index:
        says = f"No place has the id {one.place_id!r}. End the subscription, or take an id of the table places."
        return FactProblem("place_id", "place_unknown", says, one.place_id)
    return address, tree.row(one.place_id)


def _near(people: People, situation: Situation) -> Group:
    """Flags of each place: whether any customer is meant of whom a subscriber to the place is told."""
    places, tree = people.place[situation.rows], people.tree
    flags = situation.flags
    return Group(*(_meets(tree, places[mask]) for mask in (flags.told, flags.now, flags.back, flags.touched)))


def _meets(tree: PlaceTree, places: Rows) -> Flags:
    own = np.zeros(len(tree), dtype=np.bool_)
    own[places[places >= 0]] = True
    for level in range(1, int(tree.depth.max(initial=0)) + 1):
        rows = np.flatnonzero(tree.depth == level)
        own[rows] |= own[tree.parent[rows]]
    flags: Flags = own | (count_members(tree, places) > 0) if len(tree) else own
    return flags


def _message(people: People, several: Sequence[tuple[Subscriber, int]], address: str, kind: Kind) -> Addressed:
    """The one message to an address; the least id of its subscriptions decides."""
    first = several[0][0]
    spoken = first.language.lower().partition("-")[0]
    language = next((known for known in people.languages if known == spoken), people.languages[0])
    return Addressed(
        recipient=f"subscriber:{first.id}",
        kind=kind,
        audience="subscribers",
        channel=first.channel,
        language=language,
        address=address,
        customer_ids=(),
        name="",
        place=join_places([_place_name(people.tree, row, language) for _, row in several], language),
        needs_ack=False,
    )


def _kind(near: Group, several: Iterable[tuple[Subscriber, int]], change: Kind) -> int:
    places = [(one.was_there, row) for one, row in several]
    there = np.array([was_there for was_there, _ in places], dtype=np.bool_)
    rows = np.array([row for _, row in places], dtype=np.int32)
    group = Group(near.told[rows] & there, near.now[rows], near.back[rows] & there, near.touched[rows] | ~there)
    return int(group.by(np.zeros(len(rows), dtype=np.int32), 1).kinds(change)[0])


def _place_name(tree: PlaceTree, row: int, language: Language) -> str:
    path = tree.path(row, language)
    return "".join(path) if language == "zh" else ", ".join(path[::-1])
