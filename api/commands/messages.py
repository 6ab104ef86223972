"""Messages of issued notices at a terminal: what became of each, what to do with those that failed, and whom to call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.commands import notices
from api.commands.given import STORE, Json, Network, Store, say, tell
from api.commands.notices import Id, NeededWhy
from api.commands.outage import As, Reader

if TYPE_CHECKING:
    from api.commands.desk import Desk
    from notices.dossier import Dossier
    from notices.outbox import Message

app = notices.app

Numbers = Annotated[
    list[int], typer.Option("--message", min=1, metavar="NO", help="Number of a message. Repeatable. Default: all dead letters.")
]
_AT_ONCE = 1000


class State(StrEnum):
    """What became of a message."""

    waiting = "waiting"
    claimed = "claimed"
    accepted = "accepted"
    refused = "refused"
    dead = "dead"
    given_up = "given_up"


@app.command()
def messages(
    notice_id: Id,
    state: Annotated[State | None, typer.Option(help="Only those that came to this.")] = None,
    after: Annotated[int, typer.Option(min=0, metavar="NO", help="Only those after this one.")] = 0,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
    by: Reader = "",
    store: Store = STORE,
    network: Network = "",
    as_json: Json = False,
) -> None:
    """List the messages of an issued notice, as JSON with all that is on record; addresses for roles that may see them."""
    from api.commands.desk import desk
    from api.commands.noticed import message_list

    with desk(store, network, by) as at:
        dossier, personal = at.get(notice_id), at.work.actor.may("personal")
        wanted: Any = None if state is None else state.value
        found = at.publishing.outbox.list_of(dossier.id, state=wanted, after=after, limit=limit)
        listed = [_with_proofs(at, one, personal=personal) for one in found] if as_json else []
        tell(as_json, listed, message_list(found, at.work.settings.zone, personal=personal))
        if len(found) == limit:
            say(f"These are {limit}; there may be more. Ask for them with --after {found[-1].position}.")


@app.command()
def retry(
    notice_id: Id,
    by: As,
    why: NeededWhy,
    message: Numbers = [],
    store: Store = STORE,
    network: Network = "",
    as_json: Json = False,
) -> None:
    """Let messages go out again at once; exit 1 where one is under way, or was accepted."""
    from api.commands.desk import desk

    with desk(store, network, by) as at:
        _decide(at, notice_id, "retried", at.publishing.outbox.retry, given=message, why=why, as_json=as_json)


@app.command("give-up")
def give_up(
    notice_id: Id,
    by: As,
    why: NeededWhy,
    message: Numbers = [],
    store: Store = STORE,
    network: Network = "",
    as_json: Json = False,
) -> None:
    """Leave messages for good; exit 1 where one is under way, or was accepted."""
    from api.commands.desk import desk

    with desk(store, network, by) as at:
        _decide(at, notice_id, "given_up", at.publishing.outbox.give_up, given=message, why=why, as_json=as_json)


@app.command("to-call")
def to_call(notice_id: Id, by: As, store: Store = STORE, network: Network = "", as_json: Json = False) -> None:
    """List whom of those on life support somebody has to call: no message reaches them, or no answer came.

    Who took the list is written to the audit log.
    """
    from api.commands.desk import desk
    from api.commands.noticed import call_list
    from api.notice_schemas import to_call_out

    with desk(store, network, by) as at:
        at.may("lists", "personal")
        dossier = at.get(notice_id)
        found = at.publishing.list_to_call(dossier.id)
        at.work.note(dossier, "list exported", customers=len(found), contact=True, lists={"to_call": len(found)})
        tell(as_json, [to_call_out(one).model_dump(mode="json") for one in found], call_list(found))


@app.command()
def acknowledge(
    notice_id: Id,
    customer: Annotated[str, typer.Argument(metavar="CUSTOMER", help="Id of the customer.")],
    by: As,
    how: Annotated[str, typer.Option(metavar="TEXT", help="How it is known, as: called at 10:40, the daughter answered.")],
    store: Store = STORE,
    network: Network = "",
    as_json: Json = False,
) -> None:
    """Note that a customer knows of an issued notice; the first time counts."""
    from api.commands.desk import desk
    from api.notice_schemas import AcknowledgedOut

    with desk(store, network, by) as at:
        at.may("notices")
        dossier = at.get(notice_id)
        is_new = at.publishing.registry.acknowledge(dossier.id, customer, at=at.work.now, by=at.work.actor.name, how=how)
        if is_new:
            at.note(dossier, "acknowledged")
        says = f"It is on record that {customer} knows of notice {dossier.id}{'' if is_new else ', as it was before'}."
        tell(as_json, AcknowledgedOut(customer_id=customer, is_new=is_new).model_dump(mode="json"), says)


def _with_proofs(at: Desk, one: Message, *, personal: bool) -> dict[str, Any]:
    from api.notice_schemas import message_out, proof_out

    proofs = at.publishing.outbox.proofs(one.position)
    told = [proof_out(proof, personal=personal).model_dump(mode="json") for proof in proofs]
    return message_out(one, personal=personal).model_dump(mode="json") | {"proofs": told}


def _decide(
    at: Desk, notice_id: str, did: str, step: Callable[..., list[int]], *, given: list[int], why: str, as_json: bool
) -> None:
    from api.notice_schemas import ChangedOut

    at.may("notices")
    dossier = at.get(notice_id)
    positions = _checked(at, dossier, given) if given else [*_dead(at, dossier)]
    done = step(positions, why=why, **at.who)
    at.note(dossier, did, messages=len(done))
    left = len({*positions}) - len(done)
    says = f"{len(done):,} messages of {dossier.id} were {did.replace('_', ' ')}"
    tell(as_json, ChangedOut(positions=done).model_dump(), f"{says}, {left:,} are as they were." if left else f"{says}.")
    if left:
        raise typer.Exit(1)


def _checked(at: Desk, dossier: Dossier, given: list[int]) -> list[int]:
    """Return the numbers that were given; raises BadParameter for one that is of no message of this notice."""
    for number in given:
        found = at.publishing.outbox.list_of(dossier.id, after=number - 1, limit=1)
        if [one.position for one in found] != [number]:
            says = f"notice {dossier.id} has no message {number}. See `gridnotice notices messages {dossier.id}`"
            raise typer.BadParameter(says, param_hint="--message")
    return given


def _dead(at: Desk, dossier: Dossier) -> Iterator[int]:
    """Yield the numbers of the dead letters of a notice."""
    states: tuple[Any, ...] = ("refused", "dead")
    for state in states:
        after = 0
        while found := at.publishing.outbox.list_of(dossier.id, state=state, after=after, limit=_AT_ONCE):
            yield from (one.position for one in found)
            after = found[-1].position
