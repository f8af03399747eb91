from pathlib import Path

import pytest

from collector.alerts.smtp import SmtpSettings
from collector.config import ConfigError, environment_names, read_settings

EVERYTHING = """
state_dir = "/srv/wardwatch"
base_url = "https://wardwatch.hospital.example"
log_level = "debug"

[listen]
host = "10.20.0.5"
port = 443

[ingest]
queue_batches = 50

[supervision]
allow = ["10.20.0.0/16"]

[smtp]
host = "mail.hospital.example"
sender = "wardwatch@hospital.example"
port = 587
security = "starttls"
user = "wardwatch"
password_file = "/run/credentials/smtp"
ca_file = "/etc/ssl/mail.pem"
timeout_s = 5.0
"""


def test_every_setting_of_the_file_is_read():
    settings = read_settings(EVERYTHING, {})

    assert settings.state_dir == Path("/srv/wardwatch")
    assert settings.base_url == "https://wardwatch.hospital.example"
    assert settings.log_level == "debug"
    assert (settings.listen.host, settings.listen.port) == ("10.20.0.5", 443)
    assert settings.ingest.queue_batches == 50
    assert settings.supervision.allow == ("10.20.0.0/16",)
    assert settings.smtp == SmtpSettings(
        host="mail.hospital.example",
        sender="wardwatch@hospital.example",
        port=587,
        security="starttls",
        user="wardwatch",
        password_file="/run/credentials/smtp",
        ca_file="/etc/ssl/mail.pem",
        timeout_s=5.0,
    )


def test_an_empty_file_gives_the_defaults_and_mails_nothing():
    settings = read_settings("", {})

    assert (settings.listen.port, settings.smtp) == (8443, None)


@pytest.mark.parametrize(
    ("variable", "value", "place", "read"),
    [
        ("WARDWATCH_STATE_DIR", "/tmp/w", ("state_dir",), Path("/tmp/w")),
        ("WARDWATCH_BASE_URL", "https://w.example", ("base_url",), "https://w.example"),
        ("WARDWATCH_LOG_LEVEL", "error", ("log_level",), "error"),
        ("WARDWATCH_LISTEN_HOST", "::1", ("listen", "host"), "::1"),
        ("WARDWATCH_LISTEN_PORT", "9443", ("listen", "port"), 9443),
        ("WARDWATCH_INGEST_QUEUE_BATCHES", "7", ("ingest", "queue_batches"), 7),
        ("WARDWATCH_INGEST_MANIFESTS_MIB", "64", ("ingest", "manifests_mib"), 64),
        ("WARDWATCH_WALL_NAMES", "true", ("wall", "names"), True),
        (
            "WARDWATCH_SUPERVISION_ALLOW",
            "10.0.0.0/8,::1/128",
            ("supervision", "allow"),
            ("10.0.0.0/8", "::1/128"),
        ),
        ("WARDWATCH_SMTP_HOST", "m", ("smtp", "host"), "m"),
        ("WARDWATCH_SMTP_SENDER", "w@h.example", ("smtp", "sender"), "w@h.example"),
        ("WARDWATCH_SMTP_PORT", "2525", ("smtp", "port"), 2525),
        ("WARDWATCH_SMTP_SECURITY", "tls", ("smtp", "security"), "tls"),
        ("WARDWATCH_SMTP_USER", "u", ("smtp", "user"), "u"),
        ("WARDWATCH_SMTP_PASSWORD_FILE", "/p", ("smtp", "password_file"), "/p"),
        ("WARDWATCH_SMTP_CA_FILE", "/c", ("smtp", "ca_file"), "/c"),
        ("WARDWATCH_SMTP_TIMEOUT_S", "2.5", ("smtp", "timeout_s"), 2.5),
    ],
)
def test_a_variable_of_the_environment_wins_over_the_file(variable, value, place, read):
    found = read_settings(EVERYTHING, {variable: value})
    for key in place:
        found = getattr(found, key)

    assert environment_names()[variable] == place
    assert found == read


def test_the_table_above_names_every_variable_there_is():
    (table,) = test_a_variable_of_the_environment_wins_over_the_file.pytestmark
    names = {row[0] for row in table.args[1]}

    assert names == set(environment_names())


def test_a_variable_of_somebody_else_is_left_alone():
    assert read_settings("", {"WARDWATCH_SOMETHING": "x", "PATH": "/bin"}) == read_settings("", {})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("state_dir = ", "not TOML"),
        ('stat_dir = "/x"', "unknown key stat_dir; did you mean state_dir?"),
        ("[listen]\nprot = 1", "unknown key listen.prot; did you mean port?"),
        ("[ingest]\nzzz = 1", "unknown key ingest.zzz$"),
        ('[listen]\nport = "443"', "Expected `int`, got `str` - at `listen.port`"),
        ('log_level = "loud"', "Invalid enum value 'loud' - at `log_level`"),
        ("[listen]\nport = 70000", "listen.port: 70000 is no port"),
        ("[ingest]\nqueue_batches = 0", "ingest.queue_batches: at least 1"),
        ("[ingest]\nmanifests_mib = 7", "ingest.manifests_mib: at least 8"),
        ('base_url = "http://w.example"', "base_url: must begin with https://"),
        ('[supervision]\nallow = ["10.0.0.1/8"]', "supervision.allow: 10.0.0.1/8 has host bits"),
        ('[smtp]\nhost = "m"', "missing required field `sender`"),
    ],
)
def test_what_is_wrong_in_the_file_is_named_with_its_place(text, said):
    with pytest.raises(ConfigError, match=said):
        read_settings(text, {})


def test_what_is_wrong_in_the_environment_is_named_with_the_variable():
    with pytest.raises(ConfigError, match="WARDWATCH_LISTEN_PORT"):
        read_settings("", {"WARDWATCH_LISTEN_PORT": "https"})
