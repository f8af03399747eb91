"""Cases as the entries move them: opened, joined, raised, acted upon, told of."""

import msgspec

from checks.finding import Severity
from checks.policy.spans import span
from collector.alerts.decide import TRIAL, WITHOUT_CASE, Occasion, alert_for
from collector.alerts.escalation import step_named
from collector.cases import (
    ALREADY_CLOSED,
    REFUSED,
    Act,
    ActRefused,
    Case,
    CaseKey,
    Sighting,
    after_act,
    joined,
    opened,
)
from collector.clocks import deadlines_of, microseconds_in
from collector.entries import CaseAct, Mailed
from collector.judging.dutybook import DutyBook
from collector.judging.memory import Memory
from collector.judging.records import Alert, EndpointRecord
from collector.judging.tally import Tally, dumped

NUL_SHOWN = "\N{REPLACEMENT CHARACTER}"
"""PostgreSQL's text holds no NUL; what an endpoint says may."""


class Casebook:
    """Moves the cases of the memory and tallies their rows, entry by entry."""

    def __init__(self, memory: Memory, tally: Tally, duty: DutyBook) -> None:
        self._memory = memory
        self._tally = tally
        self._duty = duty
        self._entry = 0
        self._at_us = 0
        self._ordinal = 0

    def turn_to(self, entry: int, received_us: int) -> None:
        """The journal's entry that speaks from here on, and when it was received."""
        self._entry, self._at_us, self._ordinal = entry, received_us, 0

    def found(self, record: EndpointRecord, sighting: Sighting) -> None:
        """A finding joins its open case or opens one."""
        sighting = _storable(sighting)
        finding = sighting.finding
        key = CaseKey(record.agent, sighting.rule, finding.subject)
        before = self._memory.open_cases.get(key)
        if before is None:
            case = self._opened(record, key, sighting)
        else:
            case = joined(before, sighting)
            if case.severity is not before.severity:
                self._raised(case, before.severity, record)
        case = self._with_report_clock(case)
        self._keep(case)
        self._tally.findings.append(
            (
                case.id,
                record.agent,
                sighting.sequence,
                sighting.ordinal,
                sighting.happened_us,
                finding.message,
                dumped(dict(finding.params)),
                str(sighting.severity),
                finding.decided_by,
                self._memory.policy.version,
                finding.count,
            )
        )

    def act(self, done: CaseAct) -> None:
        """What a person did; a step that does not fit is told as `refused`."""
        key = self._memory.open_keys.get(done.case)
        if key is None:
            self._act_on_closed(done)
            return
        case = self._memory.open_cases[key]
        try:
            after = after_act(
                case,
                done.act,
                actor=done.actor,
                reason=done.reason,
                at_us=self._at_us,
                to=done.to,
                alone=not self._memory.policy.cases.second_person,
            )
        except ActRefused as refused:
            self._refuse(done, refused.message)
            return
        detail = {"reason": done.reason} if done.reason else {}
        if done.act in (Act.ASSIGN, Act.JUDGE):
            detail["to"] = done.to
        if after.state is not case.state:
            detail["state"] = str(after.state)
        self._tell(case.id, done.actor, done.act, detail)
        self._keep(after)
        if not after.is_open:
            self._count_open(case.agent, -1)

    def mailed(self, mailed: Mailed) -> None:
        """An alert left for good, or was refused for good."""
        if mailed.occasion == TRIAL:  # it was sent from a shell, past the outbox
            sent = Alert(
                key=mailed.key,
                case=mailed.case,
                occasion=mailed.occasion,
                recipients=mailed.recipients,
            )
            self._tally.add_alert(sent, self._at_us)
        delivered = () if mailed.error and not mailed.recipients else mailed.recipients
        self._tally.mailed.append((mailed.key, delivered, self._at_us, mailed.error))
        if mailed.occasion in WITHOUT_CASE:
            return
        detail = {"occasion": mailed.occasion, "recipients": ", ".join(mailed.recipients)}
        if step := step_named(mailed.key):
            detail["step"] = step
        if mailed.error:
            detail["error"] = mailed.error
        self._tell(mailed.case, "", "mailed" if delivered else "mail_refused", detail)
        self._tally.touched.add(mailed.case)

    # ----------------------------------------------------------------------- helpers

    def _opened(self, record: EndpointRecord, key: CaseKey, sighting: Sighting) -> Case:
        policy = self._memory.policy
        case = opened(
            key,
            sighting,
            policy_version=policy.version,
            deadlines=deadlines_of(policy, key.rule, sighting.finding.grade, self._at_us),
            department=record.registered.department,
        )
        self._count_open(record.agent, 1)
        self._tell(case.id, "", "opened", {"severity": str(case.severity)})
        self._alert(case, Occasion.FIRST, record)
        return case

    def _with_report_clock(self, case: Case) -> Case:
        """It runs from the moment at which the case is known as critical."""
        if case.severity is not Severity.CRITICAL or case.report_due_us:
            return case
        within = microseconds_in(span(self._memory.policy.cases.report_within))
        return msgspec.structs.replace(case, report_due_us=self._at_us + within)

    def _raised(self, case: Case, before: Severity, record: EndpointRecord) -> None:
        self._tell(case.id, "", "raised", {"from": str(before), "to": str(case.severity)})
        self._alert(case, Occasion.RAISED, record)

    def _alert(self, case: Case, occasion: Occasion, record: EndpointRecord) -> None:
        policy, on_duty = self._memory.policy, self._duty.addresses(self._at_us)
        alert = alert_for(case, occasion, policy, record.registered, on_duty=on_duty)
        if alert is not None:
            self._tally.add_alert(alert, self._at_us)

    def _act_on_closed(self, done: CaseAct) -> None:
        if done.act == "comment":
            self._tell(done.case, done.actor, done.act, {"reason": done.reason})
            self._tally.touched.add(done.case)
        else:
            self._refuse(done, ALREADY_CLOSED)

    def _refuse(self, done: CaseAct, message: str) -> None:
        self._tell(done.case, done.actor, REFUSED, {"act": done.act, "message": message})

    def _tell(self, case: str, actor: str, act: str, detail: dict[str, str]) -> None:
        self._tally.timeline.append(
            (case, self._entry, self._ordinal, self._at_us, actor, act, dumped(detail))
        )
        self._ordinal += 1

    def _keep(self, case: Case) -> None:
        policy, before = self._memory.policy, self._memory.open_cases.get(case.key)
        self._tally.days.moved(before, case, policy.hospital.timezone)
        self._memory.keep_case(case)
        self._tally.cases[case.id] = case

    def _count_open(self, agent: str, change: int) -> None:
        record = self._memory.endpoints.get(agent)
        if record is not None:
            kept = msgspec.structs.replace(record, open_cases=record.open_cases + change)
            self._memory.endpoints[agent] = self._tally.endpoints[agent] = kept


def _storable(sighting: Sighting) -> Sighting:
    finding = sighting.finding
    params = {name: value.replace("\0", NUL_SHOWN) for name, value in finding.params.items()}
    subject = finding.subject.replace("\0", NUL_SHOWN)
    kept = msgspec.structs.replace(finding, subject=subject, params=params)
    return msgspec.structs.replace(sighting, finding=kept)
