"""A small real HTTPS collector for the agent's tests: records, and fails on script."""

import base64
import ssl
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
from nacl.signing import SigningKey, VerifyKey

from agent.compression import unpack
from agent.identity import Enrolment, IdentityFolder
from checks.facts.media_register import MediumStanding
from checks.policy import Endpoint, PolicyDocument, parse_policy
from checks.wire import (
    BATCH_DOMAIN,
    POLICY_DOMAIN,
    REQUEST_DOMAIN,
    STANDING_DOMAIN,
    Acknowledgement,
    Batch,
    EnrolRequest,
    Identity,
    MediumAsked,
    decode_batch,
    digest,
    encode,
    signed_request,
)
from tests.support.certificates import TestAuthority

AGENT = "agent-1"


@dataclass(frozen=True)
class Reply:
    """A scripted answer to the next batch; `cut`: the batch is taken, the answer lost."""

    status: int
    detail: str = ""
    retry_after: str = ""
    cut: bool = False
    body: bytes | None = None


@dataclass
class Recorded:
    """What came, and what is to be answered."""

    batches: list[Batch] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    attempts: list[bytes] = field(default_factory=list)
    enrolments: list[EnrolRequest] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    policies_served: int = 0
    media_asked: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    script: deque[Reply] = field(default_factory=deque)


class RecordingCollector:
    """Checks signatures and the chain as the real one does; a repeat changes nothing."""

    def __init__(self, authority: TestAuthority, *, port: int = 0) -> None:
        self.authority = authority
        self.key = SigningKey.generate()
        self.recorded = Recorded()
        self.standings: dict[str, MediumStanding] = {}
        self.agent_key: VerifyKey | None = None
        self.policy = b""
        self.etag = ""
        self.changed = threading.Condition()
        self.set_policy("")
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.collector = self
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority.server_pem)
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self.port = self._server.server_address[1]
        self.url = f"https://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def token(self) -> str:
        return f"ww1.id.secret.{self.authority.fingerprint}"

    def set_policy(self, toml: str, *, version: int = 1, agent: str = AGENT) -> None:
        document = PolicyDocument(
            issued_at_us=1,
            policy=parse_policy(toml, version=version),
            endpoint=Endpoint(id=agent),
        )
        self.policy = encode(document)
        self.etag = f'"{digest(self.policy)[:16]}"'

    def enrol_directly(self, state: Path) -> None:
        """Gives the folder an identity of this collector without asking."""
        key = SigningKey.generate()
        self.agent_key = key.verify_key
        state.mkdir(parents=True, exist_ok=True)
        IdentityFolder(state).keep(
            Enrolment(
                agent=AGENT,
                collector=self.url,
                collector_key=self.key.verify_key.encode().hex(),
                key=key.encode().hex(),
                authority=self.authority.certificate.decode(),
            )
        )

    def facts(self) -> list[object]:
        return [
            observation.fact
            for batch in self.recorded.batches
            for observation in batch.observations
        ]

    def wait_until(self, holds: Callable[[Recorded], bool], seconds: float = 10.0) -> bool:
        with self.changed:
            return self.changed.wait_for(lambda: holds(self.recorded), seconds)

    def close(self) -> None:
        """May be called twice."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def take(self, body: bytes, signature: bytes) -> bytes:
        """The answer to a batch, after checking it."""
        recorded = self.recorded
        assert self.agent_key is not None
        self.agent_key.verify(BATCH_DOMAIN + body, signature)
        batch = decode_batch(unpack(body)).batch
        last = recorded.batches[-1].last if recorded.batches else 0
        if batch.first > last:
            before = digest(recorded.bodies[-1]) if recorded.bodies else ""
            if batch.previous != before:
                recorded.faults.append(f"{batch.first} follows {batch.previous}, not {before}")
            recorded.batches.append(batch)
            recorded.bodies.append(body)
        elif body not in recorded.bodies:
            recorded.faults.append(f"{batch.first} came again with other bytes")
        return encode(Acknowledgement(last=max(last, batch.last), policy=self.etag))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    collector: RecordingCollector

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed is part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        collector = self.server.collector
        if self.path == "/agent/v1/ca":
            self._answer(200, collector.authority.certificate)
            return
        asked = b"GET\n/agent/v1/policy\n" + self.headers["Wardwatch-Date"].encode()
        assert collector.agent_key is not None
        collector.agent_key.verify(REQUEST_DOMAIN + asked, self._signature())
        if self.headers.get("If-None-Match") == collector.etag:
            self._answer(304, b"")
            return
        collector.recorded.policies_served += 1
        signature = collector.key.sign(POLICY_DOMAIN + collector.policy).signature
        self._answer(
            200,
            collector.policy,
            {"ETag": collector.etag, "Wardwatch-Signature": base64.b64encode(signature).decode()},
        )
        with collector.changed:
            collector.changed.notify_all()

    def do_POST(self) -> None:
        collector = self.server.collector
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with collector.changed:
            if self.path == "/agent/v1/enrol":
                self._enrol(collector, body)
            elif self.path == "/agent/v1/media":
                self._medium(collector, body)
            else:
                self._batch(collector, body)
            collector.changed.notify_all()

    def log_message(self, *_arguments: object) -> None:
        """The test speaks, not the server."""

    def _enrol(self, collector: RecordingCollector, body: bytes) -> None:
        request = msgspec.json.decode(body, type=EnrolRequest)
        collector.recorded.enrolments.append(request)
        if collector.recorded.script:
            self._scripted(collector.recorded.script.popleft())
            return
        collector.agent_key = VerifyKey(bytes.fromhex(request.public_key))
        identity = Identity(agent=AGENT, collector_key=collector.key.verify_key.encode().hex())
        self._answer(200, encode(identity))

    def _medium(self, collector: RecordingCollector, body: bytes) -> None:
        asked = msgspec.json.decode(body, type=MediumAsked).medium
        signed = signed_request("POST", self.path, self.headers["Wardwatch-Date"], body)
        assert collector.agent_key is not None
        collector.agent_key.verify(signed, self._signature())
        collector.recorded.media_asked.append(asked.key)
        known = collector.standings.get(asked.key, MediumStanding(key=asked.key))
        answer = encode(known)
        signature = collector.key.sign(STANDING_DOMAIN + answer).signature
        self._answer(
            200, answer, {"Wardwatch-Signature": base64.b64encode(signature).decode("ascii")}
        )

    def _batch(self, collector: RecordingCollector, body: bytes) -> None:
        collector.recorded.attempts.append(body)
        collector.recorded.headers.append(dict(self.headers.items()))
        reply = collector.recorded.script.popleft() if collector.recorded.script else None
        if reply is not None and not reply.cut:
            self._scripted(reply)
            return
        answer = collector.take(body, self._signature())
        if reply is not None:
            self.close_connection = True
            return
        self._answer(202, answer)

    def _scripted(self, reply: Reply) -> None:
        problem = {"type": "about:blank", "title": "Scripted", "status": reply.status}
        body = reply.body
        if body is None:
            body = msgspec.json.encode({**problem, "detail": reply.detail})
        self._answer(
            reply.status, body, {"Retry-After": reply.retry_after} if reply.retry_after else {}
        )

    def _signature(self) -> bytes:
        return base64.b64decode(self.headers["Wardwatch-Signature"], validate=True)

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
