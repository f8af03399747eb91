"""Handing a notice to a webhook, and reading its answer.

An answer that says the message itself cannot be taken is for good.  All else (a receiver that is
down, a wrong key, too many messages) says nothing about the message: people will mend it.
"""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote

import msgspec
import requests

from collector.alerts.channels.chat import (
    Body,
    dingtalk_body,
    dingtalk_signature,
    feishu_body,
    feishu_signature,
    own_body,
    own_signature,
    wecom_body,
)
from collector.alerts.channels.notice import Notice
from collector.alerts.channels.settings import ChannelSettings
from collector.alerts.smtp import Receipt

FOR_GOOD_STATUS = frozenset({400, 413, 415, 422})
FOR_GOOD_CODES: Mapping[str, frozenset[int]] = {
    "wecom": frozenset({40008, 40058, 44004, 45002}),
    "dingtalk": frozenset({40035, 430101, 430102, 430103, 430104, 460101}),
    "feishu": frozenset({9499, 230025}),
}
"""Of the message: its kind, a parameter, its length, its content.  45009 (WeCom), 130101
(DingTalk) and 11232 (Feishu) are too many messages and wait like everything that is not here.
"""
ANSWER_OCTETS = 64 * 1024
SAID_CHARACTERS = 300


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One POST."""

    url: str
    body: bytes
    headers: Mapping[str, str]


class WebAdapter:
    """Fits `Adapter` for wecom, dingtalk, feishu and json; one connection a notice.

    `clock` is the wall's, in seconds: the vendors refuse old signatures.
    """

    def __init__(
        self, settings: ChannelSettings, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._settings = settings
        self._clock = clock

    def deliver(self, notice: Notice) -> Receipt:
        """Never raises for what a receiver, a network or a missing file does."""
        label = self._settings.label
        try:
            request = request_for(
                notice,
                self._settings,
                key=_secret(self._settings.key_file),
                secret=_secret(self._settings.secret_file),
                now_s=self._clock(),
            )
            with requests.Session() as session:
                session.trust_env = False  # settings and files alone say where it goes
                status, content = self._posted(session, request)
        except requests.RequestException as down:
            why = f"{type(down).__name__} at {self._settings.base_url}"  # its words hold the key
            return Receipt(later={label: why})
        except (OSError, ValueError) as broken:
            return Receipt(later={label: f"{type(broken).__name__}: {broken}"})
        return receipt_of(self._settings, status, content)

    def _posted(self, session: requests.Session, request: Request) -> tuple[int, bytes]:
        settings = self._settings
        proxies = {"https": settings.proxy} if settings.proxy else None
        with session.post(
            request.url,
            data=request.body,
            headers=dict(request.headers),
            timeout=settings.timeout_s,
            verify=settings.ca_file or True,
            allow_redirects=False,
            proxies=proxies,
            stream=True,
        ) as answer:
            content = next(answer.iter_content(ANSWER_OCTETS), b"")
        return answer.status_code, content


def request_for(
    notice: Notice, settings: ChannelSettings, *, key: str, secret: str, now_s: float
) -> Request:
    """What is posted, pure; `key` and `secret` are empty where none is set."""
    make = {"wecom": _to_wecom, "dingtalk": _to_dingtalk, "feishu": _to_feishu, "json": _to_own}
    url, body, headers = make[settings.kind](notice, settings.base_url, key, secret, now_s)
    headers = {"Content-Type": "application/json; charset=utf-8", **headers}
    return Request(url=url, body=body, headers=headers)


def receipt_of(settings: ChannelSettings, status: int, content: bytes) -> Receipt:
    """Sorts the answer; a vendor's error stands inside an answer of 200."""
    label, kind = settings.label, settings.kind
    if not 200 <= status < 300:
        said = {label: f"{status} {_words(content)}".strip()}
        return Receipt(never=said) if status in FOR_GOOD_STATUS else Receipt(later=said)
    if kind == "json":
        return Receipt(delivered=(label,))
    code = _code(kind, content)
    if code == 0:
        return Receipt(delivered=(label,))
    said = {label: _words(content) or "no answer"}
    return Receipt(never=said) if code in FOR_GOOD_CODES[kind] else Receipt(later=said)


Made = tuple[str, bytes, dict[str, str]]


def _to_wecom(notice: Notice, url: str, key: str, _secret: str, _now_s: float) -> Made:
    return f"{url}?key={quote(key, safe='')}", _encoded(wecom_body(notice)), {}


def _to_dingtalk(notice: Notice, url: str, key: str, secret: str, now_s: float) -> Made:
    full = f"{url}?access_token={quote(key, safe='')}"
    if secret:
        timestamp_ms = round(now_s * 1000)
        sign = quote(dingtalk_signature(secret, timestamp_ms), safe="")
        full += f"&timestamp={timestamp_ms}&sign={sign}"
    return full, _encoded(dingtalk_body(notice)), {}


def _to_feishu(notice: Notice, url: str, key: str, secret: str, now_s: float) -> Made:
    body = feishu_body(notice)
    if secret:
        timestamp_s = int(now_s)
        signed = {"timestamp": str(timestamp_s), "sign": feishu_signature(secret, timestamp_s)}
        body = {**signed, **body}
    return f"{url.rstrip('/')}/{quote(key, safe='')}", _encoded(body), {}


def _to_own(notice: Notice, url: str, key: str, secret: str, now_s: float) -> Made:
    body = _encoded(own_body(notice))
    headers = {"Idempotency-Key": notice.key}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    if secret:
        timestamp_s = int(now_s)
        headers["X-Wardwatch-Timestamp"] = str(timestamp_s)
        headers["X-Wardwatch-Signature"] = own_signature(secret, timestamp_s, body)
    return url, body, headers


def _encoded(body: Body) -> bytes:
    return msgspec.json.encode(body)


def _code(kind: str, content: bytes) -> int | None:
    """The vendor's own code, 0 for success; None when the answer is none of the vendor's."""
    try:
        answer = msgspec.json.decode(content)
    except ValueError:
        return None
    if not isinstance(answer, dict):
        return None
    names = ("code", "StatusCode") if kind == "feishu" else ("errcode",)
    codes = (answer[name] for name in names if isinstance(answer.get(name), int))
    return next(codes, None)


def _words(content: bytes) -> str:
    return " ".join(content.decode("utf-8", "replace").split())[:SAID_CHARACTERS]


def _secret(file: str) -> str:
    return Path(file).read_text("utf-8").strip() if file else ""
