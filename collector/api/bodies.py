"""Rows of the store as the API says them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Engine

from checks.policy import Endpoint
from collector.api.answers import (
    CaseBody,
    ClauseBody,
    EndpointBody,
    EndpointRef,
    EvidenceBody,
    HoleBody,
    HostBody,
    MediumBody,
    ObservationBody,
    TimelineBody,
)
from collector.citations import citations, rule_name
from collector.i18n import Translator
from collector.judging.records import EndpointRecord, Hole
from collector.queries import cases
from collector.queries.hosts import HostSeen, entry_for
from collector.queries.observations import MediumSeen, ObservationRow

EVIDENCE_IN_LISTS = 3
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(at_us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=at_us)


def moment_or_none(at_us: int) -> datetime | None:
    return moment(at_us) if at_us else None


def microseconds(at: datetime | None) -> int:
    return 0 if at is None else (at - _EPOCH) // timedelta(microseconds=1)


def clauses_of(rule: str, level: int, language: str) -> list[ClauseBody]:
    return [
        ClauseBody(
            framework=each.framework,
            clause=each.clause,
            text=each.text(language),
            title=each.title(language),
        )
        for each in citations(rule, level)
    ]


def case_body(
    store: Engine, row: cases.CaseRow, says: Translator, *, now_us: int, whole: bool
) -> CaseBody:
    """`whole`: with all evidence that is shown, and the timeline."""
    own = row.case
    clock = cases.next_clock(own)
    limit = cases.EVIDENCE_SHOWN if whole else EVIDENCE_IN_LISTS
    return CaseBody(
        id=own.id,
        rule=own.rule,
        title=rule_name(own.rule, says.language),
        severity=own.severity,
        state=own.state,
        endpoint=_reference(row.endpoint),
        subject=own.subject,
        message=says.format(own.message, own.params),
        opened_at=moment(own.opened_us),
        last_seen_at=moment(own.last_seen_us),
        closed_at=moment_or_none(own.closed_us),
        count=own.count,
        clauses=clauses_of(own.rule, row.endpoint.protection_level, says.language),
        policy_version=own.policy_version,
        decided_by=own.decided_by,
        evidence=[_evidence(each, says) for each in cases.evidence_of(store, own.id, limit=limit)],
        timeline=[_story(line) for line in cases.story_of(store, own.id)] if whole else [],
        acknowledged_by=own.acknowledged_by,
        assignee=own.assignee,
        proposed_by=own.proposed_by,
        major=own.major,
        reported=own.reported,
        report_due_at=moment_or_none(own.report_due_us),
        acknowledge_due_at=moment_or_none(own.acknowledge_due_us),
        contain_due_at=moment_or_none(own.contain_due_us),
        close_due_at=moment_or_none(own.close_due_us),
        overdue=clock is not None and clock.is_over(now_us),
    )


def endpoint_body(record: EndpointRecord, *, share: float) -> EndpointBody:
    line = record.registered
    return EndpointBody(
        id=record.agent,
        name=line.name or record.host,
        host=record.host,
        department=line.department,
        owner=line.owner,
        place=line.place,
        phone=line.phone,
        zone=line.zone,
        groups=list(line.groups),
        clinical=line.clinical,
        protection_level=line.protection_level,
        state=record.state,
        version=record.version,
        policy_version=record.policy_version,
        enrolled_at=moment_or_none(record.enrolled_us),
        last_heard_at=moment_or_none(record.last_heard_us),
        open_cases=record.open_cases,
        coverage=round(share, 4),
    )


def hole_body(hole: Hole) -> HoleBody:
    return HoleBody(
        sensor=hole.sensor,
        since=moment(hole.from_us),
        until=moment_or_none(hole.to_us),
        cause=hole.cause,
        lost=hole.lost,
        detail=hole.detail,
    )


def observation_body(row: ObservationRow) -> ObservationBody:
    return ObservationBody(
        endpoint=row.agent,
        sequence=row.sequence,
        at=moment(row.at_us),
        received_at=moment(row.received_us),
        kind=row.kind,
        sensor=row.sensor,
        boot=row.boot,
        fact=fact_body(row.fact) or {},
    )


def medium_body(seen: MediumSeen, *, number: str) -> MediumBody:
    return MediumBody(
        medium=seen.medium,
        number=number,
        endpoint=seen.agent,
        first_seen_at=moment(seen.first_seen_us),
        last_seen_at=moment(seen.last_seen_us),
        scan=seen.scan,
        scanned_at=moment_or_none(seen.scanned_us),
        mounted=seen.mounted,
    )


def fact_body(text: str) -> dict[str, Any] | None:
    """A stored fact as it goes out again, of whatever kind."""
    return msgspec.json.decode(text, type=dict[str, Any]) if text else None


def _reference(endpoint: Endpoint) -> EndpointRef:
    return EndpointRef(
        id=endpoint.id,
        name=endpoint.name,
        department=endpoint.department,
        owner=endpoint.owner,
        place=endpoint.place,
        phone=endpoint.phone,
    )


def _evidence(item: cases.Evidence, says: Translator) -> EvidenceBody:
    return EvidenceBody(
        at=moment(item.at_us),
        endpoint=item.agent,
        sequence=item.sequence,
        message=says.format(item.message, item.params),
        severity=item.severity,
        decided_by=item.decided_by,
        policy_version=item.policy_version,
        count=item.count,
        fact=fact_body(item.fact),
    )


def _story(line: cases.StoryLine) -> TimelineBody:
    return TimelineBody(
        at=moment(line.at_us), actor=line.actor, act=line.act, detail=dict(line.detail)
    )


def host_body(host: HostSeen) -> HostBody:
    record = host.record
    return HostBody(
        mac=record.mac,
        standing=host.standing,
        called=host.called,
        endpoint=record.owner,
        addresses=list(record.addresses),
        name=record.name,
        how=list(record.how),
        witnesses=[seen.agent for seen in record.witnesses],
        first_seen_at=moment(record.first_seen_us),
        since=moment(record.since_us),
        last_seen_at=moment(record.last_seen_us),
        entry=entry_for(record) if host.standing == "unmanaged" else "",
    )
