"""From the history of an outage to what everybody was told of it: its bulletins, one for each event that changed that.

::

    events    entered  submitted  approved  revised  approved  switched_off  restored  closed
    seq          1         2         3         4        5           6           7        8
    bulletins                      first               update     update      update
                                   planned             planned    current    restored

A draft tells nothing. That time passes makes no bulletin: what is planned is planned until somebody confirms that power is off.
What counts and what is drawn comes out of `maps.layers.public_layer`, which keeps the privacy rule. A bulletin depends on the
events until then and on the network, and on nothing else: made again, it is the same.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from urllib.parse import quote

import numpy as np
import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from api.bulletin_words import Phase, Told, words_of
from api.language import TAGS, Language, translator
from api.logs import note
from api.service import NetworkChangedError, Service
from maps.layers import PublicEntry, public_layer
from notices.bulletin import Area, Bulletin, Issue, Publisher, Status, identifier
from notices.facts import NoticeError
from outages.bearing import NOWHERE, Reach, bearing_on, reach_of
from outages.events import Outage
from outages.facts import Estimate, OutageFacts, Switching, Window
from outages.impact import Impact, assess
from outages.kept import RULES, read_kept
from outages.lifecycle import ON, OVER, active_spans, begin, is_active, step
from outages.standing import Standing
from outages.store import StoreError
from topology.flood import Rows
from topology.supply import UnknownPhaseError

KEPT = timedelta(days=7)
"""How long what is restored or cancelled stays: a reader who looks once a week misses nothing."""

_log = logging.getLogger("gridnotice.bulletins")


@dataclass(frozen=True)
class Where:
    """The places that an outage affects, as the public may know them; ``at_least`` is None for fewer than the threshold."""

    areas: tuple[Area, ...]
    at_least: int | None


@dataclass(frozen=True, eq=False)
class Published:
    """What is published at one time: the newest bulletin of each outage, and each of theirs by its name."""

    newest: tuple[Bulletin, ...]
    by_name: dict[str, Bulletin]


@dataclass(frozen=True)
class _Made:
    """The bulletins of an outage with ``seq`` events, oldest first; ``where``, by the event that brought the facts."""

    seq: int
    story: tuple[Bulletin, ...] = ()
    where: dict[int, Where | None] = field(default_factory=dict)


class Bulletins:
    """Makes the bulletins of all outages, each once, and keeps those that are published. Safe to share between threads.

    An outage of which no true bulletin can be made (its network changed, it affects nobody) has none, and stops no other.
    Where the store is lost, what was made before stays.
    """

    def __init__(self, service: Service, publisher: Publisher, *, page: str, threshold: int) -> None:
        self._service = service
        self._publisher = publisher
        self._page = page
        self._threshold = threshold
        self._made: dict[str, _Made] = {}
        self._reaches: dict[str, tuple[int, Reach]] = {}
        self._published = Published((), {})
        self._making = threading.Lock()

    def published(self, now: datetime) -> Published:
        """Return what is published at ``now``; the same object as long as nothing changes."""
        with self._making:
            self._made = dict(self._make_all(now))
            stories = [made.story for made in self._made.values() if made.story and _is_published(made.story[-1], now)]
            newest = tuple(story[-1] for story in stories)
            if newest != self._published.newest:
                by_name = {identifier(one.reference, one.revision): one for story in stories for one in story}
                self._published = Published(newest, by_name)
            return self._published

    def _make_all(self, now: datetime) -> Iterator[tuple[str, _Made]]:
        is_lost = False
        for outage in self._service.live.list_outages(fresh=False):
            if not _may_be_told(outage, now):
                continue
            made = self._made.get(outage.id, _Made(0))
            if made.seq != outage.seq and not is_lost:
                try:
                    made = self._make(outage, made)
                except StoreError:
                    is_lost = True  # and every other would wait for it in vain
            yield outage.id, made

    def _make(self, outage: Outage, before: _Made) -> _Made:
        where = dict(before.where)
        try:
            return _Made(outage.seq, tuple(self._story(outage, where)), where)
        except StoreError:
            raise
        except Exception as error:  # whatever is wrong with this one is not the fault of the others
            note(_log, logging.ERROR, "no bulletins", outage=outage.id, seq=outage.seq, kind=type(error).__name__)
            return replace(before, seq=outage.seq)

    def _story(self, outage: Outage, where: dict[int, Where | None]) -> Iterator[Bulletin]:
        """Yield the bulletins of an outage, oldest first."""
        last: Told | None = None
        earlier: tuple[Issue, ...] = ()
        for state in self._states(outage):
            told = self._told(state, last, where)
            if told is None or told == last:
                continue
            try:
                bulletin = self._bulletin(state, told, last, earlier)
            except NoticeError as error:
                codes = ",".join(problem.code for problem in error.problems)
                note(_log, logging.WARNING, "no bulletin", outage=state.id, seq=state.seq, problems=codes)
                continue
            last, earlier = told, (*earlier, Issue(bulletin.revision, bulletin.sent, bulletin.windows))
            yield bulletin

    def _states(self, outage: Outage) -> list[Outage]:
        """Return the outage after each of its events; only where one was undone has the store to be asked."""
        states = list[Outage]()
        before: Outage | None = outage
        while before is not None:
            states.append(before)
            before = before.before
        if len(states) == outage.seq:
            return states[::-1]
        first, *rest = self._service.history(outage.id)[: outage.seq]
        states = [begin(outage.id, first)]
        for event in rest:
            states.append(step(states[-1], event))
        return states

    def _told(self, state: Outage, last: Told | None, where: dict[int, Where | None]) -> Told | None:
        """Return what the public knows after the last event of ``state``; ``last`` is what it knew before."""
        facts = state.in_force
        if state.status == "closed":
            return last  # for the record only
        if facts is None or state.status == "cancelled":
            return _withdrawn(last)
        brought_by = state.in_force_seq or state.facts_seq
        if brought_by not in where:
            where[brought_by] = self._find_where(state, facts)
        there, windows = where[brought_by], windows_told(state, facts)
        if there is None:
            return last  # nobody can say any more where that was
        if not there.areas or not windows:
            return _withdrawn(last)  # nobody is off: by a change of plan, or since power was back as it went off
        phase = self._phase(state)
        return Told(
            phase=phase,
            outage_class=facts.outage_class,
            reason=facts.reason,
            windows=windows,
            areas=there.areas,
            # How many of them are still off nobody has counted.
            at_least=None if phase == "partly" else there.at_least,
            estimate=None if state.status in OVER else _estimate_told(facts, windows),
        )

    def _phase(self, state: Outage) -> Phase:
        if state.status == "restored":
            return "over" if self._is_held_by_others(state) else "back"
        if state.status == "partially_restored":
            return "partly"
        return "off" if state.status in ON else "ahead"

    def _find_where(self, state: Outage, facts: OutageFacts) -> Where | None:
        """Return where an outage is by the facts in force; None where the network has no longer what they name."""
        try:
            affected = self._affected(state)
        except (NetworkChangedError, UnknownPhaseError):
            return None
        # The public layer asks an impact for its network and its customers, and for nothing else.
        impact = replace(self._no_impact, out=affected, cut_by=("",) * len(affected))
        return where_of(impact, facts, self._threshold, self._service.utility.languages)

    def _affected(self, state: Outage) -> Rows:
        """Return the customers that the facts in force affect: as they were kept, or worked out again where that is no use.

        Raises NetworkChangedError, UnknownPhaseError and StoreError.
        """
        network, seq = self._service.network, state.in_force_seq or state.facts_seq
        kept = self._service.store.find_impact(state.id, seq)
        if kept is None or (kept.seq, kept.network_version, kept.rules) != (seq, network.version, RULES):
            return self._service.impact_in_force(state).affected
        rows = [network.customer(id_) for id_, how, _ in read_kept(kept) if how != "transferred"]
        return np.array(sorted(rows), dtype=np.int32)

    @cached_property
    def _no_impact(self) -> Impact:
        return assess(self._service.network, Switching(open=()))

    def _is_held_by_others(self, state: Outage) -> bool:
        """Return whether others held a customer of the outage off when it was recorded that this one is restored.

        Others count as they were by the events of that time, whatever became of them since.
        """
        at = state.changed_at
        others = [self._as_of(other, at) for other in self._service.live.list_outages(fresh=False) if other.id != state.id]
        active = [(other, self._reach(other)) for other in others if other is not None and is_active(other, at)]
        near = bearing_on(self._service.network, self._reach(state), active)
        if not near:
            return False
        standing = Standing(self._service.network)
        standing.update({other.id: other for other in near}, at)
        return bool(np.isin(self._affected(state), standing.affected).any())

    def _as_of(self, outage: Outage, at: datetime) -> Outage | None:
        """Return an outage as it was known at ``at``; None where it was not, or was over."""
        if outage.entered_at > at or (outage.changed_at <= at and outage.status in OVER):
            return None
        known = [state for state in ([outage] if outage.changed_at <= at else self._states(outage)) if state.changed_at <= at]
        return known[-1] if known else None

    def _reach(self, outage: Outage) -> Reach:
        seq, reach = self._reaches.get(outage.id, (0, NOWHERE))
        if seq != outage.seq:
            reach = reach_of(self._service.network, outage)
            self._reaches[outage.id] = (outage.seq, reach)
        return reach

    def _bulletin(self, state: Outage, told: Told, last: Told | None, earlier: tuple[Issue, ...]) -> Bulletin:
        # Clocks of two machines may differ: what comes later was not sent before.
        sent = max([state.changed_at, *(issue.sent for issue in earlier[-1:])])
        is_changed = last is not None and last.phase == told.phase
        utility = self._service.utility
        return Bulletin(
            reference=state.id,
            revision=state.seq,
            sent=sent,
            kind="cancel" if told.phase == "withdrawn" else "update" if earlier else "first",
            status=_status(told, sent),
            outage_class=told.outage_class,
            windows=told.windows,
            words=tuple(
                words_of(told, utility, language, reference=state.id, sent=sent, is_changed=is_changed)
                for language in utility.languages
            ),
            areas=told.areas,
            publisher=self._publisher,
            web=f"{self._page}#{quote(state.id, safe='')}",
            earlier=earlier,
            estimate=told.estimate,
            at_least=told.at_least,
        )


def windows_told(state: Outage, facts: OutageFacts) -> tuple[Window, ...]:
    """Return when power is or was off, as it was known after the last event of ``state``.

    The last window ends as planned, or as estimated where it began after that; nobody knows where neither is to come. None are
    left of an outage that was over as it began.
    """
    spans = active_spans(state)
    if not spans or spans[-1][1] is not None:
        return tuple(Window(start, end) for start, end in spans if end is None or start < end)
    start = spans[-1][0]
    expected = [facts.windows[-1].end, facts.end]
    end = next((one for one in expected if one is not None and one > start), None)
    return (*(Window(*span) for span in spans[:-1]), Window(start, end))


def where_of(impact: Impact, facts: OutageFacts, threshold: int, languages: tuple[Language, ...]) -> Where:
    """Return where ``impact`` is, after the privacy rule of the public map; no area where nobody is affected."""
    entry = PublicEntry("", facts.outage_class, facts.start, facts.end, facts.reason, "", impact)
    features = public_layer([entry], threshold=threshold)["features"]
    areas = []
    for item in features:
        about = item["properties"]
        named = {"zh": about["place"], "en": about["place_en"]}
        names = tuple((TAGS[one], named[one] or translator(one)("Other places")) for one in languages)
        areas.append(Area(names, _polygons(item["geometry"])))
    return Where(tuple(areas), features[0]["properties"]["outage_customers"] if features else None)


def _polygons(geometry: dict[str, object] | None) -> tuple[shapely.Polygon, ...]:
    """Return what is drawn as valid polygons; rounded coordinates may have made others of them."""
    if geometry is None:
        return ()
    drawn: BaseGeometry = shapely.make_valid(shape(geometry))
    return tuple(part for part in shapely.get_parts(drawn) if part.geom_type == "Polygon" and not part.is_empty)


def _withdrawn(last: Told | None) -> Told | None:
    return last and replace(last, phase="withdrawn", estimate=None)


def _estimate_told(facts: OutageFacts, windows: tuple[Window, ...]) -> Estimate | None:
    """Return the estimate, unless power went off only after it."""
    return facts.estimate if facts.estimate is not None and facts.estimate.latest > windows[-1].start else None


def _status(told: Told, sent: datetime) -> Status:
    match told.phase:
        case "withdrawn":
            return "cancelled"
        case "back" | "over":
            return "restored"
        case _:
            return "current" if told.windows[0].start <= sent else "planned"


def _may_be_told(outage: Outage, now: datetime) -> bool:
    """Return whether an outage may have a bulletin that is published: it is in force, or changed not long ago."""
    is_on = outage.in_force is not None and outage.status not in OVER
    return is_on or outage.changed_at >= now - KEPT


def _is_published(newest: Bulletin, now: datetime) -> bool:
    return newest.status in ("planned", "current") or newest.sent >= now - KEPT
