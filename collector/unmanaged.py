"""Finds hosts of the intranet that nobody enrolled, and journals the collector's own word.

A host is told of when it stayed on the intranet for the policy's patience, when it comes back
after an absence, and again at a slow beat while it stays.  What was told stands in the store
(`hosts`), so a restarted collector does not repeat it.  Everything about one host is said
under one endpoint, its first witness, so that it stays one case.
"""

import logging
from collections.abc import Iterator, Sequence
from threading import Event

from sqlalchemy import Engine, select
from sqlalchemy.exc import OperationalError

from checks.facts.network import UnmanagedHost
from checks.known_hosts import KnownHosts
from checks.policy import Policy
from checks.wire import encode
from collector.clocks import microseconds_in
from collector.entries import EntryKind, Word
from collector.judging.memory import host_from
from collector.judging.progress import is_far_behind, judged_until
from collector.judging.segment import HostRecord
from collector.ports import Clock, Journal, PolicySource
from collector.store import schema

log = logging.getLogger(__name__)

LOOKS_EVERY_S = 5.0
WORDS_A_LOOK = 200
TOGETHER_US = 3_600_000_000
"""Hosts that came up within an hour belong together: `UnmanagedHost.among`."""


class UnmanagedWatch:
    """Looks every few seconds; `step` is one look."""

    def __init__(
        self, *, journal: Journal, store: Engine, policies: PolicySource, clock: Clock
    ) -> None:
        self._journal = journal
        self._store = store
        self._policies = policies
        self._clock = clock

    def step(self) -> int:
        """Journals a word for each host that needs one; how many."""
        now_us = judged_until(self._store, self._journal, self._clock())
        if is_far_behind(now_us, self._clock()):
            return 0
        said = 0
        policy = self._policies.current()
        for fact in words_about(unowned(self._store), now_us=now_us, policy=policy):
            word = Word(at_us=now_us, fact=fact)
            self._journal.append(EntryKind.WORD, encode(word), agent=fact.endpoint)
            said += 1
        return said

    def run(self, stop: Event) -> None:
        while not stop.wait(LOOKS_EVERY_S):
            try:
                self.step()
            except OperationalError as failure:
                log.warning("cannot look for unmanaged hosts", extra={"why": str(failure)})


def unowned(store: Engine) -> Sequence[HostRecord]:
    """Hosts seen on the intranet whose card no endpoint claims."""
    table = schema.hosts
    wanted = select(table).where(table.c.owner == "", table.c.inside_us > 0)
    with store.connect() as connection:
        return [host_from(row) for row in connection.execute(wanted)]


def words_about(
    hosts: Sequence[HostRecord], *, now_us: int, policy: Policy
) -> Iterator[UnmanagedHost]:
    """What is to be said now of these, in order of their coming; at most so many at once."""
    due = [host for host in hosts if is_due(host, now_us=now_us, policy=policy)]
    if not due:
        return
    known = KnownHosts(policy)
    strangers = [host for host in hosts if not known.name(host.mac, host.addresses)]
    due = [host for host in due if not known.name(host.mac, host.addresses)]
    names = [host for host in sorted(due, key=lambda host: host.since_us) if host.witnesses]
    for host in names[:WORDS_A_LOOK]:
        together = sum(abs(each.since_us - host.since_us) <= TOGETHER_US for each in strangers)
        yield UnmanagedHost(
            endpoint=host.told_agent or host.witnesses[-1].agent,
            mac=host.mac,
            addresses=host.addresses,
            name=host.name,
            how=host.how,
            witnesses=tuple(witness.agent for witness in host.witnesses),
            first_seen_us=host.first_seen_us,
            among=together,
        )


def is_due(host: HostRecord, *, now_us: int, policy: Policy) -> bool:
    """Whether something is to be said of this host, if nobody knows it."""
    stayed_us = now_us - host.since_us
    if stayed_us < microseconds_in(policy.duration("unmanaged_patience")):
        return False
    if host.told_us < host.since_us:
        return True
    repeat_us = microseconds_in(policy.duration("unmanaged_repeat"))
    return host.inside_us - host.told_us >= repeat_us
