"""Parcels by mail: one connection for a batch, and each answer of the server read for what it means.

::

    MAIL           5xx later     4xx later     connection lost: later. It is the sender who is refused, not the recipient
    RCPT           5xx refused   4xx later     connection lost: later, it did not leave
    DATA … "."     5xx refused   4xx later     connection lost: unknown, it may have arrived

A mail that goes out again has the same Message-ID and X-Gridnotice-Key: a server that honours either delivers it once.
"""

from __future__ import annotations

import smtplib
import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from typing import Literal

from notices.channels.parcel import ChannelError, Outcome, Parcel, one_line, shown
from notices.contacts import email_of
from outages.facts import FactProblem

_LOCAL = ("127.0.0.1", "::1", "localhost")
_SERVICE_LEAVES = 421
"""The server closes the connection, whatever it was asked."""


@dataclass(frozen=True)
class Smtp:
    """A mail server.

    Attributes
    ----------
    sender
        Address that the mails come from; its domain ends their Message-ID.
    tls
        ``starttls`` (usually port 587), ``implicit`` (465), or ``none``, which is only for a server without a password. The
        server's certificate is always checked: by ``trust`` where given, or by the authorities that the system trusts.
    timeout_s, longest_s
        How long one answer may take, and a batch in all; what is left of it then goes out later.
    timer
        Seconds since any moment, growing.
    """

    host: str
    port: int
    sender: str
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    user: str = ""
    password: str = field(default="", repr=False)
    timeout_s: float = 20
    longest_s: float = 90
    batch: int = 50
    trust: ssl.SSLContext | None = None
    timer: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        if isinstance(sender := email_of(self.sender), FactProblem):
            raise ChannelError(f"The sender of mails: {sender.says}")
        if self.password and self.tls == "none" and self.host not in _LOCAL:
            raise ChannelError(f"The password for {self.host} would be sent in the open. Choose starttls or implicit TLS.")

    def send(self, parcels: Sequence[Parcel]) -> list[Outcome]:
        """Mail each parcel to its address."""
        end = self.timer() + self.longest_s
        try:
            client = self._connect()
        except (OSError, smtplib.SMTPException) as error:
            return [Outcome("later", self._shown(error))] * len(parcels)
        outcomes: list[Outcome] = []
        try:
            for parcel in parcels:
                if self.timer() > end:
                    outcomes.append(Outcome("later", f"The mail server took more than {self.longest_s:g} s for those before"))
                elif client.sock is None:
                    outcomes.append(Outcome("later", f"The connection was lost before: {outcomes[-1].says}"))
                else:
                    outcomes.append(self._mail(client, parcel))
        finally:
            _leave(client)
        return outcomes

    def _connect(self) -> smtplib.SMTP:
        trust = self.trust or ssl.create_default_context()
        if self.tls == "implicit":
            client: smtplib.SMTP = smtplib.SMTP_SSL(self.host, self.port, timeout=self.timeout_s, context=trust)
        else:
            client = smtplib.SMTP(self.host, self.port, timeout=self.timeout_s)
        try:
            if self.tls == "starttls":
                client.starttls(context=trust)
            client.ehlo_or_helo_if_needed()
            if self.password:
                client.login(self.user, self.password)
        except BaseException:
            client.close()
            raise
        return client

    def _mail(self, client: smtplib.SMTP, parcel: Parcel) -> Outcome:
        to = email_of(parcel.address)
        if isinstance(to, FactProblem):
            return Outcome("refused", to.says)
        mail = written(parcel, to, self.sender).as_bytes(policy=SMTP)
        steps: dict[str, Callable[[], tuple[int, bytes | str]]] = {
            "MAIL": lambda: client.mail(self.sender),
            "RCPT": lambda: client.rcpt(to),
            "DATA": lambda: _data(client, mail),
        }
        says = ""
        for name, step in steps.items():
            try:
                code, answer = step()
            except (OSError, smtplib.SMTPException) as error:
                client.close()
                return Outcome("unknown" if name == "DATA" else "later", self._shown(error))
            says = self._shown(smtplib.SMTPResponseException(code, answer))
            if not 200 <= code < 300:
                _begin_anew(client, code)
                return Outcome("refused" if code >= 500 and name != "MAIL" else "later", says)
        return Outcome("accepted", says)

    def _shown(self, error: Exception) -> str:
        if isinstance(error, smtplib.SMTPResponseException):
            says = error.smtp_error
            words = says.decode("utf-8", "replace") if isinstance(says, bytes) else says
            return shown(f"{error.smtp_code} {words}", self.password)
        return shown(error, self.password)


def _data(client: smtplib.SMTP, mail: bytes) -> tuple[int, bytes | str]:
    try:
        return client.data(mail)
    except smtplib.SMTPDataError as error:  # it did not want to hear it
        return error.smtp_code, error.smtp_error


def _begin_anew(client: smtplib.SMTP, code: int) -> None:
    try:
        if code == _SERVICE_LEAVES:
            client.close()
        else:
            client.rset()
    except (OSError, smtplib.SMTPException):
        client.close()


def written(parcel: Parcel, to: str, sender: str) -> EmailMessage:
    """Return ``parcel`` as a mail ``to`` one address; the title is put on one line, so that it stays one header."""
    domain = sender.rpartition("@")[2]
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = to
    mail["Subject"] = one_line(parcel.title)
    mail["Message-ID"] = f"<{parcel.mark}@{domain}>"
    mail["X-Gridnotice-Key"] = parcel.mark
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday note answers
    mail.set_content(parcel.text, cte="base64" if not parcel.text.isascii() else None)
    mail["Content-Language"] = parcel.language  # after the content, which takes away all that is said of it
    return mail


def _leave(client: smtplib.SMTP) -> None:
    with suppress(OSError, smtplib.SMTPException):
        if client.sock is not None:
            client.quit()
    client.close()
