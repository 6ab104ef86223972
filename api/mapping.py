"""The map page of one outage, with its class, its times and its reason at the head."""

from __future__ import annotations

from api.labels import CLASSES
from api.language import Language, moment, translator
from api.reasons import reason_in
from api.saying import Saying
from api.service import Service
from maps.page import impact_page
from outages.events import Outage


def outage_map(service: Service, outage: Outage, language: Language, *, assets: str = "inline", newest: bool = False) -> str:
    """Return the page as HTML: of what is in force, or, for a draft and with ``newest``, of what was last written down.

    ``assets`` as `maps.page.impact_page` has it.
    """
    impact = service.impact(outage) if newest else service.impact_in_force(outage)
    facts = outage.facts if newest else outage.in_force or outage.facts
    zone, say = service.utility.zone, translator(language)
    end = say("not known yet") if facts.end is None else moment(facts.end, language, zone)
    return impact_page(
        impact,
        service.layers(impact),
        title=f"{say(CLASSES[facts.outage_class])} {outage.id}",
        language=language,
        assets=assets,
        facts=[
            (say("From"), moment(facts.start, language, zone)),
            (say("Until (expected)"), end),
            *([(say("Times"), Saying(language, zone).windows(facts))] if len(facts.windows) > 1 else []),
            (say("Reason"), reason_in(facts.reason, language)),
        ],
    )
