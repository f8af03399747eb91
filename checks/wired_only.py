"""Which endpoints may have no radio at all."""

from checks.check import Context


def is_wired_only(context: Context) -> bool:
    """Whether the policy's `wireless.wired_only` names this endpoint."""
    endpoint = context.endpoint
    return any(
        all(
            set(wanted) & its
            for wanted, its in (
                (subject.endpoints, {endpoint.id, endpoint.name}),
                (subject.groups, set(endpoint.groups)),
                (subject.departments, {endpoint.department}),
            )
            if wanted
        )
        for subject in context.policy.wireless.wired_only
    )
