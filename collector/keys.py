"""The collector's own authority, its TLS certificate, and the key that signs policies."""

import hashlib
import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from collector.durable import READABLE, write_durably

AUTHORITY_LIFE = timedelta(days=20 * 365)
SERVER_LIFE = timedelta(days=397)
"""What browsers bear: CA/Browser Forum baseline requirements, 6.3.2."""
RENEW_BEFORE = timedelta(days=60)
CLOCK_SLACK = timedelta(days=1)
"""Workstations whose clock is behind must still believe a new certificate."""
COMMON_NAME_LIMIT = 64
LINK_KEY_BYTES = 32

KEY_FILES = ("ca.key", "ca.pem", "server.pem", "policy.key")


class KeysMissing(Exception):
    """The state directory was not initialised, or a key file is damaged."""


class Keys:
    """The key folder; `make` fills it, everything else reads it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.server_certificate = folder / "server.pem"
        """Certificate and key in one file, so that they always belong together."""

    def make(self, hosts: Sequence[str], *, now: datetime) -> None:
        """Makes what is missing; a new server certificate also when `hosts` differ."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (self._folder / "ca.pem").exists():
            self._make_authority(now)
        if not (self._folder / "policy.key").exists():
            write_durably(self._folder / "policy.key", _private_pem(Ed25519PrivateKey.generate()))
        if not self.server_certificate.exists() or self.hosts() != tuple(dict.fromkeys(hosts)):
            self._make_server(hosts, now)

    def renew_if_due(self, *, now: datetime) -> bool:
        """A new server certificate for the same names when the old one runs out soon."""
        if self._server().not_valid_after_utc - now > RENEW_BEFORE:
            return False
        self._make_server(self.hosts(), now)
        return True

    def hosts(self) -> tuple[str, ...]:
        """Names and addresses of the server certificate."""
        names = self._server().extensions.get_extension_for_class(x509.SubjectAlternativeName)
        return tuple(str(name.value) for name in names.value)

    def authority_pem(self) -> bytes:
        return self._read("ca.pem")

    def authority_fingerprint(self) -> str:
        """SHA-256 (hex) of the CA certificate's DER: the last part of enrolment tokens."""
        certificate = x509.load_pem_x509_certificate(self.authority_pem())
        der = certificate.public_bytes(serialization.Encoding.DER)
        return hashlib.sha256(der).hexdigest()

    def policy_signer(self) -> Ed25519PrivateKey:
        key = serialization.load_pem_private_key(self._read("policy.key"), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise KeysMissing(f"{self._folder / 'policy.key'} is no Ed25519 key")
        return key

    def link_key(self) -> bytes:
        """Seals the links in mails; derived from the policy's key (RFC 5869), so that it is in
        every backup and an older state directory has it, too.
        """
        raw = self.policy_signer().private_bytes_raw()
        kdf = HKDF(hashes.SHA256(), LINK_KEY_BYTES, salt=None, info=b"wardwatch links in mails")
        return kdf.derive(raw)

    def _read(self, name: str) -> bytes:
        try:
            return (self._folder / name).read_bytes()
        except OSError as missing:
            raise KeysMissing(
                f"{self._folder / name}: {missing.strerror}; run: wardwatch-collector init"
            ) from missing

    def _server(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self._read("server.pem"))

    def _make_authority(self, now: datetime) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Wardwatch local authority")])
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        certificate = (
            _begun(name, name, key.public_key(), now, AUTHORITY_LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .add_extension(identifier, critical=False)
            .sign(key, hashes.SHA256())
        )
        write_durably(self._folder / "ca.key", _private_pem(key))
        write_durably(self._folder / "ca.pem", _public_pem(certificate), mode=READABLE)

    def _make_server(self, hosts: Sequence[str], now: datetime) -> None:
        authority = x509.load_pem_x509_certificate(self.authority_pem())
        signer = serialization.load_pem_private_key(self._read("ca.key"), password=None)
        if not isinstance(signer, ec.EllipticCurvePrivateKey):
            raise KeysMissing(f"{self._folder / 'ca.key'} is no ECDSA key")
        key = ec.generate_private_key(ec.SECP256R1())
        names = [_general_name(host) for host in dict.fromkeys(hosts)]
        subject = x509.NameAttribute(NameOID.COMMON_NAME, hosts[0][:COMMON_NAME_LIMIT])
        issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
        own_key = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        certificate = (
            _begun(x509.Name([subject]), authority.subject, key.public_key(), now, SERVER_LIFE)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(own_key, critical=False)
            .add_extension(issuer_key, critical=False)
            .sign(signer, hashes.SHA256())
        )
        write_durably(self.server_certificate, _public_pem(certificate) + _private_pem(key))


def public_hex(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes_raw().hex()


def is_signed_by(public_key: Ed25519PublicKey, message: bytes, signature: bytes) -> bool:
    try:
        public_key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _begun(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    now: datetime,
    life: timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now.astimezone(UTC) - CLOCK_SLACK)
        .not_valid_after(now.astimezone(UTC) - CLOCK_SLACK + life)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _private_pem(key: ec.EllipticCurvePrivateKey | Ed25519PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _public_pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
