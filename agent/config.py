"""`agent.toml` and the environment: read once, checked before the service starts."""

import re
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

import msgspec

DEFAULT_FILE = Path("/etc/wardwatch/agent.toml")
_PREFIX = "WARDWATCH_"
_CLAMD = re.compile(r"unix:/.+|tcp:(//)?(\[[\da-fA-F:.]+\]|[^\s:/\[\]]+)(:\d{1,5})?")
_ICAP = re.compile(r"icap://[^/\s]+/\S+")
_SHORT = {"SCANNER": ("scanner", "address"), "LOG_LEVEL": ("log", "level")}


class ConfigError(Exception):
    """A setting that cannot be used; the message names the place and what was meant."""


class Upload(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Seconds, both: least time between two uploads, and patience with the collector."""

    interval: float = 0.01
    timeout: float = 10.0


class Scanner(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where clamd listens: `unix:PATH` or `tcp:HOST:PORT`; empty: the usual sockets.  Of files
    above `largest_bytes` one in the network reads nothing.  `second` is another scanner,
    `icap://HOST[:PORT]/SERVICE`; empty: none.
    """

    address: str = ""
    largest_bytes: int = 100 * 1024 * 1024
    second: str = ""


class Quarantine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Octets: all that infected files moved from media may take, and what they leave free on the
    disk.  Whether any is moved is the hospital's policy.
    """

    limit_bytes: int = 256 * 1024 * 1024
    keep_free_bytes: int = 512 * 1024 * 1024


class Log(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    level: Literal["debug", "info", "warning", "error"] = "info"


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that can be set on one machine; all else is the hospital's policy.

    `collector` may stay empty: enrolment keeps the address.
    """

    collector: str = ""
    state_dir: str = "/var/lib/wardwatch-agent"
    upload: Upload = Upload()
    scanner: Scanner = Scanner()
    quarantine: Quarantine = Quarantine()
    log: Log = Log()

    @property
    def state(self) -> Path:
        return Path(self.state_dir)


def load(path: Path | None, environment: Mapping[str, str]) -> Settings:
    """Settings of the file, overridden by `WARDWATCH_…`; without `path` the default
    file, which may be missing.

    Raises:
        ConfigError: a file that is named and missing, or anything in it that is wrong.
    """
    return parse(_text_of(path), environment, (path or DEFAULT_FILE).name)


def parse(text: str, environment: Mapping[str, str], name: str) -> Settings:
    """`name` is the file's, for messages.  Raises ConfigError."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as broken:
        raise ConfigError(f"{name}: not TOML: {broken}") from broken
    _check(raw, name)
    for variable, (section, key) in _variables().items():
        if variable in environment:
            value = environment[variable]
            changed = {**(raw.get(section, {}) if section else raw), key: value}
            raw = {**raw, section: changed} if section else changed
            _check(raw, variable)
    return _check(raw, name)


def variable_names() -> list[str]:
    """Every variable of the environment that is read."""
    return sorted(_variables())


def _text_of(path: Path | None) -> str:
    try:
        return (path or DEFAULT_FILE).read_text("utf-8")
    except FileNotFoundError as missing:
        if path is None:
            return ""
        raise ConfigError(f"{path}: no such file") from missing
    except OSError as unreadable:
        raise ConfigError(f"{path or DEFAULT_FILE}: {unreadable.strerror}") from unreadable
    except UnicodeDecodeError as wrong:
        raise ConfigError(f"{path or DEFAULT_FILE}: {wrong}") from wrong


def _check(raw: dict[str, Any], name: str) -> Settings:
    try:
        settings = msgspec.convert(raw, Settings, strict=False)
    except msgspec.ValidationError as wrong:
        raise ConfigError(f"{name}: {_explained(str(wrong))}") from wrong
    for place, value in (
        ("upload.interval", settings.upload.interval),
        ("upload.timeout", settings.upload.timeout),
    ):
        if value <= 0:
            raise ConfigError(f"{name}: {place}: {value} is no time; give seconds above 0")
    for place, size in (
        ("scanner.largest_bytes", settings.scanner.largest_bytes),
        ("quarantine.limit_bytes", settings.quarantine.limit_bytes),
        ("quarantine.keep_free_bytes", settings.quarantine.keep_free_bytes),
    ):
        if size < 0:
            raise ConfigError(f"{name}: {place}: {size} is no size; give bytes, 0 or more")
    address, second = settings.scanner.address, settings.scanner.second
    if address and not _CLAMD.fullmatch(address):
        raise ConfigError(f"{name}: scanner.address: {address} is no unix:PATH or tcp:HOST[:PORT]")
    if second and not _ICAP.fullmatch(second):
        raise ConfigError(f"{name}: scanner.second: {second} is no icap://HOST[:PORT]/SERVICE")
    if settings.collector and not settings.collector.startswith("https://"):
        raise ConfigError(f"{name}: collector: {settings.collector} must begin with https://")
    if not settings.state.is_absolute():
        raise ConfigError(f"{name}: state_dir: {settings.state_dir} must be an absolute path")
    return settings


def _explained(message: str) -> str:
    """Msgspec's words with the known key of the same section that is nearest."""
    unknown = re.search(r"unknown field `([^`]+)`(?: - at `\$\.?([^`]*)`)?", message)
    if unknown is None:
        words, _, place = message.partition(" - at `$.")
        return f"{place.rstrip('`')}: {words}" if place else message
    key, section = unknown[1], unknown[2] or ""
    near = get_close_matches(key, _keys_of(section), n=1, cutoff=0.5)
    hint = f" — did you mean {near[0]}?" if near else ""
    return f"unknown key {'.'.join(part for part in (section, key) if part)}{hint}"


def _keys_of(section: str) -> list[str]:
    if not section:
        return list(Settings.__struct_fields__)
    return list(getattr(Settings(), section).__struct_fields__)


def _variables() -> dict[str, tuple[str, str]]:
    """WARDWATCH_STATE_DIR, WARDWATCH_UPLOAD_TIMEOUT, … by section and key."""
    defaults = Settings()
    names: dict[str, tuple[str, str]] = {}
    for field in Settings.__struct_fields__:
        below = getattr(defaults, field)
        if isinstance(below, msgspec.Struct):
            for key in below.__struct_fields__:
                names[f"{_PREFIX}{field}_{key}".upper()] = (field, key)
        else:
            names[f"{_PREFIX}{field}".upper()] = ("", field)
    return {**names, **{_PREFIX + short: place for short, place in _SHORT.items()}}
