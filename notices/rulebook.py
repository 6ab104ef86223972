"""Rule sets as people write them: TOML files, ours in ``rulesets/`` and a utility's own; all that is wrong is said at once.

::

    title = "Example"                 what people call it; its id is the name of the file
    holidays = ["GB-ENG"]             whose days of rest are no business days

    [[rules]]
    id = "in-person"                  unique within the file
    classes = ["planned"]
    audience = "customers"
    lead = { business_days = 4 }      or hours, or days
    source = "Code of Practice, 5.2"  where it is written,
    read = "2026-03"                  when that was read, and
    mark = "confirmed"                whether the passage was seen, or only heard of: "second_hand"
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, get_args

from notices.leadtime import LONGEST_LEAD, UNITS, Lead, are_holidays_known
from notices.rules import AUDIENCES, CHANNELS, CONTENTS, About, Major, Mark, Over, Rule, RuleSet, Source, Strength
from outages.facts import OUTAGE_CLASSES, FactProblem

_SHIPPED = Path(__file__).parent / "rulesets"
_READ = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?")
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_SET_KEYS = ("title", "holidays", "business_day", "major", "rules")
_SOURCE_KEYS = ("source", "read", "mark")
_RULE_KEYS = (
    *("id", "classes", "audience", "met_by", "channels", "lead", "remind", "contains", "over", "about", "strength"),
    "counted_from",
    "note",
    *_SOURCE_KEYS,
)


class RulesError(ValueError):
    """Rule sets that cannot be used; `problems` holds everything that is wrong with them, ``field`` says where."""

    def __init__(self, *problems: FactProblem) -> None:
        self.problems = problems
        super().__init__("\n".join(f"{problem.field}: {problem.says}" for problem in problems))


def rule_sets(own: Iterable[Path] = ()) -> dict[str, RuleSet]:
    """Return the rule sets that are shipped and a utility's own, by id: the name of the file without ``.toml``.

    One of its own replaces the shipped one of the same id. Raises RulesError with what is wrong in all of its files.
    """
    found, problems = dict(_shipped()), []
    for path in own:
        try:
            found[path.stem] = read_rule_set(path.stem, path.read_bytes())
        except OSError as error:
            problems.append(
                FactProblem(path.name, "file_unreadable", f"{error.strerror}. Give the path of a TOML file.", str(path))
            )
        except RulesError as error:
            problems += [replace(problem, field=f"{path.name}: {problem.field}") for problem in error.problems]
    if problems:
        raise RulesError(*problems)
    return found


@lru_cache
def _shipped() -> Mapping[str, RuleSet]:
    return {
        path.stem: read_rule_set(path.stem, path.read_bytes())
        for path in sorted(_SHIPPED.glob("*.toml"), key=lambda path: path.stem)
    }


def read_rule_set(name: str, text: bytes) -> RuleSet:
    """Return the rule set with the id ``name`` that a TOML file says; raises RulesError with everything that is wrong."""
    try:
        given = tomllib.loads(text.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RulesError(FactProblem("file", "no_toml", f"This is no TOML in UTF-8: {error}. Correct the file.")) from error
    reader = _Reader()
    if not _NAME.fullmatch(name):
        reader.fault("file", "name", f"{name!r} is no id. Name the file in small letters, digits and hyphens.", name)
    found = reader.rule_set(name, given)
    if reader.problems:
        raise RulesError(*reader.problems)
    return found


class _Reader:
    """Reads all of a file before it complains: where something is wrong it goes on with a stand-in, which nobody gets to see."""

    def __init__(self) -> None:
        self.problems: list[FactProblem] = []

    def fault(self, field: str, code: str, says: str, given: object = "") -> None:
        self.problems.append(FactProblem(field, f"rules_{code}", says, str(given)))

    def rule_set(self, name: str, given: dict[str, Any]) -> RuleSet:
        self._only("", given, _SET_KEYS)
        holidays = self._words("holidays", given.get("holidays"), at_least=1)
        for code in holidays:
            if not are_holidays_known(code):
                self.fault("holidays", "holidays_unknown", f"No holidays are known for {code!r}. Give codes as CN, AU-VIC.", code)
        listed = given.get("rules")
        if not isinstance(listed, list) or not listed:
            self.fault("rules", "missing", "There is no rule. Add one under [[rules]].")
            listed = []
        rules = tuple(self._rule(f"rules[{place}]", one) for place, one in enumerate(listed, start=1))
        for again in sorted({one.id for one in rules if one.id and [rule.id for rule in rules].count(one.id) > 1}):
            self.fault("rules", "id_twice", f"Two rules have the id {again!r}. Give each its own.", again)
        major = self._major(given["major"]) if "major" in given else None
        business_day = self._text("business_day", given, required=False)
        return RuleSet(name, self._text("title", given), holidays, rules, business_day, major)

    def _rule(self, at: str, given: object) -> Rule:
        table = self._table(at, given)
        self._only(at, table, _RULE_KEYS)
        about: About = self._one_of(f"{at}.about", table.get("about", "outage"), get_args(About))
        audience = self._one_of(f"{at}.audience", table.get("audience"), AUDIENCES)
        return Rule(
            id=self._text(f"{at}.id", table),
            classes=self._known(f"{at}.classes", table.get("classes"), OUTAGE_CLASSES, at_least=1),
            audience=audience,
            source=self._source(at, table),
            lead=self._first_limit(at, table, about),
            met_by=self._known(f"{at}.met_by", table.get("met_by", []), AUDIENCES),
            channels=self._known(f"{at}.channels", table.get("channels", []), CHANNELS),
            contains=self._known(f"{at}.contains", table.get("contains", []), CONTENTS),
            over=self._over(f"{at}.over", table["over"]) if "over" in table else None,
            remind=self._lead(f"{at}.remind", table["remind"]) if "remind" in table else None,
            about=about,
            strength=self._one_of(f"{at}.strength", table.get("strength", "must"), get_args(Strength)),
            counted_from=self._one_of(f"{at}.counted_from", table.get("counted_from", "issue"), ("issue", "receipt")),
            note=self._text(f"{at}.note", table, required=False),
        )

    def _first_limit(self, at: str, table: dict[str, Any], about: str) -> Lead | None:
        if about != "cancellation":
            return self._lead(f"{at}.lead", table.get("lead"))
        if "lead" in table:
            self.fault(f"{at}.lead", "lead_of_cancellation", "A cancellation is told at once. Leave the lead time out.")
        return None

    def _lead(self, at: str, given: object) -> Lead:
        if isinstance(given, dict) and len(given) == 1:
            unit, count = next(iter(given.items()))
            if unit in UNITS and type(count) is int and 1 <= count <= LONGEST_LEAD:
                return Lead(count, unit)
        says = f"{given!r} is no lead time. Give one of {', '.join(UNITS)}, 1 to {LONGEST_LEAD}, as {{ days = 7 }}."
        self.fault(at, "lead", "There is no lead time. Give one, as { days = 7 }." if given is None else says, given)
        return Lead(1, "hours")

    def _over(self, at: str, given: object) -> Over:
        table = self._table(at, given)
        self._only(at, table, ("customers", "hours"))
        if not table:
            self.fault(at, "over", "No limit is given. Give customers or hours, as { customers = 10 }, or leave it out.")
        customers = self._number(f"{at}.customers", table["customers"], whole=True) if "customers" in table else None
        hours = self._number(f"{at}.hours", table["hours"]) if "hours" in table else None
        return Over(None if customers is None else int(customers), hours)

    def _major(self, given: object) -> Major:
        table = self._table("major", given)
        self._only("major", table, ("outages", "hours", *_SOURCE_KEYS))
        outages = self._number("major.outages", table.get("outages"), whole=True)
        return Major(int(outages), self._number("major.hours", table.get("hours")), self._source("major", table))

    def _source(self, at: str, table: dict[str, Any]) -> Source:
        read = self._text(f"{at}.read", table)
        if read and not _READ.fullmatch(read):
            self.fault(f"{at}.read", "read", f"{read!r} is no date. Give a year, a month or a day, as 2026-03.", read)
        mark: Mark = self._one_of(f"{at}.mark", table.get("mark"), get_args(Mark))
        return Source(self._text(f"{at}.source", table), read, mark)

    # What values are like.

    def _only(self, at: str, table: dict[str, Any], known: tuple[str, ...]) -> None:
        for key in sorted(set(table) - set(known)):
            says = f"{key!r} means nothing here. Take one of: {', '.join(known)}."
            self.fault(f"{at}.{key}".lstrip("."), "key_unknown", says, key)

    def _table(self, at: str, given: object) -> dict[str, Any]:
        if isinstance(given, dict):
            return given
        self.fault(at, "no_table", f"{given!r} is no table. Write keys and values.", given)
        return {}

    def _text(self, at: str, table: dict[str, Any], *, required: bool = True) -> str:
        given = table.get(at.rpartition(".")[2], "")
        if not isinstance(given, str):
            self.fault(at, "no_text", f"{given!r} is no text. Put it in quotation marks.", given)
        elif required and not given.strip():
            self.fault(at, "missing", "It is not given. Add it.")
        return str(given).strip()

    def _number(self, at: str, given: object, *, whole: bool = False) -> float:
        if (
            isinstance(given, int | float)
            and not isinstance(given, bool)
            and 0 <= given < 1e6
            and (not whole or given == int(given))
        ):
            return given
        self.fault(at, "number", f"{given!r} is no {'whole ' if whole else ''}number from 0. Give one, as 10.", given)
        return 0

    def _words(self, at: str, given: object, *, at_least: int = 0) -> tuple[str, ...]:
        if isinstance(given, list) and all(isinstance(word, str) for word in given) and len(given) >= at_least:
            return tuple(dict.fromkeys(given))
        self.fault(at, "no_list", f'{given!r} is no list of words{", one at least" if at_least else ""}. Write ["…"].', given)
        return ()

    def _known(self, at: str, given: object, known: Collection[str], *, at_least: int = 0) -> tuple[Any, ...]:
        words = self._words(at, given, at_least=at_least)
        return tuple(self._one_of(at, word, known) for word in words)

    def _one_of(self, at: str, given: object, known: Collection[str]) -> Any:
        if given not in known:
            says = "It is not given." if given is None else f"{given!r} is not known."
            self.fault(at, "unknown", f"{says} Take one of: {', '.join(known)}.", given)
        return given
