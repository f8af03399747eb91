"""A real SMTP server on loopback that can be told how to answer."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from email.parser import BytesParser
from email.policy import SMTP
from pathlib import Path

from aiosmtpd import smtp as smtpd
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session


class Mailbox:
    """Keeps what arrived.  `answers` maps a recipient to the answer it gets, `data` is
    the answer to the next mails as a whole, first to last, before they are accepted.
    """

    def __init__(self) -> None:
        self.mails: list[Message] = []
        self.raw: list[bytes] = []
        self.reached: list[tuple[str, ...]] = []
        self.answers: dict[str, str] = {}
        self.data: list[str] = []

    async def handle_RCPT(  # noqa: N802 - aiosmtpd names its hooks and their arguments
        self,
        server: smtpd.SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        answer = self.answers.get(address, "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(  # noqa: N802 - aiosmtpd names its hooks
        self, server: smtpd.SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self.data:
            return self.data.pop(0)
        assert isinstance(envelope.content, bytes)
        self.raw.append(envelope.content)
        self.mails.append(BytesParser(policy=SMTP).parsebytes(envelope.content))
        self.reached.append(tuple(envelope.rcpt_tos))
        return "250 OK"


def allow_only(user: str, password: str):
    """An authenticator of aiosmtpd that knows one account."""

    def authenticate(server, session, envelope, mechanism, auth_data) -> AuthResult:
        known = isinstance(auth_data, LoginPassword) and (
            auth_data.login == user.encode() and auth_data.password == password.encode()
        )
        return AuthResult(success=known, handled=False)

    return authenticate


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context


@contextmanager
def serving(mailbox: Mailbox, *, port: int = 0, **options: object) -> Iterator[int]:
    """A server while the block runs; its port on 127.0.0.1."""
    chosen = port or free_port()
    controller = Controller(mailbox, hostname="127.0.0.1", port=chosen, **options)
    controller.start()
    try:
        yield chosen
    finally:
        controller.stop()


def free_port() -> int:
    """A port of loopback on which nobody listens now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
