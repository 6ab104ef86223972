"""Contacts as people type them, and which service points are one person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.schema import GridTables
from notices.contacts import email_of, masked, phone_of
from notices.people import LIFE_SUPPORT, Contacts, People
from outages.facts import FactProblem
from tests.notices.conftest import tables_of

PHONES = {
    "95598": "95598",
    "138 0000 0001": "13800000001",
    "010-1234-5678": "01012345678",
    "（010）１２３４－５６７８": "01012345678",
    "+44 (20) 7946-0000": "+442079460000",
    "0044 20 7946 0000": "+442079460000",
    "123456789012345": "123456789012345",
}
NO_PHONES = {
    "": "phone_invalid",
    "1234": "phone_invalid",
    "1234567890123456": "phone_invalid",
    "+0123456789": "phone_invalid",
    "12+345678": "phone_invalid",
    "++4412345678": "phone_invalid",
    "13800000001; 13800000002": "phone_invalid",
    "13800000001 ext 5": "phone_invalid",
    "٠١٢٣٤٥٦٧٨": "phone_invalid",
    "ann@example.org": "phone_invalid",
    "1380000\x000001": "phone_hidden",
    "\u202e13800000001": "phone_hidden",
    "13800000001\n": "phone_hidden",
}
EMAILS = {
    "ann@example.org": "ann@example.org",
    " Ann.Lee+home@Mail.Example.ORG ": "ann.lee+home@mail.example.org",
    "o'brien@example.co.uk": "o'brien@example.co.uk",
    "ｘ@example.org": "x@example.org",
    "a@xn--fiq228c.xn--55qx5d": "a@xn--fiq228c.xn--55qx5d",
    f"{'a' * 64}@example.org": f"{'a' * 64}@example.org",
}
NO_EMAILS = {
    "": "email_invalid",
    "ann": "email_invalid",
    "ann@home": "email_invalid",
    "ann@@example.org": "email_invalid",
    ".ann@example.org": "email_invalid",
    "ann..lee@example.org": "email_invalid",
    "ann@-example.org": "email_invalid",
    "ann@example.123": "email_invalid",
    "a@x.org, b@x.org": "email_invalid",
    "Ann <ann@example.org>": "email_invalid",
    '"a b"@example.org': "email_invalid",
    "李@example.org": "email_invalid",
    f"{'a' * 65}@example.org": "email_invalid",
    f"a@{'b.' * 130}org": "email_invalid",
    "ann@example.org\r\nBcc: all@example.org": "email_hidden",
    "ann\u200f@example.org": "email_hidden",
    "ann@exa\x00mple.org": "email_hidden",
}


@pytest.mark.parametrize(("text", "form"), PHONES.items())
def test_a_telephone_number_is_brought_into_one_form(text: str, form: str) -> None:
    assert phone_of(text) == form
    assert phone_of(form) == form


@pytest.mark.parametrize(("text", "form"), EMAILS.items())
def test_an_email_address_is_brought_into_one_form(text: str, form: str) -> None:
    assert email_of(text) == form
    assert email_of(form) == form


@pytest.mark.parametrize(("rule", "refused"), [(phone_of, NO_PHONES), (email_of, NO_EMAILS)])
def test_what_is_no_contact_is_refused_masked_and_with_the_next_step(
    rule: Callable[[str], str | FactProblem], refused: dict[str, str]
) -> None:
    for text, code in refused.items():
        problem = rule(text)
        assert isinstance(problem, FactProblem), text
        assert problem.code == code
        assert "Give " in problem.says or "Type " in problem.says
        assert problem.given == masked(problem.given) or problem.given in problem.says
        assert len(text) < 5 or text.strip() not in problem.says


@given(st.text(max_size=40))
@settings(max_examples=100, deadline=None)
def test_whatever_is_given_a_contact_is_plain_ascii_or_refused(text: str) -> None:
    for rule in (phone_of, email_of):
        form = rule(text)
        if isinstance(form, str):
            assert form.isascii()
            assert form.isprintable()
            assert not set(form) & set(" <>,;:\"'()[]") - {"'"}
        else:
            assert form.given.isprintable()


@pytest.mark.parametrize(
    ("text", "shown"), [("ask the porter", "as…er"), ("1234567", "…"), ("", "…"), ("\u202ebc4567\x00", "\ufffdb…7\ufffd")]
)
def test_a_masked_text_shows_four_characters_at_most(text: str, shown: str) -> None:
    assert masked(text) == shown


# One row: id, account, phone, email → which are one person, by hand. The person is called by its least id.
ONE_PERSON: dict[str, tuple[list[tuple[str, str | None, str | None, str | None]], list[str]]] = {
    "an account": ([("C1", "A", None, None), ("C2", "A", "55555", None), ("C3", "B", None, None)], ["C1", "C1", "C3"]),
    "an account with blanks around": ([("C1", "A ", None, None), ("C2", "A", None, None)], ["C1", "C1"]),
    "blank accounts are none": ([("C1", "", None, None), ("C2", " ", None, None)], ["C1", "C2"]),
    "one number in two forms": ([("C2", None, "138 0001", None), ("C1", None, "1380001", None)], ["C1", "C1"]),
    "a number of someone with an account": ([("C1", None, "55555", None), ("C2", "A", "55555", None)], ["C1", "C1"]),
    "two accounts with one number": ([("C1", "A", "55555", None), ("C2", "B", "55555", None)], ["C1", "C2"]),
    "a number of two accounts is with the first": (
        [("C1", "B", "55555", None), ("C2", "A", "55555", None), ("C3", None, "55555", None)],
        ["C1", "C2", "C1"],
    ),
    "an address, where there is no number": ([("C1", None, None, "a@x.org"), ("C2", None, "?", "A@x.org")], ["C1", "C1"]),
    "an address of someone with a number": ([("C1", None, "55555", "a@x.org"), ("C2", None, None, "a@x.org")], ["C1", "C1"]),
    "a number before an address": ([("C1", None, "55555", "a@x.org"), ("C2", None, "66666", "a@x.org")], ["C1", "C2"]),
    "nobody over a third": (
        [("C1", "A", "55555", None), ("C2", "B", "55555", "a@x.org"), ("C3", "C", None, "a@x.org")],
        ["C1", "C2", "C3"],
    ),
    "an account is no number": ([("C1", "55555", None, None), ("C2", None, "55555", None)], ["C1", "C2"]),
    "nothing known": ([("C1", None, None, None), ("C2", None, None, None)], ["C1", "C2"]),
    "nobody at all": ([], []),
}


def people_of(rows: list[tuple[str, str | None, str | None, str | None]]) -> People:
    names = ("id", "account", "phone", "email")
    return People.of(tables_of([], [dict(zip(names, row, strict=True)) for row in rows]))


@pytest.mark.parametrize(("rows", "persons"), ONE_PERSON.values(), ids=ONE_PERSON)
def test_who_is_one_person(rows: list[tuple[str, str | None, str | None, str | None]], persons: list[str]) -> None:
    people = people_of(rows)
    assert list(people.ids.take(people.lead[people.person])) == persons


def test_people_are_numbered_in_the_order_of_their_least_ids() -> None:
    people = people_of([("C9", None, None, None), ("C3", "A", None, None), ("C1", None, None, None), ("C0", "A", None, None)])
    assert people.person.tolist() == [2, 0, 1, 0]
    assert people.rank.tolist() == [3, 2, 1, 0]


@pytest.mark.parametrize(
    ("tag", "language"), [("zh-CN", "zh"), ("EN_gb", "en"), ("en", "en"), ("fr", "zh"), ("english", "zh"), (None, "zh")]
)
def test_the_language_is_that_of_the_customer_or_else_the_first_of_the_utility(tag: str | None, language: str) -> None:
    people = People.of(tables_of([], [{"language": tag}]))
    assert people.languages[people.language[0]] == language
    assert People.of(tables_of([], [{"language": tag}]), languages=("en",)).language.tolist() == [0]


def test_only_customers_at_a_transformer_of_their_own_are_dedicated() -> None:
    tables = tables_of([], [{}, {}, {}], [{"id": "T1", "ownership": "dedicated"}, {"id": "T2"}])
    assert People.of(tables, transformer_of_customer=np.array([0, 1, -1])).dedicated.tolist() == [True, False, False]
    assert not People.of(tables).dedicated.any()


def test_the_priority_is_read() -> None:
    people = People.of(tables_of([], [{"priority": "life_support"}, {"priority": "none"}, {}]))
    assert (people.priority == LIFE_SUPPORT).tolist() == [True, False, False]


PLACES: list[dict[str, Any]] = [
    {"id": "P0", "parent_id": None, "kind": "county", "name": "清河县", "name_en": "Qinghe County"},
    {"id": "P1", "parent_id": "P0", "kind": "town", "name": "青河镇", "name_en": "Qinghe Town"},
    {"id": "P2", "parent_id": "P1", "kind": "street", "name": "中山路", "name_en": "Hill Street"},
    {"id": "P3", "parent_id": "P1", "kind": "estate", "name": "柳园", "name_en": "Willow Court"},
    {"id": "P4", "parent_id": "P3", "kind": "building", "name": "5幢", "name_en": "Building 5"},
]
ADDRESSES = [
    ({"place_id": "P2", "house_number": "12"}, "清河县青河镇中山路12号", "12 Hill Street, Qinghe Town, Qinghe County"),
    (
        {"place_id": "P1", "street": "中山路", "house_number": "12", "building": "3幢"},
        "清河县青河镇中山路12号3幢",
        "12 中山路, Building 3, Qinghe Town, Qinghe County",
    ),
    (
        {"place_id": "P2", "street": "中山路", "house_number": "12A"},
        "清河县青河镇中山路12A号",
        "12A 中山路, Hill Street, Qinghe Town, Qinghe County",
    ),
    (
        {"place_id": "P4", "house_number": "301"},
        "清河县青河镇柳园5幢301室",
        "Building 5, Room 301, Willow Court, Qinghe Town, Qinghe County",
    ),
    ({"place_id": "P0"}, "清河县", "Qinghe County"),
    ({"street": "Hill\u202e Street", "house_number": "7"}, "Hill Street7号", "7 Hill Street"),
    ({}, "", ""),
]


@pytest.mark.parametrize(("customer", "zh", "en"), ADDRESSES)
def test_an_address_is_written_as_letters_carry_it(customer: dict[str, str], zh: str, en: str) -> None:
    people = People.of(tables_of(PLACES, [customer]))
    assert people.addresses(np.array([0]), "zh") == [zh]
    assert people.addresses(np.array([0]), "en") == [en]


@pytest.mark.parametrize(
    ("customer", "found"),
    [({"place_id": "P1"}, True), ({"place_id": "P0"}, False), ({"place_id": "P0", "street": "Hill Street"}, True), ({}, False)],
)
def test_a_letter_needs_more_than_the_county(customer: dict[str, str], found: bool) -> None:
    assert People.of(tables_of(PLACES, [customer])).has_address.tolist() == [found]


@pytest.mark.parametrize(
    ("given", "name"),
    [("王芳", "王芳"), (" Ann\u202e \x00Lee ", "Ann Lee"), ("<b>Ann</b>", "<b>Ann</b>"), ("x" * 61, ""), (None, "")],
)
def test_a_name_is_what_can_be_printed_of_it(given: str | None, name: str) -> None:
    assert People.of(tables_of([], [{"name": given}])).names(np.array([0])) == [name]


def test_contacts_say_what_is_wrong_with_each_customer_apart() -> None:
    column = tables_of([], [{"phone": phone} for phone in ("138 0001", None, " ", "ask", "1380001")]).customers["phone"].array
    contacts = Contacts.of(column, "phone")
    assert contacts.codes.tolist() == [0, -1, -1, -1, 0]
    assert [contacts.problem(row).code for row in (1, 2, 3)] == ["phone_missing", "phone_missing", "phone_invalid"]
    assert contacts.find(["138-00 01", "?"]).tolist() == [True]


@pytest.fixture(scope="module")
def mixed() -> GridTables:
    rows = [{"id": f"C{n}", "account": f"A{n % 7}" if n % 3 else None, "phone": f"5555{n % 9}"} for n in range(40)]
    return tables_of([], rows)


@given(order=st.permutations(range(40)))
@settings(max_examples=30, deadline=None)
def test_the_order_of_the_table_does_not_decide_who_is_one_person(mixed: GridTables, order: list[int]) -> None:
    def by_id(tables: GridTables) -> dict[str, str]:
        people = People.of(tables)
        return dict(zip(people.ids, people.ids.take(people.lead[people.person]), strict=True))

    shuffled = {"customers": mixed.customers.iloc[order].reset_index(drop=True)}
    assert by_id(GridTables(**dict(mixed.items()) | shuffled)) == by_id(mixed)
