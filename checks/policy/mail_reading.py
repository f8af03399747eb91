"""What the policy promises about mail, beyond what its types check."""

from collections.abc import Iterator, Sequence
from functools import partial

from checks.policy.allowlist_reading import Promise, mail_address
from checks.policy.error import PolicyError
from checks.policy.mailing import EscalationStep, Mail, Recipient
from checks.policy.spans import span


def promises_of_mail(mail: Mail) -> Iterator[Promise]:
    """The place, and what must not raise."""
    if mail.acknowledge_link:
        yield "mail.acknowledge_link", partial(span, mail.acknowledge_link)
    for index, recipient in enumerate(mail.recipients):
        yield f"mail.recipients[{index}].address", partial(mail_address, recipient.address)
        yield f"mail.recipients[{index}].reports", partial(_of_all_departments, recipient)

    yield from _of_escalation(mail)


def _of_escalation(mail: Mail) -> Iterator[Promise]:
    for index, step in enumerate(mail.escalation):
        place = f"mail.escalation[{index}] ({step.name})"
        yield f"{place}.name", partial(_of_its_own, step, mail.escalation[:index])
        yield f"{place}.addresses", partial(_names_somebody, step)
        for address in step.addresses:
            yield f"{place}.addresses", partial(mail_address, address)
        if not step.leaves_at_once:
            yield f"{place}.after", partial(span, step.after)
        yield f"{place}.after", partial(_later, step, mail.escalation[:index])


def _of_its_own(step: EscalationStep, before: Sequence[EscalationStep]) -> None:
    if step.name in {each.name for each in before}:
        raise PolicyError("another step has this name")
    if not step.name.isprintable() or step.name != step.name.strip():
        raise PolicyError("is no name that a page can show")


def _names_somebody(step: EscalationStep) -> None:
    if not step.addresses:
        raise PolicyError("nobody is named")


def _later(step: EscalationStep, before: Sequence[EscalationStep]) -> None:
    if not before:
        if not step.leaves_at_once:
            raise PolicyError('the first step leaves when the clock runs out: after = "0m"')
    elif step.leaves_at_once or (
        not before[-1].leaves_at_once and span(step.after) <= span(before[-1].after)
    ):
        raise PolicyError("leaves no later than the step before it")


def _of_all_departments(recipient: Recipient) -> None:
    if recipient.reports and recipient.departments:
        raise PolicyError("reports tell of every department; name none for who gets them")
