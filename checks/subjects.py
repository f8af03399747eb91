"""Whom an entry of the policy is for."""

from checks.facts.base import Process
from checks.policy import Endpoint, Subject


def is_about(subject: Subject, endpoint: Endpoint, process: Process | None = None) -> bool:
    """Whether every list of the subject that is not empty holds this endpoint or process.

    Without a process, entries for certain processes or users are for nobody.
    """
    asked = (
        (subject.endpoints, {endpoint.id, endpoint.name}),
        (subject.groups, set(endpoint.groups)),
        (subject.departments, {endpoint.department}),
        (subject.processes, {process.executable, process.name} if process else set[str]()),
        (subject.users, {process.user} if process else set[str]()),
    )
    return all(set(wanted) & its for wanted, its in asked if wanted)
