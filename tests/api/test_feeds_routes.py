"""The feeds that everybody may read, read back by other programs; nothing of the grid or of any person is in them."""

from __future__ import annotations

import json
import re
from email.utils import parsedate_to_datetime
from typing import Any

import feedparser
import pytest
from icalendar import Calendar
from lxml import etree
from starlette.testclient import TestClient

from api.app import create_app
from api.service import Service
from api.settings import Settings
from outages.events import Approved, Cancelled, Restored, Revised, SwitchedOff
from outages.facts import Estimate
from tests.api.signed import new_client
from tests.api.test_bulletins import BOSS, BY, HILL, MILL, WILLOW, Desk, at, facts
from tests.api.town import NOW
from tests.notices.standards.alerts import CAP, checked, told, triple_of
from topology.network import Network

FEEDS = {
    "/api/v1/public/outages.atom": "application/atom+xml",
    "/api/v1/public/outages.ics": "text/calendar; charset=utf-8",
    "/api/v1/public/outages.json": "application/json",
}
ALERTS = "/api/v1/public/alerts"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    given = {"public_url": "https://donggang.example/power/", "sender": "outages@donggang.example", "demo": False}
    return Settings(**settings.model_dump() | given)


@pytest.fixture(autouse=True)
def outages(service: Service) -> dict[str, str]:
    """A fault, a plan that was moved, one that was called off, one that is restored, and a draft."""
    desk = Desk(service)
    estimate = Estimate(at(1), at(2), "crew", "low", at(0.5))
    entered = {
        "fault": desk.announce(facts(HILL, -1, 3, outage_class="fault", reason="cable fault", estimate=estimate), -1),
        "moved": desk.announce(facts(MILL, 2, 5, 26, 29, contact="secret-contact"), -4),
        "cancelled": desk.announce(facts(WILLOW, 8, 9), -4),
        "restored": desk.announce(facts(WILLOW, -3, -1), -4),
        "draft": service.enter(facts(WILLOW, 50, 51, reason="secret-plan"), by=BY, now=NOW).id,
    }
    desk.then(entered["moved"], Revised(facts(MILL, 3, 6), at(-1), BY, "secret-why"), Approved(at(-1), BOSS))
    desk.then(entered["cancelled"], Cancelled(at(-1), BY, "secret-why"))
    desk.then(entered["restored"], SwitchedOff(at(-3), at(-3), BY), Restored(at(-2), at(-2), BY))
    return entered


def get(client: TestClient, path: str, language: str = "en") -> bytes:
    answer = client.get(path, params={"lang": language})
    assert answer.status_code == 200, answer.text
    return answer.content


def alerts_of(client: TestClient) -> list[str]:
    """The addresses of all alerts: those that the feed links to, and those that these refer to."""
    found = []
    for entry in feedparser.parse(get(client, "/api/v1/public/outages.atom")).entries:
        (link,) = [one.href for one in entry.links if one.type == "application/cap+xml"]
        name = link.rpartition("/")[2]
        reference, revision = name.removesuffix(".xml").rsplit(".", 1)
        found += [f"{ALERTS}/{reference}.{number}.xml" for number in range(1, int(revision) + 1)]
    return [path for path in found if client.get(path).status_code == 200]


@pytest.mark.parametrize(
    ("language", "title"), [("zh", "变更：计划停电：磨坊社区"), ("en", "Changed: Planned outage: Mill Lane")]
)
def test_a_feed_reader_reads_each_outage_once_with_its_newest_bulletin(
    nobody: TestClient, outages: dict[str, str], language: str, title: str
) -> None:
    feed = feedparser.parse(get(nobody, "/api/v1/public/outages.atom", language))
    assert not feed.bozo
    assert feed.feed.links[0].href == f"https://donggang.example/power/api/v1/public/outages.atom?lang={language}"
    terms = {entry.link.rpartition("#")[2]: entry.tags[1].term for entry in feed.entries}
    statuses = {"fault": "current", "moved": "planned", "cancelled": "cancelled", "restored": "restored"}
    assert terms == {outages[name]: status for name, status in statuses.items()}
    (moved,) = [entry for entry in feed.entries if entry.link.endswith(outages["moved"])]
    assert moved.title.startswith(title)
    assert moved.link == f"https://donggang.example/power/map#{outages['moved']}"


def test_a_calendar_has_the_windows_of_what_is_announced_and_drops_the_others(
    nobody: TestClient, outages: dict[str, str]
) -> None:
    events = Calendar.from_ical(get(nobody, "/api/v1/public/outages.ics")).walk("VEVENT")
    found = {
        str(event["uid"]).partition("@")[0]: (event["status"], event.decoded("dtstart"), event["sequence"]) for event in events
    }
    assert found == {
        f"{outages['moved']}-1": ("CONFIRMED", at(3), 1),
        f"{outages['moved']}-2": ("CANCELLED", at(26), 1),
        f"{outages['cancelled']}-1": ("CANCELLED", at(8), 1),
        f"{outages['restored']}-1": ("CONFIRMED", at(-3), 2),
    }


def test_records_say_what_is_planned_and_how_many_at_least(nobody: TestClient, outages: dict[str, str]) -> None:
    records = {
        one["Names"][0]["name"]: one for one in json.loads(get(nobody, "/api/v1/public/outages.json"))["PubOutages"]["Outage"]
    }
    shown = {name: (records[outages[name]]["isPlanned"], records[outages[name]]["metersAffected"]) for name in ("fault", "moved")}
    assert shown == {"fault": (False, 5), "moved": (True, 15)}
    assert outages["draft"] not in records


def test_every_alert_is_valid_and_refers_to_those_before_it_which_are_there(nobody: TestClient, outages: dict[str, str]) -> None:
    paths = alerts_of(nobody)
    alerts = {triple_of(one): one for one in (checked(nobody.get(path).content) for path in paths)}
    assert len(alerts) == len(paths) == 1 + 2 + 2 + 3
    for alert in alerts.values():
        assert told(alert, "status") == "Actual"
        assert [told(info, "language") for info in alert.findall("cap:info", CAP)] == ["zh-CN", "en"]
        references = alert.findtext("cap:references", "", CAP).split()
        assert references == [
            triple
            for triple, one in sorted(alerts.items(), key=lambda pair: pair[0].split(",")[1])
            if told(one, "incidents") == told(alert, "incidents") and told(one, "sent") < told(alert, "sent")
        ]


def test_alerts_of_a_demonstration_are_tests(service: Service, settings: Settings, outages: dict[str, str]) -> None:
    client = new_client(create_app(service, settings.model_copy(update={"demo": True}), lambda: NOW))
    alert = etree.fromstring(get(client, f"{ALERTS}/{outages['fault']}.2.xml"))
    assert told(alert, "status") == "Test"


@pytest.mark.parametrize("name", ["nothing.1", "nothing", "{draft}.1", "{moved}.2", "{moved}.99", "{moved}", "..%2f", "x" * 400])
def test_an_alert_that_nobody_sent_is_not_found(nobody: TestClient, outages: dict[str, str], name: str) -> None:
    answer = nobody.get(f"{ALERTS}/{name.format(**outages)}.xml")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(("path", "media_type"), FEEDS.items())
def test_who_has_it_already_is_told_so(nobody: TestClient, path: str, media_type: str) -> None:
    answer = nobody.get(path)
    assert answer.headers["content-type"] == media_type
    assert answer.headers["cache-control"] == "public, max-age=60"
    assert parsedate_to_datetime(answer.headers["last-modified"]) == at(-1)
    tag = answer.headers["etag"]
    for held in (tag, f'"other", W/{tag}', "*"):
        again = nobody.get(path, headers={"If-None-Match": held})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert nobody.get(path, headers={"If-None-Match": '"other"'}).content == answer.content


@pytest.mark.parametrize("path", FEEDS)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_same_outages_give_the_same_bytes_from_another_server(
    nobody: TestClient, service: Service, settings: Settings, path: str, language: str
) -> None:
    other = new_client(create_app(service, settings, lambda: at(0.4)))
    first = get(nobody, path, language)
    assert get(nobody, path, language) == first == get(other, path, language)


def test_a_feed_changes_when_an_outage_does(nobody: TestClient, service: Service, outages: dict[str, str]) -> None:
    before = {path: get(nobody, path) for path in FEEDS}
    Desk(service).then(outages["moved"], Cancelled(NOW, BY, "rain"))
    assert [path for path in FEEDS if get(nobody, path) == before[path]] == []


def test_without_any_outage_there_is_an_empty_feed(town: Network, settings: Settings, tmp_path: Any) -> None:
    from api.utility import utility_of  # noqa: PLC0415
    from outages.store import open_store  # noqa: PLC0415

    empty = Service(town, open_store(f"sqlite:///{tmp_path}/empty.db"), utility_of(settings))
    client = new_client(create_app(empty, settings, lambda: NOW))
    feed = feedparser.parse(get(client, "/api/v1/public/outages.atom"))
    assert (feed.bozo, feed.entries) == (False, [])
    assert Calendar.from_ical(get(client, "/api/v1/public/outages.ics")).walk("VEVENT") == []
    assert json.loads(get(client, "/api/v1/public/outages.json")) == {"PubOutages": {"Outage": []}}
    empty.close()


def test_feeds_are_limited_as_all_that_is_public(service: Service, settings: Settings) -> None:
    client = new_client(create_app(service, settings.model_copy(update={"public_per_minute": 3}), lambda: NOW))
    assert [client.get(path).status_code for path in (*FEEDS, f"{ALERTS}/x.1.xml")] == [200, 200, 200, 429]


def test_the_public_page_leads_to_the_feeds(nobody: TestClient) -> None:
    page = nobody.get("/map?lang=en").text
    for path in ("/api/v1/public/outages.atom", "/api/v1/public/outages.ics"):
        assert f'href="{path}?lang=en"' in page


# Nothing of the grid, of a person or of an address.


@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_feed_names_a_customer_a_device_a_line_or_an_address(nobody: TestClient, town: Network, language: str) -> None:
    tables = town.tables
    secret = {
        *tables.customers["id"],
        *tables.customers["name"],
        *tables.customers["phone"],
        *tables.customers["street"],
        *town.device_ids,
        *tables.switches["name"],
        *tables.switches["feeder"],
        *tables.transformers["feeder"].dropna(),
        *(node for node in town.node_ids if len(node) > 1),
        "secret",
        BY,
        BOSS,
    }
    bodies = [get(nobody, path, language).decode() for path in FEEDS]
    bodies += [nobody.get(path).text for path in alerts_of(nobody)]
    assert len(bodies) > 8
    for body in bodies:
        words = body.replace("\r\n ", "")  # lines of a calendar are folded
        assert [text for text in secret if re.search(rf"(?<!\w){re.escape(str(text))}(?!\w)", words)] == []


def test_no_number_of_a_house_is_in_what_people_read(nobody: TestClient, town: Network) -> None:
    """Numbers are everywhere; one that stands for a house would stand among the places."""
    entries = feedparser.parse(get(nobody, "/api/v1/public/outages.atom")).entries
    places = {line for entry in entries for line in entry.summary.splitlines() if line.startswith("Places: ")}
    assert places == {"Places: Little Hill", "Places: Mill Lane", "Places: Willow Bank"}


def test_points_of_the_grid_are_in_no_shape(nobody: TestClient, town: Network) -> None:
    known = {f"{y:.4f},{x:.4f}" for x, y in town.tables.nodes[["x", "y"]].itertuples(index=False)}
    drawn = {point for path in alerts_of(nobody) for shape in polygons(nobody.get(path).content) for point in shape.split()}
    assert drawn
    assert not drawn & known


def polygons(message: bytes) -> list[str]:
    return [one.text or "" for one in etree.fromstring(message).iter(f"{{{CAP['cap']}}}polygon")]
