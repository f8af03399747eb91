"""What a channel is told of a case: one value for every kind of channel, pure."""

from typing import Literal

import msgspec

from checks.finding import Severity
from checks.policy import Policy
from collector.alerts.decide import Occasion
from collector.alerts.dossier import Dossier
from collector.alerts.mail import COLOURS, Envelope, Field, letter_about, visible
from collector.cases import CaseState
from collector.citations import rule_name
from collector.i18n import Translator, translator

TOLD = ("Case", "Rule", "Happened", "Department", "Place", "Ward phone", "Computer")
"""Labels of the mail's fields that go outside; who was logged in and addresses do not."""
DUTIES = ("To do now", "Deadlines", "Computer centre")
SAMPLE = "Test of an alert channel"
SAMPLE_LEAD = "This is a sample; nothing has happened."
MOVED = "The case is now: {state}."
SAMPLE_CASE = "TEST-SAMPLE"


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """Everything hostile in it is one visible line.  `key` is the same whenever it is told
    again; `at_us` is when this was decided, `happened_us` when the fact happened.
    """

    key: str
    occasion: Occasion | Literal["test"]
    case: str
    rule: str
    rule_name: str
    severity: Severity
    state: CaseState
    title: str
    lead: str
    fact: str
    fields: tuple[Field, ...] = ()
    link: str
    link_label: str
    footer: str
    department: str = ""
    endpoint: str = ""
    agent: str = ""
    at_us: int
    opened_us: int
    happened_us: int

    @property
    def colour(self) -> str:
        return COLOURS[self.severity]


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """The occasion of a notice beside its case.  `state` is what the case was moved to."""

    key: str
    occasion: Occasion
    at_us: int
    base_url: str
    language: str = ""
    remedy: str = ""
    state: CaseState | None = None


def notice_about(dossier: Dossier, told: Told, policy: Policy) -> Notice:
    """In the channel's language, or the hospital's; the words are those of the mail."""
    spoken = _speaking(policy, told.language)
    says = translator(spoken.hospital.language)
    moved = told.occasion is Occasion.CHANGED
    envelope = Envelope(
        sender="",
        recipients=(),
        occasion=Occasion.FIRST if moved else told.occasion,
        base_url=told.base_url,
        now_us=told.at_us,
        remedy=told.remedy,
    )
    letter = letter_about(dossier, envelope, spoken)
    case, state = dossier.case, told.state or dossier.case.state
    moved_to = says.format(MOVED, {"state": says.word("state", str(state))})
    wanted = {says.gettext(label) for label in (*TOLD, *DUTIES)}
    return Notice(
        key=told.key,
        occasion=told.occasion,
        case=case.id,
        rule=case.rule,
        rule_name=rule_name(case.rule, says.language),
        severity=case.severity,
        state=CaseState(state),
        title=f"[{letter.heading}] {letter.place}",
        lead=moved_to if moved else letter.lead,
        fact=letter.fact,
        fields=tuple(f for f in (*letter.about, *letter.duties) if f.label in wanted),
        link=letter.link,
        link_label=letter.link_label,
        footer=letter.footer,
        department=visible(dossier.endpoint.department),
        endpoint=visible(dossier.endpoint.name or dossier.host),
        agent=case.agent,
        at_us=told.at_us,
        opened_us=case.opened_us,
        happened_us=dossier.happened_us,
    )


def sample(key: str, *, base_url: str, language: str, now_us: int) -> Notice:
    """A notice that says of itself that it is none."""
    says: Translator = translator(language)
    return Notice(
        key=key,
        occasion="test",
        case=SAMPLE_CASE,
        rule="TEST",
        rule_name=says.gettext(SAMPLE),
        severity=Severity.NOTICE,
        state=CaseState.CLOSED,
        title=f"[{says.gettext(SAMPLE)}]",
        lead=says.gettext(SAMPLE_LEAD),
        fact=says.gettext(SAMPLE_LEAD),
        link=base_url,
        link_label=says.gettext("Open the case"),
        footer=says.gettext("Sent by Wardwatch"),
        at_us=now_us,
        opened_us=now_us,
        happened_us=now_us,
    )


def _speaking(policy: Policy, language: str) -> Policy:
    if not language:
        return policy
    hospital = msgspec.structs.replace(policy.hospital, language=language)
    return msgspec.structs.replace(policy, hospital=hospital)
