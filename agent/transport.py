"""The agent's side of HTTP: what is sent, and what the answers mean."""

import pathlib
from collections.abc import Callable, Mapping
from time import monotonic

import msgspec

from agent.identity import AgentIdentity, from_text, to_text
from agent.lean_requests import requests
from agent.media.standings import SignedStanding
from agent.policy_cache import SignedPolicy
from agent.sealing import Sealed
from checks.facts.media import Medium
from checks.receipts import MANIFEST_PATH
from checks.wire import Acknowledgement, MediumAsked, encode, signed_request

BATCHES = "/agent/v1/batches"
POLICY = "/agent/v1/policy"
MEDIA = "/agent/v1/media"
ANSWER_LIMIT = 8 * 1024 * 1024
"""Bytes; a policy with 5,000 prefixes has a twentieth of it."""
ANSWER_PATIENCE = 120.0
LONGEST_PATIENCE = 3600.0
"""Seconds: for one whole answer, and until the next attempt, whatever the collector asks."""
_DETAIL_LIMIT = 300


class TransportDown(Exception):
    """No answer, or one that says nothing about the batch: try again."""


class Busy(Exception):
    """The collector asks for patience; `after` in seconds."""

    def __init__(self, after: float, detail: str) -> None:
        super().__init__(detail)
        self.after = after


class NotBelieved(Exception):
    """The collector does not know or trust this identity, for now."""


class Forked(Exception):
    """Two machines speak with this identity: neither may go on."""


class BatchRefused(Exception):
    """The collector will never take this batch."""


class Path(msgspec.Struct, frozen=True):
    """The addresses of the two ends that an answer came between."""

    local: str
    peer: str


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """An HTTP answer, read whole.  `path` is None where the connection was gone already."""

    status_code: int
    reason: str
    headers: Mapping[str, str]
    content: bytes
    path: Path | None = None


class Problem(msgspec.Struct, frozen=True):
    """RFC 9457, as far as we read it."""

    title: str = ""
    detail: str = ""


class Transport:
    """One session, kept alive, that believes the pinned CA and nothing else."""

    def __init__(
        self,
        identity: AgentIdentity,
        *,
        timeout: float,
        clock: Callable[[], int],
        on_answer: Callable[[Path], None] = lambda _path: None,
    ) -> None:
        """`timeout` in seconds, to connect and between two bytes of an answer.  `on_answer`
        is told where each of the collector's proved answers came along.
        """
        self._identity = identity
        self._timeout = timeout
        self._clock = clock
        self._on_answer = on_answer
        self._session = pinned_session(identity.authority)
        self._base = identity.enrolment.collector.rstrip("/")

    def send(self, batch: Sealed) -> Acknowledgement:
        """Delivers the batch; when this returns the collector has it on disk.

        Raises:
            TransportDown, Busy, NotBelieved, Forked, BatchRefused.
        """
        headers = {
            "Wardwatch-Agent": self._identity.agent,
            "Wardwatch-Signature": to_text(batch.signature),
            "Content-Type": "application/json",
            "Content-Encoding": "zstd",
        }
        answer = self._ask("POST", BATCHES, headers, batch.body)
        if answer.status_code not in (requests.codes.ok, requests.codes.accepted):
            raise _meaning(answer)
        try:
            acknowledged = msgspec.json.decode(answer.content, type=Acknowledgement)
        except msgspec.DecodeError as wrong:
            raise TransportDown(f"an acknowledgement that is none: {wrong}") from wrong
        if answer.path is not None:
            self._on_answer(answer.path)
        return acknowledged

    def fetch_policy(self, etag: str) -> SignedPolicy | None:
        """The policy for this agent, None while the one with `etag` is still right.

        Raises:
            TransportDown, Busy, NotBelieved, Forked, BatchRefused.
        """
        date = str(self._clock())
        headers = {
            "Wardwatch-Agent": self._identity.agent,
            "Wardwatch-Date": date,
            "Wardwatch-Signature": to_text(
                self._identity.sign(signed_request("GET", POLICY, date))
            ),
        }
        if etag:
            headers["If-None-Match"] = etag
        answer = self._ask("GET", POLICY, headers)
        if answer.status_code == requests.codes.not_modified:
            return None
        if answer.status_code != requests.codes.ok:
            raise _meaning(answer)
        return SignedPolicy(
            etag=answer.headers.get("ETag", ""),
            body=answer.content,
            signature=_signature_of(answer, "the policy's"),
        )

    def ask_about(self, medium: Medium) -> SignedStanding:
        """What the register says of a medium.  On a connection of its own, so that it may be
        asked from another thread, and waits for nothing that is being sent.

        Raises:
            TransportDown, Busy, NotBelieved, Forked, BatchRefused.
        """
        body = encode(MediumAsked(medium=medium))
        answer = self._asked_apart("POST", MEDIA, body, "application/json")
        if answer.status_code != requests.codes.ok:
            raise _meaning(answer)
        signature = _signature_of(answer, "the answer's")
        return SignedStanding(key=medium.key, body=answer.content, signature=signature)

    def fetch_manifest(self, receipt: str) -> bytes | None:
        """What a receipt was made of, packed; None where the collector does not have it.  On a
        connection of its own.

        Raises:
            TransportDown, Busy, NotBelieved, Forked, BatchRefused.
        """
        answer = self._asked_apart("GET", MANIFEST_PATH + receipt)
        if answer.status_code == requests.codes.not_found:
            return None
        if answer.status_code != requests.codes.ok:
            raise _meaning(answer)
        return answer.content

    def send_manifest(self, receipt: str, body: bytes) -> None:
        """On a connection of its own; when this returns the collector has it.

        Raises:
            TransportDown, Busy, NotBelieved, Forked, BatchRefused.
        """
        answer = self._asked_apart("PUT", MANIFEST_PATH + receipt, body, "application/octet-stream")
        if answer.status_code != requests.codes.no_content:
            raise _meaning(answer)

    def close(self) -> None:
        self._session.close()

    def _asked_apart(
        self, method: str, path: str, body: bytes = b"", content_type: str = ""
    ) -> Answer:
        """A signed request from whatever thread; it waits for nothing that is being sent."""
        date = str(self._clock())
        signature = self._identity.sign(signed_request(method, path, date, body))
        headers = {
            "Wardwatch-Agent": self._identity.agent,
            "Wardwatch-Date": date,
            "Wardwatch-Signature": to_text(signature),
            **({"Content-Type": content_type} if content_type else {}),
        }
        with pinned_session(self._identity.authority) as session:
            return self._ask(method, path, headers, body, session=session)

    def _ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes = b"",
        *,
        session: requests.Session | None = None,
    ) -> Answer:
        try:
            return answered(
                session or self._session,
                method,
                self._base + path,
                headers=headers,
                data=body or None,
                timeout=self._timeout,
            )
        except requests.RequestException as down:
            raise TransportDown(f"{type(down).__name__}: {down}"[:_DETAIL_LIMIT]) from down


_PART = 64 * 1024
_HEADERS = {
    "User-Agent": "wardwatch-agent",
    "Accept": "application/json",
    "Accept-Encoding": "identity",  # nothing to unpack, nothing that swells
}


def pinned_session(authority: pathlib.Path) -> requests.Session:
    """No proxy, no netrc and no CA of the environment: those are not the hospital's."""
    session = requests.Session()
    session.trust_env = False
    session.verify = str(authority)
    session.headers.update(_HEADERS)
    return session


def answered(  # noqa: PLR0913 - what requests asks for
    session: requests.Session,
    method: str,
    url: str,
    *,
    timeout: float,
    headers: Mapping[str, str] | None = None,
    data: bytes | None = None,
    verify: bool | None = None,
) -> Answer:
    """The answer, where it is not endless: neither in bytes nor in time.  No redirect is
    followed.  `timeout` in seconds, to connect and between two bytes.

    Raises:
        requests.RequestException.
    """
    until = monotonic() + ANSWER_PATIENCE
    with session.request(
        method,
        url,
        headers=headers,
        data=data,
        timeout=timeout,
        verify=verify,
        allow_redirects=False,
        stream=True,
    ) as coming:
        path = _path_of(coming)
        content = bytearray()
        for part in coming.iter_content(_PART):
            content += part
            if len(content) > ANSWER_LIMIT:
                raise requests.exceptions.ContentDecodingError("an answer that is too large")
            if monotonic() > until:
                raise requests.exceptions.ReadTimeout("an answer that does not end")
        return Answer(
            status_code=coming.status_code,
            reason=coming.reason or "",
            headers=coming.headers,
            content=bytes(content),
            path=path,
        )


def _path_of(coming: requests.Response) -> Path | None:
    """Asked before the body is read: afterwards the connection is back in its pool."""
    connection = getattr(coming.raw, "connection", None)
    used = getattr(connection, "sock", None)
    if used is None:
        return None
    try:
        return Path(used.getsockname()[0], used.getpeername()[0])
    except OSError:  # it broke meanwhile
        return None


def problem_of(answer: Answer) -> str:
    """The answer's own words about what went wrong."""
    try:
        problem = msgspec.json.decode(answer.content, type=Problem)
    except msgspec.DecodeError:
        problem = Problem()
    words = problem.detail or problem.title or answer.reason or "no reason given"
    return f"{answer.status_code}: {words}"[:_DETAIL_LIMIT]


_FINAL = frozenset({400, 413, 415, 422})
_PATIENCE = frozenset({429, 503})
_DISBELIEF = frozenset({401, 403})
_FORK = 409
_DEFAULT_PATIENCE = 5.0


def _meaning(answer: Answer) -> Exception:
    status, detail = answer.status_code, problem_of(answer)
    if status in _PATIENCE:
        return Busy(_retry_after(answer), detail)
    if status in _DISBELIEF:
        return NotBelieved(detail)
    if status == _FORK:
        return Forked(detail)
    if status in _FINAL:
        return BatchRefused(detail)
    return TransportDown(detail)


def _signature_of(answer: Answer, whose: str) -> bytes:
    """Raises TransportDown."""
    try:
        return from_text(answer.headers.get("Wardwatch-Signature", ""))
    except ValueError as wrong:
        raise TransportDown(f"{whose} signature is no base64") from wrong


def _retry_after(answer: Answer) -> float:
    """Retry-After in its seconds form: RFC 9110 section 10.2.3."""
    asked = answer.headers.get("Retry-After", "")
    return min(float(asked), LONGEST_PATIENCE) if asked.isdecimal() else _DEFAULT_PATIENCE
