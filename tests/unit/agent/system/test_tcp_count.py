import pytest

from agent.system.tcp_count import TcpCount, parse_tcp_count

TABLE = """\
Ip: Forwarding DefaultTTL InReceives
Ip: 1 64 40
Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens CurrEstab InSegs OutSegs
Tcp: 1 200 120000 -1 87776 14712 3 1320556 1283044
Udp: InDatagrams NoPorts
Udp: 5 0
"""


def test_segments_and_standing_connections_are_read_by_their_names():
    assert parse_tcp_count(TABLE) == TcpCount(segments=1320556, established=3)


@pytest.mark.parametrize(
    "text",
    ["", "Tcp: InSegs CurrEstab\n", "Tcp: RtoMin\nTcp: 200\n", "Tcp: InSegs CurrEstab\nTcp: 7\n"],
)
def test_a_table_without_both_numbers_tells_nothing(text):
    assert parse_tcp_count(text) is None


def test_a_number_that_is_none_is_an_error():
    with pytest.raises(ValueError, match="many"):
        parse_tcp_count("Tcp: InSegs CurrEstab\nTcp: many 3\n")
