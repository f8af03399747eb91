"""What the agent did to an extra uplink, by whose order, and what undid it."""

from typing import Literal

from checks.facts.base import Fact, Micros


class ContainmentActed(Fact, frozen=True, kw_only=True, tag="containment"):
    """`cut`: nothing passes `interface` any more; `undone`: it is as it was before;
    `refused`: the policy asked for it, but `reason` forbade (clinical class, intranet
    link, no right); `failed`: it was tried.

    `ground` is the rule that asked; `actor` `policy`, `timer`, `removal` or the account
    that gave the command.
    """

    action: Literal["cut", "undone", "refused", "failed"]
    interface: str
    way: Literal["nftables", "link_down"]
    ground: str
    actor: str
    until_us: Micros = 0
    reason: str = ""
