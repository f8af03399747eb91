import pytest

from checks.facts.place import EndpointMoved
from checks.rules.dev_03_moved import MESSAGES
from tests.samples import judged


@pytest.mark.parametrize("what", ["gateway", "switch_port"])
def test_a_move_says_from_where_to_where(what):
    fact = EndpointMoved(what=what, before="10.20.3.1", after="10.20.9.1", interface="eth0")

    [verdict] = judged(fact)

    assert (verdict.rule, verdict.finding.subject) == ("DEV-03", "eth0")
    assert verdict.finding.message == MESSAGES[what]
