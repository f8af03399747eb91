import pytest

from agent.config import ConfigError, Settings, parse, variable_names


def test_an_empty_file_is_the_defaults():
    assert parse("", {}, "agent.toml") == Settings()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "[upload]\nintervall = 3",
            "agent.toml: unknown key upload.intervall — did you mean interval?",
        ),
        ("colector = 'x'", "agent.toml: unknown key colector — did you mean collector?"),
        ("xyzzy = 1", "agent.toml: unknown key xyzzy"),
        (
            "[upload]\ninterval = 'often'",
            "agent.toml: upload.interval: Expected `float`, got `str`",
        ),
        (
            "[upload]\ntimeout = 0",
            "agent.toml: upload.timeout: 0.0 is no time; give seconds above 0",
        ),
        ("collector = 'http://c'", "agent.toml: collector: http://c must begin with https://"),
        ("state_dir = 'here'", "agent.toml: state_dir: here must be an absolute path"),
        (
            "[upload",
            "agent.toml: not TOML: Expected ']' at the end of a table declaration (at end of document)",
        ),
    ],
)
def test_a_wrong_setting_is_named_with_what_was_meant(text, words):
    with pytest.raises(ConfigError) as refused:
        parse(text, {}, "agent.toml")

    assert str(refused.value) == words


def test_the_environment_comes_before_the_file():
    settings = parse(
        "collector = 'https://file'\n[upload]\ntimeout = 1.0",
        {"WARDWATCH_COLLECTOR": "https://env", "WARDWATCH_UPLOAD_TIMEOUT": "2.5"},
        "agent.toml",
    )

    assert (settings.collector, settings.upload.timeout) == ("https://env", 2.5)


@pytest.mark.parametrize("wrong", ["10.0.0.5:1344/scan", "http://av/scan", "icap://av"])
def test_a_second_scanner_is_an_icap_service(wrong):
    with pytest.raises(ConfigError, match=r"scanner\.second: .* icap://HOST"):
        parse(f'[scanner]\nsecond = "{wrong}"', {}, "agent.toml")


@pytest.mark.parametrize("wrong", ["10.0.0.5", "unix:clamd.ctl", "tcp:", "tcp:::1", "tcp:av:smtp"])
def test_a_scanner_that_cannot_be_reached_by_its_address_is_told_at_the_start(wrong):
    with pytest.raises(ConfigError, match=r"scanner\.address: .* tcp:HOST"):
        parse(f'[scanner]\naddress = "{wrong}"', {}, "agent.toml")


@pytest.mark.parametrize(
    "right", ["tcp:av", "tcp:av:3310", "tcp://10.0.0.5:3310", "tcp:[::1]:3310"]
)
def test_a_scanner_in_the_network_has_a_host_and_maybe_a_port(right):
    assert parse(f'[scanner]\naddress = "{right}"', {}, "agent.toml").scanner.address == right


def test_the_scanner_has_a_short_name_in_the_environment():
    settings = parse("", {"WARDWATCH_SCANNER": "tcp:10.1.2.3:3310"}, "agent.toml")

    assert settings.scanner.address == "tcp:10.1.2.3:3310"


def test_a_wrong_variable_is_named():
    with pytest.raises(ConfigError, match=r"^WARDWATCH_LOG_LEVEL: log\.level: "):
        parse("", {"WARDWATCH_LOG_LEVEL": "loud"}, "agent.toml")


def test_every_setting_has_a_variable():
    assert variable_names() == [
        "WARDWATCH_COLLECTOR",
        "WARDWATCH_LOG_LEVEL",
        "WARDWATCH_QUARANTINE_KEEP_FREE_BYTES",
        "WARDWATCH_QUARANTINE_LIMIT_BYTES",
        "WARDWATCH_SCANNER",
        "WARDWATCH_SCANNER_ADDRESS",
        "WARDWATCH_SCANNER_LARGEST_BYTES",
        "WARDWATCH_SCANNER_SECOND",
        "WARDWATCH_STATE_DIR",
        "WARDWATCH_UPLOAD_INTERVAL",
        "WARDWATCH_UPLOAD_TIMEOUT",
    ]


@pytest.mark.parametrize("key", ["limit_bytes", "keep_free_bytes"])
def test_a_quarantine_has_no_negative_size(key):
    with pytest.raises(ConfigError, match=rf"^agent\.toml: quarantine\.{key}: -1 is no size"):
        parse(f"[quarantine]\n{key} = -1\n", {}, "agent.toml")
