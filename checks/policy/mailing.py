"""Who gets mail about what, and when."""

from typing import Annotated, Literal

import msgspec

from checks.finding import Severity

TimeOfDay = Annotated[str, msgspec.Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$")]
ReportEvery = Literal["day", "week", "month"]


class Recipient(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who gets mail about what: severities at least `severity`, and only the named
    departments where there are any; whether the day's digest of attempts, too; and the reports
    of which periods, which tell of every department.
    """

    address: str
    name: str = ""
    severity: Severity = Severity.MEDIUM
    departments: tuple[str, ...] = ()
    digest: bool = True
    reports: tuple[ReportEvery, ...] = ()


class Mail(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Times of the hospital's day, `HH:MM`: `digest_at`, when the digest of the day before is
    made, and `reports_at`, when a report leaves on the day after its period.  `acknowledge_link`
    is how long a recipient can acknowledge a case by the link in its mail; empty: no links.
    """

    digest_at: TimeOfDay = "07:30"
    reports_at: TimeOfDay = "08:00"
    acknowledge_link: str = "24h"
    recipients: tuple[Recipient, ...] = ()
