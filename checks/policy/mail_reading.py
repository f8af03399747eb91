"""What the policy promises about mail, beyond what its types check."""

from collections.abc import Iterator
from functools import partial

from checks.policy.allowlist_reading import Promise, mail_address
from checks.policy.error import PolicyError
from checks.policy.mailing import Mail, Recipient
from checks.policy.spans import span


def promises_of_mail(mail: Mail) -> Iterator[Promise]:
    """The place, and what must not raise."""
    if mail.acknowledge_link:
        yield "mail.acknowledge_link", partial(span, mail.acknowledge_link)
    for index, recipient in enumerate(mail.recipients):
        yield f"mail.recipients[{index}].address", partial(mail_address, recipient.address)
        yield f"mail.recipients[{index}].reports", partial(_of_all_departments, recipient)


def _of_all_departments(recipient: Recipient) -> None:
    if recipient.reports and recipient.departments:
        raise PolicyError("reports tell of every department; name none for who gets them")
