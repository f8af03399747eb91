"""Whom an entry of the policy is for."""

from collections.abc import Collection

from checks.facts.base import Process
from checks.policy import Endpoint, Subject
from checks.policy.destinations import ANYONE, Who, listed_process


def is_about(subject: Subject, endpoint: Endpoint, process: Process | None = None) -> bool:
    """Whether every list of the subject that is not empty holds this endpoint or process.

    Without a process, entries for certain processes or users are for nobody.
    """
    return (
        names_endpoint(subject, endpoint)
        and (not subject.users or _names_user(subject, process))
        and (not subject.processes or _names_process(subject, process))
    )


def who_acts(endpoint: Endpoint, process: Process | None) -> frozenset[Who]:
    """Under which parts of a subject entries can be for this endpoint and process."""
    acts: set[Who] = {
        ANYONE,
        ("endpoint", endpoint.id),
        ("endpoint", endpoint.name),
        ("department", endpoint.department),
        *(("group", group) for group in endpoint.groups),
    }
    if process is not None:
        acts |= {
            ("process", process.executable),
            ("process", process.name),
            ("process", _digest(process)),
            ("user", process.user),
            ("user", process.login),
        }
    return frozenset(acts)


def names_endpoint(subject: Subject, endpoint: Endpoint) -> bool:
    """Whether it is for this endpoint, whatever runs there and for whom."""
    return (
        (not subject.endpoints or _names_any(subject.endpoints, endpoint.id, endpoint.name))
        and (not subject.groups or _names_any(subject.groups, *endpoint.groups))
        and (not subject.departments or _names_any(subject.departments, endpoint.department))
    )


def _names_user(subject: Subject, process: Process | None) -> bool:
    return process is not None and _names_any(subject.users, process.user, process.login)


def _names_process(subject: Subject, process: Process | None) -> bool:
    if process is None:
        return False
    listed = [listed_process(text) for text in subject.processes]
    return _names_any(listed, process.executable, process.name, _digest(process))


def _digest(process: Process) -> str:
    return f"sha256:{process.sha256.lower()}" if process.sha256 else ""


def _names_any(listed: Collection[str], *its: str) -> bool:
    """An empty name is nobody's."""
    return any(name and name in listed for name in its)
