"""Who stands for an approval, and for what: what its record should say and does not.

An approval that says nothing of it still decides, because an emergency must not fail for want
of a ticket; but whoever applies or reads the policy is told.
"""

from collections.abc import Iterator

from checks.policy.allowlist import Approved, ApprovedDevice
from checks.policy.document import Policy

EXPECTED = ("applicant", "approver", "ticket", "purpose")


def left_out(entry: Approved | ApprovedDevice) -> tuple[str, ...]:
    """Those of `EXPECTED` that are empty; none of what forbids, which nobody asked for."""
    if isinstance(entry, Approved) and not entry.allows:
        return ()
    return tuple(name for name in EXPECTED if not getattr(entry, name).strip())


def warnings(policy: Policy) -> Iterator[str]:
    """One line for each approval that leaves something out, with its place in the policy."""
    lists: tuple[tuple[str, tuple[Approved | ApprovedDevice, ...]], ...] = (
        ("approved", policy.approved),
        ("devices", policy.devices),
    )
    for key, entries in lists:
        for index, entry in enumerate(entries):
            if missing := left_out(entry):
                yield f"{key}[{index}] ({entry.name}): no {', '.join(missing)}"
