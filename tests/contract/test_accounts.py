"""Accounts, sessions and tokens over a real database."""

import pytest

from collector import auth
from collector.sessions import SESSION_LASTS_US, close_session, open_session, session_of
from collector.store import schema
from collector.store.engine import open_store

NOW = 1_795_000_000_000_000
GOOD = "correct horse ward 9"


@pytest.fixture
def store(tmp_path):
    engine = open_store(tmp_path)
    schema.store.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def officer(store):
    return auth.add_user(store, name="lin", password=GOOD, role="officer", now_us=NOW)


def test_only_the_right_password_of_a_known_name_enters(store, officer):
    assert auth.authenticate(store, name="lin", password=GOOD) == officer
    assert auth.authenticate(store, name="lin", password=GOOD + "x") is None
    assert auth.authenticate(store, name="nobody", password=GOOD) is None


@pytest.mark.parametrize("password", ["short", "x" * 257, "aaaaaaaaaaaa", "lin-lin-2026!"])
def test_a_poor_password_is_refused(store, password):
    with pytest.raises(auth.AccountRefused):
        auth.add_user(store, name="lin", password=password, role="officer", now_us=NOW)


def test_a_name_is_given_once(store, officer):
    with pytest.raises(auth.AccountRefused, match="exists already"):
        auth.add_user(store, name="lin", password=GOOD, role="duty", now_us=NOW)


def test_no_password_is_kept_in_clear(store, officer):
    with store.connect() as connection:
        kept = connection.execute(schema.users.select()).one().password_hash

    assert kept.startswith("$argon2id$v=19$m=48128,t=2,p=1$")


def test_a_new_password_ends_the_sessions(store, officer):
    session = open_session(store, officer, now_us=NOW)
    auth.set_password(store, name="lin", password=GOOD + "0")

    assert session_of(store, session, now_us=NOW) is None
    assert auth.authenticate(store, name="lin", password=GOOD) is None


def test_a_session_ends_by_time_and_by_leaving(store, officer):
    session = open_session(store, officer, now_us=NOW)
    other = open_session(store, officer, now_us=NOW)
    close_session(store, other)

    assert session_of(store, session, now_us=NOW + 1).user == officer
    assert session_of(store, session, now_us=NOW + SESSION_LASTS_US) is None
    assert session_of(store, other, now_us=NOW + 1) is None


def test_a_token_stands_for_its_role_until_it_is_revoked_or_expires(store):
    token = auth.create_token(store, name="report", role="auditor", now_us=NOW, expires_us=NOW + 9)
    bearer = auth.token_bearer(store, token, now_us=NOW)

    assert bearer.role == "auditor"
    assert auth.token_bearer(store, token + "x", now_us=NOW) is None
    assert auth.token_bearer(store, token, now_us=NOW + 9) is None
    auth.revoke_token(store, token_id=bearer.id, now_us=NOW)
    assert auth.token_bearer(store, token, now_us=NOW) is None


@pytest.mark.parametrize("presented", ["", "wwt", "wwt__", "wwt_a_", "x_a_b", "wwt_a_\ud800"])
def test_what_is_no_token_is_nobody(store, presented):
    assert auth.token_bearer(store, presented, now_us=NOW) is None
