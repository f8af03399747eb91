"""Who gets mail about what, and when."""

from typing import Annotated, Literal

import msgspec

from checks.finding import Severity

TimeOfDay = Annotated[str, msgspec.Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$")]
WeeklyMoment = Annotated[
    str, msgspec.Meta(pattern="^((mon|tue|wed|thu|fri|sat|sun) ([01][0-9]|2[0-3]):[0-5][0-9])?$")
]
ReportEvery = Literal["day", "week", "month"]


class Recipient(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who gets mail about what: severities at least `severity`, and only the named
    departments where there are any; whether the day's digest of attempts, too; and the reports
    of which periods, which tell of every department.  With `duty` mails about cases go to
    whoever is on duty (值班表), and to `address` (the security officers') where nobody is.  With
    `weekly` and no departments the quiet mail of `weekly_at`, too.
    """

    address: str
    name: str = ""
    severity: Severity = Severity.MEDIUM
    departments: tuple[str, ...] = ()
    digest: bool = True
    reports: tuple[ReportEvery, ...] = ()
    duty: bool = False
    weekly: bool = True


AT_ONCE = ("0s", "0m", "0h", "0d")


class EscalationStep(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is told when nobody acknowledged a case of at least this severity: `after` the clock
    has run out (`0m`: then, which the first step always is).  `name` says who it is in the case's
    timeline; it is what tells steps apart.  `duty` is as in `Recipient`.
    """

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=32)]
    addresses: tuple[str, ...] = ()
    after: str = "0m"
    severity: Severity = Severity.MEDIUM
    duty: bool = False

    @property
    def leaves_at_once(self) -> bool:
        return self.after in AT_ONCE


class Mail(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Times of the hospital's day, `HH:MM`: `digest_at`, when the digest of the day before is
    made, and `reports_at`, when a report leaves on the day after its period.  `acknowledge_link`
    is how long a recipient can acknowledge a case by the link in its mail; empty: no links.
    `weekly_at` (`mon 08:00`; empty: never) is when the quiet mail leaves that proves mail to work.
    Without an `escalation` those who were told of a case are told again when it is overdue.
    """

    digest_at: TimeOfDay = "07:30"
    reports_at: TimeOfDay = "08:00"
    acknowledge_link: str = "24h"
    weekly_at: WeeklyMoment = "mon 08:00"
    recipients: tuple[Recipient, ...] = ()
    escalation: tuple[EscalationStep, ...] = ()
