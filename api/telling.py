"""From an impact to what its notice tells: who has to be told, and the facts in one language."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from api.language import Language
from api.reasons import reason_in
from api.utility import Utility
from notices.addresses import AddressBook
from notices.facts import NoticeFacts
from notices.scope import Affected
from outages.facts import OutageFacts
from outages.impact import Impact
from topology.flood import Rows
from topology.network import Network


def book_of(network: Network) -> AddressBook:
    """Return the addresses of a network; a customer without one is named by the transformer that feeds it."""
    return AddressBook.of(network.tables, fed_by=network.transformer_of_customer)


def feel(impact: Impact, outage_class: str) -> Affected:
    """Return whom a notice is for, by what they feel: a short break comes with being moved by a load transfer."""
    return Affected(impact.out, impact.partial, impact.transferred if outage_class == "load_transfer" else impact.out[:0])


def told(impact: Impact, outage_class: str) -> Rows:
    """Return the customers that a notice is for: those affected; with a load transfer also those who are moved.

    A short break comes with being moved, so a load transfer is told to them.
    """
    return np.union1d(impact.affected, impact.transferred) if outage_class == "load_transfer" else impact.affected


def count_audiences(impact: Impact) -> dict[str, int]:
    """Return how many customers of each audience of `notices.rules` an outage affects."""
    network = impact.network
    unit = network.transformer_of_customer[impact.affected]
    owned = network.tables.transformers["ownership"].to_numpy(dtype=object)[unit[unit >= 0]]
    counts = impact.counts
    return {
        "public": counts.customers,
        "customers": counts.customers,
        "dedicated": int((owned == "dedicated").sum()),
        "important": counts.important,
        "life_support": counts.life_support,
    }


def notice_facts(
    facts: OutageFacts,
    utility: Utility,
    language: Language,
    *,
    lines: tuple[str, ...],
    scope: str,
    reference: str,
    issued_at: datetime,
) -> NoticeFacts:
    """Return the facts of a notice in ``language``; ``scope`` is in that language already."""
    return NoticeFacts(
        reference=reference,
        outage_class=facts.outage_class,
        windows=facts.windows,
        reason=reason_in(facts.reason, language),
        lines=lines,
        scope=scope,
        issuer=utility.names[language],
        hotline=utility.hotline,
        zone=utility.zone,
        issued_at=issued_at,
        estimate=facts.estimate,
    )
