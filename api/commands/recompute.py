"""Every kept impact worked out again, each with the network, the revision and the others that it was worked out with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from api.live import LiveOutages
from api.networks import kept_network
from outages.kept import RULES, KeptError, KeptImpact, recompute
from outages.store import EventStore
from topology.network import Network


@dataclass(frozen=True)
class Recomputed:
    """How many came out the same, a sentence for each that did not, and how many could not be compared."""

    same: int
    differing: tuple[str, ...]
    passed_over: int


def recompute_all(store: EventStore, *, progress: Callable[[float], None]) -> Recomputed:
    """Work out every kept impact again. Raises StoreError, and SourceError where a kept network is none."""
    live = LiveOutages(store)
    kept = [one for outage in live.list_outages() for one in _kept_of(store, outage.id, outage.seq)]
    shelved = set(store.list_networks())
    comparable = sorted(
        (one for one in kept if one.network_version in shelved and one.rules == RULES), key=lambda one: one.network_version
    )
    differing = []
    network: Network | None = None
    for number, one in enumerate(comparable, start=1):
        if network is None or network.version != one.network_version:
            network = kept_network(store, one.network_version)
        if says := _difference(one, network, live):
            differing.append(says)
        progress(number / len(comparable))
    return Recomputed(len(comparable) - len(differing), tuple(differing), len(kept) - len(comparable))


def _kept_of(store: EventStore, outage_id: str, newest: int) -> list[KeptImpact]:
    """Return the impacts kept of an outage, the newest first."""
    found, seq = [], newest
    while seq > 0 and (one := store.find_impact(outage_id, seq)) is not None:
        found.append(one)
        seq = one.seq - 1
    return found


def _difference(kept: KeptImpact, network: Network, live: LiveOutages) -> str:
    """Return what is to be said of an impact that comes out otherwise; "" where it is the same."""
    (outage,) = live.outages_at([(kept.outage_id, kept.seq)])
    name = f"Outage {kept.outage_id}, revision {kept.seq}"
    try:
        again = recompute(kept, network, outage, live.outages_at(kept.given))
    except KeptError as error:
        return f"{name}: {error}."
    if again.digest != kept.digest:
        return f"{name}: the customers differ ({again.counts['customers']} come out, {kept.counts['customers']} were kept)."
    # Packed bytes may differ between versions of zlib; the text does not.
    return "" if replace(again, customers=kept.customers) == kept else f"{name}: the figures differ."
