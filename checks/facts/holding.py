"""What the agent did with a medium that nobody may read before it was scanned."""

from typing import Literal

from checks.facts.base import Count, Fact
from checks.facts.media import Medium


class MediumHeld(Fact, frozen=True, kw_only=True, tag="medium_held"):
    """`held`: nobody but the agent reads it from its insertion on; `kept`: it was looked at
    and stays held, because of `ground`; `released`: everybody may use it, because of `ground`.

    `ground`: `infected`, `incomplete`, `not_scanned`, `signatures_old`, `no_file_system`,
    `unreadable` of what is kept, with `reason` for details; `clean`, `emergency`, `in_use` (it
    was mounted before the hold began), `policy` (nothing is held here any more) of what is
    released.  `actor` is the account that gave the command for an emergency, `name` and
    `reason` what that person gave.  `used` bytes are to be scanned, which takes about
    `estimate` seconds, 0 while unknown.
    """

    medium: Medium
    action: Literal["held", "kept", "released"]
    ground: str = ""
    reason: str = ""
    actor: str = ""
    name: str = ""
    used: Count = 0
    estimate: Count = 0
