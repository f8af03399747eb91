"""Looks for cases whose acknowledgement clock has run out, and what mail that asks for."""

from collections.abc import Callable, Iterator, Sequence

from sqlalchemy import ColumnElement, Engine, select

from checks.policy import Endpoint, EscalationStep, Policy, span
from collector.alerts.decide import Occasion
from collector.alerts.escalation import alert_of_step, alert_without_chain, key_after
from collector.cases import Case, CaseState
from collector.clocks import microseconds_in
from collector.duty.roster import addresses_on_duty
from collector.judging.memory import case_from, endpoint_from
from collector.judging.records import Alert
from collector.queries.duty import shifts_after
from collector.store import schema

Decides = Callable[[Case, Endpoint], Alert | None]


def overdue_alerts(store: Engine, policy: Policy, now_us: int) -> Iterator[Alert]:
    """Every mail that is due by now and is not in the outbox yet."""
    on_duty = addresses_on_duty(shifts_after(store, now_us), now_us)
    if not policy.mail.escalation:
        yield from _decided(
            store,
            _waiting(now_us, f":{Occasion.OVERDUE}"),
            lambda case, endpoint: alert_without_chain(case, policy, endpoint, on_duty),
        )
    for step in policy.mail.escalation:
        yield from _of_step(store, step, policy, now_us, on_duty)


def _of_step(
    store: Engine, step: EscalationStep, policy: Policy, now_us: int, on_duty: Sequence[str]
) -> Iterator[Alert]:
    late_us = 0 if step.leaves_at_once else microseconds_in(span(step.after))
    grave = schema.cases.c.severity_rank <= step.severity.rank
    yield from _decided(
        store,
        _waiting(now_us - late_us, key_after(step, policy)) & grave,
        lambda case, endpoint: alert_of_step(
            case, step, policy, endpoint, now_us=now_us, on_duty=on_duty
        ),
    )


def _waiting(due_before_us: int, key_after_case: str) -> ColumnElement[bool]:
    """Cases that nobody acknowledged, and of which no such mail is in the outbox."""
    cases, alerts = schema.cases.c, schema.alerts.c
    told = select(alerts.key).where(alerts.key == cases.id + key_after_case).exists()
    return (
        (cases.state == str(CaseState.AWAITING_ACKNOWLEDGEMENT))
        & (cases.acknowledge_due_us > 0)
        & (cases.acknowledge_due_us < due_before_us)
        & ~told
    )


def _decided(store: Engine, wanted: ColumnElement[bool], decides: Decides) -> Iterator[Alert]:
    with store.connect() as connection:
        found = connection.execute(select(schema.cases).where(wanted)).all()
        cases = [case_from(row) for row in found]
        rows = connection.execute(select(schema.endpoints)).all() if cases else ()
    endpoints = {row.agent: endpoint_from(row) for row in rows}
    for case in cases:
        endpoint = endpoints.get(case.agent)
        alert = decides(case, endpoint) if endpoint else None
        if alert is not None:
            yield alert
