import base64

import pytest

from collector.alerts.links import TOKEN_LIMIT, Forged, Links, Pass, by_mail

LINKS = Links(bytes(32))
PASS = Pass("EXT-01-AAAAAAAA", "duty@hospital.example", 1_772_431_500_000_000)


def test_what_was_sealed_is_read_again_and_no_two_tokens_are_the_same():
    tokens = [LINKS.token(PASS), LINKS.token(PASS)]

    assert [LINKS.read(token) for token in tokens] == [PASS, PASS]
    assert tokens[0] != tokens[1]


def test_a_token_tells_nothing_by_itself_and_fits_into_an_address():
    token = LINKS.token(PASS)

    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    assert b"duty" not in base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))


@pytest.mark.parametrize(
    "token",
    ["", "a", "AAAA", "A" * 200, "A" * (TOKEN_LIMIT + 1), "签收", "../../etc", "\0", "A" * 16],
)
def test_what_nobody_made_is_forged(token):
    with pytest.raises(Forged):
        LINKS.read(token)


def test_no_part_of_a_token_can_be_changed():
    token = LINKS.token(PASS)
    raw = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))

    for place in range(len(raw)):
        raw[place] ^= 1
        changed = base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
        raw[place] ^= 1
        with pytest.raises(Forged):
            LINKS.read(changed)


def test_a_token_of_another_collector_is_forged():
    with pytest.raises(Forged):
        LINKS.read(Links(bytes(range(32))).token(PASS))


def test_the_actor_says_that_it_was_by_mail():
    assert by_mail("duty@hospital.example") == "duty@hospital.example (by mail)"
