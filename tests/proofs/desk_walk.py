"""A planned outage on the demonstration network, as the desk tells it: first, moved to another day and place, then called off.

    python -m tests.proofs.desk_walk

Texts are approved by a second person and delivered for real: by mail to a mail server, as SMS to a gateway on the web, both on
this machine, and into folders for the newspaper, the stations and the post. What everybody heard, and its proof, is printed.
The customers of the network have no contacts; some get one here, with the country code +999, which belongs to nobody.
"""

from __future__ import annotations

import email
import email.policy
import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from api.intake import load_network
from api.publishing import Publishing
from api.service import Service
from api.settings import Settings
from api.tour import EXAMPLE
from api.utility import utility_of
from api.wiring import build_deliverer
from api.writing import Written
from notices.dossier import Dossier
from notices.subscriptions import Subscription
from outages.audit import verify_audit
from outages.events import Approved, Cancelled, Outage
from outages.facts import Operation, OutageFacts, Switching, Window
from outages.store import open_store
from tests.notices.gateways import HttpGateway, MailServer, http_gateway, mail_server
from topology.network import Network, build_network

NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)
DAY = timedelta(days=1)
OFF, ON = NOW + 9 * DAY - timedelta(hours=1, minutes=30), NOW + 9 * DAY + timedelta(hours=7)

HELD = "MV3.101-LV4.317-Trafo 1"  # feeds a customer on life support, in both plans
FREED = "MV3.101-LV4.312-Trafo 1"  # feeds another one, in the first plan alone
ADDED = "MV3.101-LV5.305-Trafo 1"  # and another, in the second plan alone
OWN = "MV3.101 MV Load 5 Trafo (synthetic)"  # belongs to one customer

Say = Callable[[str], None]


@dataclass
class Walk:
    """What was heard after each notice: address → kinds of text, in the order in which they came; and what is on record."""

    heard: list[dict[str, list[str]]] = field(default_factory=list)
    files: list[int] = field(default_factory=list)
    proofs: Counter[str] = field(default_factory=Counter)
    audit: list[str] = field(default_factory=list)


def walk(folder: Path, say: Say) -> Walk:
    """Go the whole way in ``folder``, and return what was heard."""
    network = with_contacts(load_network(str(EXAMPLE)))
    with http_gateway() as gateway, mail_server() as (mail, port):
        settings = settings_in(folder, gateway.url, port)
        with closing(Service(network, open_store(settings.store), utility_of(settings))) as service:
            return _go(Desk(service, settings, gateway, mail, folder, say))


def with_contacts(network: Network) -> Network:
    """Return the network with a telephone number or an address for mail for whoever is told in person."""
    customers = network.tables.customers.copy()
    for transformer, contact in ((HELD, "phone"), (FREED, "email"), (ADDED, "phone"), (OWN, "email")):
        fed = network.tables.transformers["id"].iloc[network.transformer_of_customer] == transformer
        mine = fed.to_numpy() & ((customers["priority"] == "life_support") | (transformer == OWN)).to_numpy()
        for number, row in enumerate(customers.index[mine], start=1):
            of = {
                "phone": f"+999 1000 {list(CONTACTS).index(transformer):02}{number:02}",
                "email": f"{CONTACTS[transformer]}@example.org",
            }
            customers.loc[row, contact] = of[contact]
    return build_network(replace(network.tables, customers=customers))


CONTACTS = {HELD: "held", FREED: "freed", ADDED: "added", OWN: "own"}


def settings_in(folder: Path, sms: str, mail_port: int) -> Settings:
    """Return the settings of a utility whose channels end on this machine."""
    for name in ("newspaper", "stations", "letters"):
        (folder / name).mkdir()
    channels = folder / "channels.toml"
    drops = "".join(
        f'[{channel}]\nadapter = "folder"\nfolder = "{where}"\n'
        for channel, where in (("newspaper", "newspaper"), ("tv", "stations"), ("radio", "stations"))
    )
    channels.write_text(
        f'{drops}[letter]\nadapter = "letters"\nfolder = "letters"\n'
        f'[sms]\nadapter = "gateway"\nurl = "{sms}"\n'
        f'[email]\nadapter = "smtp"\nhost = "127.0.0.1"\nport = {mail_port}\ntls = "none"\nsender = "outages@example.org"\n'
    )
    return Settings(network=str(EXAMPLE), store=f"sqlite:///{folder}/walk.db", channels=channels)


@dataclass
class Desk:
    """Who works there, and what stands around them."""

    service: Service
    settings: Settings
    gateway: HttpGateway
    mail: MailServer
    folder: Path
    say: Say
    now: datetime = NOW
    seen: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.publishing = Publishing(self.service)
        self.deliverer = build_deliverer(self.settings, self.service.store.database)

    def tell(self, outage: Outage) -> Dossier:
        """Write, check, approve, issue and deliver the notice that is due."""
        publishing = self.publishing
        dossier = publishing.draft(outage.id, by="desk", now=self.now)
        self.say(
            f"\n== notice {dossier.id}: {', '.join(dossier.kinds)}"
            + (f", after {', '.join(dossier.refers_to)}" if dossier.refers_to else "")
        )
        for written in publishing.composed(dossier).written.values():
            self.say(_figures(written))
        late = "the plan was entered late" if dossier.late else ""
        reasons = {found.key: "read and found right" for found in publishing.findings(dossier)}
        dossier = publishing.submit(dossier.id, seen=dossier.seq, reasons=reasons, late_reason=late, by="desk", now=self.now)
        dossier = publishing.approve(dossier.id, seen=dossier.seq, by="second", now=self.now)
        dossier, count = publishing.issue(dossier.id, seen=dossier.seq, by="desk", now=self.now)
        self.say(f"   approved by {dossier.approved_by}, issued: {count} messages")
        while self.deliverer.deliver_once(self.now).taken:
            pass
        return dossier

    def heard(self) -> dict[str, list[str]]:
        """Return what came since the last time: address → text, in one line."""
        came = {**_by_mail(self.mail), **_by_sms(self.gateway)}
        new = {address: texts[self.seen[address] :] for address, texts in came.items() if len(texts) > self.seen[address]}
        self.seen = Counter({address: len(texts) for address, texts in came.items()})
        return new


def _figures(written: Written) -> str:
    size, scope = written.sizes, written.scope
    counted = f"{size.parts} parts" if size.parts else f"{size.seconds:.0f} s" if size.seconds else ""
    words = f"   {written.key!s:<28} {size.length:>4} characters {counted:<8}"
    return f"{words} precision {scope.precision:.2f}, {scope.over_named} over-named"


def _go(desk: Desk) -> Walk:
    walked = Walk()
    service, publishing = desk.service, desk.publishing
    (place,) = {str(one) for one in service.network.tables.customers["place_id"].iloc[_life_support(service.network, ADDED)]}
    asked = Subscription("s1", "email", "reader@example.org", "en", place, NOW - DAY, NOW - DAY)
    publishing.registry.subscriptions.add(asked, secret="kept by the reader")

    outage = _approved(desk, service.enter(_plan(HELD, FREED, OWN), by="control", now=desk.now, submit=True))
    steps: Iterator[Callable[[Outage], Outage]] = iter([lambda one: one, _moved(desk), _cancelled(desk)])
    for step in steps:
        outage = step(outage)
        dossier = desk.tell(outage)
        walked.heard.append(desk.heard())
        walked.files.append(sum(1 for path in desk.folder.glob("*/*") if path.suffix in (".txt", ".docx")))
        for address, texts in sorted(walked.heard[-1].items()):
            for text in texts:
                desk.say(f"   {address:<22} {text[:96]}")
        for message in publishing.outbox.list_of(dossier.id):
            walked.proofs.update(f"{proof.what} {message.channel}" for proof in publishing.outbox.proofs(message.position))
        desk.say(f"   files in the folders: {walked.files[-1]}; waiting: {_waiting(publishing, dossier)}")
        desk.now += timedelta(hours=1)
    walked.audit = list(verify_audit(service.store.database).problems)
    desk.say(f"\nProofs: {', '.join(f'{count} {what}' for what, count in sorted(walked.proofs.items()))}")
    desk.say(f"Audit log: {'; '.join(walked.audit) or 'every row is as it was written'}")
    return walked


def _plan(*transformers: str, later: timedelta = timedelta()) -> OutageFacts:
    switching = Switching(tuple(Operation(one) for one in transformers))
    return OutageFacts("planned", switching, (Window(OFF + later, ON + later),), "线路检修")


def _approved(desk: Desk, outage: Outage) -> Outage:
    return desk.service.record(outage.id, Approved(desk.now, "shift-leader"), seen=outage.seq)


def _moved(desk: Desk) -> Callable[[Outage], Outage]:
    def move(outage: Outage) -> Outage:
        facts = _plan(HELD, ADDED, OWN, later=DAY)
        revised = desk.service.revise(outage.id, facts, why="crew", seen=outage.seq, by="control", now=desk.now)
        return _approved(desk, revised)

    return move


def _cancelled(desk: Desk) -> Callable[[Outage], Outage]:
    def cancel(outage: Outage) -> Outage:
        return desk.service.record(outage.id, Cancelled(desk.now, "control", "storm"), seen=outage.seq)

    return cancel


def _life_support(network: Network, transformer: str) -> list[int]:
    fed = network.tables.transformers["id"].iloc[network.transformer_of_customer].to_numpy() == transformer
    rows: list[int] = (fed & (network.tables.customers["priority"] == "life_support").to_numpy()).nonzero()[0].tolist()
    return rows


def _by_mail(server: MailServer) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for raw in server.mails:
        mail = email.message_from_bytes(raw, policy=email.policy.default)
        found.setdefault(str(mail["To"]), []).append(f"{mail['Subject']}")
    return found


def _by_sms(gateway: HttpGateway) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for _, body in gateway.received.posts:
        for message in json.loads(body)["messages"]:
            found.setdefault(message["to"], []).append(message["text"])
    return found


def _waiting(publishing: Publishing, dossier: Dossier) -> str:
    counts = publishing.outbox.counts(dossier.id)
    return ", ".join(f"{states['waiting']} {channel}" for channel, states in counts.items() if "waiting" in states) or "none"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        walk(Path(scratch), print)
