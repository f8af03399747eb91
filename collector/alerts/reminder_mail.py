"""The mail that an approval ends soon, in the hospital's language, laid out like the others."""

from collections.abc import Sequence
from email.message import EmailMessage

from checks.finding import Severity
from checks.policy import Approved, ApprovedDevice, Policy
from collector.alerts.mail import (
    COLOURS,
    TIME_SHOWN,
    Field,
    Letter,
    footer,
    headed,
    lay_out,
    visible,
)
from collector.alerts.reminders import Ending
from collector.clocks import local_time
from collector.i18n import Translator, translator

SUBJECT = "[Approval ends] {name} holds until {until}"
HEADING = "An approval ends soon"
LEAD = "After its end, its further use is a violation (EXT-16)."
FACT = "The approval {name} holds until {until}."
ADVICE = (
    "If it is still needed, have it applied for and approved anew before its end; if not, "
    "nothing need be done but to stop using it."
)


def reminder_mail(  # noqa: PLR0913 - what a mail needs, by name
    ending: Ending,
    policy: Policy,
    *,
    sender: str,
    recipients: Sequence[str],
    link: str,
    now_us: int,
) -> EmailMessage:
    """The same approval and end give the same Message-ID."""
    letter = letter_about_ending(ending, policy, link=f"{link.rstrip('/')}/policy")
    message = headed(
        letter.subject,
        sender=sender,
        recipients=recipients,
        message_id=f"reminder.{ending.id}",
        now_us=now_us,
        timezone=policy.hospital.timezone,
    )
    lay_out(message, letter)
    return message


def letter_about_ending(ending: Ending, policy: Policy, *, link: str) -> Letter:
    """The words, pure."""
    says = translator(policy.hospital.language)
    until = local_time(ending.ends_us, policy.hospital.timezone).strftime(TIME_SHOWN)
    words = {"name": visible(ending.entry.name), "until": until}
    return Letter(
        language=says.language.replace("_", "-"),
        subject=says.format(SUBJECT, words),
        heading=says.gettext(HEADING),
        lead=says.gettext(LEAD),
        colour=COLOURS[Severity.MEDIUM],
        place=words["name"],
        about=tuple(_about(ending.entry, says)),
        facts_label=says.gettext("What ends"),
        fact=says.format(FACT, words),
        evidence_label="",
        evidence=(),
        duties=tuple(_duties(policy, says)),
        link=link,
        link_label=says.gettext("Open the policy"),
        footer=footer(policy, says, version=policy.version),
    )


def _about(entry: Approved | ApprovedDevice, says: Translator) -> list[Field]:
    rows = (
        ("What for", entry.purpose),
        ("Approved", _what(entry, says)),
        ("Applicant", entry.applicant),
        ("Approver", entry.approver),
        ("Ticket", entry.ticket),
        ("Since", entry.starts),
    )
    return [Field(says.gettext(label), visible(value)) for label, value in rows if value]


def _what(entry: Approved | ApprovedDevice, says: Translator) -> str:
    if isinstance(entry, Approved):
        return ", ".join(entry.destinations)
    named = ", ".join(part for part in (entry.mac, entry.device, entry.interface) if part)
    return f"{says.word('link_kind', entry.kind)}: {named}"


def _duties(policy: Policy, says: Translator) -> list[Field]:
    rows = (("To do now", says.gettext(ADVICE)), ("Computer centre", policy.hospital.phone))
    return [Field(says.gettext(label), visible(value)) for label, value in rows if value]
