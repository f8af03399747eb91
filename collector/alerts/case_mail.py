"""Sends the mail about a case to each of its recipients apart, with the link that is his alone.

All copies name all recipients and have one Message-ID.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from checks.check import Check
from checks.policy import Policy
from checks.policy.spans import span
from collector.alerts.decide import Occasion
from collector.alerts.dossier import Dossier
from collector.alerts.escalation import step_named
from collector.alerts.links import PATH, Links, Pass
from collector.alerts.mail import Envelope, compose
from collector.alerts.outbox import Claim
from collector.alerts.smtp import Receipt, Transport, together
from collector.cases import Case, CaseState
from collector.clocks import microseconds_in


@dataclass(frozen=True, kw_only=True)
class CaseMail:
    """One mail about one case, as the policy says now."""

    claim: Claim
    dossier: Dossier
    policy: Policy
    checks: Mapping[str, Check]
    links: Links
    sender: str
    base_url: str
    now_us: int

    def send(self, transport: Transport) -> Receipt:
        """To those who wait for it; a server that is down is not asked again for the next."""
        receipts: list[Receipt] = []
        waiting = self.claim.waiting
        for index, address in enumerate(waiting):
            message = compose(self.dossier, self._envelope(address), self.policy)
            receipts.append(transport.send(message, (address,)))
            if receipts[-1].down:
                why = receipts[-1].later[address]
                receipts.append(Receipt(later=dict.fromkeys(waiting[index + 1 :], why), down=True))
                break
        return together(receipts)

    def _envelope(self, address: str) -> Envelope:
        check = self.checks.get(self.dossier.case.rule)
        until_us = self._link_until_us()
        return Envelope(
            sender=self.sender,
            recipients=self.claim.recipients,
            occasion=Occasion(self.claim.occasion),
            step=step_named(self.claim.key),
            base_url=self.base_url,
            now_us=self.now_us,
            remedy=check.remedy if check else "",
            acknowledge=self._link(address, until_us) if until_us else "",
            acknowledge_until_us=until_us,
        )

    def _link(self, address: str, until_us: int) -> str:
        made = Pass(self.dossier.case.id, address, until_us)
        return f"{self.base_url.rstrip('/')}{PATH}/{self.links.token(made)}"

    def _link_until_us(self) -> int:
        """0 where there is to be no link."""
        lasts = self.policy.mail.acknowledge_link
        if not lasts or not _waits(self.dossier.case):
            return 0
        return self.now_us + microseconds_in(span(lasts))


def _waits(case: Case) -> bool:
    return case.state is CaseState.AWAITING_ACKNOWLEDGEMENT
