"""The agents' side of HTTP: reads requests, asks those who decide, writes answers."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import perf_counter

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from checks.receipts import MANIFEST_LIMIT_BYTES, MANIFEST_PATH
from checks.wire import BATCH_LIMIT_BYTES, Acknowledgement, encode
from collector.ingest import enrolment
from collector.ingest.accept import Outcome
from collector.ingest.identities import EnrolledAgent, Identities, revoked
from collector.ingest.receiving import Claim, check_batch, check_request, forked, too_large
from collector.ingest.refusals import Refusals
from collector.ingest.writer import (
    Decided,
    JournalBusy,
    JournalClosed,
    JournalFailed,
    JournalWriter,
    SignedBatch,
)
from collector.media.answers import Standings, read_asked
from collector.media.manifests import Manifests
from collector.metrics import Metrics
from collector.policies import PolicyDocuments
from collector.ports import Clock
from collector.problems import Refused, problem, problem_answer

log = logging.getLogger(__name__)

POLICY_PATH = "/agent/v1/policy"
MEDIA_PATH = "/agent/v1/media"
MEDIA_LIMIT_BYTES = 64 * 1024
MANIFEST_ROUTE = MANIFEST_PATH + "{receipt}"
ENROL_LIMIT_BYTES = 16 * 1024
INLINE_BYTES = 64 * 1024
"""Larger bodies are checked in a thread, so that nobody else waits for them."""
BUSY_RETRY_S = 2
FAILED_RETRY_S = 15

Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, kw_only=True)
class AgentDoor:
    """Everything that the handlers ask."""

    writer: JournalWriter
    identities: Identities
    documents: PolicyDocuments
    standings: Standings
    manifests: Manifests
    refusals: Refusals
    metrics: Metrics
    clock: Clock
    authority_pem: bytes
    collector_key: str

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/agent/v1/batches", self._guarded(self._take_batch), methods=["POST"]),
            Route("/agent/v1/enrol", self._guarded(self._enrol), methods=["POST"]),
            Route(POLICY_PATH, self._guarded(self._policy), methods=["GET"]),
            Route(MEDIA_PATH, self._guarded(self._standing), methods=["POST"]),
            Route(MANIFEST_ROUTE, self._guarded(self._keep_manifest), methods=["PUT"]),
            Route(MANIFEST_ROUTE, self._guarded(self._manifest), methods=["GET"]),
            Route("/agent/v1/ca", self._authority, methods=["GET"]),
        ]

    async def _take_batch(self, request: Request) -> Response:
        sender = self.identities.believed(_agent(request))
        body = await _body(request, BATCH_LIMIT_BYTES)
        started = perf_counter()
        claim = Claim(
            agent=sender.agent,
            signature=request.headers.get("wardwatch-signature", ""),
            encoding=request.headers.get("content-encoding", "").strip().lower(),
            body=body,
        )
        if len(body) <= INLINE_BYTES:
            checked = check_batch(claim, sender.key)
        else:
            checked = await asyncio.to_thread(check_batch, claim, sender.key)
        decided = await asyncio.wrap_future(self.writer.submit_batch(checked.batch))
        outcome = decided.decision.outcome
        self.metrics.batches.labels(outcome.value).inc()
        if outcome is Outcome.FORK:
            raise forked(checked.batch, decided, host=sender.host, remote=_remote(request))
        if outcome is Outcome.REVOKED:
            raise revoked(sender.agent)
        if outcome is not Outcome.DUPLICATE:
            self.metrics.observations.inc(checked.observations)
            _tell_of_moved_identity(checked.batch, decided)
        self.metrics.acknowledged_s.observe(perf_counter() - started)
        etag = self.documents.etag(sender.agent, host=sender.host)
        last = max(decided.last, checked.batch.header.last)
        return _json(encode(Acknowledgement(last=last, policy=etag)))

    async def _enrol(self, request: Request) -> Response:
        asked = enrolment.read_request(await _body(request, ENROL_LIMIT_BYTES))
        job = self.writer.submit(
            lambda page: enrolment.enrol(page, asked, collector_key=self.collector_key)
        )
        identity = await asyncio.wrap_future(job)
        log.info("agent enrolled", extra={"agent": identity.agent, "remote": _remote(request)})
        return _json(encode(identity))

    async def _policy(self, request: Request) -> Response:
        sender = self.identities.believed(_agent(request))
        self._check_signed(request, sender, POLICY_PATH)
        etag = self.documents.etag(sender.agent, host=sender.host)
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers={"ETag": etag})
        document = self.documents.document(sender.agent, host=sender.host)
        headers = {"ETag": document.etag, "Wardwatch-Signature": document.signature}
        return _json(document.body, headers)

    async def _standing(self, request: Request) -> Response:
        """What the register says of a medium that was just plugged in there."""
        sender = self.identities.believed(_agent(request))
        body = await _body(request, MEDIA_LIMIT_BYTES)
        self._check_signed(request, sender, MEDIA_PATH, body)
        asked = read_asked(body)
        answer = await asyncio.to_thread(self.standings.answer, asked.medium, sender.agent)
        return _json(answer.body, {"Wardwatch-Signature": answer.signature})

    async def _keep_manifest(self, request: Request) -> Response:
        """What a receipt was made of; it may come before the fact that tells the receipt."""
        sender = self.identities.believed(_agent(request))
        receipt = request.path_params["receipt"]
        body = await _body(request, MANIFEST_LIMIT_BYTES)
        self._check_signed(request, sender, MANIFEST_PATH + receipt, body, method="PUT")
        await asyncio.to_thread(self.manifests.put, receipt, body, agent=sender.agent)
        return Response(status_code=204)

    async def _manifest(self, request: Request) -> Response:
        sender = self.identities.believed(_agent(request))
        receipt = request.path_params["receipt"]
        self._check_signed(request, sender, MANIFEST_PATH + receipt)
        body = await asyncio.to_thread(self.manifests.get, receipt)
        return Response(body, media_type="application/octet-stream")

    async def _authority(self, _request: Request) -> Response:
        return Response(self.authority_pem, media_type="application/x-pem-file")

    def _check_signed(
        self,
        request: Request,
        sender: EnrolledAgent,
        path: str,
        body: bytes = b"",
        *,
        method: str = "",
    ) -> None:
        check_request(
            path,
            agent=sender.agent,
            date=request.headers.get("wardwatch-date", ""),
            signature=request.headers.get("wardwatch-signature", ""),
            key=sender.key,
            now_us=self.clock(),
            body=body,
            method=method,
        )

    def _guarded(self, handler: Handler) -> Handler:
        """Each refusal is answered, counted, logged and written down."""

        async def handle(request: Request) -> Response:
            try:
                return await handler(request)
            except Refused as refused:
                answer = refused
            except JournalBusy as busy:
                answer = _not_now("busy", "Too much at once", 429, str(busy), BUSY_RETRY_S)
            except (JournalFailed, JournalClosed) as failed:
                answer = _not_now(
                    "not-stored", "Nothing can be stored now", 503, str(failed), FAILED_RETRY_S
                )
            except ClientDisconnect:
                log.info("sender went away", extra={"remote": _remote(request)})
                return Response(status_code=400)
            if answer.problem.status not in _OWN_FAULTS:
                self.refusals.record(answer, agent=_agent(request), remote=_remote(request))
            return problem_answer(answer.problem, answer.headers)

        return handle


_OWN_FAULTS = frozenset({404, 429, 503})


async def _body(request: Request, limit: int) -> bytes:
    """Raises Refused as soon as it is known that there is too much."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit:
        raise too_large(f"{announced} bytes; {limit} are allowed")
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise too_large(f"more than {limit} bytes")
        parts.append(part)
    return b"".join(parts)


def _tell_of_moved_identity(batch: SignedBatch, decided: Decided) -> None:
    """Not refused: the chain fits, so it is the same record.  The other machine, if it
    still runs, cannot continue the chain and will be told so.
    """
    if decided.machine and decided.machine != batch.machine:
        log.warning(
            "identity moved to another machine",
            extra={
                "agent": batch.agent,
                "before": decided.machine[:12],
                "now": batch.machine[:12],
            },
        )


def _not_now(name: str, title: str, status: int, detail: str, retry_s: int) -> Refused:
    return Refused(
        problem(name, title, status=status, detail=detail), {"Retry-After": str(retry_s)}
    )


def _agent(request: Request) -> str:
    return request.headers.get("wardwatch-agent", "")


def _remote(request: Request) -> str:
    return request.client.host if request.client else "unknown"


def _json(body: bytes, headers: dict[str, str] | None = None) -> Response:
    return Response(body, media_type="application/json", headers=headers)
