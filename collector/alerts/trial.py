"""The mail by which somebody tries whether mails arrive; the first page counts it as sent."""

from email.message import EmailMessage

from checks.policy import Policy
from collector.alerts.decide import TRIAL
from collector.alerts.mail import headed, visible
from collector.entries import Mailed
from collector.i18n import translator

SUBJECT = "[Trial] Wardwatch can send mails"
WORDS = (
    "Somebody at the Wardwatch of {hospital} tried whether mails arrive. This one did. "
    "Nothing has to be done.\n\n{link}"
)


def trial_mail(
    policy: Policy, *, sender: str, recipient: str, link: str, now_us: int
) -> EmailMessage:
    """In the hospital's language; every trial is a mail of its own."""
    says = translator(policy.hospital.language)
    message = headed(
        says.gettext(SUBJECT),
        sender=sender,
        recipients=[recipient],
        message_id=f"{TRIAL}.{now_us}",
        now_us=now_us,
        timezone=policy.hospital.timezone,
    )
    told = {"hospital": visible(policy.hospital.name) or "Wardwatch", "link": link}
    message.set_content(says.format(WORDS, told) + "\n")
    return message


def trial_done(recipient: str, now_us: int) -> Mailed:
    """What the journal keeps of a trial that the mail server took."""
    return Mailed(key=f"{TRIAL}:{now_us}", case="", occasion=TRIAL, recipients=(recipient,))
