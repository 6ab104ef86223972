"""Who is told what, by which channel: one plan for each notice, worked out on arrays and written out as a stream.

::

    Sets: told before, now, restored ─┐
    change: reschedule, extension, …   ─┼─▶ kinds: customer → kind ──┬─▶ public       a text for each kind, language, channel
    Telling: audiences, ways, rules    ─┤                            ├─▶ people       one message by each channel used
    People, subscribers, opt-outs      ─┘                            └─▶ call list    life support that nothing reaches

Everyone who was told or is affected is of exactly one kind, or is told nothing since nothing is different for them. Nobody on
life support is ever dropped: they get a message, or are on the call list, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from notices.addresses import Flags, Rows
from notices.audiences import PREFERENCES, ROLES, PlanError, Telling, Way, audiences_for, telling_for
from notices.calllist import ToCall, to_call, unacknowledged
from notices.contacts import email_of, phone_of
from notices.facts import COMING, KINDS, Kind
from notices.groups import KEPT, Group, Sets, Situation
from notices.mailing import Addressed, Batch, batches
from notices.people import BLOCK, LIFE_SUPPORT, People
from notices.reach import OptOuts, Reach
from notices.subscribers import Refused, Subscriber, tell_subscribers
from outages.facts import FactProblem

__all__ = [
    "PREFERENCES",
    "Addressed",
    "People",
    "Plan",
    "PlanError",
    "Refused",
    "Sets",
    "Subscriber",
    "Telling",
    "ToCall",
    "Unreachable",
    "Way",
    "audiences_for",
    "plan",
    "telling_for",
    "unacknowledged",
]


@dataclass(frozen=True)
class Unreachable:
    """A person whom a message should reach, and why none does; ``channels`` are those that were tried.

    ``reached``: by another channel than one that a rule asks for.
    """

    customer_ids: tuple[str, ...]
    audience: str
    channels: tuple[str, ...]
    problems: tuple[FactProblem, ...]
    reached: bool


@dataclass(frozen=True, eq=False)
class Plan:
    """Who is told what by one notice.

    Attributes
    ----------
    kinds
        The customers of each kind, ascending; whoever is told nothing is in none. A person's service points are of one kind.
    public
        Messages to everybody: one for each kind, language and channel.
    to_subscribers, refused
        Messages to subscribers; and those of them who cannot be told.
    batches
        Messages to people, in numbers; `messages` writes them out.
    """

    change: Kind
    situation: Situation
    reach: Reach
    kinds: Mapping[Kind, Rows]
    public: tuple[Addressed, ...]
    batches: tuple[Batch, ...]
    to_subscribers: tuple[Addressed, ...]
    refused: tuple[Refused, ...]

    @property
    def people(self) -> People:
        """All customers."""
        return self.reach.people

    def __len__(self) -> int:
        """Return how many messages there are."""
        return len(self.public) + sum(map(len, self.batches)) + len(self.to_subscribers)

    def messages(self) -> Iterator[Addressed]:
        """Write out all messages: to the public, to people by channel, to subscribers; always in the same order.

        Only a block of them is in memory at once.
        """
        yield from self.public
        for batch in self.batches:
            yield from batch.write(self.people)
        yield from self.to_subscribers

    @cached_property
    def texts(self) -> frozenset[tuple[Kind, str, str]]:
        """Which texts have to be written: kind, language, channel."""
        single = {(one.kind, one.language, one.channel) for one in (*self.public, *self.to_subscribers)}
        for batch in self.batches:
            spoken = self.people.language[batch.rows[batch.start[:-1]]]
            pairs = np.unique(np.column_stack([batch.kind, spoken]), axis=0).tolist()
            single |= {(KINDS[kind], self.people.languages[number], batch.channel) for kind, number in pairs}
        return frozenset(single)

    def about(self, kind: Kind) -> Rows:
        """Return the customers whom the words of a kind have to cover, ascending.

        A warning speaks of all who are affected now: it goes also to people and subscribers who have some places told and
        others new. The others speak of those for whom it is so.
        """
        flags = self.situation.flags
        if kind in COMING:
            chosen = flags.now
        elif kind == "cancellation":
            chosen = flags.told
        else:
            chosen = flags.told & ~flags.now & (flags.back if kind == "restoration" else ~flags.back)
        return np.sort(self.situation.rows[chosen])

    @property
    def told_after(self) -> Rows:
        """Who counts as told once the notice is out, ascending: whom the next one has to reach."""
        return np.sort(self.situation.rows[self.situation.flags.now])

    @property
    def kept(self) -> Rows:
        """Who was told and hears nothing now, since nothing is different for them; ascending."""
        return self._rows(self.situation.kind == KEPT)

    @property
    def opted_out(self) -> Rows:
        """Who would be told in person and wanted not to be; ascending."""
        return self._rows(self.reach.opted_out)

    @property
    def unreachable(self) -> Rows:
        """Customers of people who should be told in person and cannot be, or not as a rule asks; ascending."""
        return self._rows(self.reach.unreached)

    def list_unreachable(self) -> Iterator[Unreachable]:
        """Say of each person who cannot be reached why."""
        persons = np.flatnonzero(self.reach.unreached)
        start = np.searchsorted(self.situation.person, np.append(persons, len(self.situation.persons)))
        end = np.searchsorted(self.situation.person, persons, side="right")
        for person, first, last in zip(persons.tolist(), start.tolist(), end.tolist(), strict=False):
            rows = self.situation.rows[first:last]
            yield Unreachable(
                customer_ids=tuple(self.people.ids.take(rows)),
                audience=ROLES[self.situation.role_of_person[person]],
                channels=self.reach.missed(person),
                problems=self.reach.problems(person, int(rows[0])),
                reached=bool(self.reach.told[person]),
            )

    @cached_property
    def call_list(self) -> tuple[ToCall, ...]:
        """Everybody on life support whom no message reaches, by customer id."""
        silent = ~self.reach.told & (self.situation.kind != KEPT)
        chosen = silent[self.situation.person] & (self.people.priority[self.situation.rows] == LIFE_SUPPORT)
        rows = self.situation.rows[chosen]
        found = zip(self.situation.person[chosen].tolist(), rows.tolist(), strict=True)
        return to_call(self.people, rows, {row: self.reach.problems(person, row) for person, row in found})

    def _rows(self, persons: Flags) -> Rows:
        return np.sort(self.situation.rows[persons[self.situation.person]])


def plan(
    people: People,
    sets: Sets,
    telling: Telling,
    *,
    change: Kind,
    subscribers: Sequence[Subscriber] = (),
    opt_outs: OptOuts = (),
) -> Plan:
    """Return who is told what by one notice.

    Parameters
    ----------
    sets
        Who was told before, who is affected now, whose power is back. With a load transfer, give those who feel a break as
        affected.
    telling
        Audiences and channels, as `telling_for` has them.
    change
        What the notice is for. Whoever is new gets the first notice whatever the change is.
    opt_outs
        Kept, but for life support and for whom a rule obliges.

    Raises
    ------
    PlanError
        If the sets contradict each other or the change: affected and restored at once, affected though cancelled, a first
        notice to people who were told.
    """
    situation = Situation.of(people, sets, change, telling.audiences)
    reach = Reach.of(people, situation, telling, opt_outs)
    to_people = batches(people, reach)
    closed = _opted_out(opt_outs) | _told_already(people, to_people, subscribers)
    messages, refused = tell_subscribers(people, situation, subscribers, change=change, closed=closed)
    return Plan(
        change=change,
        situation=situation,
        reach=reach,
        kinds=situation.by_kind(),
        public=_public(people, situation.flags, telling, change),
        batches=to_people,
        to_subscribers=messages,
        refused=refused,
    )


def _public(people: People, flags: Group, telling: Telling, change: Kind) -> tuple[Addressed, ...]:
    """What everybody is told: as one person with all service points, and what has ended for a part of them."""
    gone = Group(flags.told & ~flags.now, np.zeros_like(flags.now), flags.back, flags.touched)
    whole = flags.by(np.zeros(len(flags.told), dtype=np.int32), 1)
    numbers = {int(whole.kinds(change)[0]), *gone.kinds(change)[gone.told].tolist()} - {KEPT}
    kinds = [KINDS[number] for number in sorted(numbers)]
    return tuple(
        Addressed(f"public:{kind}:{language}", kind, "public", channel, language, "", (), "", "", needs_ack=False)
        for channel in telling.public_channels
        for language in people.languages
        for kind in kinds
    )


def _opted_out(opt_outs: OptOuts) -> frozenset[tuple[str, str]]:
    rules = {"sms": phone_of, "email": email_of}
    read = ((channel, rules[channel](address)) for channel, address in opt_outs if channel in rules)
    return frozenset((channel, address) for channel, address in read if isinstance(address, str))


def _told_already(people: People, to_people: Sequence[Batch], subscribers: Sequence[Subscriber]) -> frozenset[tuple[str, str]]:
    """Addresses of subscribers that get a message as customers, by the same channel; looked up a block at a time."""
    wanted = _opted_out([(one.channel, one.address) for one in subscribers])
    found: set[tuple[str, str]] = set()
    for batch in to_people:
        contacts = {"sms": people.phone, "email": people.email}.get(batch.channel)
        for start in range(0, len(batch) if contacts and wanted else 0, BLOCK):
            assert contacts is not None
            texts = contacts.texts.take(contacts.codes[batch.at[start : start + BLOCK]])
            found |= {(batch.channel, text) for text in texts if (batch.channel, text) in wanted}
    return frozenset(found)
