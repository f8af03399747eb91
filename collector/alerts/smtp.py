"""Handing a mail to the hospital's mail server, and reading its answer.

RFC 5321: a 4yz answer means try again, 5yz means never.  A server that cannot be reached,
does not offer what was configured, or refuses the login says nothing about the mail: that
is a reason to try again, for people will mend it.
"""

import smtplib
import ssl
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from pathlib import Path
from types import MappingProxyType
from typing import Literal, Protocol

import msgspec

FIRST_PERMANENT = 500


class SmtpSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`security`: `plain`, `starttls` or `tls`; the server's certificate is checked
    against `ca_file`, or the system's own authorities where that is empty.  No `user`
    means no login.  `timeout_s` holds for each answer of the server.
    """

    host: str
    sender: str
    port: int = 25
    security: Literal["plain", "starttls", "tls"] = "plain"
    user: str = ""
    password_file: str = ""
    ca_file: str = ""
    timeout_s: float = 30.0


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What became of each recipient; `later` and `never` hold the server's words.  `down` says
    that no server took it upon itself to answer: the next mail would fare no better.
    """

    delivered: tuple[str, ...] = ()
    later: Mapping[str, str] = MappingProxyType({})
    never: Mapping[str, str] = MappingProxyType({})
    down: bool = False


class Transport(Protocol):
    """What carries a mail away."""

    def send(self, message: EmailMessage, recipients: Sequence[str]) -> Receipt:
        """Never raises for what a server or a network does; the receipt says it."""


class SmtpTransport:
    """Fits `Transport`; one connection a mail."""

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings

    def send(self, message: EmailMessage, recipients: Sequence[str]) -> Receipt:
        """Hands the mail over; bounded by the settings' time for each answer."""
        try:
            with self._connected() as server:
                refused = server.send_message(
                    message, from_addr=self._settings.sender, to_addrs=list(recipients)
                )
        except smtplib.SMTPRecipientsRefused as refusal:
            refused = refusal.recipients
        except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as refusal:
            answer = (refusal.smtp_code, _bytes(refusal.smtp_error))
            refused = dict.fromkeys(recipients, answer)
        except (smtplib.SMTPException, OSError, ValueError) as down:
            why = f"{type(down).__name__}: {down}"
            return Receipt(later=MappingProxyType(dict.fromkeys(recipients, why)), down=True)
        return receipt_of(recipients, refused)

    def _connected(self) -> smtplib.SMTP:
        settings = self._settings
        if settings.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                settings.host, settings.port, timeout=settings.timeout_s, context=self._trust()
            )
        else:
            server = smtplib.SMTP(settings.host, settings.port, timeout=settings.timeout_s)
        try:
            if settings.security == "starttls":
                server.starttls(context=self._trust())
            if settings.user:
                server.login(settings.user, self._password())
        except BaseException:
            server.close()
            raise
        return server

    def _trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._settings.ca_file or None)

    def _password(self) -> str:
        return Path(self._settings.password_file).read_text("utf-8").strip()


def together(receipts: Sequence[Receipt]) -> Receipt:
    """What became of one mail that went to each recipient apart."""
    return Receipt(
        delivered=tuple(address for each in receipts for address in each.delivered),
        later=MappingProxyType({to: said for each in receipts for to, said in each.later.items()}),
        never=MappingProxyType({to: said for each in receipts for to, said in each.never.items()}),
    )


def receipt_of(recipients: Sequence[str], refused: Mapping[str, tuple[int, bytes]]) -> Receipt:
    """Sorts the server's refusals into those for now and those for good."""
    told = {address: _words(answer) for address, answer in refused.items()}
    for_good = {a for a, (code, _) in refused.items() if code >= FIRST_PERMANENT}
    return Receipt(
        delivered=tuple(address for address in recipients if address not in refused),
        later=MappingProxyType({a: said for a, said in told.items() if a not in for_good}),
        never=MappingProxyType({a: said for a, said in told.items() if a in for_good}),
    )


def _words(answer: tuple[int, bytes]) -> str:
    code, said = answer
    return f"{code} {said.decode('utf-8', 'replace')}"


def _bytes(said: bytes | str) -> bytes:
    return said.encode("utf-8", "replace") if isinstance(said, str) else said
