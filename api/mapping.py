"""The map page of one outage, with its class, its times and its reason at the head."""

from __future__ import annotations

from api.labels import CLASSES
from api.language import Language, moment, translator
from api.reasons import reason_in
from api.service import Service
from maps.page import impact_page
from outages.events import Outage


def outage_map(service: Service, outage: Outage, language: Language, *, assets: str = "inline") -> str:
    """Return the page as HTML; ``assets`` as `maps.page.impact_page` has it."""
    facts, zone, say = outage.facts, service.utility.zone, translator(language)
    end = say("not known yet") if facts.end is None else moment(facts.end, language, zone)
    return impact_page(
        service.preview(facts.switching),
        service.layers(facts.switching),
        title=f"{say(CLASSES[facts.outage_class])} {outage.id}",
        language=language,
        assets=assets,
        facts=[
            (say("From"), moment(facts.start, language, zone)),
            (say("Until (expected)"), end),
            (say("Reason"), reason_in(facts.reason, language)),
        ],
    )
