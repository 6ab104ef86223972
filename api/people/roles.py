"""Who may do what: permissions, the roles that hold them, and the actor of a request. One table; everything else asks it."""

from __future__ import annotations

from dataclasses import dataclass

PERMISSIONS: dict[str, str] = {
    "read": "See outages, impacts and devices",
    "enter": "Enter and change outages",
    "approve": "Approve and reject",
    "approve_major": "Approve notices of major outages",
    "lists": "Lists of affected customers",
    "personal": "Names and telephone numbers",
    "notices": "Write notices",
    "audit": "Read the audit log",
    "admin": "Accounts and tokens",
    "metrics": "Numbers for monitoring",
}
"""Every permission, and what it allows as a person reads it."""

ROLES: dict[str, frozenset[str]] = {
    "viewer": frozenset({"read", "lists"}),
    "control": frozenset({"read", "lists", "personal", "enter"}),
    "desk": frozenset({"read", "lists", "personal", "notices"}),
    "approver": frozenset({"read", "lists", "personal", "approve", "notices"}),
    "head": frozenset({"read", "lists", "personal", "approve", "approve_major", "notices"}),
    "admin": frozenset(PERMISSIONS) - {"enter", "approve", "approve_major", "notices"},
}
"""Every role of a person. Nobody both enters and approves; who manages accounts does neither."""

TOKEN_PERMISSIONS = tuple(name for name in PERMISSIONS if name not in ("approve", "approve_major", "admin"))
"""What a program may be allowed: approval is a person's word, and accounts are managed by people."""


@dataclass(frozen=True)
class Actor:
    """Who asks: a person with a role, a program with a token (``role`` is ``machine``), or `ANYONE`."""

    name: str
    role: str
    permissions: frozenset[str]
    is_machine: bool = False

    @property
    def is_known(self) -> bool:
        """Whether somebody has signed in, or a program has shown its token."""
        return bool(self.name)

    def may(self, *permissions: str) -> bool:
        """Return whether the actor holds all of ``permissions``.

        >>> person("ana", "viewer").may("read", "lists"), person("ana", "viewer").may("read", "enter"), ANYONE.may("read")
        (True, False, False)
        """
        return self.permissions.issuperset(permissions)


ANYONE = Actor("", "anyone", frozenset())
"""Whoever has not signed in."""


def person(name: str, role: str) -> Actor:
    """Return the actor for somebody with ``role``."""
    return Actor(name, role, ROLES[role])


def roles_with(*permissions: str) -> tuple[str, ...]:
    """Return the roles that hold all of ``permissions``.

    >>> roles_with("enter"), roles_with("read", "notices")
    (('control',), ('desk', 'approver', 'head'))
    """
    return tuple(role for role, held in ROLES.items() if held.issuperset(permissions))
