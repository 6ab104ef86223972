"""Delivery beside the server or alone: one thread that asks again and again what is due, until it is told to stop."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime

from api.logs import note
from notices.channels.parcel import Result
from notices.deliver import Deliverer

IDLE_S = 1.0
"""How long to wait where nothing was due: a message leaves at most so much later than it could."""

_LOG = logging.getLogger("gridnotice.courier")


class Courier:
    """Delivers from `start` to `stop`; a store or a channel that fails is asked again after `IDLE_S`.

    ``results`` counts what came of all messages so far.
    """

    def __init__(self, deliverer: Deliverer, clock: Callable[[], datetime], *, idle_s: float = IDLE_S) -> None:
        self._deliverer = deliverer
        self._clock = clock
        self._idle_s = idle_s
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self.results: Counter[Result] = Counter()

    def start(self) -> None:
        """Begin in a thread of its own; where no channel has an adapter there is nothing to do."""
        if self._deliverer.channels and self._thread is None:
            self._thread = threading.Thread(target=self.run, name="courier", daemon=True)
            self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Ask for nothing more, and wait so long at most; what is being sent then goes out again when its lease is over."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def run(self) -> None:
        """Deliver until `stop` is called."""
        while not self._stopped.is_set():
            if not self._round():
                self._stopped.wait(self._idle_s)

    def _round(self) -> int:
        """Deliver a batch of each channel, and return how many messages were taken."""
        counts = self._deliverer.deliver_once(self._clock())
        self.results += counts.results
        for channel, says in counts.failed.items():
            note(_LOG, logging.WARNING, "delivery failed", channel=channel, says=says)
        if counts.taken:
            note(_LOG, logging.INFO, "delivered", **{str(result): count for result, count in counts.results.items()})
        return counts.taken
