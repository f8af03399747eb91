import json

import pytest

from collector.alerts.channels import chat
from tests.support.notices import HOSTILE, a_notice, hostile_notice

MARKUP = set("<>[]`*_@#\\|~")


def test_wecom_gets_markdown_within_its_octets_and_with_the_link_whole():
    notice = hostile_notice()

    content = chat.wecom_body(notice)["markdown"]["content"]

    assert len(content.encode()) <= 4096
    assert content.endswith(f"[打开事件]({notice.link})")
    assert "https://evil" not in content
    assert "<at" not in content


def test_wecom_says_all_of_a_plain_notice():
    body = chat.wecom_body(a_notice())

    assert body == {
        "msgtype": "markdown",
        "markdown": {
            "content": '**<font color="warning">\N{FULLWIDTH LEFT SQUARE BRACKET}紧急 · 违规外联'
            "\N{FULLWIDTH RIGHT SQUARE BRACKET} 内科三病区 NK3-PC-017</font>**\n"
            "新事件。\n**usb0 已连接**\n> 部门: 内科三病区\n"
            "[打开事件](https://wardwatch.hospital.example/cases/EXT-01-K5XQ2T7A)"
        },
    }


def test_dingtalk_gets_markdown_within_its_octets_and_with_the_link_whole():
    notice = hostile_notice()

    markdown = chat.dingtalk_body(notice)["markdown"]

    assert len(markdown["text"].encode()) <= 20_000
    assert f"[打开事件]({notice.link})" in markdown["text"]
    assert "https://evil" not in markdown["text"]
    assert len(markdown["title"]) <= 120


def test_every_foreign_word_of_a_feishu_card_is_plain_text():
    body = chat.feishu_body(hostile_notice())

    assert "lark_md" not in json.dumps(body)
    assert "https://evil" not in json.dumps(body)
    assert len(json.dumps(body, ensure_ascii=False).encode()) < 20_000
    assert body["card"]["header"]["template"] == "red"


def test_markup_of_a_foreign_value_becomes_full_width():
    shown = chat.plain(HOSTILE)

    assert not MARKUP & set(shown)
    assert chat.plain("a_b") == "a\N{FULLWIDTH LOW LINE}b"


@pytest.mark.parametrize("make", [chat.wecom_body, chat.dingtalk_body, chat.feishu_body])
def test_a_body_is_json(make):
    assert json.loads(json.dumps(make(hostile_notice())))


def test_the_own_shape_tells_key_case_and_occasion():
    body = chat.own_body(a_notice())

    assert (body["schema"], body["key"]) == ("wardwatch.alert.v1", "EXT-01-K5XQ2T7A:first@duty")
    assert (body["occasion"], body["test"]) == ("first", False)
    assert body["case"]["state"] == "awaiting_acknowledgement"
    assert body["case"]["endpoint"] == {"id": "a-1", "name": "NK3-PC-017"}
