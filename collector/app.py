"""Composition root: the only place that knows which adapters are used."""

import ipaddress
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine, select
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from checks.check import discover
from collector import api, dashboard
from collector.acts import CaseActs
from collector.alerts.channels.feed import forget_removed
from collector.alerts.channels.fitting import adapter_for
from collector.alerts.channels.worker import ChannelWorker
from collector.alerts.links import Links
from collector.alerts.mailer import Mailer
from collector.alerts.smtp import SmtpTransport
from collector.changes import LocalChanges
from collector.config import MEBIBYTE, Settings
from collector.digests import DigestWatch
from collector.ingest.identities import AgentSignatures, Identities
from collector.ingest.refusals import Refusals
from collector.ingest.routes import AgentDoor
from collector.journal import SqlJournal
from collector.judge import Judge
from collector.keys import Keys, public_hex
from collector.media.answers import Standings
from collector.media.manifests import ManifestKeeper, Manifests
from collector.media.watch import MediaWatch
from collector.metrics import Metrics
from collector.policies import PolicyDocuments, SqlPolicies
from collector.ports import Clock, Services
from collector.problems import Refused, fault_answer, problem, problem_answer, refused_answer
from collector.receipts import Passes
from collector.replays import Replays
from collector.silence import SilenceWatch
from collector.store import schema
from collector.store.engine import open_journal, open_store
from collector.supervision import Supervisor
from collector.unmanaged import UnmanagedWatch
from collector.version import own_version

log = logging.getLogger(__name__)

KEY_FOLDER = "keys"


def wall_clock() -> int:
    return time.time_ns() // 1_000


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class Collector:
    """Everything of one collector process, put together and not yet started."""

    settings: Settings
    keys: Keys
    journal: SqlJournal
    journal_engine: Engine
    store_engine: Engine
    policies: SqlPolicies
    metrics: Metrics
    supervisor: Supervisor
    services: Services
    replays: Replays
    changes: LocalChanges
    door: AgentDoor

    def start(self) -> None:
        self.supervisor.start()

    def end_streams(self) -> None:
        """Those who listen to changes get the end of their answer."""
        self.changes.end()

    def close(self) -> None:
        """Workers first, then what they write to."""
        self.supervisor.stop()
        self.replays.close()
        self.journal.close()
        self.journal_engine.dispose()
        self.store_engine.dispose()

    def application(self) -> Starlette:
        return Starlette(
            routes=[
                *self._supervision_routes(),
                *self.door.routes(),
                *api.routes(self.services),
                *dashboard.routes(self.services),
            ],
            exception_handlers={Refused: refused_answer, Exception: fault_answer},
            lifespan=_lifespan(self),
        )

    def base_url(self) -> str:
        return self.services.base_url

    def _supervision_routes(self) -> list[BaseRoute]:
        guarded = _only_from(self.settings.supervision.allow)
        return [
            Route("/healthz", guarded(lambda: Response("ok\n", media_type="text/plain"))),
            Route("/readyz", guarded(self._ready)),
            Route("/metrics", guarded(self._figures)),
        ]

    def _ready(self) -> Response:
        down = [*self.supervisor.down()]
        if not self.journal.writer.is_alive:
            down.append("journal")
        if down:
            return problem_answer(
                problem("not-ready", "Not ready", status=503, detail=f"down: {', '.join(down)}")
            )
        return Response("ready\n", media_type="text/plain")

    def _figures(self) -> Response:
        self.metrics.waiting.set(self.journal.writer.waiting)
        self.metrics.unjudged.set(self.journal.newest() - _judged(self.store_engine))
        return Response(self.metrics.text(), media_type="text/plain; version=0.0.4")


def compose(settings: Settings, *, clock: Clock = wall_clock) -> Collector:
    """Opens the databases, loads the keys, wires the rooms; the journal's writer runs.

    Raises:
        KeysMissing, NoPolicy: `init` was not run.
    """
    state_dir = settings.state_dir
    keys = Keys(state_dir / KEY_FOLDER)
    signer = keys.policy_signer()
    base_url = base_url_of(keys, settings)
    journal_engine, store_engine = open_journal(state_dir), open_store(state_dir)
    journal = SqlJournal(journal_engine, clock=clock, queue_limit=settings.ingest.queue_batches)
    policies = SqlPolicies(journal_engine, journal.writer)
    policies.current()
    journal.start()
    changes, metrics = LocalChanges(), Metrics()
    replays = Replays(state_dir, clock=clock)
    services = Services(
        journal=journal,
        journal_engine=journal_engine,
        store_engine=store_engine,
        policies=policies,
        acts=CaseActs(journal=journal, store=store_engine, changes=changes, clock=clock),
        changes=changes,
        clock=clock,
        replays=replays,
        links=Links(keys.link_key()),
        base_url=base_url,
        version=own_version(),
        mails=settings.smtp is not None,
        wall_names=settings.wall.names,
    )
    door = AgentDoor(
        writer=journal.writer,
        identities=Identities(journal_engine),
        documents=PolicyDocuments(
            policies, store_engine, signer, passes=Passes(journal_engine, signer, clock=clock)
        ),
        standings=Standings(store_engine, policies, signer, clock=clock),
        manifests=Manifests(
            store_engine, room_bytes=settings.ingest.manifests_mib * MEBIBYTE, clock=clock
        ),
        refusals=Refusals(journal.writer, metrics.refusals),
        metrics=metrics,
        clock=clock,
        authority_pem=keys.authority_pem(),
        collector_key=public_hex(signer),
    )
    return Collector(
        settings=settings,
        keys=keys,
        journal=journal,
        journal_engine=journal_engine,
        store_engine=store_engine,
        policies=policies,
        metrics=metrics,
        supervisor=_workers(settings, services, metrics),
        services=services,
        replays=replays,
        changes=changes,
        door=door,
    )


def _workers(settings: Settings, services: Services, metrics: Metrics) -> Supervisor:
    checks = discover()
    judge = Judge(
        journal=services.journal,
        store=services.store_engine,
        changes=services.changes,
        checks=checks,
        is_signed=AgentSignatures(services.journal_engine).is_signed,
    )
    silence = SilenceWatch(
        journal=services.journal,
        store=services.store_engine,
        policies=services.policies,
        clock=services.clock,
    )
    unmanaged = UnmanagedWatch(
        journal=services.journal,
        store=services.store_engine,
        policies=services.policies,
        clock=services.clock,
    )
    digests = DigestWatch(
        journal=services.journal,
        store=services.store_engine,
        policies=services.policies,
        clock=services.clock,
    )
    media = MediaWatch(
        journal=services.journal,
        store=services.store_engine,
        policies=services.policies,
        clock=services.clock,
    )
    supervisor = Supervisor(metrics)
    supervisor.add("judge", judge.run)
    supervisor.add("silence", silence.run)
    supervisor.add("digests", digests.run)
    supervisor.add("unmanaged", unmanaged.run)
    supervisor.add("media", media.run)
    manifests = ManifestKeeper(
        journal=services.journal, store=services.store_engine, clock=services.clock
    )
    supervisor.add("manifests", manifests.run)
    removed = forget_removed(services.store_engine, [each.name for each in settings.channels])
    if removed:
        log.warning("alerts of removed channels were dropped", extra={"alerts": removed})
    for channel in settings.channels:
        worker = ChannelWorker(
            journal=services.journal,
            store=services.store_engine,
            policies=services.policies,
            checks=checks,
            clock=services.clock,
            channel=channel,
            adapter=adapter_for(channel),
            base_url=services.base_url,
        )
        supervisor.add(f"channel {channel.name}", worker.run)
    if settings.smtp is None:
        log.warning("nothing will be mailed: [smtp] is not set")
        return supervisor
    mailer = Mailer(
        journal=services.journal,
        store=services.store_engine,
        policies=services.policies,
        checks=checks,
        clock=services.clock,
        transport=SmtpTransport(settings.smtp),
        links=services.links,
        sender=settings.smtp.sender,
        base_url=services.base_url,
    )
    supervisor.add("mailer", mailer.run)
    return supervisor


def base_url_of(keys: Keys, settings: Settings) -> str:
    """Where people reach it: what is set, else the certificate's first name and the port."""
    if settings.base_url:
        return settings.base_url
    host = keys.hosts()[0]
    return f"https://{f'[{host}]' if ':' in host else host}:{settings.listen.port}"


def _judged(store: Engine) -> int:
    with store.connect() as connection:
        return connection.execute(select(schema.cursor.c.entry)).scalar() or 0


def _lifespan(
    collector: Collector,
) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        collector.start()
        yield

    return lifespan


def _only_from(
    networks: tuple[str, ...],
) -> Callable[[Callable[[], Response]], Callable[[Request], Response]]:
    allowed = [ipaddress.ip_network(network) for network in networks]

    def guarded(answer: Callable[[], Response]) -> Callable[[Request], Response]:
        def handle(request: Request) -> Response:
            host = request.client.host if request.client else ""
            if not any(_is_in(host, network) for network in allowed):
                return problem_answer(
                    problem(
                        "not-allowed",
                        "Not for this address",
                        status=403,
                        detail="supervision.allow in collector.toml names who may ask",
                    )
                )
            return answer()

        return handle

    return guarded


def _is_in(host: str, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    try:
        return ipaddress.ip_address(host) in network
    except ValueError:
        return False
