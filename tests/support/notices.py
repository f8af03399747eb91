"""A notice, plain or hostile."""

import msgspec

from checks.finding import Severity
from collector.alerts.channels.notice import Notice
from collector.alerts.decide import Occasion
from collector.alerts.mail import Field
from collector.cases import CaseState
from tests.fakes.batches import START_US

HOSTILE = '</font>[x](https://evil.example) <at id=all></at> @all **b** `c` #1 \\|a=b]"q" ~s~'


def a_notice(**changes: object) -> Notice:
    plain = Notice(
        key="EXT-01-K5XQ2T7A:first@duty",
        occasion=Occasion.FIRST,
        case="EXT-01-K5XQ2T7A",
        rule="EXT-01",
        rule_name="违规外联",
        severity=Severity.CRITICAL,
        state=CaseState.AWAITING_ACKNOWLEDGEMENT,
        title="[紧急 · 违规外联] 内科三病区 NK3-PC-017",
        lead="新事件。",
        fact="usb0 已连接",
        fields=(Field("部门", "内科三病区"),),
        link="https://wardwatch.hospital.example/cases/EXT-01-K5XQ2T7A",
        link_label="打开事件",
        footer="由 Wardwatch 发送",
        department="内科三病区",
        endpoint="NK3-PC-017",
        agent="a-1",
        at_us=START_US,
        opened_us=START_US,
        happened_us=START_US,
    )
    return msgspec.structs.replace(plain, **changes)


def hostile_notice() -> Notice:
    long = HOSTILE * 200
    return a_notice(
        title=long,
        lead=long,
        fact=long,
        fields=tuple(Field(f"字段{n}", long) for n in range(12)),
        endpoint=HOSTILE,
        department=HOSTILE,
    )
