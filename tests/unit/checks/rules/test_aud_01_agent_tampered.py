import pytest

from checks.facts.health import AgentStarted, AgentStopping, AgentTampered
from tests.samples import judged


def started(end, **changes):
    return AgentStarted(
        version="1", host="pc", system="Debian", machine="m", previous_end=end, **changes
    )


@pytest.mark.parametrize(
    ("what", "fact", "findings"),
    [
        ("first start", started("first"), 0),
        ("after a goodbye", started("goodbye"), 0),
        ("after a power cut", started("reboot"), 0),
        ("killed while the machine ran", started("killed"), 1),
        ("another binary", started("goodbye", changed=("binary",)), 1),
        ("policy file edited and killed", started("killed", changed=("policy",)), 2),
        ("traced", started("goodbye", traced_by="/usr/bin/gdb"), 1),
        ("the machine shuts down", AgentStopping(reason="shutdown"), 0),
        ("upgrade", AgentStopping(reason="upgrade"), 0),
        ("suspend", AgentStopping(reason="suspend"), 0),
        ("stopped by hand", AgentStopping(reason="stopped"), 1),
        ("removed", AgentStopping(reason="removed"), 1),
        ("a debugger attached", AgentTampered(what="debugged", detail="/usr/bin/gdb"), 1),
    ],
)
def test_what_counts_as_tampering(what, fact, findings):
    verdicts = judged(fact)

    assert [verdict.rule for verdict in verdicts] == ["AUD-01"] * findings, what
