"""A case as a mail: subject, text, HTML and the headers that keep one case together.

Everything an endpoint said may be hostile: control characters and direction overrides
are shown as spaces, HTML is escaped, and no header takes a line break.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from functools import cache

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined, Template, select_autoescape

from checks.finding import Severity
from checks.policy import Policy
from collector.alerts.decide import Occasion
from collector.alerts.dossier import Dossier, Evidence
from collector.alerts.escalation import step_mark, told_before
from collector.citations import citation_text, rule_name, rule_subject
from collector.clocks import local_time
from collector.deciders import decider
from collector.i18n import Translator, translator

SUBJECT_MESSAGE_LIMIT = 90
"""Characters of the finding's sentence in a subject; more is cut by most readers."""
VALUE_LIMIT = 600
UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Unicode categories that draw nothing but can break a line or turn the reading order."""

TIME_SHOWN = "%Y-%m-%d %H:%M"
TIME_SHOWN_EXACTLY = "%Y-%m-%d %H:%M:%S"
COLOURS: Mapping[Severity, str] = {
    Severity.CRITICAL: "#b42318",
    Severity.HIGH: "#c4500a",
    Severity.MEDIUM: "#8a6100",
    Severity.LOW: "#1f6f54",
    Severity.NOTICE: "#475467",
}
"""Behind white letters; each has a contrast of 4.5 to 1 at least (WCAG 2.2, 1.4.3)."""


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """What a mail needs beside its case.  `step` is that of the escalation,
    `acknowledge` is the one recipient's own link.
    """

    sender: str
    recipients: tuple[str, ...]
    occasion: Occasion
    base_url: str
    now_us: int
    remedy: str = ""
    step: str = ""
    acknowledge: str = ""
    acknowledge_until_us: int = 0


class Field(msgspec.Struct, frozen=True):
    label: str
    value: str


class Told(msgspec.Struct, frozen=True):
    when: str
    what: str


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A mail's words, before they are laid out as text and as HTML."""

    language: str
    subject: str
    heading: str
    lead: str
    colour: str
    place: str
    about: tuple[Field, ...]
    facts_label: str
    fact: str
    evidence_label: str
    evidence: tuple[Told, ...]
    duties: tuple[Field, ...]
    link: str
    link_label: str
    footer: str
    acknowledge: str = ""
    acknowledge_label: str = ""
    acknowledge_note: str = ""


def compose(dossier: Dossier, envelope: Envelope, policy: Policy) -> EmailMessage:
    """The whole mail in the hospital's language; the same key gives the same Message-ID."""
    letter = letter_about(dossier, envelope, policy)
    message = headed(
        letter.subject,
        sender=envelope.sender,
        recipients=envelope.recipients,
        message_id=_told_by(dossier, envelope.occasion, envelope.step),
        now_us=envelope.now_us,
        timezone=policy.hospital.timezone,
    )
    if dossier.case.severity is Severity.CRITICAL:
        message["Importance"] = "high"
        message["X-Priority"] = "1"
    _thread(message, dossier, envelope)
    lay_out(message, letter)
    return message


def headed(  # noqa: PLR0913 - the headers of a mail, by name
    subject: str,
    *,
    sender: str,
    recipients: Sequence[str],
    message_id: str,
    now_us: int,
    timezone: str,
) -> EmailMessage:
    """A mail without words yet; `message_id` is the part of it before the sender's domain."""
    message = EmailMessage()
    message["Subject"] = subject
    message["From"] = visible(sender)
    message["To"] = ", ".join(visible(address) for address in recipients)
    message["Date"] = format_datetime(local_time(now_us, timezone))
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
    message["Message-ID"] = _at(sender, message_id)
    return message


def lay_out(message: EmailMessage, letter: Letter) -> None:
    """Puts the words into the mail, as text and as HTML."""
    message.set_content(_template("alert.txt").render(letter=letter))
    message.add_alternative(_template("alert.html").render(letter=letter), subtype="html")


def letter_about(dossier: Dossier, envelope: Envelope, policy: Policy) -> Letter:
    """The words, pure."""
    case, says = dossier.case, translator(policy.hospital.language)
    return Letter(
        language=says.language.replace("_", "-"),
        subject=_subject(dossier, envelope, policy, says),
        heading=_tag(dossier, says),
        lead=_lead(dossier, envelope, policy, says),
        colour=COLOURS[case.severity],
        place=" ".join(_place(dossier)),
        about=tuple(_about(dossier, policy, says)),
        facts_label=says.gettext("What was found"),
        fact=_fact(dossier, envelope.occasion, says),
        evidence_label=says.format("Evidence ({count} in all)", {"count": str(case.count)}),
        evidence=tuple(_told(each, policy, says) for each in dossier.evidence),
        duties=tuple(_duties(dossier, envelope, policy, says)),
        link=f"{envelope.base_url.rstrip('/')}/cases/{case.id}",
        link_label=says.gettext("Open the case"),
        footer=footer(policy, says, version=case.policy_version),
        acknowledge=envelope.acknowledge,
        acknowledge_label=says.gettext("Acknowledge this case"),
        acknowledge_note=says.format(
            "This link is yours alone: it works once, until {until}, without logging in.",
            {"until": _time(envelope.acknowledge_until_us, policy).strftime(TIME_SHOWN)},
        ),
    )


def visible(text: str) -> str:
    """One line that shows all there is: what draws nothing becomes a space."""
    kept = (" " if unicodedata.category(letter) in UNSEEN else letter for letter in text)
    return " ".join("".join(kept).split())[:VALUE_LIMIT]


# ------------------------------------------------------------------------- the subject


def _subject(dossier: Dossier, envelope: Envelope, policy: Policy, says: Translator) -> str:
    """`【紧急·违规外联】内科三病区 NK3-PC-017 …(2026-03-02 14:05)`."""
    when = _time(dossier.happened_us, policy).strftime(TIME_SHOWN)
    fact = _fact(dossier, envelope.occasion, says)
    if len(fact) > SUBJECT_MESSAGE_LIMIT:
        fact = fact[: SUBJECT_MESSAGE_LIMIT - 1] + "…"
    where = " ".join(_place(dossier))
    tags = {
        Occasion.FIRST: "[{tag}] {where} {fact} ({when})",
        Occasion.RAISED: "[Raised · {tag}] {where} {fact} ({when})",
        Occasion.OVERDUE: "[Overdue · {tag}] {where} {fact} ({when})",
        Occasion.ESCALATED: "[Escalated to {step} · {tag}] {where} {fact} ({when})",
    }
    step = visible(envelope.step)
    words = {"tag": _tag(dossier, says), "where": where, "fact": fact, "when": when, "step": step}
    return says.format(tags[envelope.occasion], words)


def _tag(dossier: Dossier, says: Translator) -> str:
    case = dossier.case
    words = {
        "severity": _severity(case.severity, says),
        "kind": rule_subject(case.rule, says.language),
    }
    return says.format("{severity} · {kind}", words)


def _place(dossier: Dossier) -> list[str]:
    endpoint = dossier.endpoint
    shown = (endpoint.department, endpoint.name or dossier.host or endpoint.id)
    return [visible(part) for part in shown if part]


# ---------------------------------------------------------------------------- the body


def _lead(dossier: Dossier, envelope: Envelope, policy: Policy, says: Translator) -> str:
    due = _time(dossier.case.acknowledge_due_us, policy).strftime(TIME_SHOWN)
    words = {"severity": _severity(dossier.case.severity, says), "due": due}
    if envelope.occasion is Occasion.OVERDUE:
        return says.format("Nobody has acknowledged this case; it was due at {due}.", words)
    if envelope.occasion is Occasion.ESCALATED:
        names = says.gettext(", ").join(told_before(envelope.step, policy))
        words |= {"step": visible(envelope.step), "before": visible(names)}
        told = "Nobody has acknowledged this case; it was due at {due}. Told before: {before}."
        return says.format(told, words)
    if envelope.occasion is Occasion.RAISED:
        return says.format("The severity of this case has risen to: {severity}.", words)
    return says.gettext("A new case was opened.")


def _about(dossier: Dossier, policy: Policy, says: Translator) -> list[Field]:
    case, endpoint = dossier.case, dossier.endpoint
    unregistered = says.gettext("not in the register")
    rows = (
        ("Case", case.id),
        ("Severity", _severity(case.severity, says)),
        ("Rule", f"{case.rule} {rule_name(case.rule, says.language)}"),
        ("Happened", _time(dossier.happened_us, policy).strftime(TIME_SHOWN_EXACTLY)),
        ("Found", _time(case.opened_us, policy).strftime(TIME_SHOWN_EXACTLY)),
        ("Department", endpoint.department or unregistered),
        ("Owner", endpoint.owner or unregistered),
        ("Place", endpoint.place or unregistered),
        ("Ward phone", endpoint.phone),
        ("Computer", " / ".join(dict.fromkeys(n for n in (endpoint.name, dossier.host) if n))),
        ("IP / MAC", "; ".join(dossier.addresses)),
        ("Logged in", ", ".join(dossier.users)),
    )
    return [Field(says.gettext(label), visible(value)) for label, value in rows if value]


def _duties(dossier: Dossier, envelope: Envelope, policy: Policy, says: Translator) -> list[Field]:
    level = min(dossier.endpoint.protection_level, policy.hospital.protection_level)
    measures = (
        ""
        if policy.mode_for(dossier.endpoint) == "enforce"
        else "Alert only; nothing was cut off or held"
    )
    rows = (
        ("Clauses", citation_text(dossier.case.rule, level, says.language)),
        ("Measures taken", says.gettext(measures) if measures else ""),
        ("To do now", says.gettext(envelope.remedy) if envelope.remedy else ""),
        ("Deadlines", _deadlines(dossier, policy, says)),
        ("Decided by", decider(dossier.case.decided_by, says)),
        ("Computer centre", policy.hospital.phone),
    )
    return [Field(says.gettext(label), visible(value)) for label, value in rows if value]


def _deadlines(dossier: Dossier, policy: Policy, says: Translator) -> str:
    case = dossier.case
    clocks = (
        ("acknowledge by {when}", case.acknowledge_due_us),
        ("contain by {when}", case.contain_due_us),
        ("close by {when}", case.close_due_us),
    )
    told = (
        says.format(words, {"when": _time(due_us, policy).strftime(TIME_SHOWN)})
        for words, due_us in clocks
        if due_us
    )
    return "; ".join(told)


def footer(policy: Policy, says: Translator, *, version: int) -> str:
    """Who sent it, and the version of the policy that it goes by."""
    name = visible(policy.hospital.name)
    words = {"hospital": name, "version": str(version)}
    if not name:
        return says.format("Sent by Wardwatch. Policy version {version}.", words)
    return says.format("Sent by Wardwatch for {hospital}. Policy version {version}.", words)


def _told(evidence: Evidence, policy: Policy, says: Translator) -> Told:
    what = visible(says.format(evidence.message, evidence.params))
    times = f" ×{evidence.count}" if evidence.count > 1 else ""
    return Told(_time(evidence.at_us, policy).strftime(TIME_SHOWN_EXACTLY), what + times)


def _fact(dossier: Dossier, occasion: Occasion, says: Translator) -> str:
    """What opened the case, or for a raised one the newest finding that is as grave."""
    grave = [e for e in dossier.evidence if e.severity is dossier.case.severity]
    if grave and occasion is Occasion.RAISED:
        return visible(says.format(grave[-1].message, grave[-1].params))
    return visible(says.format(dossier.case.message, dossier.case.params))


def _severity(severity: Severity, says: Translator) -> str:
    said = says.word("severity", str(severity))
    return said[:1].upper() + said[1:]


def _time(at_us: int, policy: Policy) -> datetime:
    return local_time(at_us, policy.hospital.timezone)


# ------------------------------------------------------------------------- the headers


def _thread(message: EmailMessage, dossier: Dossier, envelope: Envelope) -> None:
    """One case, one thread: RFC 5322, 3.6.4."""
    if envelope.occasion is not Occasion.FIRST:
        first = _at(envelope.sender, _told_by(dossier, Occasion.FIRST))
        message["In-Reply-To"] = first
        message["References"] = first


def _told_by(dossier: Dossier, occasion: Occasion, step: str = "") -> str:
    case = dossier.case
    if occasion is Occasion.ESCALATED:
        return f"{case.id}.{occasion}.{step_mark(step)}"
    if occasion is Occasion.RAISED:
        return f"{case.id}.{occasion}.{case.severity}"
    return f"{case.id}.{occasion}"


def _at(sender: str, message_id: str) -> str:
    domain = sender.rpartition("@")[2].strip(" <>") or "localhost"
    return f"<{message_id}@{domain}>"


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("collector.alerts"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _template(name: str) -> Template:
    return _templates().get_template(name)
