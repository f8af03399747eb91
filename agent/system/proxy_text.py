"""Proxy settings out of the texts that hold them.  Pure.

Every parser yields what it understands and passes over the rest: these files belong to
users.  User names and passwords never come out of here.
"""

import configparser
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec

_VARIABLES = frozenset(("http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "socks_proxy"))
_PORTS = {"http": 80, "https": 443, "socks": 1080, "socks4": 1080, "socks5": 1080,
          "socks5h": 1080, "socks4a": 1080, "ftp": 21}  # fmt: skip
_TEXT_MOST = 253
"""Longest host name, RFC 1035; a longer setting is none."""
_PAC_MOST = 256
_SHELL_LINE_MOST = 4096
"""Characters; a longer line is split at blanks, for shlex takes seconds over a megabyte."""
_BLANKS = r"[^\S\n]"
"""Blanks of one line.  A pattern that begins with `^\\s*` tries every run of empty lines from
each of its lines anew: hours for a file of a megabyte.
"""


@dataclass(frozen=True, slots=True)
class Setting:
    """A proxy's scheme, address and port; `scheme` `pac` has the script's URL as address."""

    scheme: str
    address: str
    port: int


def setting(value: str, scheme: str = "http") -> Setting | None:
    """From `host:port`, a URL with or without `user:password@`; None when it is none."""
    text = value.strip().strip("\"'")
    if not text:
        return None
    try:
        parts = urlsplit(text if "://" in text else f"{scheme}://{text}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    if not host or len(host) > _TEXT_MOST or not re.fullmatch(r"[\w.:%-]+", host):
        return None
    return Setting(parts.scheme, host, _PORTS.get(parts.scheme, 0) if port is None else port)


def script(url: str) -> Setting | None:
    """An automatic configuration script: its URL without user, password and query."""
    try:
        parts = urlsplit(url.strip().strip("\"'"))
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    if not parts.scheme or not (host or parts.path):
        return None
    shown = f"[{host}]" if ":" in host else host
    place = f"{shown}:{port}" if port else shown
    return Setting("pac", f"{parts.scheme}://{place}{parts.path}"[:_PAC_MOST], 0)


def from_assignments(lines: Iterable[str]) -> Iterator[Setting]:
    """`http_proxy=…` and its like, with `export`, quotes, and systemd's
    `DefaultEnvironment="A=b" "C=d"` in front.
    """
    for line in lines:
        if "proxy" not in line.lower() or line.lstrip().startswith("#"):
            continue
        for word in _words(line):
            name, equals, value = word.rpartition("Environment=")[2].partition("=")
            if equals and name.lower() in _VARIABLES:
                scheme = "socks5" if name.lower() == "socks_proxy" else "http"
                yield from _present(setting(value, scheme))


def from_apt(text: str) -> Iterator[Setting]:
    """`Acquire::http::Proxy "…";`, also for one host; apt.conf(5)."""
    plain = re.sub(rf"(?m)^{_BLANKS}*(//|#).*$", "", text)
    for scheme, value in re.findall(
        r'(?i)\b(https?|ftp|socks5h?)(?:::[\w.-]+)?(?:::|\s*\{\s*)proxy\s+"([^"]*)"', plain
    ):
        if value.upper() != "DIRECT":
            yield from _present(setting(value, scheme))


def from_key_file(text: str) -> Iterator[Setting]:
    """A keyfile of dconf, as administrators write them, or what `gsettings` exports:
    `[org/gnome/system/proxy]`, and the same of UKUI, DDE and MATE.
    """
    sections = _sections(text)
    for name, keys in sections.items():
        if not name.endswith("system/proxy"):
            continue
        mode = keys.get("mode", "").strip("'\"")
        if mode == "auto" and (url := keys.get("autoconfig-url", "").strip("'\"")):
            yield from _present(script(url))
        if mode == "manual":
            for scheme in ("http", "https", "ftp", "socks"):
                own = sections.get(f"{name}/{scheme}", {})
                host, port = own.get("host", "").strip("'\""), own.get("port", "0")
                if host:
                    yield from _present(setting(f"{host}:{port}", scheme))


def from_kde(text: str) -> Iterator[Setting]:
    """`kioslaverc`: `[Proxy Settings]` with `ProxyType` 1 manual, 2 script, 4 environment."""
    keys = _sections(text).get("Proxy Settings", {})
    kind = keys.get("proxytype", "0")
    if kind == "2":
        yield from _present(script(keys.get("proxy config script", "")))
    if kind == "1":
        for name in ("httpproxy", "httpsproxy", "ftpproxy", "socksproxy"):
            value = keys.get(name, "").replace(" ", ":")  # KDE writes "http://host 3128"
            yield from _present(setting(value, name.removesuffix("proxy")))


def from_firefox_prefs(text: str) -> Iterator[Setting]:
    """`prefs.js`: `network.proxy.type` 1 manual, 2 script."""
    found = re.findall(
        rf'(?m)^{_BLANKS}*(?:user_|lock|default)?[pP]ref\("network\.proxy\.([\w.]+)",\s*'
        r'("(?:[^"\\]|\\.)*"|[\w-]+)\s*\)',
        text,
    )
    prefs = {name: value.strip('"') for name, value in found}
    if prefs.get("type") == "2":
        yield from _present(script(prefs.get("autoconfig_url", "")))
    if prefs.get("type") == "1":
        for scheme in ("http", "ssl", "socks"):
            host, port = prefs.get(scheme, ""), prefs.get(f"{scheme}_port", "0")
            if host:
                yield from _present(setting(f"{host}:{port}", _FIREFOX.get(scheme, scheme)))


_FIREFOX = {"ssl": "https", "socks": "socks5"}


def from_firefox_policies(text: str) -> Iterator[Setting]:
    """`policies.json`: `policies.Proxy`."""
    proxy = _member(_member(_json(text), "policies"), "Proxy")
    mode = proxy.get("Mode")
    if mode == "autoConfig":
        yield from _present(script(str(proxy.get("AutoConfigURL", ""))))
    if mode == "manual":
        for key, scheme in (("HTTPProxy", "http"), ("SSLProxy", "https"), ("SOCKSProxy", "socks5")):
            yield from _present(setting(str(proxy.get(key, "")), scheme))


def from_chromium_policies(text: str) -> Iterator[Setting]:
    """A managed policy: `ProxySettings`, or the single keys of old."""
    policy = _json(text)
    proxy = _member(policy, "ProxySettings") or policy
    yield from _present(script(str(proxy.get("ProxyPacUrl", ""))))
    yield from from_proxy_rules(str(proxy.get("ProxyServer", "")))


def from_command_line(arguments: Iterable[str]) -> Iterator[Setting]:
    """`--proxy-server=` and `--proxy-pac-url=` of Chromium and all that is built on it."""
    for argument in arguments:
        name, _, value = argument.partition("=")
        if name == "--proxy-server":
            yield from from_proxy_rules(value)
        elif name == "--proxy-pac-url":
            yield from _present(script(value))


def from_proxy_rules(text: str) -> Iterator[Setting]:
    """Chromium's `http=one:80;https=two:80` or a plain list."""
    for rule in re.split("[;,]", text):
        value = rule.rpartition("=")[2].strip()
        if value and value.lower() not in ("direct", "direct://"):
            yield from _present(setting(value))


def from_ini(text: str) -> Iterator[Setting]:
    """Git's, pip's, npm's and yarn's files: `proxy = …`, `https-proxy=…`."""
    pattern = rf"(?mi)^{_BLANKS}*(?:https?[-_]?)?proxy(?:{_BLANKS}*={_BLANKS}*|{_BLANKS}+)(\S+){_BLANKS}*$"
    for value in re.findall(pattern, text):
        if value.lower() not in ("null", "none", "false", "=") and re.search(r"[.:]", value):
            yield from _present(setting(value))


def from_curl(text: str) -> Iterator[Setting]:
    """`.curlrc`: `proxy = …`, `-x …`, `socks5 …`; `.wgetrc` is like the environment."""
    pattern = (
        rf"(?mi)^{_BLANKS}*(?:-x|--?proxy|proxy|--?(socks\w+)|(socks\w+))"
        rf"(?:{_BLANKS}*[=:]{_BLANKS}*|{_BLANKS}+)(\S+)"
    )
    for one, other, value in re.findall(pattern, text):
        scheme = (one or other or "http").lower().replace("-hostname", "h")
        yield from _present(setting(value, scheme))


def _present(found: Setting | None) -> Iterator[Setting]:
    if found is not None:
        yield found


def _words(line: str) -> list[str]:
    plain = line.replace(";", " ")
    if len(plain) > _SHELL_LINE_MOST:
        return plain.split()
    try:
        return shlex.split(plain, comments=True)
    except ValueError:
        return plain.split()


def _sections(text: str) -> Mapping[str, Mapping[str, str]]:
    reader = configparser.RawConfigParser(strict=False, interpolation=None, delimiters=("=",))
    try:
        reader.read_string(text)
    except configparser.Error:
        return {}
    return {name: dict(reader.items(name)) for name in reader.sections()}


def _json(text: str) -> Mapping[str, Any]:
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _member(found: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    inner = found.get(name)
    return inner if isinstance(inner, dict) else {}
