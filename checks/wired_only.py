"""Which endpoints may have no radio at all."""

from checks.check import Context
from checks.subjects import names_endpoint


def is_wired_only(context: Context) -> bool:
    """Whether the policy's `wireless.wired_only` names this endpoint."""
    listed = context.policy.wireless.wired_only
    return any(names_endpoint(subject, context.endpoint) for subject in listed)
