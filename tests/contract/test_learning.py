"""Learning over the real journal, judge and API: proposed, accepted, narrowed, rejected."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from collector.entries import EntryKind, ProposalDecided
from collector.judging.reading import read_body
from collector.policies import SqlPolicies
from tests.support.hospital import POLICY, WARDS, Hospital, leak, network, outside

OBSERVING = 'mode = "observe"\n' + POLICY
SOON = (datetime.now(UTC) + timedelta(days=60)).date().isoformat()
WISH = {"applicant": "检验科 沈立群", "purpose": "时间同步", "expires": SOON, "ticket": "2026-031"}


class Ward:
    """A hospital that observes, and its API by role."""

    def __init__(self, hospital: Hospital) -> None:
        self.hospital = hospital
        self._application = hospital.application()

    def ask(
        self, method: str, path: str, *, role: str = "officer", headers=None, **more
    ) -> httpx.Response:
        headers = {**(headers or {}), "Authorization": f"Bearer {self.hospital.token(role)}"}
        return asyncio.run(self._ask(method, f"/api/v1{path}", headers=headers, **more))

    def proposals(self) -> list[dict]:
        return self.ask("GET", "/proposals").json()["proposals"]

    def decided(self) -> list[ProposalDecided]:
        entries = self.hospital.services.journal.after(0, 1000)
        return [read_body(each) for each in entries if each.kind == EntryKind.PROPOSAL]

    async def _ask(self, method: str, path: str, **more) -> httpx.Response:
        transport = httpx.ASGITransport(self._application)
        async with httpx.AsyncClient(transport=transport, base_url="https://testserver") as client:
            return await client.request(method, path, **more)


@pytest.fixture
def ward(tmp_path) -> Iterator[Ward]:
    hospital = Hospital(tmp_path)
    hospital.services.policies.apply(OBSERVING, actor="wang")
    for each in WARDS[:2]:
        hospital.enrol(each)
        hospital.tell(each[0], network())
    yield Ward(hospital)
    hospital.close()


def test_what_was_reached_is_proposed_with_who_and_how_often(ward):
    ward.hospital.tell("nk3-017", leak("two_way"), leak("two_way"))
    ward.hospital.tell("jyk-004", leak("two_way"), leak("none"), outside())

    by_gateway, by_telephone = ward.proposals()

    assert (by_gateway["destination"], by_gateway["protocol"], by_gateway["ports"]) == (
        "198.51.100.77/32",
        "udp",
        [123],
    )
    assert by_gateway["via"] == "intranet"
    assert by_gateway["subject"] == {"endpoints": ["jyk-004", "nk3-017"]}
    assert by_gateway["count"] == 9
    assert by_gateway["first_seen_at"] <= by_gateway["last_seen_at"]
    assert by_telephone["via"] == "usb_tether"
    assert by_telephone["subject"]["processes"] == ["/opt/browser/browser"]


def test_nothing_is_proposed_while_nobody_observes(ward):
    ward.hospital.services.policies.apply(POLICY, actor="wang")
    ward.hospital.tell("nk3-017", leak("two_way"))

    assert ward.proposals() == []


def test_an_accepted_proposal_is_policy_and_vanishes(ward):
    ward.hospital.tell("nk3-017", leak("two_way"))
    [proposal] = ward.proposals()

    answer = ward.ask("POST", f"/proposals/{proposal['id']}/accept", json=WISH)

    policy = ward.hospital.services.policies.current()
    assert answer.json() == {"policy_version": policy.version}
    [entry] = policy.approved
    assert entry.destinations == ("198.51.100.77/32",)
    assert (entry.applicant, entry.approver) == ("检验科 沈立群", "script officer")
    assert (entry.expires, entry.ticket, entry.purpose) == (SOON, "2026-031", "时间同步")
    assert ward.proposals() == []
    [decided] = ward.decided()
    assert (decided.decision, decided.policy_version) == ("accepted", policy.version)
    ward.hospital.tell("nk3-017", leak("two_way"))
    cases = ward.ask("GET", "/cases?rule=EXT-06").json()["cases"]
    assert [case["count"] for case in cases] == [3]  # what came before, and nothing more


def test_a_narrowed_proposal_leaves_the_rest_proposed(ward):
    for each in ("nk3-017", "jyk-004"):
        ward.hospital.tell(each, leak("two_way"))
    [proposal] = ward.proposals()

    ward.ask("POST", f"/proposals/{proposal['id']}/accept", json={**WISH, "endpoints": ["jyk-004"]})

    [left] = ward.proposals()
    assert left["endpoints"] == ["nk3-017"]


def test_a_rejected_proposal_stays_rejected(ward):
    ward.hospital.tell("nk3-017", leak("two_way"))
    [proposal] = ward.proposals()

    answer = ward.ask("POST", f"/proposals/{proposal['id']}/reject", json={"reason": "不需要"})
    ward.hospital.tell("jyk-004", leak("two_way"))

    assert answer.status_code == 200
    assert ward.proposals() == []
    [decided] = ward.decided()
    assert (decided.decision, decided.actor, decided.reason) == (
        "rejected",
        "script officer",
        "不需要",
    )
    assert ward.ask("POST", f"/proposals/{proposal['id']}/accept", json=WISH).status_code == 404


@pytest.mark.parametrize(
    ("what", "changes", "told"),
    [
        ("too long", {"expires": "2099-01-01"}, "12 months"),
        ("no end", {"expires": None}, "until when"),
        ("nobody asked", {"applicant": " "}, "who asks"),
        ("asked and approved by one", {"applicant": "script officer"}, "nobody approves"),
        ("wider", {"destinations": ["198.51.100.0/24"]}, "wider"),
        ("no prefix", {"destinations": ["any"]}, "wider"),
        ("another port", {"ports": [22]}, "Port 22"),
        ("another endpoint", {"endpoints": ["nk3-017", "jyk-004"]}, "jyk-004"),
        ("an endpoint nobody has", {"endpoints": ["*"]}, "not among the endpoints"),
        ("two lines", {"purpose": 'x"\n[[zones]]'}, "one line"),
    ],
)
def test_what_the_policy_cannot_hold_is_refused_and_changes_nothing(ward, what, changes, told):
    ward.hospital.tell("nk3-017", leak("two_way"))
    [proposal] = ward.proposals()
    before = ward.hospital.services.policies.current().version

    answer = ward.ask(
        "POST",
        f"/proposals/{proposal['id']}/accept",
        json={**WISH, **changes},
        headers={"Accept-Language": "en"},
    )

    assert answer.status_code == 400, what
    assert told in answer.json()["detail"], what
    assert ward.hospital.services.policies.current().version == before
    assert len(ward.proposals()) == 1


@pytest.mark.parametrize("role", ["admin", "auditor", "duty", "director"])
def test_only_the_security_officer_decides(ward, role):
    ward.hospital.tell("nk3-017", leak("two_way"))
    [proposal] = ward.proposals()

    for act in ("accept", "reject"):
        answer = ward.ask("POST", f"/proposals/{proposal['id']}/{act}", role=role, json={})
        assert answer.status_code == 403


def test_an_entry_is_not_put_into_a_policy_that_another_officer_has_just_replaced(ward):
    ward.hospital.tell("nk3-017", leak("two_way"))
    [proposal] = ward.proposals()
    services = ward.hospital.services
    elsewhere = SqlPolicies(services.journal_engine, services.journal.writer)
    theirs = f"# theirs\n{OBSERVING}"
    elsewhere.apply(theirs, actor="li")

    first = ward.ask("POST", f"/proposals/{proposal['id']}/accept", json=WISH)
    text = elsewhere.text()
    again = ward.ask("POST", f"/proposals/{proposal['id']}/accept", json=WISH)

    assert first.status_code == 409
    assert "applied by li" in first.json()["detail"]
    assert text == theirs
    assert again.status_code == 200
    assert services.policies.text().startswith(theirs)
