import json
import re

from collector.alerts.channels.forms import Origin, cef, ocsf, rfc5424
from collector.alerts.decide import Occasion
from collector.cases import CaseState
from tests.support.notices import a_notice, hostile_notice

ORIGIN = Origin(host="ward watch", version="0.1.0", facility=13)


def test_a_message_is_rfc_5424_with_structured_data():
    message = rfc5424(a_notice(), ORIGIN, form="rfc5424").decode()

    assert message.startswith(
        "<106>1 2026-03-02T06:05:00.000000Z wardwatch wardwatch - first [wardwatch@32473 "
        'key="EXT-01-K5XQ2T7A:first@duty" case="EXT-01-K5XQ2T7A" rule="EXT-01"'
    )
    assert "] \ufeff[紧急 · 违规外联] 内科三病区 NK3-PC-017 新事件。 usb0 已连接" in message


def test_structured_data_escapes_what_would_end_it():
    notice = a_notice(endpoint='a"b\\c]d')

    message = rfc5424(notice, ORIGIN, form="rfc5424").decode()

    assert 'endpoint="a\\"b\\\\c\\]d"' in message


def test_a_long_text_is_cut_between_characters():
    message = rfc5424(hostile_notice(), ORIGIN, form="rfc5424", octets=2048)

    assert 2044 < len(message) <= 2048
    assert message.decode()


def test_cef_escapes_header_and_extension_apart():
    notice = a_notice(rule_name="a|b\\c", endpoint="x=1|2\\3")

    text = cef(notice, ORIGIN)

    assert text.startswith("CEF:0|Wardwatch|Wardwatch|0.1.0|EXT-01|a\\|b\\\\c|10|externalId=")
    assert "dhost=x\\=1|2\\\\3 " in text
    assert text.endswith("msg=usb0 已连接")


def test_ocsf_is_a_detection_finding_of_a_named_schema():
    event = json.loads(ocsf(a_notice(), ORIGIN))

    assert (event["class_uid"], event["category_uid"], event["type_uid"]) == (2004, 2, 200401)
    assert event["metadata"]["version"] == "1.3.0"
    assert event["metadata"]["uid"] == "EXT-01-K5XQ2T7A:first@duty"
    assert (event["severity_id"], event["status_id"], event["activity_id"]) == (5, 1, 1)
    assert event["finding_info"]["uid"] == "EXT-01-K5XQ2T7A"
    assert event["time"] == 1_772_431_500_000


def test_ocsf_tells_a_close_and_a_false_alarm():
    closed = a_notice(occasion=Occasion.CHANGED, state=CaseState.CLOSED)
    false_alarm = a_notice(occasion=Occasion.CHANGED, state=CaseState.FALSE_ALARM)

    events = [json.loads(ocsf(each, ORIGIN)) for each in (closed, false_alarm)]

    assert [(e["activity_id"], e["status_id"]) for e in events] == [(3, 4), (3, 3)]


def test_a_hostile_notice_is_one_line_of_whole_json():
    text = ocsf(hostile_notice(), ORIGIN)

    assert json.loads(text)
    assert not re.search(r"[\r\n]", text)


def test_ocsf_stays_within_what_a_receiver_takes_whatever_its_letters_are():
    long = "\N{CJK UNIFIED IDEOGRAPH-20000}" * 1000
    notice = a_notice(fact=long, endpoint=long, department=long, rule_name=long)

    message = rfc5424(notice, ORIGIN, form="ocsf")

    assert len(message) < 8192
