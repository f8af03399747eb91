"""Whom an entry of the policy is for."""

from collections.abc import Iterable

from checks.facts.base import Process
from checks.policy import Endpoint, Subject


def is_about(subject: Subject, endpoint: Endpoint, process: Process | None = None) -> bool:
    """Whether every list of the subject that is not empty holds this endpoint or process.

    Without a process, entries for certain processes or users are for nobody.
    """
    users = {process.user, process.login} if process else set[str]()
    return (
        names_endpoint(subject, endpoint)
        and _names_any(subject.users, users)
        and _names_any(map(_without_case, subject.processes), _names_of(process))
    )


def names_endpoint(subject: Subject, endpoint: Endpoint) -> bool:
    """Whether it is for this endpoint, whatever runs there and for whom."""
    return (
        _names_any(subject.endpoints, {endpoint.id, endpoint.name})
        and _names_any(subject.groups, set(endpoint.groups))
        and _names_any(subject.departments, {endpoint.department})
    )


def _names_of(process: Process | None) -> set[str]:
    if process is None:
        return set()
    digest = f"sha256:{process.sha256.lower()}" if process.sha256 else ""
    return {process.executable, process.name, digest}


def _without_case(process: str) -> str:
    return process.lower() if process.startswith("sha256:") else process


def _names_any(wanted: Iterable[str], its: set[str]) -> bool:
    """An empty list names everybody; an empty name is nobody's."""
    listed = set(wanted)
    return not listed or bool((listed & its) - {""})
