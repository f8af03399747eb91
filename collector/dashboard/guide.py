"""What a new hospital does next, until each step is done."""

import msgspec

from collector.dashboard.door import Visit
from collector.dashboard.policy import is_proposed
from collector.rights import Action


class GuideStep(msgspec.Struct, frozen=True, kw_only=True):
    """`name` is `plan`, `endpoint`, `mail` or `mail_test`; `may` tells whether this visitor has the right to do it
    here, or has to ask somebody.
    """

    name: str
    may: bool


SMTP_EXAMPLE = """[smtp]
host = "mail.hospital.example"
port = 25
security = "starttls"
sender = "wardwatch@hospital.example\""""


def enrol_command(visit: Visit) -> str:
    """What is typed on a workstation to enrol it at this collector."""
    return f"sudo wardwatch-agent enrol --collector {visit.services.base_url} --token-file token"


def steps_left(visit: Visit, *, endpoints: int, mailed: bool) -> list[GuideStep]:
    """The steps that are not done, in their order.  Mail is tried as soon as any mail has left: a
    server that is set anew does not bring the step back.
    """
    services = visit.services
    wanting = {
        "plan": is_proposed(services.policies.text()),
        "endpoint": not endpoints,
        "mail": not services.mails and not mailed,
        "mail_test": services.mails and not mailed,
    }
    rights = {"plan": visit.may(Action.APPLY_POLICY)}
    return [
        GuideStep(name=name, may=rights.get(name, True)) for name, left in wanting.items() if left
    ]
