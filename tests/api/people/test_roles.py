"""Roles and permissions are one table, and its promises hold for each role."""

from __future__ import annotations

import pytest

from api.labels import ROLES as ROLE_WORDS
from api.people.roles import ANYONE, PERMISSIONS, ROLES, TOKEN_PERMISSIONS, Actor, person, roles_with


@pytest.mark.parametrize(
    ("role", "held"),
    [
        ("viewer", "read lists"),
        ("control", "read lists personal enter"),
        ("desk", "read lists personal notices"),
        ("approver", "read lists personal approve notices"),
        ("admin", "read lists personal audit admin metrics"),
    ],
)
def test_each_role_holds_exactly_what_the_table_says(role: str, held: str) -> None:
    assert ROLES[role] == set(held.split())


def test_nobody_both_enters_and_approves() -> None:
    assert roles_with("enter", "approve") == ()


def test_every_permission_is_held_by_somebody() -> None:
    assert set().union(*ROLES.values()) == set(PERMISSIONS)


def test_a_program_neither_approves_nor_manages_accounts() -> None:
    assert set(PERMISSIONS) - set(TOKEN_PERMISSIONS) == {"approve", "approve_major", "admin"}


def test_whoever_has_not_signed_in_holds_nothing() -> None:
    assert not ANYONE.is_known
    assert not any(ANYONE.may(permission) for permission in PERMISSIONS)
    assert ANYONE.may()


def test_an_actor_may_what_all_of_it_is_held() -> None:
    viewer = person("ana", "viewer")
    assert viewer == Actor("ana", "viewer", frozenset({"read", "lists"}))
    assert viewer.may("read", "lists")
    assert not viewer.may("read", "personal")


def test_every_role_has_a_word_for_people() -> None:
    assert set(ROLE_WORDS) == {*ROLES, "machine"}
