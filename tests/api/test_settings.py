"""Settings are read once, checked, and never change."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from api.settings import Settings
from api.utility import utility_of
from notices.rulebook import RulesError


def test_what_is_not_set_has_a_default_that_is_safe() -> None:
    settings = Settings(network="net.gpkg")
    assert settings.public_threshold == 5
    assert settings.hosts == ("127.0.0.1", "localhost", "[::1]")
    assert not settings.demo


def test_the_environment_sets_what_a_utility_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDNOTICE_NETWORK", "net.gpkg")
    monkeypatch.setenv("GRIDNOTICE_ZONE", "Europe/London")
    monkeypatch.setenv("GRIDNOTICE_LANGUAGES", '["en"]')
    settings = Settings()
    assert (settings.network, settings.zone, settings.languages) == ("net.gpkg", "Europe/London", ("en",))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"zone": "Mars/Olympus"}, "is no time zone. Give an IANA name"),
        ({"zone": "../../etc/passwd"}, "is no time zone"),
        ({"languages": ()}, "at least 1"),
        ({"languages": ("tlh",)}, "'zh' or 'en'"),
        ({"public_threshold": 1}, "greater than or equal to 2"),
        ({"hotline": ""}, "at least 1"),
        ({"colour": "green"}, "Extra inputs"),
    ],
)
def test_settings_that_cannot_work_are_explained(changes: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Settings(network="net.gpkg", **changes)  # type: ignore[arg-type]


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings(network="net.gpkg").zone = "UTC"  # type: ignore[misc]


def test_rules_that_are_not_there_are_named() -> None:
    with pytest.raises(RulesError, match=r"no rule set 'atlantis'\. Choose one of au, "):
        utility_of(Settings(network="net.gpkg", rules="atlantis"))


def test_a_rule_set_of_the_utilitys_own_is_taken(tmp_path: Path) -> None:
    (tmp_path / "ours.toml").write_text(
        'title = "Ours"\nholidays = ["CN"]\n[[rules]]\nid = "a"\nclasses = ["planned"]\naudience = "customers"\n'
        "lead = { hours = 5 }\n"
        'source = "ours"\nread = "2026"\nmark = "confirmed"\n'
    )
    rules = utility_of(Settings(network="net.gpkg", rules="ours", rule_files=(tmp_path / "ours.toml",))).rules
    assert rules is not None
    assert [rule.id for rule in rules.rules] == ["a"]
