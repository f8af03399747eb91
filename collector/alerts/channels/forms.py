"""A notice as syslog: RFC 5424 with structured data, ArcSight CEF or OCSF; pure.

CEF: Micro Focus "ArcSight Common Event Format", version 0 (header and extension are escaped
apart).  OCSF: schema 1.3.0, class 2004 Detection Finding (schema.ocsf.io).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from checks.finding import Severity
from collector.alerts.channels.notice import Notice
from collector.alerts.decide import Occasion
from collector.cases import CLOSED_STATES, CaseState

SD_ID = "wardwatch@32473"
"""32473 is the enterprise number for documentation (RFC 5612): we have none of our own."""
APP_NAME = "wardwatch"
NIL = "-"
BOM = "\N{BYTE ORDER MARK}"
"""RFC 5424, 6.4: a message that begins with it is UTF-8."""
VALUE_CHARACTERS = 200
"""Of one value, so that OCSF stays below OCTETS whatever its letters are."""
OCTETS = 8192
"""Of one message: what rsyslog takes unless it is told otherwise."""
UDP_OCTETS = 2048
"""RFC 5426, 3.2: receivers should take as much."""
OCSF_VERSION = "1.3.0"
OCSF_CLASS, OCSF_CATEGORY = 2004, 2

SYSLOG_SEVERITY: Mapping[Severity, int] = {
    Severity.CRITICAL: 2,
    Severity.HIGH: 3,
    Severity.MEDIUM: 4,
    Severity.LOW: 5,
    Severity.NOTICE: 6,
}
CEF_SEVERITY: Mapping[Severity, int] = {
    Severity.CRITICAL: 10,
    Severity.HIGH: 8,
    Severity.MEDIUM: 5,
    Severity.LOW: 3,
    Severity.NOTICE: 1,
}
OCSF_SEVERITY: Mapping[Severity, int] = {
    Severity.CRITICAL: 5,
    Severity.HIGH: 4,
    Severity.MEDIUM: 3,
    Severity.LOW: 2,
    Severity.NOTICE: 1,
}


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Who speaks: the collector's host name, its version and its syslog facility."""

    host: str
    version: str
    facility: int


def rfc5424(notice: Notice, origin: Origin, *, form: str, octets: int = OCTETS) -> bytes:
    """The whole message; `form` is what its text is.  Text that is too long is cut at the end,
    but never OCSF, whose values are bounded.
    """
    priority = origin.facility * 8 + SYSLOG_SEVERITY[notice.severity]
    head = " ".join(
        (
            f"<{priority}>1",
            _time(notice.at_us),
            _name(origin.host),
            APP_NAME,
            NIL,
            str(notice.occasion),
            _structured(notice) if form == "rfc5424" else NIL,
        )
    )
    text = {"rfc5424": _sentence, "cef": cef, "ocsf": ocsf}[form](notice, origin)
    message = f"{head} {BOM}{text}".encode()
    if form == "ocsf" or len(message) <= octets:
        return message
    return message[:octets].decode("utf-8", "ignore").encode()


def cef(notice: Notice, origin: Origin) -> str:
    header = "|".join(
        _cef_header(part)
        for part in (
            "CEF:0",
            "Wardwatch",
            "Wardwatch",
            origin.version,
            notice.rule,
            notice.rule_name,
            str(CEF_SEVERITY[notice.severity]),
        )
    )
    extension = {
        "externalId": notice.key,
        "rt": str(notice.at_us // 1000),
        "start": str(notice.happened_us // 1000),
        "cat": notice.rule,
        "act": str(notice.occasion),
        "outcome": str(notice.state),
        "dhost": notice.endpoint,
        "deviceExternalId": notice.agent,
        "cs1Label": "case",
        "cs1": notice.case,
        "cs2Label": "department",
        "cs2": notice.department,
        "request": notice.link,
        "msg": notice.fact,
    }
    told = (f"{key}={_cef_value(value)}" for key, value in extension.items() if value)
    return f"{header}|{' '.join(told)}"


def ocsf(notice: Notice, origin: Origin) -> str:
    activity = _activity(notice)
    event: dict[str, Any] = {
        "activity_id": activity,
        "category_uid": OCSF_CATEGORY,
        "class_uid": OCSF_CLASS,
        "type_uid": OCSF_CLASS * 100 + activity,
        "severity_id": OCSF_SEVERITY[notice.severity],
        "status_id": _status(notice.state),
        "time": notice.at_us // 1000,
        "message": _short(notice.fact),
        "is_alert": notice.occasion != Occasion.CHANGED,
        "metadata": {
            "version": OCSF_VERSION,
            "uid": notice.key,
            "product": {
                "name": "Wardwatch",
                "vendor_name": "Wardwatch",
                "version": origin.version,
            },
        },
        "finding_info": {
            "uid": notice.case,
            "title": _short(notice.rule_name),
            "desc": _short(notice.fact),
            "types": [notice.rule],
            "src_url": notice.link,
            "created_time": notice.opened_us // 1000,
            "first_seen_time": notice.happened_us // 1000,
            "analytic": {"uid": notice.rule, "name": _short(notice.rule_name), "type_id": 1},
        },
        "resources": [{"uid": notice.agent, "name": _short(notice.endpoint), "type": "endpoint"}],
        "unmapped": {
            "occasion": str(notice.occasion),
            "state": str(notice.state),
            "department": _short(notice.department),
        },
    }
    return msgspec.json.encode(event).decode()


def _sentence(notice: Notice, _origin: Origin) -> str:
    return f"{notice.title} {notice.lead} {notice.fact}"


def _short(value: str) -> str:
    return value[:VALUE_CHARACTERS]


def _structured(notice: Notice) -> str:
    values = {
        "key": notice.key,
        "case": notice.case,
        "rule": notice.rule,
        "severity": str(notice.severity),
        "state": str(notice.state),
        "occasion": str(notice.occasion),
        "department": notice.department,
        "endpoint": notice.endpoint,
        "agent": notice.agent,
        "happened": _time(notice.happened_us),
        "link": notice.link,
    }
    told = (f'{name}="{_sd_value(value)}"' for name, value in values.items() if value)
    return f"[{SD_ID} {' '.join(told)}]"


def _sd_value(value: str) -> str:
    """RFC 5424, 6.3.3."""
    cut = _short(value).replace("\\", "\\\\")
    return cut.replace('"', '\\"').replace("]", "\\]")


def _cef_header(value: str) -> str:
    return _short(value).replace("\\", "\\\\").replace("|", "\\|")


def _cef_value(value: str) -> str:
    return value.replace("\\", "\\\\").replace("=", "\\=").replace("\n", "\\n")


def _activity(notice: Notice) -> int:
    """1 create, 2 update, 3 close; 0 for a sample, which is no finding."""
    if notice.occasion == "test":
        return 0
    if notice.state in CLOSED_STATES:
        return 3
    return 1 if notice.occasion == Occasion.FIRST else 2


def _status(state: CaseState) -> int:
    """1 new, 2 in progress, 3 suppressed, 4 resolved."""
    known = {
        CaseState.AWAITING_ACKNOWLEDGEMENT: 1,
        CaseState.FALSE_ALARM: 3,
        CaseState.CLOSED: 4,
    }
    return known.get(state, 2)


def _time(at_us: int) -> str:
    moment = datetime.fromtimestamp(at_us / 1_000_000, UTC)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _name(host: str) -> str:
    """HOSTNAME is printable ASCII without spaces, 255 at most."""
    return "".join(c for c in host if "!" <= c <= "~")[:255] or NIL
