"""Errors that are expected on the command line, and the exit code of each."""

from __future__ import annotations

from api.commands.given import SettingsError
from api.commands.serving import DemoAccountsError
from api.commands.workplace import ActorError
from api.intake import NetworkRefusedError
from api.networks import UnknownNetworkError
from api.people.access import ForbiddenError
from api.people.accounts import AccountError, BusyError
from api.publishing import FindingsError, OutdatedError
from api.service import NetworkChangedError, UnknownRevisionError
from geo.crs import CrsError
from geo.raw import SourceError
from maps.assets import AssetError
from notices.channels.parcel import ChannelError
from notices.dossier import NoticeTransitionError
from notices.facts import NoticeError
from notices.grammar import ScopeError
from notices.outbox import OutboxError
from notices.paper import PaperError
from notices.registry import StaleDraftError, StaleNoticeError, UnknownNoticeError
from notices.rulebook import RulesError
from outages.facts import FactsError
from outages.kept import KeptError
from outages.lifecycle import TransitionError
from outages.store import KeyReusedError, StaleWriteError, StoreError, UnknownOutageError
from topology.network import UnknownIdError
from topology.supply import UnknownPhaseError

MENDABLE = (
    SettingsError,
    SourceError,
    CrsError,
    NetworkRefusedError,
    UnknownNetworkError,
    NetworkChangedError,
    UnknownIdError,
    UnknownPhaseError,
    FactsError,
    NoticeError,
    ScopeError,
    NoticeTransitionError,
    UnknownNoticeError,
    StaleNoticeError,
    StaleDraftError,
    FindingsError,
    OutdatedError,
    OutboxError,
    ChannelError,
    PaperError,
    AssetError,
    RulesError,
    StoreError,
    DemoAccountsError,
    UnknownOutageError,
    UnknownRevisionError,
    StaleWriteError,
    TransitionError,
    KeyReusedError,
    KeptError,
    ActorError,
    ForbiddenError,
    AccountError,
    BusyError,
    OSError,
)
"""Errors that whoever typed the command can mend; their texts say how."""

EXIT_CODES: dict[type[Exception], int] = {
    **dict.fromkeys((StaleWriteError, StaleNoticeError, StaleDraftError, OutdatedError), 3),
    **dict.fromkeys((ForbiddenError, ActorError), 4),
}
"""Errors that a script tells apart; all others are 2."""


def exit_code(error: Exception) -> int:
    """Return with which code a command ends that raised ``error``, one of `MENDABLE`."""
    return next((code for known, code in EXIT_CODES.items() if isinstance(error, known)), 2)
