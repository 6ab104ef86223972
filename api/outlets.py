"""Which channel is handed over to whom: a file that the utility writes, read into adapters.

::

    [newspaper]                          [email]                              [sms]
    adapter = "folder"                   adapter = "smtp"                     adapter = "gateway"
    folder = "/srv/outbox/newspaper"     host = "mail.example.org"            url = "https://sms.example.org/v1/batch"
                                         port = 587                           token_file = "/run/secrets/sms"
    [letter]                             sender = "outages@example.org"
    adapter = "letters"                                                       [app]
    folder = "/srv/outbox/letters"                                            adapter = "webhook"
    pdf = true                                                                url = "https://app.example.org/notices"
                                                                              secret_file = "/run/secrets/app"

Messages of a channel that is not named wait, and the desk sees that they do. Secrets lie in files of their own.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from api.clock import utc_now
from notices.channels.drops import FolderDrop, LetterDrop
from notices.channels.mail import Smtp
from notices.channels.parcel import Adapter, ChannelError
from notices.channels.web import Line, SmsGateway, Webhook
from notices.paper import PaperError, check_pdf, letters_docx, letters_pdf
from notices.rules import Channel


class _Outlet(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Folder(_Outlet):
    adapter: Literal["folder"]
    folder: Path

    def build(self, here: Path) -> Adapter:
        return FolderDrop(here / self.folder)


class _Letters(_Outlet):
    adapter: Literal["letters"]
    folder: Path
    pdf: bool = False

    def build(self, here: Path) -> Adapter:
        if self.pdf:
            check_pdf()
        make, suffix = (letters_pdf, ".pdf") if self.pdf else (letters_docx, ".docx")
        return LetterDrop(here / self.folder, make, suffix=suffix)


class _Mail(_Outlet):
    adapter: Literal["smtp"]
    host: str
    port: int = Field(default=587, ge=1, le=65535)
    sender: str
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    user: str = ""
    password_file: Path | None = None

    def build(self, here: Path) -> Adapter:
        return Smtp(self.host, self.port, self.sender, self.tls, self.user, _secret(here, self.password_file))


class _Gateway(_Outlet):
    adapter: Literal["gateway"]
    url: str
    token_file: Path | None = None

    def build(self, here: Path) -> Adapter:
        return SmsGateway(Line(self.url), _secret(here, self.token_file))


class _Webhook(_Outlet):
    adapter: Literal["webhook"]
    url: str
    secret_file: Path

    def build(self, here: Path) -> Adapter:
        return Webhook(Line(self.url), _secret(here, self.secret_file), now=utc_now)


_FILE = TypeAdapter(dict[Channel, Annotated[_Folder | _Letters | _Mail | _Gateway | _Webhook, Field(discriminator="adapter")]])


def read_outlets(path: Path) -> Mapping[str, Adapter]:
    """Return channel → adapter as the file at ``path`` says; folders and files are looked for beside it.

    Raises ChannelError with everything that is wrong with the file, and for an adapter that cannot be used as it is set up.
    """
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
        outlets = _FILE.validate_python(given)
    except OSError as error:
        raise ChannelError(
            f"The file of channels {path} cannot be read: {error.strerror}. Correct GRIDNOTICE_CHANNELS."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ChannelError(f"{path} is no TOML: {error}. Correct it there.") from error
    except ValidationError as error:
        raise ChannelError(f"{path}: {_said(error)} Correct it there.") from None
    return {channel: _built(path, channel, outlet) for channel, outlet in outlets.items()}


def _built(path: Path, channel: str, outlet: _Folder | _Letters | _Mail | _Gateway | _Webhook) -> Adapter:
    try:
        return outlet.build(path.parent)
    except (ChannelError, PaperError) as error:
        raise ChannelError(f"{path}, [{channel}]: {error}") from error


def _said(error: ValidationError) -> str:
    # Not what was given: it may be a secret in the wrong place.
    return " ".join(f"[{'.'.join(map(str, one['loc']))}] {one['msg']}." for one in error.errors())


def _secret(here: Path, path: Path | None) -> str:
    if path is None:
        return ""
    try:
        secret = (here / path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ChannelError(f"The secret in {path} cannot be read: {error}. Put it there, for this user to read.") from error
    if not secret:
        raise ChannelError(f"The file {path} is empty. Put the secret there, or leave the file out where none is needed.")
    return secret
