"""Tokens and identities over a real journal."""

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import update

from checks.policy import Endpoint
from checks.wire import EnrolRequest, Identity, encode
from collector.entries import Enrolled, EntryKind
from collector.ingest import enrolment
from collector.ingest.enrolment import NewToken, TokenUnknown
from collector.problems import Refused
from collector.store import schema

HOUR_US = 3_600_000_000
WARD = Endpoint(id="", department="内科三病区", groups=("ward",))


def new_key() -> str:
    return Ed25519PrivateKey.generate().public_key().public_bytes_raw().hex()


class Office:
    """Does one thing in one transaction, as the collector does."""

    def __init__(self, journal, clock) -> None:
        self.journal = journal
        self.clock = clock

    def token(self, *, uses: int = 1, life_us: int = HOUR_US, endpoint: Endpoint = WARD) -> str:
        wanted = NewToken(expires_us=self.clock.us + life_us, uses=uses, endpoint=endpoint)
        made = self.journal.writer.submit(
            lambda page: enrolment.create_token(page, wanted, authority="f" * 64)
        )
        return made.result()

    def enrol(self, token: str, *, key: str = "", host: str = "NK3-PC-017") -> Identity:
        asked = EnrolRequest(token=token, public_key=key or new_key(), host=host, machine="m")
        return self.journal.writer.submit(
            lambda page: enrolment.enrol(page, asked, collector_key="c" * 64)
        ).result()

    def revoke(self, token: str) -> None:
        token_id = token.split(".")[1]
        self.journal.writer.submit(lambda page: enrolment.revoke_token(page, token_id)).result()


@pytest.fixture
def office(journal, clock) -> Office:
    return Office(journal, clock)


def refused(office: Office, token: str, **more) -> Refused:
    with pytest.raises(Refused) as caught:
        office.enrol(token, **more)
    return caught.value


def test_a_token_buys_an_identity_whose_line_stands_in_the_journal(office):
    identity = office.enrol(office.token())

    (entry,) = office.journal.after(0, 10)
    told = msgspec.json.decode(entry.body, type=Enrolled)
    assert (identity.agent, identity.name) == ("nk3-pc-017", "NK3-PC-017")
    assert (entry.kind, entry.agent) == (EntryKind.ENROLLED, "nk3-pc-017")
    assert (told.endpoint.id, told.endpoint.department) == ("nk3-pc-017", "内科三病区")
    assert told.endpoint.groups == ("ward",)


def test_hosts_of_the_same_name_get_numbers(office):
    token = office.token(uses=3)

    names = [office.enrol(token).agent for _ in range(3)]

    assert names == ["nk3-pc-017", "nk3-pc-017-2", "nk3-pc-017-3"]


def test_a_host_without_a_plain_letter_gets_a_name_all_the_same(office):
    assert office.enrol(office.token(), host="护士站").agent.startswith("endpoint-")


def test_a_token_is_good_for_its_uses_and_no_more(office):
    token = office.token(uses=2)
    office.enrol(token)
    office.enrol(token)

    assert "was used up" in refused(office, token).problem.detail
    assert [made.uses_left for made in enrolment.list_tokens(office.journal.engine)] == [0]


def test_a_token_ends_with_its_last_moment(office):
    token = office.token(uses=2, life_us=HOUR_US)
    office.clock.us += HOUR_US - 1
    office.enrol(token)
    office.clock.us += 1

    assert "has expired" in refused(office, token).problem.detail


def test_a_revoked_token_buys_nothing_and_is_revoked_once(office):
    token = office.token()
    office.revoke(token)

    assert "was revoked" in refused(office, token).problem.detail
    with pytest.raises(TokenUnknown, match="no enrolment token"):
        office.revoke(token)


def test_the_same_key_with_the_same_token_gets_its_identity_again(office):
    token, key = office.token(), new_key()
    first = office.enrol(token, key=key)
    office.clock.us += 2 * HOUR_US

    again = office.enrol(token, key=key.upper())

    assert again == first
    assert office.journal.newest() == 1


def test_another_key_cannot_use_a_used_token(office):
    token = office.token()
    office.enrol(token)

    assert refused(office, token).name == "wrong-token"
    assert office.journal.newest() == 1


def test_a_known_key_gets_no_second_identity_with_another_token(office):
    key = new_key()
    office.enrol(office.token(), key=key)

    told = refused(office, office.token(), key=key)

    assert (told.name, told.problem.status) == ("key-known", 409)


def test_a_revoked_identity_does_not_come_back_with_its_token(office):
    token, key = office.token(uses=2), new_key()
    agent = office.enrol(token, key=key).agent
    ended = update(schema.agents).where(schema.agents.c.agent == agent).values(revoked_us=1)
    with office.journal.engine.begin() as connection:
        connection.execute(ended)

    assert refused(office, token, key=key).name == "key-known"


@pytest.mark.parametrize("spoil", [str.upper, lambda t: t.replace("ww1", "ww9"), lambda t: "x"])
def test_what_is_no_token_of_ours_is_refused_without_a_hint(office, spoil):
    told = refused(office, spoil(office.token()))

    assert (told.name, told.problem.status) == ("wrong-token", 401)


def test_a_wrong_secret_is_said_like_a_wrong_id(office):
    version, token_id, _, authority = office.token().split(".")

    wrong_secret = refused(office, f"{version}.{token_id}.guess.{authority}")
    wrong_id = refused(office, f"{version}.0000.guess.{authority}")

    assert wrong_secret.problem == wrong_id.problem


def test_the_list_of_tokens_holds_no_secret(office):
    secret = office.token(uses=5).split(".")[2]

    (made,) = enrolment.list_tokens(office.journal.engine)

    assert (made.uses_left, made.endpoint.department) == (5, "内科三病区")
    assert secret not in repr(made)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"public_key": "00"}, "public_key: not an Ed25519 key"),
        ({"public_key": "zz" * 32}, "public_key: not an Ed25519 key"),
        ({"host": "h" * 254}, "host: more than 253"),
        ({"machine": "m" * 65}, "machine: more than 64"),
        ({"system": "Kylin\x1b[2J"}, "system: more than 300 characters, or not printable"),
    ],
)
def test_a_request_that_cannot_be_read_is_refused_by_its_field(more, said):
    asked = EnrolRequest(token="t", public_key=new_key(), host="h", machine="m")

    with pytest.raises(Refused, match=said):
        enrolment.read_request(encode(msgspec.structs.replace(asked, **more)))


def test_a_request_that_is_no_json_is_refused():
    with pytest.raises(Refused) as caught:
        enrolment.read_request(b"{")

    assert caught.value.problem.status == 422
