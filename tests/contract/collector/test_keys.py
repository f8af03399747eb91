"""The key folder: what openssl and TLS make of it, and who may read it."""

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from collector.keys import KEY_FILES, Keys, KeysMissing, is_signed_by, public_hex

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
HOSTS = ("wardwatch.example", "10.20.0.5", "fd00::5")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keys"


@pytest.fixture
def keys(folder: Path) -> Keys:
    made = Keys(folder)
    made.make(HOSTS, now=NOW)
    return made


def certificate(folder: Path, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / name).read_bytes())


def test_the_server_certificate_is_the_authority_s_and_for_every_name(keys, folder):
    authority, server = certificate(folder, "ca.pem"), certificate(folder, "server.pem")
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value

    server.verify_directly_issued_by(authority)
    assert keys.hosts() == HOSTS
    assert names.get_values_for_type(x509.DNSName) == ["wardwatch.example"]
    assert names.get_values_for_type(x509.IPAddress) == [
        ipaddress.ip_address("10.20.0.5"),
        ipaddress.ip_address("fd00::5"),
    ]


def test_the_authority_signs_certificates_and_the_server_does_not(keys, folder):
    kinds = [
        certificate(folder, name).extensions.get_extension_for_class(x509.BasicConstraints)
        for name in ("ca.pem", "server.pem")
    ]

    assert [(kind.critical, kind.value.ca) for kind in kinds] == [(True, True), (True, False)]


def test_tls_takes_certificate_and_key_out_of_one_file(keys):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)

    context.load_cert_chain(keys.server_certificate)


def test_the_certificate_lives_as_long_as_browsers_bear_and_began_a_day_ago(keys, folder):
    server = certificate(folder, "server.pem")

    assert server.not_valid_before_utc == NOW - timedelta(days=1)
    assert server.not_valid_after_utc - server.not_valid_before_utc == timedelta(days=397)


def test_only_the_authority_s_certificate_may_be_read_by_others(keys, folder):
    modes = {name: (folder / name).stat().st_mode & 0o777 for name in KEY_FILES}

    assert folder.stat().st_mode & 0o777 == 0o700
    assert modes == {"ca.key": 0o600, "ca.pem": 0o644, "server.pem": 0o600, "policy.key": 0o600}
    assert sorted(path.name for path in folder.iterdir()) == sorted(KEY_FILES)


def test_making_again_for_the_same_names_keeps_everything(keys, folder):
    before = {name: (folder / name).read_bytes() for name in KEY_FILES}

    keys.make(HOSTS, now=NOW + timedelta(days=1))

    assert {name: (folder / name).read_bytes() for name in KEY_FILES} == before


def test_other_names_get_a_new_certificate_of_the_same_authority(keys, folder):
    before, signer = keys.authority_fingerprint(), public_hex(keys.policy_signer())

    keys.make(("other.example",), now=NOW)

    assert keys.hosts() == ("other.example",)
    assert keys.authority_fingerprint() == before
    assert public_hex(keys.policy_signer()) == signer


@pytest.mark.parametrize(("days_left", "renewed"), [(61, False), (60, True), (1, True), (-5, True)])
def test_a_certificate_is_renewed_for_its_names_before_it_ends(keys, folder, days_left, renewed):
    ends = certificate(folder, "server.pem").not_valid_after_utc

    assert keys.renew_if_due(now=ends - timedelta(days=days_left)) is renewed

    fresh = certificate(folder, "server.pem")
    assert (fresh.not_valid_after_utc > ends) is renewed
    assert keys.hosts() == HOSTS
    fresh.verify_directly_issued_by(certificate(folder, "ca.pem"))


def test_a_name_too_long_for_the_subject_still_stands_among_the_names(folder):
    long = "a" * 60 + ".hospital.example"
    keys = Keys(folder)

    keys.make((long,), now=NOW)

    assert keys.hosts() == (long,)


@pytest.mark.parametrize(
    ("missing", "read"),
    [
        ("ca.pem", Keys.authority_pem),
        ("server.pem", Keys.hosts),
        ("policy.key", Keys.policy_signer),
        ("ca.key", lambda keys: keys.make(("other.example",), now=NOW)),
    ],
)
def test_a_missing_file_is_named_with_the_command_that_makes_it(keys, folder, missing, read):
    (folder / missing).unlink()

    with pytest.raises(KeysMissing, match=rf"{missing}: No such file.*wardwatch-collector init"):
        read(keys)


def test_a_key_of_another_kind_is_refused(keys, folder):
    (folder / "policy.key").write_bytes((folder / "ca.key").read_bytes())

    with pytest.raises(KeysMissing, match="is no Ed25519 key"):
        keys.policy_signer()


def test_an_authority_with_another_kind_of_key_signs_nothing(keys, folder):
    (folder / "ca.key").write_bytes((folder / "policy.key").read_bytes())

    with pytest.raises(KeysMissing, match="is no ECDSA key"):
        keys.make(("other.example",), now=NOW)


def test_a_signature_is_believed_only_for_its_message_and_key():
    key, other = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    signature = key.sign(b"batch")

    assert is_signed_by(key.public_key(), b"batch", signature)
    assert not is_signed_by(key.public_key(), b"other", signature)
    assert not is_signed_by(other.public_key(), b"batch", signature)
