from agent.system.resolvers import parse_resolv_conf


def test_only_addresses_of_name_servers_are_read():
    text = """# a comment
search ward.example
nameserver 10.20.0.53
nameserver 2001:DB8::1
nameserver fe80::1%eth0
nameserver no-address
nameserver
options edns0
"""

    assert list(parse_resolv_conf(text)) == ["10.20.0.53", "2001:db8::1", "fe80::1"]
