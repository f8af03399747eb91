"""The mail of a day's unanswered attempts: one line, in the hospital's language.

It names no endpoint and no person; what a program claimed as its name is shown as one line.
"""

from collections.abc import Sequence
from email.message import EmailMessage

from checks.policy import Policy
from collector.alerts.mail import headed, visible
from collector.entries import AttemptsOfDay, Tried
from collector.i18n import MISSING, SOME_PROCESS, Translator, translator

LINE = (
    "{day}: {attempts} attempts from {endpoints} endpoints to {destinations} destinations "
    "outside, none answered; most: {most}"
)
SUBJECT = "[Daily digest] {day}: {attempts} attempts to reach outside, none answered"
TRIED = "{process} to {destination} ({attempts} times)"


def digest_mail(  # noqa: PLR0913 - what a mail needs, by name
    digest: AttemptsOfDay,
    policy: Policy,
    *,
    sender: str,
    recipients: Sequence[str],
    link: str,
    now_us: int,
) -> EmailMessage:
    """The same day gives the same Message-ID."""
    says = translator(policy.hospital.language)
    message = headed(
        says.format(SUBJECT, _params(digest, says)),
        sender=sender,
        recipients=recipients,
        message_id=f"digest.{digest.day}",
        now_us=now_us,
        timezone=policy.hospital.timezone,
    )
    address = f"{link.rstrip('/')}/cases?rule=EXT-17"
    message.set_content(f"{digest_line(digest, says)}\n\n{address}\n")
    return message


def digest_line(digest: AttemptsOfDay, says: Translator) -> str:
    """The day in one line, as mail and pages say it."""
    return visible(says.format(LINE, _params(digest, says)))


def _params(digest: AttemptsOfDay, says: Translator) -> dict[str, str]:
    return {
        "day": digest.day,
        "attempts": f"{digest.attempts:,}",
        "endpoints": f"{digest.endpoints:,}",
        "destinations": f"{digest.destinations:,}",
        "most": says.gettext("; ").join(_tried(each, says) for each in digest.most),
    }


def _tried(tried: Tried, says: Translator) -> str:
    unknown = tried.process in ("", MISSING)
    return says.format(
        TRIED,
        {
            "process": says.gettext(SOME_PROCESS) if unknown else tried.process,
            "destination": tried.destination,
            "attempts": f"{tried.attempts:,}",
        },
    )
