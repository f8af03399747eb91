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
from checks.facts.network import NeighboursSeen, NetworkState
from checks.policy import Policy
from checks.wire import Malformed, decode_fact, encode
from collector.clocks import microseconds_in
from collector.entries import EntryKind, Word
from collector.judging.progress import is_far_behind, judged_until
from collector.ports import Clock, Journal, PolicySource
from collector.store import schema

log = logging.getLogger(__name__)

LOOKS_EVERY_S = 5.0
NO_ADDRESS = "00:00:00:00:00:00"

SILENT_KIND = str(EndpointSilent.__struct_config__.tag)
NETWORK_KIND = str(NetworkState.__struct_config__.tag)
NEIGHBOURS_KIND = str(NeighboursSeen.__struct_config__.tag)


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint's word about who answered it lately."""

    witness: str
    at_us: int
    seen: frozenset[str]


class Quiet(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint that should be heard, and what was said about it last."""

    agent: str
    last_heard_us: int
    said: EndpointSilent | None
    addresses: frozenset[str]


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
            sights = _sights(connection) if quiet else ()
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
        witnesses=witnesses(quiet, sights),
    )
    said = quiet.said
    if said is None or said.last_heard_us != quiet.last_heard_us:
        return fact
    stages = [microseconds_in(policy.duration(t)) for t in ("silence_notice", "silence_escalates")]
    passed = any(said.silent_for_us < stage <= silent_for_us for stage in stages)
    return fact if passed or (fact.witnesses and not said.witnesses) else None


def witnesses(quiet: Quiet, sights: Sequence[Sight]) -> tuple[str, ...]:
    """Other endpoints that saw one of its addresses alive since it went quiet."""
    return tuple(
        sorted(
            sight.witness
            for sight in sights
            if sight.witness != quiet.agent
            and sight.at_us > quiet.last_heard_us
            and sight.seen & quiet.addresses
        )
    )


# ---------------------------------------------------------------- reading the store


def _quiet_since(connection: Connection, before_us: int) -> Iterator[Quiet]:
    table = schema.endpoints
    wanted = select(table.c.agent, table.c.last_heard_us).where(
        table.c.state != "off", table.c.last_heard_us > 0, table.c.last_heard_us < before_us
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
            addresses=(
                _own_addresses(network[1])
                if network and isinstance(network[1], NetworkState)
                else frozenset()
            ),
        )


def _sights(connection: Connection) -> tuple[Sight, ...]:
    table = schema.endpoints
    rows = connection.execute(select(table.c.agent, table.c.name))
    names = {row.agent: row.name for row in rows}
    return tuple(
        Sight(
            witness=names.get(agent) or agent,
            at_us=at_us,
            seen=frozenset(a for n in fact.neighbours for a in (n.address, n.mac.lower())),
        )
        for agent, (at_us, fact) in _latest(connection, NEIGHBOURS_KIND).items()
        if isinstance(fact, NeighboursSeen)
    )


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


def _own_addresses(network: NetworkState) -> frozenset[str]:
    outward = [link for link in network.links if link.kind != "loopback"]
    macs = {link.mac.lower() for link in outward} - {"", NO_ADDRESS}
    return frozenset(macs | {a.address for link in outward for a in link.addresses})
