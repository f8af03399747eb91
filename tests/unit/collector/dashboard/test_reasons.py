import pytest

from collector.dashboard.reasons import reason
from collector.i18n import translator

CHINESE, ENGLISH = translator("zh_CN"), translator("en")


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("ForwardingState never reported", "从未上报：转发"),
        ("NetworkState is 17 minutes old", "网卡与路由 已是 17 分钟前的数据"),
        ("may not capture packets: EPERM", "无权捕获数据包：EPERM"),
        ("the agent is stopping; waiting: full", "客户端正在停止；等待上报：full"),
        ("announcements lost; tables read again", "内核通知有丢失，已重新读取网卡与路由"),
        (
            "media are not held here, only watched; they can be opened before their scan: EACCES",
            "本机未能暂扣介质，仅作监视；介质在查杀前即可被打开：EACCES",
        ),
        ("header Wardwatch-Signature is missing", "缺少请求头 Wardwatch-Signature"),
        ("something of another version", "something of another version"),
        ("", ""),
    ],
)
def test_what_programs_say_of_themselves_is_said_in_chinese(told, said):
    assert reason(told, CHINESE) == said


def test_in_english_a_fact_is_called_by_its_words():
    assert reason("ForwardingState never reported", ENGLISH) == "Forwarding never reported"


def test_a_reason_within_a_reason_is_said_too():
    assert reason("waiting: packets", CHINESE) == "等待上报：数据包"


def test_a_fork_tells_both_machines_in_chinese():
    told = (
        "agent pc1: observations 3 to 4 overlap with other content that was received under this "
        "name up to 9. Known so far from machine aa (enrolled as host); this batch is from "
        "machine bb at 10.0.0.1. Enrol one of them anew: wardwatch-agent enrol --again"
    )

    assert reason(told, CHINESE) == (
        "终端 pc1：观测记录 3 至 4 与该身份下已收到（至 9）的内容不一致。此前来自计算机 aa（登记名 host）；"
        "本次来自地址 10.0.0.1 的计算机 bb。请重新登记其中一台：wardwatch-agent enrol --again"
    )


def test_a_hostile_reason_of_any_length_is_shown_as_it_came():
    hostile = "agent a: " + ". Known so far from machine " * 5_000

    assert reason(hostile, CHINESE) == hostile


def test_places_of_a_hostile_reason_are_no_format():
    assert reason("may not capture packets: {rule} %s", CHINESE) == "无权捕获数据包：{rule} %s"
