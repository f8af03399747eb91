"""`[[channels]]` of collector.toml, and what is wrong with them.  Secrets are files."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from checks.finding import Severity

Kind = Literal["wecom", "dingtalk", "feishu", "json", "syslog"]
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,22}")
ADDRESS = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\s:\[\]/]+):(\d{1,5})")
DEFAULT_URLS: Mapping[str, str] = {
    "wecom": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send",
    "dingtalk": "https://oapi.dingtalk.com/robot/send",
    "feishu": "https://open.feishu.cn/open-apis/bot/v2/hook",
}
ANY_KIND = ("name", "kind", "severity", "departments", "language", "ca_file", "timeout_s")
WEB = (*ANY_KIND, "url", "key_file", "proxy")
KEYS: Mapping[str, Sequence[str]] = {
    "wecom": WEB,
    "dingtalk": (*WEB, "secret_file"),
    "feishu": (*WEB, "secret_file"),
    "json": (*WEB, "secret_file"),
    "syslog": (
        *ANY_KIND,
        *("address", "transport", "form", "facility", "certificate_file", "private_key_file"),
    ),
}
"""Which keys mean something for which kind."""
HIGHEST_FACILITY = 23
LONGEST_TIMEOUT_S = 120.0
"""Well within the time that a claim lasts (outbox.CLAIM_LASTS)."""


class ChannelSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One channel.  It gets cases of at least `severity`, and of the named `departments` where
    there are any, in `language` (empty: the hospital's).

    `key_file` holds the robot's key or, for `json`, the bearer token; `secret_file` what it is
    signed with.  `ca_file` (PEM) is the receiver's authority, empty the system's own.
    `timeout_s` holds for the connection and for each answer.
    """

    name: str
    kind: Kind
    severity: Severity = Severity.MEDIUM
    departments: tuple[str, ...] = ()
    language: Literal["", "zh_CN", "en"] = ""
    url: str = ""
    key_file: str = ""
    secret_file: str = ""
    ca_file: str = ""
    proxy: str = ""
    timeout_s: float = 10.0
    address: str = ""
    transport: Literal["udp", "tcp", "tls"] = "tls"
    form: Literal["rfc5424", "cef", "ocsf"] = "rfc5424"
    facility: int = 13
    certificate_file: str = ""
    private_key_file: str = ""

    @property
    def label(self) -> str:
        """As it stands among the recipients of an alert."""
        return f"{self.kind}:{self.name}"

    @property
    def wants_changes(self) -> bool:
        """Machines are told what becomes of a case, people only what they must act on."""
        return self.kind in ("json", "syslog")

    @property
    def base_url(self) -> str:
        return self.url or DEFAULT_URLS.get(self.kind, "")

    @property
    def host_and_port(self) -> tuple[str, int]:
        """Of `address`, which was checked."""
        host, _, port = self.address.rpartition(":")
        return host.strip("[]"), int(port)


def channel_faults(channels: Sequence[ChannelSettings]) -> Iterator[str]:
    """What cannot be used: each line names its key as `channels[0].url`."""
    names: set[str] = set()
    for number, channel in enumerate(channels):
        place = f"channels[{number}]"
        if channel.name in names:
            yield f"{place}.name: {channel.name} stands there twice"
        names.add(channel.name)
        for key, fault in (*_meaningless(channel), *_wrong(channel)):
            yield f"{place}.{key}: {fault}"


def _meaningless(channel: ChannelSettings) -> Iterator[tuple[str, str]]:
    plain = ChannelSettings(name=channel.name, kind=channel.kind)
    for key in ChannelSettings.__struct_fields__:
        if key not in KEYS[channel.kind] and getattr(channel, key) != getattr(plain, key):
            yield key, f"means nothing for kind {channel.kind}"


def _wrong(channel: ChannelSettings) -> Iterator[tuple[str, str]]:
    if not NAME.fullmatch(channel.name):
        yield "name", "1 to 23 of a-z, 0-9 and -"
    if not 0 < channel.timeout_s <= LONGEST_TIMEOUT_S:
        yield "timeout_s", f"more than 0 and at most {LONGEST_TIMEOUT_S:g}"
    yield from _wrong_syslog(channel) if channel.kind == "syslog" else _wrong_web(channel)


def _wrong_web(channel: ChannelSettings) -> Iterator[tuple[str, str]]:
    parts = urlsplit(channel.base_url)
    if parts.scheme != "https" or not parts.hostname:
        yield "url", "must begin with https://"
    if parts.query or parts.username or parts.password:
        yield "url", "without a key or a password: put the key into a file and name it in key_file"
    if channel.kind in DEFAULT_URLS and not channel.key_file:
        yield "key_file", "missing: the file with the robot's key"
    if channel.proxy and not channel.proxy.startswith(("http://", "https://")):
        yield "proxy", "must begin with http:// or https://"


def _wrong_syslog(channel: ChannelSettings) -> Iterator[tuple[str, str]]:
    found = ADDRESS.fullmatch(channel.address)
    if found is None or not 0 < int(found[2]) < 2**16:
        yield "address", "HOST:PORT is needed"
    if not 0 <= channel.facility <= HIGHEST_FACILITY:
        yield "facility", f"0 to {HIGHEST_FACILITY}"
    if bool(channel.certificate_file) is not bool(channel.private_key_file):
        missing = "private_key_file" if channel.certificate_file else "certificate_file"
        yield missing, "missing: a certificate and its key go together"
