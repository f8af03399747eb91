"""Every sentence and word that the pages say, taken from code and templates."""

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from babel.messages.extract import extract_from_dir

from checks.check import discover
from checks.facts.autoplay import AutoplayEffect, AutoplayOf
from checks.facts.connections import Answer, ConnectionSeen, Proof
from checks.facts.copying import WrittenOccasion
from checks.facts.hardware import Part
from checks.facts.health import AgentStarted, AgentStopping, SensorGap, SensorHealth
from checks.facts.history import Trace
from checks.facts.media import LeftOut, MediumAccessed, MediumKind, ScanExtent, ScanState
from checks.facts.names import NameTransport
from checks.facts.network import LinkKind, Neighbour, Wifi
from checks.facts.place import AddressChanged, EndpointMoved
from checks.facts.proxies import Proxy
from checks.facts.quarantine import QuarantineAction, QuarantineEnd
from checks.facts.radios import Radio
from checks.facts.remote_tools import RemoteTool
from checks.facts.scan_late import ScanLate
from checks.finding import Severity
from checks.policy import Mode
from collector import cases, filters, proposals, sheets
from collector.alerts import digest_mail
from collector.alerts.decide import WITHOUT_CASE, Occasion
from collector.alerts.reminders import ApprovalState
from collector.cases import Act, CaseState
from collector.dashboard import (
    login,
    reasons,
    ribbon,
    shown_containment,
    shown_holding,
    shown_infected,
    shown_links,
)
from collector.dashboard.media import STRANGERS
from collector.dashboard.shown import SCAN_REASONS
from collector.dashboard.wording import OWN_SUBJECTS
from collector.deciders import DECIDED_BY_ENTRY, DECIDED_PLAINLY
from collector.duty import acts as duty_acts
from collector.duty import imports as duty_imports
from collector.duty import roster
from collector.endpoints import acts as endpoint_acts
from collector.endpoints import columns as endpoint_columns
from collector.endpoints import imports as endpoint_imports
from collector.entries import MediaAct
from collector.i18n import SOME_PROCESS
from collector.judging.receipts import ENDINGS, RECEIPT_STATES
from collector.judging.records import ENDPOINT_STATES, SHOWN_STATES
from collector.media import acts, columns, imports, labels, revocations
from collector.queries.endpoints import ORDERS
from collector.queries.fleet import TROUBLES
from collector.queries.hosts import STANDINGS
from collector.queries.ledger import LINE_STATES, SHOWN
from collector.reports import pdf, period, tables
from collector.rights import Role

DUTY_ROOM = (duty_acts, duty_imports, roster)
ROOT = Path(__file__).parents[2]
ROOMS = ("dashboard", "api", "media", "endpoints", "reports")
KEYWORDS = {
    "gettext": None,
    "say": None,
    "_": None,
    "ngettext": (1, 2),
    "n_": (1, 2),
    "f_": (1,),
    "format": (1,),
}


def field(struct: type, name: str) -> tuple[str, ...]:
    return get_args(struct.__annotations__[name])


WORDS: dict[str, tuple[str, ...]] = {
    "severity": tuple(Severity),
    "period": ("yesterday", "last_week", "last_month", "this_month"),
    "file": ("pdf", "xlsx", "csv"),
    "state": tuple(CaseState),
    "act": tuple(Act),
    "timeline": (*Act, "opened", "raised", "mailed", "mail_refused", "refused"),
    "occasion": tuple(Occasion),
    "role": tuple(Role),
    "clock": ("acknowledge", "contain", "close"),
    "endpoint_state": (*ENDPOINT_STATES, *SHOWN_STATES),
    "endpoint_order": ("trouble", *ORDERS),
    "fleet_trouble": TROUBLES,
    "mail_about": WITHOUT_CASE,
    "sensor_state": field(SensorHealth, "state"),
    "sensor": (
        "network",
        "radios",
        "forwarding",
        "names",
        "connections",
        "proxies",
        "remote_tools",
        "sightings",
        "place",
        "history",
        "media",
        "holding",
        "quarantine",
        "keyboards",
        "antivirus",
        "detections",
        "hardware",
        "autoplay",
        "intranet",
        "beacon",
        "containment",
        "uplink",
        "spool",
        "agent",
        "scanner",
    ),
    "link_kind": get_args(LinkKind),
    "wifi_mode": field(Wifi, "mode"),
    "radio": field(Radio, "kind"),
    "medium_kind": get_args(MediumKind),
    "operation": field(MediumAccessed, "operation"),
    "scan": get_args(ScanState),
    "scan_late": field(ScanLate, "what"),
    "left_out": get_args(LeftOut),
    "scan_reason": SCAN_REASONS,
    "what": ("debugged", "binary", "policy", "configuration"),
    "answer": get_args(Answer),
    "proof": get_args(Proof),
    "evidence": field(ConnectionSeen, "evidence"),
    "who_unknown": ("gone", "forbidden", "forwarded", "not_looked", "before_watch"),
    "previous_end": field(AgentStarted, "previous_end"),
    "goodbye": field(AgentStopping, "reason"),
    "cause": (
        *field(SensorGap, "cause"),
        *("off", "upgrade", "removed", "killed", "power_cut"),
        *("lost", "reboot", "not_started", "silent", "revoked", ribbon.NOT_ENROLLED),
    ),
    "fact": (
        "network",
        "radios",
        "forwarding",
        "resolvers",
        "proxies",
        "remote_tools",
        "scanner",
        "antivirus",
        "hardware",
        "autoplay",
        "neighbours",
        "switch_ports",
        "outreach_history",
        "intranet_witness",
    ),
    "standing": STANDINGS,
    "how": field(Neighbour, "how"),
    "place": (*field(EndpointMoved, "what"), *field(AddressChanged, "what")),
    "trace": field(Trace, "what"),
    "problem": reasons.PROBLEMS,
    "authentication": shown_links.AUTHENTICATIONS,
    "subject": OWN_SUBJECTS,
    "clinical_class": endpoint_columns.CLINICAL_CLASSES,
    "endpoint_field": (*endpoint_columns.FIELDS, *endpoint_columns.HEARD),
    "transport": get_args(NameTransport),
    "proxy_how": field(Proxy, "how"),
    "remote_purpose": field(RemoteTool, "purpose"),
    "written_occasion": get_args(WrittenOccasion),
    "quarantine_end": get_args(QuarantineEnd),
    "quarantine_act": get_args(QuarantineAction),
    "holding": shown_holding.ACTIONS,
    "holding_ground": shown_holding.GROUNDS,
    "containment": shown_containment.ACTIONS,
    "containment_way": shown_containment.WAYS,
    "containment_actor": shown_containment.NOT_PEOPLE,
    "containment_reason": shown_containment.EXPLAINED,
    "mode": get_args(Mode),
    "approval": get_args(ApprovalState),
    "register_kind": columns.KINDS,
    "register_access": columns.ACCESSES,
    "register_field": columns.FIELDS,
    "register_state": LINE_STATES,
    "register_shown": (*SHOWN, STRANGERS),
    "register_act": get_args(MediaAct),
    "receipt_state": RECEIPT_STATES,
    "receipt_how": get_args(ScanExtent),
    "receipt_ended": ENDINGS,
    "label_size": tuple(labels.SIZES),
    "grade": (
        "used",
        "connected",
        "hotspot",
        "enabled",
        "unwitnessed",
        "long_unwitnessed",
        "emergency",
        "expired",
    ),
    "part": get_args(Part),
    "autoplay_effect": get_args(AutoplayEffect),
    "autoplay_whose": get_args(AutoplayOf),
}


def sentences() -> set[str]:
    """Message ids of templates and code, and those that rooms keep as constants."""
    return {
        *_extracted(),
        *_of_cases(),
        *_of_filters(),
        *_of_rule_pages(),
        login.WRONG,
        login.TOO_MANY,
        SOME_PROCESS,
        *(digest_mail.LINE, digest_mail.SUBJECT, digest_mail.TRIED),
        shown_infected.WHERE_PATHS_ARE,
        *_of_proposals(),
        *_of_the_register(),
        *_of_reports(),
        *DECIDED_PLAINLY,
        *DECIDED_BY_ENTRY,
        *reasons.REASONS,
        *reasons.REFUSALS,
    } - {" "}


def words() -> Iterator[tuple[str, str]]:
    """(vocabulary, value) of everything that `word` may be asked for."""
    for vocabulary, values in WORDS.items():
        for value in values:
            yield vocabulary, str(value)


def _extracted() -> Iterator[str]:
    methods = [
        ("**/vendor-src/**", "ignore"),
        ("**.py", "python"),
        ("**/templates/**.html", "jinja2.ext:babel_extract"),
    ]
    for room in ROOMS:
        folder = str(ROOT / "collector" / room)
        for _, _, message, _, _ in extract_from_dir(
            folder, methods, {"**/templates/**.html": {"trimmed": "true"}}, keywords=KEYWORDS
        ):
            yield message if isinstance(message, str) else message[0]


def _of_proposals() -> Iterator[str]:
    for name in ("NO_SUCH_PROPOSAL", "WIDER", "OTHER_PORT", "NAMELESS", "ENDLESS", "UNPRINTABLE"):
        yield getattr(proposals, name)


def _of_the_register() -> Iterator[str]:
    """Constants of the registers and the report room that are sentences."""
    of_endpoints = (endpoint_acts, endpoint_columns, endpoint_imports)
    of_media = (acts, columns, imports, revocations, sheets, period, tables)
    for module in (*of_media, *of_endpoints, *DUTY_ROOM):
        for name, value in vars(module).items():
            if name[0] != "_" and name.isupper() and isinstance(value, str) and " " in value:
                yield value


def _of_filters() -> Iterator[str]:
    for name in ("NAME_WRONG", "NAME_TAKEN", "TOO_MANY_FILTERS", "NO_SUCH_FILTER"):
        yield getattr(filters, name)


def _of_reports() -> Iterator[str]:
    yield from tables.COUNTED_NAMES.values()
    yield from pdf.SIGNED_BY


def _of_rule_pages() -> Iterator[str]:
    """The paragraphs of every rule's documentation, as its page asks for them."""
    for check in discover().values():
        for part in check.documentation.split("\n\n"):
            if part.strip():
                yield " ".join(part.split())


def _of_cases() -> Iterator[str]:
    names = (
        "UNKNOWN_ACT",
        "REASON_MISSING",
        "REASON_TOO_LONG",
        "ALREADY_CLOSED",
        "OUT_OF_ORDER",
        "NO_SUCH_CASE",
        "NOT_JUDGED_YET",
        "TOO_MANY_CASES",
        "SOME_LEFT",
    )
    for name in names:
        yield getattr(cases, name)
