from checks.policy import parse_policy
from checks.policy.paperwork import warnings

WHOLE = 'applicant = "shen"\napprover = "wu"\nticket = "7"\npurpose = "time"\n'


def approved(name: str, more: str = "") -> str:
    head = f'[[approved]]\nname = "{name}"\ndestinations = ["203.0.113.9/32"]\n'
    return f"{head}expires = 2027-01-01\n{more}"


def told(text: str) -> list[str]:
    return list(warnings(parse_policy(text)))


def test_an_approval_that_says_everything_is_not_mentioned():
    assert told(approved("a", WHOLE)) == []


def test_what_an_approval_leaves_out_is_told_with_its_place():
    policy = approved("a", WHOLE) + approved("b", 'applicant = "shen"\napprover = " "\n')

    assert told(policy) == ["approved[1] (b): no approver, ticket, purpose"]


def test_a_device_is_held_to_the_same():
    device = (
        '[[devices]]\nname = "d"\nkind = "modem"\ndevice = "12d1:1506:1"\nexpires = 2027-01-01\n'
    )

    assert told(device) == ["devices[0] (d): no applicant, approver, ticket, purpose"]


def test_what_forbids_was_asked_for_by_nobody():
    assert told(approved("x", 'effect = "deny"\n')) == []
