import pytest

from checks.facts.antivirus import AntivirusState, Product
from checks.policy import parse_policy
from checks.rules.av_01_protection_missing import ABSENT, NOT_GUARDING, STOPPED, SUBJECT
from tests.samples import POLICY, POLICY_TEXT, judged

EXEMPT = '\n[antivirus]\nexempt = [{ endpoints = ["%s"] }]\n'


def product(name="ClamAV", *, running=True, guarding=True, set_up=True):
    return Product(
        product=name,
        running=running,
        guarding=guarding,
        guard_set_up=set_up,
        signatures_at_us=2**52,
    )


STOPPED_ONE = product(running=False, guarding=False)


def findings(*products, policy=POLICY):
    verdicts = judged(AntivirusState(products=products), policy=policy)
    return [v.finding for v in verdicts if v.rule == "AV-01" and v.finding]


@pytest.mark.parametrize(
    ("what", "products", "messages"),
    [
        ("it runs and guards", (product(),), []),
        ("none is installed", (), [ABSENT]),
        ("it was stopped", (STOPPED_ONE,), [STOPPED]),
        ("its guard was stopped", (product(guarding=False),), [NOT_GUARDING]),
        ("its guard was never set up", (product(guarding=False, set_up=False),), []),
        ("another one protects", (STOPPED_ONE, product("Other")), []),
        ("two, and neither guards", (STOPPED_ONE, product("B", guarding=False)), [NOT_GUARDING]),
    ],
)
def test_what_is_no_protection(what, products, messages):
    assert [finding.message for finding in findings(*products)] == messages, what


def test_an_endpoint_has_one_case_and_it_names_the_programs():
    [finding] = findings(STOPPED_ONE, product("Other", running=False, guarding=False))

    assert (finding.subject, finding.params["product"]) == (SUBJECT, "ClamAV, Other")


def test_a_policy_that_wants_real_time_protection_is_not_content_with_less():
    wants = parse_policy(POLICY_TEXT + "\n[antivirus]\nreal_time = true\n")

    [finding] = findings(product(guarding=False, set_up=False), policy=wants)

    assert finding.message == NOT_GUARDING


@pytest.mark.parametrize(("named", "told"), [("ward3-pc1", 0), ("another", 1)])
def test_who_is_exempt_may_do_without(named, told):
    assert len(findings(policy=parse_policy(POLICY_TEXT + EXEMPT % named))) == told
