"""The words of the quiet weekly mail, in the hospital's language, laid out like the others."""

from collections.abc import Sequence
from email.message import EmailMessage

from checks.finding import Severity
from checks.policy import Policy
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
from collector.clocks import local_time
from collector.i18n import Translator, translator
from collector.queries.mails import MailCount
from collector.reports.figures import Report
from collector.reports.tables import percent, sentence

SUBJECT = "[Weekly word] Mail works; cases opened: {opened}, closed: {closed}; watched {share}"
HEADING = "Weekly word: mail works"
LEAD = "Nothing need be done. This mail shows that alerts reach you."
ADVICE = "If it fails to come on {next}, alerts may fail as well: please tell the computer centre."
MAILS = "{sent} sent, {refused} refused, {waiting} waiting"


def weekly_mail(  # noqa: PLR0913 - what a mail needs, by name
    report: Report,
    mails: MailCount,
    policy: Policy,
    *,
    day: str,
    sender: str,
    recipients: Sequence[str],
    link: str,
    now_us: int,
) -> EmailMessage:
    """The same day gives the same Message-ID."""
    letter = letter_of_week(report, mails, policy, link=f"{link.rstrip('/')}/unseen")
    message = headed(
        letter.subject,
        sender=sender,
        recipients=recipients,
        message_id=f"weekly.{day}",
        now_us=now_us,
        timezone=policy.hospital.timezone,
    )
    lay_out(message, letter)
    return message


def letter_of_week(report: Report, mails: MailCount, policy: Policy, *, link: str) -> Letter:
    """The words, pure."""
    says = translator(policy.hospital.language)
    words = {
        "opened": f"{report.total.opened:,}",
        "closed": f"{report.total.closed:,}",
        "share": percent(report.share),
    }
    return Letter(
        language=says.language.replace("_", "-"),
        subject=says.format(SUBJECT, words),
        heading=says.gettext(HEADING),
        lead=says.gettext(LEAD),
        colour=COLOURS[Severity.LOW],
        place=_span(report, policy),
        about=(_about(mails, says),),
        facts_label=says.gettext("The week in one line"),
        fact=sentence(report, says),
        evidence_label="",
        evidence=(),
        duties=tuple(_duties(report, policy, says)),
        link=link,
        link_label=says.gettext("Open what could not be seen"),
        footer=footer(policy, says, version=policy.version),
    )


def _about(mails: MailCount, says: Translator) -> Field:
    counts = {
        "sent": f"{mails.sent:,}",
        "refused": f"{mails.refused:,}",
        "waiting": f"{mails.waiting:,}",
    }
    return Field(says.gettext("Mails of the week"), says.format(MAILS, counts))


def _duties(report: Report, policy: Policy, says: Translator) -> list[Field]:
    period = report.period
    next_us = period.to_us + (period.to_us - period.from_us)
    told = says.format(ADVICE, {"next": _moment(next_us, policy)})
    rows = (("The next one", told), ("Computer centre", policy.hospital.phone))
    return [Field(says.gettext(label), visible(value)) for label, value in rows if value]


def _span(report: Report, policy: Policy) -> str:
    period = report.period
    return f"{_moment(period.from_us, policy)} – {_moment(period.to_us, policy)}"


def _moment(at_us: int, policy: Policy) -> str:
    return local_time(at_us, policy.hospital.timezone).strftime(TIME_SHOWN)
