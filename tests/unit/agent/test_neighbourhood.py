from agent.neighbourhood import Neighbourhood
from agent.system.segment_frames import Sighting

DAY = 24 * 3600 * 1_000_000


def mac(number: int) -> str:
    return f"52:54:00:aa:{number // 256:02x}:{number % 256:02x}"


def heard(hosts: Neighbourhood, number: int, at_us: int, address: str = "10.0.0.9", name: str = ""):
    hosts.hear(Sighting(mac(number), address, name, "arp"), "eth0", at_us)


def test_a_host_is_news_once_and_again_when_it_says_something_new():
    hosts = Neighbourhood()
    heard(hosts, 1, 10)
    first = hosts.news(20)
    heard(hosts, 1, 30)
    again = hosts.news(40)
    heard(hosts, 1, 50, address="10.0.0.10", name="host")
    [changed] = hosts.news(60)

    assert [(n.mac, n.address, n.heard_us) for n in first] == [(mac(1), "10.0.0.9", 10)]
    assert again == ()
    assert (changed.address, changed.name, changed.heard_us) == ("10.0.0.10", "host", 50)


def test_a_link_local_address_is_told_only_where_there_is_no_other():
    hosts = Neighbourhood()
    heard(hosts, 1, 10, address="fe80::1")
    [first] = hosts.news(20)
    heard(hosts, 1, 30)
    heard(hosts, 1, 40, address="fe80::2")

    [second] = hosts.news(50)

    assert (first.address, second.address) == ("fe80::1", "10.0.0.9")
    assert not hosts.anything_new()


def test_a_crowd_is_told_in_portions_and_nobody_is_left_out():
    hosts = Neighbourhood()
    for number in range(150):
        heard(hosts, number, 10)

    portions = [hosts.news(20) for _ in range(4)]

    assert [len(portion) for portion in portions] == [64, 64, 22, 0]


def test_the_share_of_a_beat_goes_round_among_those_that_were_heard():
    hosts = Neighbourhood()
    for number in range(40):
        heard(hosts, number, 10)
    hosts.news(20)
    for number in range(32):
        heard(hosts, number, 30)

    shares = [hosts.share(40 + n) for n in range(3)]

    assert [len(share) for share in shares] == [16, 16, 0]


def test_a_flood_of_made_up_hosts_is_refused_and_counted():
    hosts = Neighbourhood(hosts_kept=10)
    for number in range(15):
        heard(hosts, number, 10)

    assert (hosts.refused(), hosts.refused()) == (5, 0)


def test_a_host_not_heard_for_a_day_makes_room():
    hosts = Neighbourhood(hosts_kept=1)
    heard(hosts, 1, 10)
    heard(hosts, 2, 11 + DAY)

    assert [n.mac for n in hosts.news(12 + DAY)] == [mac(2)]
