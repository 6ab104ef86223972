"""By which channels each person is told, and where: the ways of an audience, what is known of the person, what is refused.

The contact of the service point that decides (life support before all) is taken before those of the person's others. An
opt-out closes the way that it is met on: who wants no SMS gets no e-mail in its place.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from notices.addresses import Flags, Rows
from notices.audiences import PERSONAL, ROLES, Telling, Way
from notices.contacts import missing
from notices.facts import KINDS
from notices.groups import KEPT, Situation, has_role
from notices.people import BLOCK, Contacts, People, first_rows
from outages.facts import FactProblem

OptOuts = Collection[tuple[str, str]]
"""Pairs of a channel and a telephone number, an e-mail address or a postal address, in whatever form they are written."""

_ON_TIME = [KINDS.index(kind) for kind in ("first", "reschedule", "extension", "scope_change", "cancellation")]
"""What rules set a limit to, and so a channel."""

_FIELDS = {"call": "phone", "sms": "phone", "email": "email", "letter": "address", "door_card": "address"}


@dataclass(frozen=True, eq=False)
class Reach:
    """How m persons are told.

    Attributes
    ----------
    at
        For ``phone``, ``email`` and ``address``: the row of the customers table it is taken from, -1 for none; shape (m,).
    by
        For each channel, who is told by it; shape (m,).
    unreached
        Who should be told in person and is not found in any way, or not in one that a rule asks for; shape (m,).
    opted_out
        Who is told in no way, since they wanted none; shape (m,).
    """

    people: People
    situation: Situation
    telling: Telling
    at: Mapping[str, Rows]
    by: Mapping[str, Flags]
    unreached: Flags
    opted_out: Flags

    @classmethod
    def of(cls, people: People, situation: Situation, telling: Telling, opt_outs: OptOuts = ()) -> Reach:
        """Choose the channels of everybody who is told in person."""
        at = _contacts(people, situation)
        free = ~_obliged(people, situation, telling)
        closed = {channel: flags & free for channel, flags in _closed(people, at, opt_outs).items()}
        by = {channel: np.zeros(len(situation.persons), dtype=np.bool_) for channel in PERSONAL}
        found, missed = (np.zeros(len(situation.persons), dtype=np.bool_) for _ in range(2))
        wanted = (situation.kind != KEPT) & (situation.role_of_person < len(ROLES))
        for members, way in _ways(situation, telling):
            taken = np.zeros_like(found)
            for channel in way.channels:
                here = members & ~taken & (at[_FIELDS[channel]] >= 0)
                by[channel] |= here & ~closed[channel]
                taken |= here
            found |= taken
            missed |= members & ~taken if way.required else False
        silent = ~np.logical_or.reduce(list(by.values()))
        return cls(people, situation, telling, at, by, wanted & (~found | missed), wanted & found & silent)

    @cached_property
    def told(self) -> Flags:
        """Who is told in person, by whichever channel; shape (m,)."""
        flags: Flags = np.logical_or.reduce(list(self.by.values()))
        return flags

    def missed(self, person: int) -> tuple[str, ...]:
        """Channels of the ways that do not find a person."""
        kind = int(self.situation.kind[person])
        ways = self.telling.ways[ROLES[self.situation.role_of_person[person]]]
        return tuple(
            channel
            for way in ways
            if (kind in _ON_TIME or not way.required) and all(self.at[_FIELDS[name]][person] < 0 for name in way.channels)
            for channel in way.channels
        )

    def problems(self, person: int, row: int) -> tuple[FactProblem, ...]:
        """Return what is wrong with the contacts of a person, as the row says it, by the channels that do not find them."""
        fields = dict.fromkeys(_FIELDS[channel] for channel in self.missed(person))
        contacts = {"phone": self.people.phone, "email": self.people.email}
        return tuple(contacts[field].problem(row) if field in contacts else missing("address") for field in fields)


def _ways(situation: Situation, telling: Telling) -> Iterator[tuple[Flags, Way]]:
    """Each way of each audience, with the persons who are to be told in it."""
    on_time = np.isin(situation.kind, _ON_TIME)
    for number, role in enumerate(ROLES):
        members = (situation.role_of_person == number) & (situation.kind != KEPT)
        for way in telling.ways.get(role, ()):
            yield (members & on_time if way.required else members), way


def _contacts(people: People, situation: Situation) -> dict[str, Rows]:
    reachable = {"phone": people.phone.codes >= 0, "email": people.email.codes >= 0, "address": people.has_address}
    at = {field: first_rows(np.where(has[situation.rows], situation.person, -1), situation.rows, len(situation.persons))
          for field, has in reachable.items()}  # fmt: skip
    # The others of their service points, which are not off, may know more.
    number = np.full(len(people.lead), -1, dtype=np.int32)
    number[situation.persons] = np.arange(len(situation.persons), dtype=np.int32)
    known = np.flatnonzero(number[people.person] >= 0)
    known = known[np.argsort(people.rank[known], kind="stable")]
    for field, has in reachable.items():
        others = first_rows(np.where(has[known], number[people.person[known]], -1), known, len(situation.persons))
        at[field] = np.where(at[field] >= 0, at[field], others)
    return at


def _obliged(people: People, situation: Situation, telling: Telling) -> Flags:
    """Persons who are told whatever they opted out of."""
    roles = has_role(people, situation.rows)
    rows = [has for role, has in zip(ROLES, roles, strict=True) if role in ("life_support", *telling.obliged)]
    chosen = np.logical_or.reduce(rows)
    return np.bincount(situation.person[chosen], minlength=len(situation.persons)) > 0


def _closed(people: People, at: Mapping[str, Rows], opt_outs: OptOuts) -> dict[str, Flags]:
    """For each channel, whose contact opted out of it."""
    contacts = {"phone": people.phone, "email": people.email}
    closed = {}
    for channel, field in _FIELDS.items():
        addresses = [address for name, address in opt_outs if name == channel]
        if field in contacts:
            closed[channel] = _refuse(contacts[field], at[field], addresses)
        else:
            closed[channel] = _refuse_post(people, at[field], frozenset(map(str.strip, addresses)))
    return closed


def _refuse(contacts: Contacts, at: Rows, addresses: list[str]) -> Flags:
    found = np.append(contacts.find(addresses), False) if addresses else np.zeros(len(contacts.texts) + 1, dtype=np.bool_)
    return np.asarray(found[np.where(at >= 0, contacts.codes[at], -1)] if len(at) else at >= 0, dtype=np.bool_)


def _refuse_post(people: People, at: Rows, addresses: frozenset[str]) -> Flags:
    closed = np.zeros(len(at), dtype=np.bool_)
    known = np.flatnonzero(at >= 0) if addresses else np.empty(0, dtype=np.int64)
    for start in range(0, len(known), BLOCK):
        block = known[start : start + BLOCK]
        for language in people.languages:
            written = people.addresses(at[block], language)
            closed[block] |= np.array([address in addresses for address in written], dtype=np.bool_)
    return closed
