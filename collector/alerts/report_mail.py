"""The mail that brings a report: what it comes to, and the files."""

from collections.abc import Sequence
from email.message import EmailMessage

from checks.finding import Severity
from checks.policy import Policy
from collector.alerts.mail import COLOURS, Field, Letter, Told, footer, headed, lay_out
from collector.i18n import Translator, translator
from collector.reports.figures import Report
from collector.reports.forms import FORMS, Form, file_name
from collector.reports.tables import headings, percent, sentence, severities_of, total_row

SUBJECT = "[Report] {period}: {opened} cases opened, watched {share}"
HEADING = "Report"
LEAD = "The report is attached as PDF and Excel. On the page every number leads to its cases."
ATTACHED: tuple[Form, ...] = ("pdf", "xlsx")


def report_mail(  # noqa: PLR0913 - what a mail needs, by name
    report: Report,
    policy: Policy,
    *,
    sender: str,
    recipients: Sequence[str],
    link: str,
    now_us: int,
) -> EmailMessage:
    """The same period gives the same Message-ID."""
    says = translator(policy.hospital.language)
    address = f"{link.rstrip('/')}/reports?period={report.period.name}"
    letter = letter_about_report(report, policy, link=address)
    message = headed(
        letter.subject,
        sender=sender,
        recipients=recipients,
        message_id=f"report.{report.period.name}",
        now_us=now_us,
        timezone=policy.hospital.timezone,
    )
    lay_out(message, letter)
    for form in ATTACHED:
        writer, kind = FORMS[form]
        main, _, sub = kind.partition("/")
        message.add_attachment(
            writer(report, says), main, sub, filename=file_name(report.period, form)
        )
    return message


def letter_about_report(report: Report, policy: Policy, *, link: str) -> Letter:
    """The words, pure."""
    says = translator(policy.hospital.language)
    period = report.period
    days = f"{period.first}" if period.first == period.last else f"{period.first} – {period.last}"
    told = {
        "period": period.name,
        "opened": f"{report.total.opened:,}",
        "share": percent(report.share),
    }
    return Letter(
        language=says.language.replace("_", "-"),
        subject=says.format(SUBJECT, told),
        heading=says.gettext(HEADING),
        lead=says.gettext(LEAD),
        colour=COLOURS[_gravest(report)],
        place=days,
        about=tuple(_counted(report, says)),
        facts_label=says.gettext("What the period brought"),
        fact=sentence(report, says),
        evidence_label=says.gettext("Opened, by severity"),
        evidence=tuple(
            Told(word, f"{figure.number:,}")
            for _, word, figure in severities_of(report, says)
            if figure.number
        ),
        duties=(),
        link=link,
        link_label=says.gettext("Open the report"),
        footer=footer(policy, says, version=policy.version),
    )


def _counted(report: Report, says: Translator) -> list[Field]:
    figures = total_row(report, says).figures
    return [
        Field(name, f"{one.number:,}") for name, one in zip(headings(says), figures, strict=True)
    ]


def _gravest(report: Report) -> Severity:
    """That was opened; where nothing was, a mild one."""
    opened = [severity for severity, number in report.total.severities.items() if number]
    return min(opened, key=lambda each: each.rank, default=Severity.LOW)
