"""One step of the judge: entries in, rows out.  No database in here."""

from collections.abc import Iterable, Mapping

import msgspec

from checks.evaluate import Evaluator, Known
from checks.facts import KINDS, Fact
from checks.facts.health import AgentHealth, AgentStarted, AgentStopping, EndpointSilent
from checks.facts.media_register import MediumStanding
from checks.facts.network import NeighboursSeen, UnmanagedHost
from checks.facts.witness import BeaconAnswered
from checks.finding import Outcome
from checks.policy import PolicyError, parse_policy
from checks.wire import Observation, ReadBatch
from collector.alerts.decide import digest_alert
from collector.cases import Sighting
from collector.entries import (
    AttemptsOfDay,
    CaseAct,
    DutyChanged,
    Enrolled,
    EntryKind,
    Mailed,
    MediaChanged,
    PolicyApplied,
    ProposalDecided,
    Registered,
    Revoked,
    TrustEnded,
    Word,
)
from collector.judging import holes
from collector.judging.casebook import Casebook
from collector.judging.dutybook import DutyBook
from collector.judging.media import MediaSource
from collector.judging.mediabook import MediaBook
from collector.judging.memory import IN_FORCE, Memory
from collector.judging.reading import Unreadable, read_batch, read_body
from collector.judging.receiptbook import IsSigned, ReceiptBook
from collector.judging.receipts import ReceiptSource
from collector.judging.records import WHOLE_ENDPOINT, EndpointRecord, Hole
from collector.judging.segmentbook import SegmentBook
from collector.judging.tally import Tally, dumped
from collector.judging.true_time import judged_at, judged_moment
from collector.ports import Entry
from collector.receipts import doubt_about

COLLECTOR = "collector"
"""The sensor of what the collector itself observed."""
FAULT = "JOURNAL"
"""Stands in `unknowns.rule` for an entry that could not be read at all."""
CONFIRMED_BY_BEACON = ("EXT-01", "EXT-02")
"""Rules that a beacon's receipt would confirm."""
KEPT_EVENTS = (NeighboursSeen, EndpointSilent)
"""Events of which the newest is kept like a state: who was seen, who is not heard."""

KIND_NAMES: Mapping[type[Fact], str] = {kind: name for name, kind in KINDS.items()}
_ENCODE = msgspec.json.Encoder().encode


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a step asks for what is committed and not in the memory."""

    media: MediaSource
    receipts: ReceiptSource
    is_signed: IsSigned


class Step:
    """Judges entries in order against the memory, which it moves on, and tallies what
    is to be written.  When the writing fails the memory must be loaded anew.
    """

    def __init__(
        self,
        memory: Memory,
        evaluator: Evaluator,
        needed: frozenset[type[Fact]],
        stored: Stored,
    ) -> None:
        self.tally = Tally()
        self._memory = memory
        self._evaluator = evaluator
        self._needed = needed
        self._duty = DutyBook(memory, self.tally)
        self._casebook = Casebook(memory, self.tally, self._duty)
        self._segments = SegmentBook(memory, self.tally)
        self._receipts = ReceiptBook(
            memory, self.tally, stored.receipts, is_signed=stored.is_signed
        )
        self._media = MediaBook(memory, self.tally, stored.media, receipts=self._receipts)
        self._at_us = 0

    def take(self, entry: Entry) -> None:
        """Judges one entry; one that cannot be read becomes a visible fault."""
        self._at_us = entry.received_us
        self._casebook.turn_to(entry.id, entry.received_us)
        try:
            if entry.kind == EntryKind.BATCH:
                self._batch(entry, read_batch(entry))
            else:
                self._body(entry, read_body(entry))
        except Unreadable as unreadable:
            self.fault(entry, str(unreadable))
        self._memory.cursor = entry.id

    def fault(self, entry: Entry, why: str) -> None:
        """Records that this entry was not judged."""
        told = f"entry {entry.id} ({entry.kind}) was not judged: {why}"
        self.tally.add_unknown(entry.agent or COLLECTOR, FAULT, entry.received_us, told)

    # -------------------------------------------------------------- an agent's batch

    def _batch(self, entry: Entry, read: ReadBatch) -> None:
        agent = entry.agent
        record = self._memory.endpoint(agent, heard_us=entry.received_us)
        if not holes.is_whole(read, record.last_sequence):
            self._keep_holes(holes.lost_sequences(read, record))
        for held in read.held:
            kind = self._memory.held_as(agent, held.fact.kind)
            self.tally.add_held(agent, kind, held.at_us)
        for seen in read.batch.observations:
            self._observe(agent, seen)
        record = self._memory.endpoints[agent]
        self._keep_endpoint(
            msgspec.structs.replace(
                record,
                state="online" if record.state == "silent" else record.state,
                last_heard_us=max(record.last_heard_us, entry.received_us),
                last_sequence=max(record.last_sequence, read.batch.last),
            )
        )

    def _observe(self, agent: str, seen: Observation) -> None:
        fact, record, lasting = seen.fact, self._memory.endpoints[agent], self._memory.open_holes
        if (agent, WHOLE_ENDPOINT) in lasting:
            self._keep_holes(holes.ended_by_hearing(agent, seen.at_us, lasting))
        if seen.boot != record.boot and not isinstance(fact, AgentStarted):
            self._keep_holes(holes.unannounced_boot(record, seen.at_us))
        if isinstance(fact, holes.TELLING):
            self._keep_holes(holes.told_by(fact, agent, seen.at_us, lasting))
        moment_us = judged_moment(record, seen, self._at_us)
        self._memory.endpoints[agent] = judged_at(_heard(record, seen), seen, moment_us)
        self._keep_fact(agent, seen)
        self._segments.take(agent, fact, at_us=min(seen.at_us, self._at_us))
        self._media.take(agent, fact, at_us=seen.at_us, received_us=self._at_us)
        self._receipts.take(agent, fact, at_us=moment_us, received_us=self._at_us)
        if isinstance(fact, BeaconAnswered) and not self._is_proved(agent, fact, seen.at_us):
            return
        self._judge(agent, seen, judged_us=moment_us)

    def _is_proved(self, agent: str, fact: BeaconAnswered, at_us: int) -> bool:
        """Whether the beacon signed it; a receipt that proves nothing leaves it unknown."""
        doubt = doubt_about(fact, self._memory.policy, at_us=at_us)
        for rule in CONFIRMED_BY_BEACON if doubt else ():
            self.tally.add_unknown(agent, rule, at_us, doubt)
        return not doubt

    def _keep_fact(self, agent: str, seen: Observation) -> None:
        fact = seen.fact
        kind, told = KIND_NAMES[type(fact)], _ENCODE(fact).decode("utf-8")
        self.tally.observations.append(
            (agent, seen.sequence, seen.at_us, self._at_us, kind, seen.sensor, seen.boot, told)
        )
        if fact.state or isinstance(fact, KEPT_EVENTS):
            self.tally.latest[agent, kind] = (seen.at_us, told)
            if type(fact) in self._needed:
                self._memory.known_of(agent)[type(fact)] = Known(fact=fact, at_us=seen.at_us)

    # ---------------------------------------------------------------------- verdicts

    def _judge(self, agent: str, seen: Observation, *, judged_us: int = 0) -> None:
        record, at_us = self._memory.endpoints[agent], seen.at_us
        known = self._memory.known_of(agent)
        standing = self._media.standing(agent, seen.fact, self._at_us)
        if standing is not None:
            known = {**known, MediumStanding: Known(fact=standing, at_us=self._at_us)}
        verdicts = self._evaluator.verdicts(
            seen.fact,
            at_us=at_us,
            judged_us=judged_us,
            policy=self._memory.policy,
            endpoint=record.registered,
            known=known,
        )
        for ordinal, verdict in enumerate(verdicts):
            if verdict.finding is not None and verdict.severity is not None:
                sighting = Sighting(
                    rule=verdict.rule,
                    finding=verdict.finding,
                    severity=verdict.severity,
                    sequence=seen.sequence,
                    ordinal=ordinal,
                    happened_us=at_us,
                    learned_us=self._at_us,
                )
                self._casebook.found(record, sighting)
            elif verdict.outcome is Outcome.UNKNOWN:
                self.tally.add_unknown(agent, verdict.rule, at_us, verdict.why_unknown)

    # ------------------------------------------------------------------ other entries

    def _body(self, entry: Entry, body: msgspec.Struct) -> None:
        match body:
            case CaseAct():
                self._casebook.act(body)
            case Mailed():
                self._casebook.mailed(body)
            case PolicyApplied():
                self._policy(body)
            case Enrolled() | Registered() | TrustEnded():
                self._of_endpoint(entry, body)
            case Word():
                self._word(entry, body)
            case AttemptsOfDay():
                self._digest(body)
            case ProposalDecided():
                self._decided(body)
            case MediaChanged() | Revoked():
                self._of_media(entry, body)
            case DutyChanged():
                self._duty.changed(entry.id, body, self._at_us)
            case _:
                raise Unreadable(f"nobody here acts on {type(body).__name__}")

    def _of_endpoint(self, entry: Entry, done: Enrolled | Registered | TrustEnded) -> None:
        if isinstance(done, Enrolled):
            self._enrolled(entry, done)
        elif isinstance(done, TrustEnded):
            self._untrusted(entry, done)
        else:
            for line in (done.endpoint, *done.others):
                record = self._memory.endpoint(line.id, heard_us=entry.received_us)
                self._keep_endpoint(msgspec.structs.replace(record, registered=line))

    def _of_media(self, entry: Entry, done: MediaChanged | Revoked) -> None:
        if isinstance(done, Revoked):
            self._receipts.revoked(entry.id, done, self._at_us)
        else:
            self._media.changed(entry.id, done, self._at_us)

    def _policy(self, applied: PolicyApplied) -> None:
        try:
            policy = parse_policy(applied.text, version=applied.version)
        except PolicyError as wrong:
            raise Unreadable(f"policy {applied.version}: {wrong}") from wrong
        self._memory.policy = policy
        self.tally.policy = [(IN_FORCE, applied.version, applied.text)]

    def _digest(self, digest: AttemptsOfDay) -> None:
        most = dumped(digest.most)
        self.tally.digests.append(
            (digest.day, digest.attempts, digest.endpoints, digest.destinations, most)
        )
        alert = digest_alert(digest.day, self._memory.policy)
        if alert is not None:
            self.tally.add_alert(alert, self._at_us)

    def _decided(self, decided: ProposalDecided) -> None:
        if decided.decision == "rejected":
            self.tally.rejections.append(
                (
                    decided.destination,
                    decided.protocol,
                    decided.via,
                    self._at_us,
                    decided.actor,
                    decided.reason,
                )
            )

    def _enrolled(self, entry: Entry, enrolled: Enrolled) -> None:
        agent = enrolled.endpoint.id
        known = agent in self._memory.endpoints
        record = self._memory.endpoint(agent, heard_us=entry.received_us)
        self._keep_endpoint(
            msgspec.structs.replace(record, registered=enrolled.endpoint, host=enrolled.host)
        )
        if not known:
            self._keep_holes([holes.not_started(agent, entry.received_us)])

    def _untrusted(self, entry: Entry, done: TrustEnded) -> None:
        """Its cases stay as they are: what was seen was seen."""
        record = self._memory.endpoint(entry.agent, heard_us=entry.received_us)
        why = f"{done.actor}: {done.reason}"
        lasting = self._memory.open_holes
        self._keep_holes(holes.untrusted(record, entry.received_us, lasting, why=why))
        self._keep_endpoint(msgspec.structs.replace(record, state="revoked"))

    def _word(self, entry: Entry, word: Word) -> None:
        """The collector's own observation; its sequence is the entry's id, negative."""
        agent = entry.agent
        record = self._memory.endpoint(agent, heard_us=entry.received_us)
        seen = Observation(
            sequence=-entry.id,
            at_us=word.at_us,
            boot="",
            monotonic_us=0,
            sensor=COLLECTOR,
            fact=word.fact,
        )
        self._keep_fact(agent, seen)
        if isinstance(word.fact, EndpointSilent) and record.state == "online":
            self._keep_endpoint(msgspec.structs.replace(record, state="silent"))
        if isinstance(word.fact, UnmanagedHost):
            self._segments.told(agent, word.fact.mac, word.at_us)
        self._media.told(agent, word.fact, word.at_us)
        self._judge(agent, seen)

    # ----------------------------------------------------------------------- helpers

    def _keep_endpoint(self, record: EndpointRecord) -> None:
        self._memory.endpoints[record.agent] = self.tally.endpoints[record.agent] = record

    def _keep_holes(self, changed: Iterable[Hole]) -> None:
        for hole in list(changed):
            lasting = self._memory.open_holes
            if not hole.to_us:
                lasting[hole.agent, hole.sensor] = hole
            elif lasting.get((hole.agent, hole.sensor), hole).from_us == hole.from_us:
                lasting.pop((hole.agent, hole.sensor), None)
            self.tally.add_hole(hole)


def _heard(record: EndpointRecord, seen: Observation) -> EndpointRecord:
    """What this observation tells of the endpoint as such."""
    match seen.fact:
        case AgentHealth(version=version, policy_version=policy_version):
            told = {"version": version, "policy_version": policy_version, "state": "online"}
        case AgentStarted(version=version, host=host):
            told = {"version": version, "host": host, "state": "online"}
        case AgentStopping():
            told = {"state": "off"}
        case _:
            told = {} if record.state == "online" else {"state": "online"}
    return msgspec.structs.replace(record, last_at_us=seen.at_us, boot=seen.boot, **told)
