"""The worker that empties the outbox and notices cases that nobody acknowledged."""

import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from threading import Event

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from checks.check import Check
from collector.alerts.case_mail import CaseMail
from collector.alerts.decide import DIGEST, REMINDER, REPORT, WEEKLY, is_overdue
from collector.alerts.digest_mail import digest_mail
from collector.alerts.dossier import Dossier, read_dossier
from collector.alerts.escalation import PRESSING
from collector.alerts.links import Links
from collector.alerts.outbox import Claim, Outbox
from collector.alerts.overdue import overdue_alerts
from collector.alerts.reminder_mail import reminder_mail
from collector.alerts.reminders import due, ending_of
from collector.alerts.report_mail import report_mail
from collector.alerts.settlement import Settlement
from collector.alerts.smtp import Receipt, Transport
from collector.alerts.weekly import due_weekly, week_before
from collector.alerts.weekly_mail import weekly_mail
from collector.judging.progress import is_far_behind, judged_until
from collector.ports import Clock, Journal, PolicySource
from collector.queries.digests import digest_of
from collector.queries.mails import count_mails
from collector.queries.reports import first_enrolled_us
from collector.reports.making import make_report
from collector.reports.period import Period, period_of
from collector.reports.schedule import due_reports

log = logging.getLogger(__name__)

LOOKS_EVERY_S = 0.5
OVERDUE_EVERY_LOOKS = 20


@dataclass(kw_only=True)
class Mailer:
    """Claims, sends, journals that it was mailed, marks.  Killed anywhere, an alert is
    sent again with the same Message-ID rather than lost.
    """

    journal: Journal
    store: Engine
    policies: PolicySource
    checks: Mapping[str, Check]
    clock: Clock
    transport: Transport
    links: Links
    sender: str
    base_url: str
    chance: Callable[[], float] = random.random

    @cached_property
    def outbox(self) -> Outbox:
        return Outbox(self.store)

    def step(self) -> bool:
        """Sends what is due, a handful at most; False when there was nothing."""
        keys = self.outbox.due(self.clock())
        for key in keys:
            claim = self.outbox.claim(key, self.clock())
            if claim is not None:
                self._attempt(claim)
        return bool(keys)

    def run(self, stop: Event) -> None:
        """Until `stop` is set; a store that is busy holds it up, not ends it."""
        looks = 0
        released = False
        while not stop.is_set():
            try:
                if not released:
                    self.outbox.release_own()
                    released = True
                if looks % OVERDUE_EVERY_LOOKS == 0:
                    self.find_overdue()
                    self.find_ending()
                    self.find_reports()
                    self.find_weekly()
                looks += 1
                busy = self.step()
            except OperationalError as failure:
                log.warning("mailing is held up", extra={"why": str(failure)})
                busy = False
            if not busy:
                stop.wait(LOOKS_EVERY_S)

    def find_overdue(self) -> int:
        """Puts what is due of the escalation into the outbox for each case past its
        acknowledgement clock; how many are new.  One that was decided before stays as it is.
        """
        policy, now_us = self.policies.current(), self.clock()
        if is_far_behind(judged_until(self.store, self.journal, now_us), now_us):
            return 0  # the acknowledgement may be among what waits
        found = 0
        for alert in overdue_alerts(self.store, policy, now_us):
            self.outbox.put(alert, now_us)
            found += 1
        return found

    def find_ending(self) -> int:
        """Puts one reminder into the outbox for each approval that ends soon; how many
        there are.  One that left before, or waits, stays as it is.
        """
        now_us = self.clock()
        ending = list(due(self.policies.current(), now_us))
        known = self.outbox.known([alert.key for alert in ending])
        for alert in ending:
            if alert.key not in known:
                self.outbox.put(alert, now_us)
        return len(ending)

    def find_reports(self) -> int:
        """Puts the reports that are due into the outbox, each once; how many there are new.  None
        of a time before the first endpoint.
        """
        now_us = self.clock()
        wanted = list(due_reports(self.policies.current(), now_us))
        known = self.outbox.known([alert.key for alert in wanted])
        new = [alert for alert in wanted if alert.key not in known]
        if not new or is_far_behind(judged_until(self.store, self.journal, now_us), now_us):
            return 0
        first_us = first_enrolled_us(self.store)
        new = [alert for alert in new if first_us < self._period(alert.case).to_us]
        for alert in new:
            self.outbox.put(alert, now_us)
        return len(new)

    def find_weekly(self) -> bool:
        """Puts the quiet weekly mail into the outbox when it is due, once; none of a time before
        the first endpoint.  Whether there was one.
        """
        policy, now_us = self.policies.current(), self.clock()
        alert = due_weekly(policy, now_us)
        if alert is None or self.outbox.known([alert.key]):
            return False
        if is_far_behind(judged_until(self.store, self.journal, now_us), now_us):
            return False
        if week_before(alert.case, policy).to_us <= first_enrolled_us(self.store):
            return False
        self.outbox.put(alert, now_us)
        return True

    # ------------------------------------------------------------------------ one alert

    @cached_property
    def _without_case(self) -> Mapping[str, Callable[[Claim], None]]:
        return {
            DIGEST: self._tell_digest,
            REMINDER: self._remind,
            REPORT: self._report,
            WEEKLY: self._tell_week,
        }

    def _attempt(self, claim: Claim) -> None:
        if claim.occasion in self._without_case:
            self._without_case[claim.occasion](claim)
            return
        dossier = read_dossier(self.store, claim.case)
        if dossier is None:
            self._settle(claim, Receipt(later=dict.fromkeys(claim.waiting, "no such case now")))
        elif claim.occasion in PRESSING and not is_overdue(dossier.case, self.clock()):
            self.outbox.drop(claim)  # acknowledged since it was decided
        else:
            self._settle(claim, self._sent(claim, dossier))

    def _sent(self, claim: Claim, dossier: Dossier) -> Receipt:
        mail = CaseMail(
            claim=claim,
            dossier=dossier,
            policy=self.policies.current(),
            checks=self.checks,
            links=self.links,
            sender=self.sender,
            base_url=self.base_url,
            now_us=self.clock(),
        )
        return mail.send(self.transport)

    def _tell_digest(self, claim: Claim) -> None:
        digest = digest_of(self.store, claim.case)
        if digest is None:
            self._settle(claim, Receipt(later=dict.fromkeys(claim.waiting, "no such digest now")))
            return
        message = digest_mail(
            digest,
            self.policies.current(),
            sender=self.sender,
            recipients=claim.recipients,
            link=self.base_url,
            now_us=self.clock(),
        )
        self._settle(claim, self.transport.send(message, claim.waiting))

    def _remind(self, claim: Claim) -> None:
        policy = self.policies.current()
        ending = ending_of(claim.case, policy, self.clock())
        if ending is None:
            self.outbox.drop(claim)  # prolonged or taken away since it was decided
            return
        message = reminder_mail(
            ending,
            policy,
            sender=self.sender,
            recipients=claim.recipients,
            link=self.base_url,
            now_us=self.clock(),
        )
        self._settle(claim, self.transport.send(message, claim.waiting))

    def _report(self, claim: Claim) -> None:
        policy, now_us = self.policies.current(), self.clock()
        report = make_report(self.store, policy, self._period(claim.case), now_us=now_us)
        message = report_mail(
            report,
            policy,
            sender=self.sender,
            recipients=claim.recipients,
            link=self.base_url,
            now_us=now_us,
        )
        self._settle(claim, self.transport.send(message, claim.waiting))

    def _tell_week(self, claim: Claim) -> None:
        policy, now_us = self.policies.current(), self.clock()
        week = week_before(claim.case, policy)
        message = weekly_mail(
            make_report(self.store, policy, week, now_us=now_us),
            count_mails(self.store, week.from_us, week.to_us),
            policy,
            day=claim.case,
            sender=self.sender,
            recipients=claim.recipients,
            link=self.base_url,
            now_us=now_us,
        )
        self._settle(claim, self.transport.send(message, claim.waiting))

    def _period(self, name: str) -> Period:
        return period_of(name, self.policies.current().hospital.timezone)

    def _settle(self, claim: Claim, receipt: Receipt) -> None:
        settle = Settlement(self.journal, self.outbox, self.clock, self.chance)
        settle(claim, receipt)
