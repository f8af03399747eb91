"""Notices endpoints that went quiet, and journals the collector's own word about it.

A word is said when the patience of the policy has passed, again when a threshold that
grades EXT-12 is passed, and when the first witness turns up.  What was said stands in
the store (`latest`), so a restarted collector does not say it twice; and its patience
begins at its own start, because whoever was away himself has heard nobody.  What was
received and not judged yet is not silence either.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from threading import Event

import msgspec
from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import OperationalError

from checks.facts.health import EndpointSilent
from checks.facts.network import NetworkState
from checks.policy import Policy
from checks.wire import Malformed, decode_fact, encode
from collector.clocks import microseconds_in
from collector.entries import EntryKind, Word
from collector.judging.memory import host_from
from collector.judging.progress import is_far_behind, judged_until
from collector.judging.segment import is_mac
from collector.ports import Clock, Journal, PolicySource
from collector.store import schema

log = logging.getLogger(__name__)

LOOKS_EVERY_S = 5.0

NOT_EXPECTED = ("off", "revoked")
"""States of endpoints of which nobody waits to hear."""
SILENT_KIND = str(EndpointSilent.__struct_config__.tag)
NETWORK_KIND = str(NetworkState.__struct_config__.tag)


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """When somebody last had a sign of life of one card; `owner` is whoever plugged it in
    last, for a dock's card goes from hand to hand.
    """

    witness: str
    agent: str
    mac: str
    owner: str
    at_us: int


class Quiet(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint that should be heard, and what was said about it last."""

    agent: str
    last_heard_us: int
    said: EndpointSilent | None
    macs: frozenset[str]


class SilenceWatch:
    """Looks every few seconds; `step` is one look."""

    def __init__(
        self, *, journal: Journal, store: Engine, policies: PolicySource, clock: Clock
    ) -> None:
        self._journal = journal
        self._store = store
        self._policies = policies
        self._clock = clock
        self._started_us = clock()

    def step(self) -> int:
        """Journals a word for each endpoint that needs one; how many."""
        policy, patience_us = self._policies.current(), patience(self._policies.current())
        now_us = judged_until(self._store, self._journal, self._clock())
        if now_us - self._started_us <= patience_us or is_far_behind(now_us, self._clock()):
            return 0
        with self._store.connect() as connection:
            quiet = list(_quiet_since(connection, now_us - patience_us))
            sights = _sights(connection, quiet)
        said = 0
        for endpoint in quiet:
            fact = word_about(endpoint, sights, now_us=now_us, policy=policy)
            if fact is not None:
                word = Word(at_us=now_us, fact=fact)
                self._journal.append(EntryKind.WORD, encode(word), agent=endpoint.agent)
                said += 1
        return said

    def run(self, stop: Event) -> None:
        while not stop.wait(LOOKS_EVERY_S):
            try:
                self.step()
            except OperationalError as failure:
                log.warning("cannot look for silent endpoints", extra={"why": str(failure)})


def patience(policy: Policy) -> int:
    """Microseconds without a word after which an endpoint is silent."""
    return policy.thresholds.silence_intervals * microseconds_in(policy.duration("heartbeat"))


def word_about(
    quiet: Quiet, sights: Sequence[Sight], *, now_us: int, policy: Policy
) -> EndpointSilent | None:
    """What is to be said now; None when nothing is new since the last word."""
    silent_for_us = now_us - quiet.last_heard_us
    fact = EndpointSilent(
        endpoint=quiet.agent,
        last_heard_us=quiet.last_heard_us,
        silent_for_us=silent_for_us,
        witnesses=witnesses(quiet, sights, margin_us=margin(policy)),
    )
    said = quiet.said
    if said is None or said.last_heard_us != quiet.last_heard_us:
        return fact
    stages = [microseconds_in(policy.duration(t)) for t in ("silence_notice", "silence_escalates")]
    passed = any(said.silent_for_us < stage <= silent_for_us for stage in stages)
    return fact if passed or (fact.witnesses and not said.witnesses) else None


def margin(policy: Policy) -> int:
    """Microseconds after an endpoint's last word in which it may be seen alive although it
    has been switched off since: the beat it did not live to, and one for clocks that differ.
    """
    return 2 * microseconds_in(policy.duration("heartbeat"))


def witnesses(quiet: Quiet, sights: Sequence[Sight], *, margin_us: int) -> tuple[str, ...]:
    """Other endpoints to which one of its cards was alive when its agent should have been.

    Its addresses prove nothing: another machine may have been given them since.
    """
    return tuple(
        sorted(
            {
                sight.witness
                for sight in sights
                if sight.agent != quiet.agent
                and sight.mac in quiet.macs
                and sight.owner in ("", quiet.agent)
                and sight.at_us > quiet.last_heard_us + margin_us
            }
        )
    )


# ---------------------------------------------------------------- reading the store


def _quiet_since(connection: Connection, before_us: int) -> Iterator[Quiet]:
    table = schema.endpoints
    wanted = select(table.c.agent, table.c.last_heard_us).where(
        table.c.state.not_in(NOT_EXPECTED),
        table.c.last_heard_us > 0,
        table.c.last_heard_us < before_us,
    )
    rows = connection.execute(wanted).all()
    if not rows:
        return
    said = _latest(connection, SILENT_KIND)
    networks = _latest(connection, NETWORK_KIND)
    for agent, last_heard_us in rows:
        last_word, network = said.get(agent), networks.get(agent)
        yield Quiet(
            agent=agent,
            last_heard_us=last_heard_us,
            said=last_word[1] if last_word and isinstance(last_word[1], EndpointSilent) else None,
            macs=_own_macs(network[1]) if network else frozenset(),
        )


def _sights(connection: Connection, quiet: Sequence[Quiet]) -> tuple[Sight, ...]:
    wanted = frozenset[str]().union(*(endpoint.macs for endpoint in quiet))
    if not wanted:
        return ()
    table = schema.hosts
    rows = connection.execute(select(table).where(table.c.mac.in_(sorted(wanted))))
    hosts = [host_from(row) for row in rows]
    names = _names(connection)
    return tuple(
        Sight(
            witness=names.get(seen.agent) or seen.agent,
            agent=seen.agent,
            mac=host.mac,
            owner=host.owner,
            at_us=seen.at_us,
        )
        for host in hosts
        for seen in host.witnesses
    )


def _names(connection: Connection) -> Mapping[str, str]:
    table = schema.endpoints
    return {row.agent: row.name for row in connection.execute(select(table.c.agent, table.c.name))}


def _latest(connection: Connection, kind: str) -> Mapping[str, tuple[int, object]]:
    table = schema.latest
    found: dict[str, tuple[int, object]] = {}
    wanted = select(table.c.agent, table.c.at_us, table.c.fact).where(table.c.kind == kind)
    for agent, at_us, text in connection.execute(wanted):
        try:
            found[agent] = (at_us, decode_fact(text.encode("utf-8")))
        except Malformed:
            continue  # of an older version; the endpoint will say it anew
    return found


def _own_macs(network: object) -> frozenset[str]:
    if not isinstance(network, NetworkState):
        return frozenset()
    return frozenset(link.mac.lower() for link in network.links if is_mac(link.mac.lower()))
