"""collector.toml and its environment, read once, before anything starts."""

import ipaddress
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

import msgspec

from checks.receipts import MANIFEST_LIMIT_BYTES
from collector.alerts.channels.settings import ChannelSettings, channel_faults
from collector.alerts.smtp import SmtpSettings

DEFAULT_PATH = Path("/etc/wardwatch/collector.toml")
PREFIX = "WARDWATCH_"
MEBIBYTE = 1024 * 1024


class ConfigError(Exception):
    """The settings cannot be used; the message names the key and what was meant."""


class Listen(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where agents, scripts and people connect, by TLS."""

    host: str = "0.0.0.0"  # noqa: S104 - 3,000 workstations connect to it
    port: int = 8443


class Ingest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`queue_batches` may wait for the disk before agents are asked for patience.
    `manifests_mib` is the room, in MiB, for manifests of receipts that one agent sent.
    """

    queue_batches: int = 2_000
    manifests_mib: int = 256


class Supervision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Networks that may read /healthz, /readyz and /metrics."""

    allow: tuple[str, ...] = ("127.0.0.0/8", "::1/128")


class Wall(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`names`: whether the wall of the duty room tells the names of people; whoever passes reads it."""

    names: bool = False


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`base_url` is what stands in mails and links; empty: made of the certificate's
    first name and the port.  No `smtp` means that nothing is mailed.  `channels` are what else
    is alerted; only the file names them.
    """

    state_dir: Path = Path("/var/lib/wardwatch-collector")
    base_url: str = ""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    listen: Listen = Listen()
    ingest: Ingest = Ingest()
    supervision: Supervision = Supervision()
    wall: Wall = Wall()
    smtp: SmtpSettings | None = None
    channels: tuple[ChannelSettings, ...] = ()


_SECTIONS: Mapping[str, type[msgspec.Struct]] = {
    "listen": Listen,
    "ingest": Ingest,
    "supervision": Supervision,
    "wall": Wall,
    "smtp": SmtpSettings,
}


def read_settings(text: str, environment: Mapping[str, str]) -> Settings:
    """Settings of a collector.toml, with the environment laid over them.

    `WARDWATCH_STATE_DIR` is `state_dir`, `WARDWATCH_LISTEN_PORT` is `port` in
    `[listen]`; lists are separated by commas.

    Raises:
        ConfigError.
    """
    try:
        own = tomllib.loads(text)
    except tomllib.TOMLDecodeError as broken:
        raise ConfigError(f"not TOML: {broken}") from broken
    try:
        settings = msgspec.convert(own, Settings, dec_hook=_path)  # the file alone, strictly typed
    except msgspec.ValidationError as wrong:
        raise ConfigError(_explained(str(wrong))) from wrong
    overlay = _from_environment(environment)
    if overlay:
        settings = _overlaid(own, overlay)
    _validate(settings)
    return settings


def load_settings(path: Path | None, environment: Mapping[str, str]) -> Settings:
    """Settings of this file; of the usual one, where it exists, when none is named.

    Raises:
        ConfigError: with the file's path in front.
    """
    chosen = path or DEFAULT_PATH
    try:
        text = chosen.read_text("utf-8") if path or chosen.exists() else ""
    except OSError as unreadable:
        raise ConfigError(f"{chosen}: {unreadable.strerror}") from unreadable
    except UnicodeDecodeError as wrong:
        raise ConfigError(f"{chosen}: {wrong}") from wrong
    try:
        return read_settings(text, environment)
    except ConfigError as wrong:
        raise ConfigError(f"{chosen}: {wrong}") from wrong


def environment_names() -> Mapping[str, tuple[str, ...]]:
    """Every variable and the key it sets."""
    names: dict[str, tuple[str, ...]] = {
        f"{PREFIX}{key.upper()}": (key,) for key in Settings.__struct_fields__ if key != "channels"
    }
    for section, struct in _SECTIONS.items():
        del names[f"{PREFIX}{section.upper()}"]
        for key in struct.__struct_fields__:
            names[f"{PREFIX}{section.upper()}_{key.upper()}"] = (section, key)
    return names


def _from_environment(environment: Mapping[str, str]) -> dict[tuple[str, ...], Any]:
    names = environment_names()
    overlay: dict[tuple[str, ...], Any] = {}
    for name, value in environment.items():
        place = names.get(name)
        if place is not None:
            overlay[place] = value.split(",") if place == ("supervision", "allow") else value
    return overlay


def _overlaid(own: dict[str, Any], overlay: dict[tuple[str, ...], Any]) -> Settings:
    for place, value in overlay.items():
        target = own
        for section in place[:-1]:
            target = target.setdefault(section, {})
        target[place[-1]] = value
    try:
        return msgspec.convert(own, Settings, strict=False, dec_hook=_path)
    except msgspec.ValidationError as wrong:
        variables = ", ".join(sorted(PREFIX + "_".join(place).upper() for place in overlay))
        raise ConfigError(f"{_explained(str(wrong))} (with {variables} set)") from wrong


def _path(kind: type, value: object) -> Path:
    if kind is not Path or not isinstance(value, str):
        raise NotImplementedError(f"no settings have the type {kind}")
    return Path(value)


def _explained(message: str) -> str:
    _, unknown, rest = message.partition("unknown field `")
    if not unknown:
        return message.replace("`$.", "`")
    key, _, place = rest.partition("`")
    section = place.partition("`$.")[2].rstrip("`")
    listed = section.startswith("channels[")
    struct = ChannelSettings if listed else _SECTIONS.get(section, Settings)
    near = get_close_matches(key, struct.__struct_fields__, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"unknown key {section + '.' if section else ''}{key}{hint}"


def _validate(settings: Settings) -> None:
    if not 0 <= settings.listen.port <= 65535:
        raise ConfigError(f"listen.port: {settings.listen.port} is no port")
    if settings.ingest.queue_batches < 1:
        raise ConfigError("ingest.queue_batches: at least 1")
    if settings.ingest.manifests_mib * MEBIBYTE < MANIFEST_LIMIT_BYTES:
        raise ConfigError(f"ingest.manifests_mib: at least {MANIFEST_LIMIT_BYTES // MEBIBYTE}")
    if settings.base_url and not settings.base_url.startswith("https://"):
        raise ConfigError("base_url: must begin with https://")
    for fault in channel_faults(settings.channels):
        raise ConfigError(fault)
    for network in settings.supervision.allow:
        try:
            ipaddress.ip_network(network)
        except ValueError as wrong:
            raise ConfigError(f"supervision.allow: {wrong}") from wrong
