"""What the API answers and is asked, as types: the JSON and its schema come from these."""

from datetime import date, datetime
from typing import Annotated, Any

import msgspec

from checks.facts.media import Medium
from checks.facts.media_register import RegisterKind
from checks.finding import Severity
from collector.auth import NAME_LONGEST
from collector.cases import REASON_LIMIT, CaseState
from collector.judging.records import ShownState
from collector.queries.hosts import Standing
from collector.queries.ledger import LineState

DEFAULT_LIMIT = 50
Limit = Annotated[int, msgspec.Meta(ge=1, le=200, description="Entries of one page")]
Moment = Annotated[
    datetime, msgspec.Meta(tz=True, description="RFC 3339, e.g. 2026-03-02T06:05:00Z")
]
Cursor = Annotated[str, msgspec.Meta(max_length=200, description="`next` of the page before")]
Text = Annotated[str, msgspec.Meta(max_length=200)]


class Query(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of an address; any other is refused by name."""


class NoQuery(Query, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class CasesQuery(Query, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`since`: last seen at this moment or later; `open`: only cases not closed yet."""

    state: CaseState | None = None
    open: bool = False
    rule: Text = ""
    endpoint: Text = ""
    severity: Severity | None = None
    since: Moment | None = None
    limit: Limit = DEFAULT_LIMIT
    cursor: Cursor = ""


class EndpointsQuery(Query, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`state`: `outdated` is any that is trusted and whose client is older than the collector;
    `q` is looked for in id, name, computer, owner and place.
    """

    state: ShownState | None = None
    department: Text = ""
    zone: Text = ""
    q: Text = ""
    limit: Limit = DEFAULT_LIMIT
    cursor: Cursor = ""


class HostsQuery(Query, frozen=True, kw_only=True, forbid_unknown_fields=True):
    standing: Standing | None = None
    limit: Limit = DEFAULT_LIMIT
    cursor: Cursor = ""


class ObservationsQuery(Query, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`since`: happened at this moment or later."""

    endpoint: Text = ""
    kind: Text = ""
    since: Moment | None = None
    limit: Limit = DEFAULT_LIMIT
    cursor: Cursor = ""


class MediaQuery(Query, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`registered`: the register's lines instead of the media that were seen."""

    endpoint: Text = ""
    registered: bool = False
    limit: Limit = DEFAULT_LIMIT
    cursor: Cursor = ""


class ActBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`reason` must be given to close, to call it a false alarm, to judge whether it is major, to
    report it (the report's reference) and to comment; `to` is the account to assign it to (empty
    for nobody), or whether it is major, `yes` or `no`.
    """

    reason: Annotated[str, msgspec.Meta(max_length=REASON_LIMIT)] = ""
    to: Annotated[str, msgspec.Meta(max_length=NAME_LONGEST)] = ""


class EndpointRef(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    department: str
    owner: str
    place: str
    phone: str


class ClauseBody(msgspec.Struct, frozen=True, kw_only=True):
    framework: str
    clause: str
    text: str
    title: str


class EvidenceBody(msgspec.Struct, frozen=True, kw_only=True):
    """One finding; `fact` is what was observed, null when it is no longer kept."""

    at: datetime
    endpoint: str
    sequence: int
    message: str
    severity: Severity
    decided_by: str
    policy_version: int
    count: int
    fact: dict[str, Any] | None


class TimelineBody(msgspec.Struct, frozen=True, kw_only=True):
    """`actor` is empty for the collector itself."""

    at: datetime
    actor: str
    act: str
    detail: dict[str, Any]


class CaseBody(msgspec.Struct, frozen=True, kw_only=True):
    """In a list `evidence` holds the newest findings only and `timeline` is empty.  `proposed_by`
    called it a false alarm, which a second person has not looked at yet.  `major`: `yes`, `no`, or
    empty while nobody judged it.
    """

    id: str
    rule: str
    title: str
    severity: Severity
    state: CaseState
    endpoint: EndpointRef
    subject: str
    message: str
    opened_at: datetime
    last_seen_at: datetime
    closed_at: datetime | None
    count: int
    clauses: list[ClauseBody]
    policy_version: int
    decided_by: str
    evidence: list[EvidenceBody]
    timeline: list[TimelineBody]
    acknowledged_by: str
    assignee: str
    proposed_by: str
    major: str
    reported: str
    report_due_at: datetime | None
    acknowledge_due_at: datetime | None
    contain_due_at: datetime | None
    close_due_at: datetime | None
    overdue: bool


class CasePage(msgspec.Struct, frozen=True, kw_only=True):
    """`next` is the cursor of the following page, null on the last."""

    cases: list[CaseBody]
    next: str | None


class EndpointBody(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    host: str
    department: str
    owner: str
    place: str
    phone: str
    zone: str
    groups: list[str]
    clinical: str
    protection_level: int
    state: str
    version: str
    policy_version: int
    enrolled_at: datetime | None
    last_heard_at: datetime | None
    open_cases: int
    coverage: float


class EndpointPage(msgspec.Struct, frozen=True, kw_only=True):
    endpoints: list[EndpointBody]
    next: str | None


class HoleBody(msgspec.Struct, frozen=True, kw_only=True):
    """`sensor` is `*` for the whole endpoint; `until` null while it lasts."""

    sensor: str
    since: datetime
    until: datetime | None
    cause: str
    lost: int
    detail: str


class EndpointDetail(msgspec.Struct, frozen=True, kw_only=True):
    """`known` holds the endpoint's last state of each kind, `coverage_holes` those of
    the last 24 hours.
    """

    endpoint: EndpointBody
    known: dict[str, dict[str, Any]]
    coverage_holes: list[HoleBody]


class ObservationBody(msgspec.Struct, frozen=True, kw_only=True):
    endpoint: str
    sequence: int
    at: datetime
    received_at: datetime
    kind: str
    sensor: str
    boot: str
    fact: dict[str, Any]


class ObservationPage(msgspec.Struct, frozen=True, kw_only=True):
    observations: list[ObservationBody]
    next: str | None


class MediumBody(msgspec.Struct, frozen=True, kw_only=True):
    """`scan` is how the last scan ended, empty when none was heard of; `number` the
    register's, empty for a medium that is not in it.
    """

    medium: Medium
    number: str
    endpoint: str
    first_seen_at: datetime
    last_seen_at: datetime
    scan: str
    scanned_at: datetime | None
    mounted: bool


class RegisterLineBody(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the media register; `expires` is null without end.  `used` is how often it
    was put to use under this line, `plugged_in_at` the endpoints where it is now.
    """

    number: str
    kind: RegisterKind
    key: str
    serial: str
    vendor_id: str
    product_id: str
    capacity: int
    owner: str
    department: str
    endpoints: tuple[str, ...]
    departments: tuple[str, ...]
    zones: tuple[str, ...]
    access: str
    hours: str
    uses: int
    lost: bool
    expires: date | None
    inventory: date | None
    note: str
    state: LineState
    used: int
    plugged_in_at: list[str]
    last_endpoint: str
    last_seen_at: datetime | None
    last_scan: str
    counted_at: datetime | None


class MediaPage(msgspec.Struct, frozen=True, kw_only=True):
    """`media` that were seen, or with `registered` the lines of the `register`."""

    media: list[MediumBody]
    register: list[RegisterLineBody] = []
    next: str | None


class HostBody(msgspec.Struct, frozen=True, kw_only=True):
    """A host of a segment by its card.  `called` is the endpoint's name or what the policy
    calls it; `endpoint` the enrolled one that has this card; `witnesses` the endpoints that
    heard it; `entry` what would make an unmanaged one known, as TOML of the policy.
    """

    mac: str
    standing: Standing
    called: str
    endpoint: str
    addresses: list[str]
    name: str
    how: list[str]
    witnesses: list[str]
    first_seen_at: datetime
    since: datetime
    last_seen_at: datetime
    entry: str


class HostPage(msgspec.Struct, frozen=True, kw_only=True):
    hosts: list[HostBody]
    next: str | None


class PolicyBody(msgspec.Struct, frozen=True, kw_only=True):
    version: int
    mode: str
    text: str


class RuleBody(msgspec.Struct, frozen=True, kw_only=True):
    """Clocks as the policy writes them: `5m`, `4h`, `3wd`; empty ones do not run."""

    id: str
    name: str
    title: str
    documentation: str
    remedy: str
    severity: Severity
    enabled: bool
    mail: str
    acknowledge: str
    contain: str
    close: str
    clauses: list[ClauseBody]


class RuleList(msgspec.Struct, frozen=True, kw_only=True):
    rules: list[RuleBody]
