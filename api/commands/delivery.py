"""Delivery at a terminal: messages that are due go out by their channels, once or until it is interrupted."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.commands.given import STORE, Json, Store, open_existing, read_settings, say, tell

if TYPE_CHECKING:
    from api.courier import Courier
    from notices.deliver import Counts, Deliverer

_GONE_ON = frozenset({"accepted", "refused", "dead"})
"""Results of messages that nobody takes up again by themselves."""


def deliver(
    channels: Annotated[
        Path,
        typer.Option("--channels", metavar="FILE", envvar="GRIDNOTICE_CHANNELS", help="Who takes the messages of each channel."),
    ],
    once: Annotated[
        bool, typer.Option("--once", help="Deliver what is due now, then end; exit 1 where something went wrong.")
    ] = False,
    store: Store = STORE,
    as_json: Json = False,
) -> None:
    """Deliver the messages of issued notices, until interrupted; several may do so on one store.

    What is being sent when it is interrupted goes out again, under the same key, when its lease is over.
    """
    from api.clock import utc_now
    from api.wiring import build_deliverer
    from notices.channels.parcel import ChannelError

    settings = read_settings("-", store).model_copy(update={"channels": channels})
    with closing(open_existing(store)) as database:
        deliverer = build_deliverer(settings, database)
        if not deliverer.channels:
            raise ChannelError(f"{channels} names no channel, so nothing could go out. Add one, such as [newspaper].")
        if once:
            _answer_once(_deliver_due(deliverer, utc_now), as_json)
        else:
            _deliver_on(deliverer, utc_now, as_json)


def add_to(app: typer.Typer) -> None:
    """Add the command of this module to ``app``."""
    app.command()(deliver)


def _deliver_due(deliverer: Deliverer, clock: Callable[[], datetime]) -> Counts:
    """Deliver round after round, until one brings no message any further: what failed would only fail again."""
    from notices.deliver import Counts

    results: Counter[Any] = Counter()
    failed: dict[str, str] = {}
    while True:
        counts = deliverer.deliver_once(clock())
        results.update(counts.results)
        failed |= counts.failed
        if not _GONE_ON & counts.results.keys():
            return Counts(results, counts.busy, failed)


def _answer_once(counts: Counts, as_json: bool) -> None:
    for channel, says in counts.failed.items():
        say(f"{channel}: {says}")
    for channel in counts.busy:
        say(f"{channel}: not done yet; what it has goes out again when its lease is over.")
    answer = {"results": dict(counts.results), "busy": list(counts.busy), "failed": dict(counts.failed)}
    tell(as_json, answer, f"Delivered: {_said(counts.results)}.")
    if counts.busy or counts.failed or counts.results.keys() - {"accepted"}:
        raise typer.Exit(1)


def _deliver_on(deliverer: Deliverer, clock: Callable[[], datetime], as_json: bool) -> None:
    from api.courier import Courier
    from api.logs import set_up_logging

    set_up_logging()
    courier = Courier(deliverer, clock)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    say(f"Delivers by {', '.join(deliverer.channels)} until it is interrupted.")
    _run_until_interrupted(courier)
    tell(as_json, {"results": dict(courier.results)}, f"Delivered: {_said(courier.results)}.")


def _run_until_interrupted(courier: Courier) -> None:
    """Deliver in a thread, and wait for a signal here: a handler in the thread itself could wait for a lock that it holds."""
    try:
        courier.start()
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        say("Stops.")
        courier.stop()


def _said(results: Counter[Any]) -> str:
    return ", ".join(f"{count:,} {result}" for result, count in sorted(results.items())) or "nothing was due"
