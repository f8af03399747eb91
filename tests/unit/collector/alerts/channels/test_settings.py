import pytest

from collector.config import ConfigError, read_settings

WECOM = '[[channels]]\nname = "duty"\nkind = "wecom"\n'
SYSLOG = '[[channels]]\nname = "siem"\nkind = "syslog"\n'
KEY = 'key_file = "/k"\n'
PLACE = 'address = "siem.hospital.example:6514"\n'


def test_channels_are_read_with_their_defaults():
    settings = read_settings(WECOM + KEY + SYSLOG + PLACE, {})

    duty, siem = settings.channels
    assert duty.base_url == "https://qyapi.weixin.qq.com/cgi-bin/webhook/send"
    assert (duty.label, duty.severity, duty.wants_changes) == ("wecom:duty", "medium", False)
    assert siem.host_and_port == ("siem.hospital.example", 6514)
    assert (siem.transport, siem.form, siem.wants_changes) == ("tls", "rfc5424", True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (WECOM, r"channels\[0\].key_file: missing"),
        (WECOM + 'kyfile = "/k"', r"unknown key channels\[0\].kyfile; did you mean key_file"),
        (WECOM + KEY + 'secret_file = "/s"', r"channels\[0\].secret_file: means nothing for kind"),
        (WECOM + KEY + 'url = "http://x"', r"channels\[0\].url: must begin with https"),
        (WECOM + KEY + 'url = "https://x/?key=1"', r"channels\[0\].url: without a key"),
        (WECOM + KEY + 'severity = "huge"', r"channels\[0\].severity"),
        (WECOM + KEY + "timeout_s = 0.0", r"channels\[0\].timeout_s: more than 0"),
        (WECOM + KEY + WECOM + KEY, r"channels\[1\].name: duty stands there twice"),
        (WECOM.replace("duty", "D y") + KEY, r"channels\[0\].name: 1 to 23 of"),
        (SYSLOG, r"channels\[0\].address: HOST:PORT is needed"),
        (SYSLOG + 'address = "x:99999"', r"channels\[0\].address: HOST:PORT"),
        (SYSLOG + PLACE + "facility = 24", r"channels\[0\].facility: 0 to 23"),
        (SYSLOG + PLACE + 'certificate_file = "/c"', r"channels\[0\].private_key_file: missing"),
        ('[[channels]]\nname = "x"\nkind = "sms"', r"channels\[0\].kind"),
    ],
)
def test_what_is_wrong_names_its_key(text, said):
    with pytest.raises(ConfigError, match=said):
        read_settings(text, {})
