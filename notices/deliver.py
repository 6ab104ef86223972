"""Delivery: claim what is due, write each text out, hand it over, settle what came of it; channel by channel.

::

    claim ─▶ texts of the notice ─▶ form filled ─▶ Adapter.send ─▶ settle with proofs
    lease     missing, unknown blank: dead          raises: later     nothing is open in the database in between

Each channel has its own thread: an adapter that hangs, or a store that refuses one claim, holds up no other channel. Any
number of deliverers may run on one store; each needs a name of its own.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from notices.channels.parcel import Adapter, Outcome, Parcel, Result, shown
from notices.facts import NoticeError
from notices.history import Text, TextKey
from notices.outbox import Message, Outbox
from notices.personal import Form
from notices.text import UNTITLED

Forms = Mapping[TextKey, tuple[Form, Form] | Outcome]
"""Title and body of each text, or why it cannot be sent."""


@dataclass(frozen=True)
class Counts:
    """What one round did: how many messages came to which result, and which channels are not done or could not begin."""

    results: Counter[Result] = field(default_factory=Counter)
    busy: tuple[str, ...] = ()
    """Channels whose adapter is still at work, from this round or one before."""
    failed: Mapping[str, str] = field(default_factory=dict)
    """Channel → why nothing could be claimed or settled; what was sent goes out again when its lease is over."""

    @property
    def taken(self) -> int:
        """How many messages were claimed and settled; where there were some, more may be due."""
        return self.results.total()


class Deliverer:
    """Delivers what is due, by one adapter for each channel. Safe to share between threads.

    Parameters
    ----------
    texts
        Id of a notice → its issued texts; what it raises is tried again later.
    adapters
        Channel → who hands over. Messages for other channels wait.
    name
        Of this deliverer, as no other one is called; it is in every proof.
    lease_s
        For how long a batch is claimed: longer than any adapter takes for one, or a batch is sent by two.
    patience_s
        How long `deliver_once` waits for the adapters.
    timer
        Seconds since any moment, growing: how long sending took.
    """

    def __init__(
        self,
        outbox: Outbox,
        texts: Callable[[str], Mapping[TextKey, Text]],
        adapters: Mapping[str, Adapter],
        *,
        name: str,
        lease_s: float = 300,
        patience_s: float = 120,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._outbox = outbox
        self._texts = texts
        self._adapters = dict(adapters)
        self._name = name
        self._lease_s = lease_s
        self._patience_s = patience_s
        self._timer = timer
        self._at_work: dict[str, threading.Thread] = {}
        self._turn = threading.Lock()

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels that there is an adapter for."""
        return tuple(self._adapters)

    def deliver(self, channel: str, now: datetime) -> Counter[Result]:
        """Deliver one batch of a channel, and return how many messages came to which result; empty where nothing is due.

        For a loop of its own for each channel. Raises KeyError for a channel without an adapter, and StoreError; whatever texts
        and adapters raise is settled.
        """
        adapter = self._adapters[channel]
        began = self._timer()
        claimed = self._outbox.claim(channel, limit=adapter.batch, by=self._name, now=now, lease_s=self._lease_s)
        if not claimed:
            return Counter()
        outcomes = self._deliver(adapter, claimed)
        then = now + timedelta(seconds=self._timer() - began)
        self._outbox.settle(zip(claimed, outcomes, strict=True), by=self._name, now=then)
        return Counter(outcome.result for outcome in outcomes)

    def deliver_once(self, now: datetime) -> Counts:
        """Deliver one batch of every channel, all at once, and return what came of it.

        Waits ``patience_s`` at most; an adapter that takes longer goes on alone, and its channel is left out until it is done.
        """
        results: Counter[Result] = Counter()
        failed: dict[str, str] = {}

        def work(channel: str) -> None:
            try:
                mine = self.deliver(channel, now)
                with self._turn:
                    results.update(mine)
            except Exception as error:  # the store: the other channels go on
                with self._turn:
                    failed[channel] = shown(error)

        started = self._start(work)
        give_up = time.monotonic() + self._patience_s
        for thread in started:
            thread.join(max(0.0, give_up - time.monotonic()))
        with self._turn:
            busy = tuple(channel for channel, thread in self._at_work.items() if thread.is_alive())
            return Counts(results.copy(), busy, dict(failed))

    def _start(self, work: Callable[[str], None]) -> list[threading.Thread]:
        with self._turn:
            free = [channel for channel in self._adapters if not self._is_at_work(channel)]
            threads = {
                # Nobody has to wait for one that hangs when the process ends: its messages are claimed again.
                channel: threading.Thread(target=work, args=(channel,), name=f"deliver-{channel}", daemon=True)
                for channel in free
            }
            self._at_work.update(threads)
            for thread in threads.values():
                thread.start()
        return [*threads.values()]

    def _is_at_work(self, channel: str) -> bool:
        thread = self._at_work.get(channel)
        return thread is not None and thread.is_alive()

    def _deliver(self, adapter: Adapter, messages: Sequence[Message]) -> list[Outcome]:
        """Return what comes of ``messages``; those that cannot be written hold up none of the others."""
        forms = self._forms(messages)
        written = [_written(message, forms[message.notice_id]) for message in messages]
        parcels = [each for each in written if isinstance(each, Parcel)]
        sent = iter(_sent(adapter, parcels))
        return [next(sent) if isinstance(each, Parcel) else each for each in written]

    def _forms(self, messages: Iterable[Message]) -> dict[str, Forms | Outcome]:
        wanted: dict[str, set[TextKey]] = {}
        for message in messages:
            wanted.setdefault(message.notice_id, set()).add(message.text_key)
        return {notice_id: self._forms_of(notice_id, keys) for notice_id, keys in wanted.items()}

    def _forms_of(self, notice_id: str, keys: Iterable[TextKey]) -> Forms | Outcome:
        try:
            texts = self._texts(notice_id)
        except Exception as error:  # whatever is in the way of reading them may be gone later
            return Outcome("later", shown(f"The texts of notice {notice_id} could not be read: {error}"))
        return {key: _form(notice_id, key, texts.get(key)) for key in keys}


def _form(notice_id: str, key: TextKey, text: Text | None) -> tuple[Form, Form] | Outcome:
    if text is None:
        return Outcome("dead", f"Notice {notice_id} has no text {key}. Give the message up, and issue a notice that has one.")
    try:
        return Form.of(text.title, key.language), Form.of(text.body, key.language)
    except NoticeError as error:
        return Outcome("dead", shown(f"Text {key} of notice {notice_id} cannot be filled in. {error}"))


def _written(message: Message, forms: Forms | Outcome) -> Parcel | Outcome:
    found = forms if isinstance(forms, Outcome) else forms[message.text_key]
    if isinstance(found, Outcome):
        return found
    title, body = (form.fill(message.personal) for form in found)
    return Parcel(
        key=message.key,
        notice_id=message.notice_id,
        channel=message.channel,
        language=message.language,
        address=message.address,
        title="" if message.channel in UNTITLED else title,  # of those it is for the desk
        text=body,
        slot_s=message.slot_s,
    )


def _sent(adapter: Adapter, parcels: Sequence[Parcel]) -> list[Outcome]:
    if not parcels:
        return []
    try:
        outcomes = adapter.send(parcels)
    except Exception as error:  # a fault of the adapter, not of the messages
        return [Outcome("later", shown(f"{type(error).__name__}: {error}"))] * len(parcels)
    if len(outcomes) != len(parcels):
        return [Outcome("unknown", f"The adapter told of {len(outcomes)} parcels and was given {len(parcels)}")] * len(parcels)
    return outcomes
