"""What was told before and what holds now: who gets which kind of notice, each person one.

::

    told before    affected now           kind
    ───────────    ───────────────        ─────────────────────────────────────────────
    yes            yes, otherwise         that of the change: reschedule, extension, …
    yes            yes, as told           none (`Sets.changed` says whose facts are others)
    no             yes                    first
    yes            no, power is back      restoration
    yes            no                     unaffected

A cancellation goes to everyone who was told. Where the change is that power is back, whoever is still off is reminded: nobody
hears "restored" who is not. A person with several service points was told if one of them was, and is affected if one is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from notices.addresses import Flags, Rows
from notices.audiences import ROLES, PlanError
from notices.facts import KINDS, Kind
from notices.names import NONE
from notices.people import IMPORTANT, LIFE_SUPPORT, People

CHANGES: tuple[Kind, ...] = tuple(kind for kind in KINDS if kind != "unaffected")
"""What may be the reason for a notice; ``unaffected`` is only ever its consequence for some."""

KEPT = -1
"""Instead of the number of a kind: told, still affected, and nothing is different."""

NO_ROLE = len(ROLES)
"""Instead of the number of a role: is told with the public."""

Numbers = NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class Sets:
    """Customers as rows of the customers table, in any order.

    Attributes
    ----------
    told
        Who was told that they are affected, and has not been told otherwise since; None where there was no notice yet.
    now
        Who is affected as it stands; nobody after a cancellation. Those whose power is back are not in it.
    restored
        Whose power is back.
    changed
        Who of those told and still affected has other times, another end or another effect now; None for all of them.
    """

    told: NDArray[Any] | None
    now: NDArray[Any]
    restored: NDArray[Any] = field(default_factory=lambda: NONE)
    changed: NDArray[Any] | None = None


@dataclass(frozen=True, eq=False)
class Group:
    """Flags of n service points, persons or places: was told, is affected, has power back, is otherwise than told."""

    told: Flags
    now: Flags
    back: Flags
    touched: Flags

    def kinds(self, change: Kind) -> Numbers:
        """Return the number in `KINDS` of what each is told, or `KEPT`; see the table above."""
        number = KINDS.index
        if change == "cancellation":
            return np.where(self.told, number("cancellation"), KEPT).astype(np.int8)
        still = number("reminder" if change == "restoration" else change)
        gone = np.where(self.back, number("restoration"), number("unaffected"))
        both = self.told & self.now
        return np.select([both & self.touched, both, self.now, self.told], [still, KEPT, number("first"), gone], KEPT).astype(
            np.int8
        )

    def by(self, member: Rows, size: int) -> Group:
        """Return the flags of ``size`` groups: those that any member has; ``member`` says in which group each is, -1 in none."""
        inside = member >= 0

        def any_of(flags: Flags) -> Flags:
            return np.bincount(member[flags & inside], minlength=size)[:size] > 0

        return Group(any_of(self.told), any_of(self.now), any_of(self.back), any_of(self.touched))


@dataclass(frozen=True, eq=False)
class Situation:
    """Everybody whom a notice may concern: service points in the order of person, role and id.

    Attributes
    ----------
    rows
        Rows of the customers table; shape (n,). The first of each person decides: role, language, contact.
    person
        Position in ``persons`` for each row, ascending; int32, shape (n,).
    persons
        Numbers of the people in `People.person`, ascending; shape (m,).
    flags, role
        Of each row; shape (n,).
    kind
        Of each person; shape (m,).
    role_of_person
        The highest of each person; shape (m,).
    """

    rows: Rows
    person: Rows
    persons: Rows
    flags: Group
    role: Numbers
    kind: Numbers
    role_of_person: Numbers

    @classmethod
    def of(cls, people: People, sets: Sets, change: Kind, audiences: frozenset[str]) -> Situation:
        """Sort out who is told what. Raises PlanError where the sets contradict each other or the change."""
        masks = _masks(people, sets, change)
        rows = np.flatnonzero(masks.told | masks.now).astype(np.int32)
        role = roles_of(people, rows, audiences)
        order = np.lexsort((people.rank[rows], role, people.person[rows]))
        rows, role = rows[order], role[order]
        persons, start, person = np.unique(people.person[rows], return_index=True, return_inverse=True)
        flags = Group(masks.told[rows], masks.now[rows], masks.back[rows], masks.touched[rows])
        member = person.astype(np.int32)
        kind = flags.by(member, len(persons)).kinds(change)
        return cls(rows, member, persons, flags, role, kind, role[start])

    @property
    def about(self) -> Flags:
        """Rows that a person is told about: those affected, if any is, else those that were."""
        affected = np.bincount(self.person[self.flags.now], minlength=len(self.persons)) > 0
        flags: Flags = self.flags.now | ~affected[self.person]
        return flags

    def by_kind(self) -> Mapping[Kind, Rows]:
        """Return the customers of each kind that there is, ascending; those who are told nothing are in none."""
        numbers = self.kind[self.person]
        found = {kind: np.sort(self.rows[numbers == number]) for number, kind in enumerate(KINDS)}
        return {kind: rows for kind, rows in found.items() if len(rows)}


def roles_of(people: People, rows: Rows, audiences: frozenset[str]) -> Numbers:
    """Return the highest role of each row as its number in `ROLES`, of those that are an audience; `NO_ROLE` for none."""
    role = np.full(len(rows), NO_ROLE, dtype=np.int8)
    for number, has in reversed(list(enumerate(has_role(people, rows)))):
        if ROLES[number] in audiences:
            role[has] = number
    return role


def has_role(people: People, rows: Rows) -> tuple[Flags, ...]:
    """Say of each row whether it has each of `ROLES`."""
    priority = people.priority[rows]
    return priority == LIFE_SUPPORT, priority == IMPORTANT, people.dedicated[rows], np.ones(len(rows), dtype=np.bool_)


def _masks(people: People, sets: Sets, change: Kind) -> Group:
    told, now, back = (_mask(people, rows) for rows in (NONE if sets.told is None else sets.told, sets.now, sets.restored))
    if change not in CHANGES:
        raise PlanError(f"{change!r} is no reason for a notice. Take one of {', '.join(CHANGES)}.")
    if change == "first" and told.any():
        raise PlanError(f"{told.sum()} customers were told before: this is no first notice. Say what has changed.")
    if change == "cancellation" and now.any():
        raise PlanError(f"{now.sum()} customers are affected by an outage that is cancelled. Give none as affected now.")
    if (now & back).any():
        raise PlanError(f"{(now & back).sum()} customers are given as affected and as restored. Give each as one of the two.")
    changed = np.ones(len(people), dtype=np.bool_) if sets.changed is None else _mask(people, sets.changed)
    return Group(told, now, back, ~(told & now) | changed)


def _mask(people: People, rows: NDArray[Any]) -> Flags:
    given = np.asarray(rows)
    if given.size and (given.dtype.kind not in "iu" or given.min() < 0 or given.max() >= len(people)):
        found = f"{given.dtype} from {given.min()} to {given.max()}"
        raise PlanError(f"customers must be rows of a table of {len(people)} customers; given: {found}. Pass Impact.affected.")
    mask = np.zeros(len(people), dtype=np.bool_)
    mask[given.astype(np.int64)] = True
    return mask
