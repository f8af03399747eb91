r"""Messages for chat groups and for webhooks of one's own: bodies and signatures, pure.

WeCom 企业微信 群机器人 (developer.work.weixin.qq.com, path 91770): markdown, 4096 octets.
DingTalk 钉钉 自定义机器人 (open.dingtalk.com, custom-robot-access): markdown, 20000 octets, the
signature is HMAC-SHA256 of `timestamp\nsecret` in milliseconds, keyed with the secret.
Feishu 飞书 自定义机器人 (open.feishu.cn, add-custom-bot): a card, 20 KB, the signature is
HMAC-SHA256 of nothing, keyed with `timestamp\nsecret` in seconds.
"""

import base64
import hashlib
import hmac
from typing import Any

from checks.finding import Severity
from collector.alerts.channels.notice import Notice

Body = dict[str, Any]
"""What is going to be JSON; made here, read by nobody of ours."""

WECOM_OCTETS = 4096
DINGTALK_OCTETS = 20_000
TITLE_CHARACTERS = 120
VALUE_CHARACTERS = 300
SCHEMA = "wardwatch.alert.v1"
"""Of the `json` kind; fields are added to a version, never changed or taken away."""
CUT = "…"

_WECOM_COLOUR = {Severity.CRITICAL: "warning", Severity.HIGH: "warning"}
_CARD_COLOUR = {
    Severity.CRITICAL: "red",
    Severity.HIGH: "orange",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "green",
    Severity.NOTICE: "grey",
}
_FULLWIDTH = {ord(mark): ord(mark) + 0xFEE0 for mark in "<>[]`*_@#\\|~"}
"""Unicode, Halfwidth and Fullwidth Forms: the same order as ASCII."""


def wecom_body(notice: Notice) -> Body:
    colour = _WECOM_COLOUR.get(notice.severity, "comment")
    head = f'**<font color="{colour}">{plain(notice.title)}</font>**\n{plain(notice.lead)}'
    quoted = [f"> {plain(f.label)}: {plain(f.value)}" for f in notice.fields]
    tail = f"[{plain(notice.link_label)}]({notice.link})"
    content = _within(WECOM_OCTETS, [head, f"**{plain(notice.fact)}**", *quoted], tail)
    return {"msgtype": "markdown", "markdown": {"content": content}}


def dingtalk_body(notice: Notice) -> Body:
    head = f"### {plain(notice.title)}\n\n{plain(notice.lead)}"
    listed = [f"- {plain(f.label)}: {plain(f.value)}" for f in notice.fields]
    tail = f"\n[{plain(notice.link_label)}]({notice.link})\n\n{plain(notice.footer)}"
    parts = [head, f"\n**{plain(notice.fact)}**\n", *listed]
    return {
        "msgtype": "markdown",
        "markdown": {
            "title": plain(notice.title)[:TITLE_CHARACTERS],
            "text": _within(DINGTALK_OCTETS, parts, tail),
        },
    }


def feishu_body(notice: Notice) -> Body:
    """A card whose foreign words are all `plain_text`, so that they cannot be markup."""
    fields = [
        {"is_short": False, "text": _plain_text(f"{f.label}: {f.value}")} for f in notice.fields
    ]
    lines = [_plain_text(notice.lead), _plain_text(notice.fact)]
    elements: list[Body] = [{"tag": "div", "text": line} for line in lines]
    if fields:
        elements.append({"tag": "div", "fields": fields})
    button = {
        "tag": "button",
        "text": _plain_text(notice.link_label),
        "url": notice.link,
        "type": "primary",
    }
    elements.append({"tag": "action", "actions": [button]})
    elements.append({"tag": "note", "elements": [_plain_text(notice.footer)]})
    return {
        "msg_type": "interactive",
        "card": {
            "config": {"wide_screen_mode": True},
            "header": {
                "title": _plain_text(notice.title[:TITLE_CHARACTERS]),
                "template": _CARD_COLOUR[notice.severity],
            },
            "elements": elements,
        },
    }


def own_body(notice: Notice) -> Body:
    """Our own documented shape: collector/README.md.  Times are microseconds, UTC."""
    return {
        "schema": SCHEMA,
        "key": notice.key,
        "occasion": str(notice.occasion),
        "test": notice.occasion == "test",
        "at_us": notice.at_us,
        "case": {
            "id": notice.case,
            "rule": notice.rule,
            "rule_name": notice.rule_name,
            "severity": str(notice.severity),
            "state": str(notice.state),
            "opened_us": notice.opened_us,
            "happened_us": notice.happened_us,
            "department": notice.department,
            "endpoint": {"id": notice.agent, "name": notice.endpoint},
            "link": notice.link,
        },
        "title": notice.title,
        "lead": notice.lead,
        "fact": notice.fact,
        "fields": [{"label": f.label, "value": f.value} for f in notice.fields],
    }


def dingtalk_signature(secret: str, timestamp_ms: int) -> str:
    return _signed(secret.encode(), f"{timestamp_ms}\n{secret}".encode())


def feishu_signature(secret: str, timestamp_s: int) -> str:
    return _signed(f"{timestamp_s}\n{secret}".encode(), b"")


def own_signature(secret: str, timestamp_s: int, body: bytes) -> str:
    """`sha256=` and the HMAC of `timestamp.body`, hexadecimal."""
    signed = f"{timestamp_s}.".encode() + body
    return "sha256=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def plain(text: str) -> str:
    """A value that no markdown dialect reads as markup: what marks becomes its full-width twin,
    since the vendors' dialects know no escape in common; nor is it made a link.
    """
    return _unlinked(text[:VALUE_CHARACTERS]).translate(_FULLWIDTH)


def _plain_text(text: str) -> Body:
    return {"tag": "plain_text", "content": _unlinked(text[:VALUE_CHARACTERS])}


def _unlinked(text: str) -> str:
    """Chat programs make a link of whatever has a scheme; a hostile name must not lead away."""
    return text.replace("://", "\N{FULLWIDTH COLON}//")


def _within(octets: int, parts: list[str], tail: str) -> str:
    """The parts, a line each, and the tail: whole parts are left out at the end, never the link."""
    room = octets - len(f"\n{CUT}\n{tail}".encode())
    kept: list[str] = []
    for part in parts:
        room -= len(f"{part}\n".encode())
        if room < 0:
            kept.append(CUT)
            break
        kept.append(part)
    return "\n".join([*kept, tail])


def _signed(key: bytes, said: bytes) -> str:
    return base64.b64encode(hmac.new(key, said, hashlib.sha256).digest()).decode("ascii")
