import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.system import dconf
from agent.system import proxy_text as read
from agent.system.proxy_text import Setting

HTTP = Setting("http", "proxy.example", 3128)
PAC = Setting("pac", "http://wpad.example/wpad.dat", 0)


@pytest.mark.parametrize(
    ("what", "value", "found"),
    [
        ("a URL", "http://proxy.example:3128/", HTTP),
        ("a bare pair", "proxy.example:3128", HTTP),
        ("with user and password", "http://alice:secret@proxy.example:3128", HTTP),
        ("a scheme's own port", "socks5://10.0.0.9", Setting("socks5", "10.0.0.9", 1080)),
        ("IPv6", "http://[2001:db8::9]:8080", Setting("http", "2001:db8::9", 8080)),
        ("nothing", "", None),
        ("a port that is none", "http://proxy.example:99999", None),
        ("a sentence", "http://no proxy here", None),
    ],
)
def test_a_value_is_a_proxy_or_none(what, value, found):
    assert read.setting(value) == found, what


def test_a_script_is_told_without_user_and_query():
    found = read.script("http://alice:secret@wpad.example/wpad.dat?token=1")

    assert found == PAC


@pytest.mark.parametrize(
    ("what", "parse", "text", "found"),
    [
        ("/etc/environment", lambda t: read.from_assignments(t.splitlines()),
         'http_proxy="http://proxy.example:3128"\nno_proxy=localhost\nLANG=C', [HTTP]),
        ("a profile", lambda t: read.from_assignments(t.splitlines()),
         "export HTTP_PROXY=http://u:p@proxy.example:3128; export LANG=C\n#http_proxy=x:1", [HTTP]),
        ("systemd", lambda t: read.from_assignments(t.splitlines()),
         'DefaultEnvironment="LANG=C" "all_proxy=socks5://10.0.0.9:1080"',
         [Setting("socks5", "10.0.0.9", 1080)]),
        ("apt", read.from_apt,
         ('Acquire::http::Proxy "http://proxy.example:3128";\n// Acquire::http::Proxy "x:1";\n'
         'Acquire::http::Proxy::inside "DIRECT";'), [HTTP]),
        ("apt with braces", read.from_apt,
         'Acquire { http { Proxy "http://proxy.example:3128"; } }', [HTTP]),
        ("dconf's key file, manual", read.from_key_file,
         ("[org/gnome/system/proxy]\nmode='manual'\n[org/gnome/system/proxy/http]\n"
         "host='proxy.example'\nport=3128\n"), [HTTP]),
        ("dconf's key file, none", read.from_key_file,
         ("[org/gnome/system/proxy]\nmode='none'\n[org/gnome/system/proxy/http]\n"
         "host='proxy.example'\nport=3128\n"), []),
        ("dconf's key file, script", read.from_key_file,
         ("[org/gnome/system/proxy]\nmode='auto'\n"
         "autoconfig-url='http://wpad.example/wpad.dat'\n"), [PAC]),
        ("KDE", read.from_kde,
         "[Proxy Settings]\nProxyType=1\nhttpProxy=http://proxy.example 3128\n", [HTTP]),
        ("Firefox", read.from_firefox_prefs,
         ('user_pref("network.proxy.http", "proxy.example");\n'
         'user_pref("network.proxy.http_port", 3128);\nuser_pref("network.proxy.type", 1);\n'),
         [HTTP]),
        ("Firefox, not in use", read.from_firefox_prefs,
         ('user_pref("network.proxy.http", "proxy.example");\n'
         'user_pref("network.proxy.type", 5);\n'), []),
        ("Firefox policies", read.from_firefox_policies,
         '{"policies":{"Proxy":{"Mode":"manual","HTTPProxy":"proxy.example:3128"}}}', [HTTP]),
        ("Firefox policies, script", read.from_firefox_policies,
         ('{"policies":{"Proxy":{"Mode":"autoConfig",'
         '"AutoConfigURL":"http://wpad.example/wpad.dat"}}}'), [PAC]),
        ("Chromium policies", read.from_chromium_policies,
         ('{"ProxySettings":{"ProxyMode":"fixed_servers",'
         '"ProxyServer":"http=proxy.example:3128"}}'), [HTTP]),
        ("no JSON", read.from_chromium_policies, "{", []),
        ("a command line", lambda t: read.from_command_line(t.split()),
         "chromium --proxy-server=proxy.example:3128 --incognito", [HTTP]),
        ("direct", lambda t: read.from_command_line(t.split()),
         "chromium --proxy-server=direct://", []),
        ("git", read.from_ini, "[http]\n\tproxy = http://proxy.example:3128\n", [HTTP]),
        ("npm", read.from_ini, "https-proxy=http://proxy.example:3128\nproxy=null\n", [HTTP]),
        ("curl", read.from_curl, 'proxy = "proxy.example:3128"\nuser-agent = x\n', [HTTP]),
    ],
)  # fmt: skip
def test_where_a_proxy_is_set(what, parse, text, found):
    assert list(parse(text)) == found, what


PARSERS = (
    lambda t: read.from_assignments(t.splitlines()),
    read.from_apt,
    read.from_key_file,
    read.from_kde,
    read.from_firefox_prefs,
    read.from_firefox_policies,
    read.from_chromium_policies,
    read.from_ini,
    read.from_curl,
    lambda t: read.from_command_line(t.split()),
)


@given(st.text(max_size=300))
def test_no_text_whatever_raises(text):
    for parse in PARSERS:
        list(parse(text))
        list(parse(f"[Proxy Settings]\nproxy = {text}\nproxytype=1\nhttpproxy={text}"))


@given(st.binary(max_size=400))
def test_no_database_whatever_raises(octets):
    list(dconf.from_dconf(octets))
    list(dconf.from_dconf(b"GVariant" + octets))
