import socket

from agent.relays import ends, relaying
from agent.system.sockdiag import SocketRow
from tests.samples import BY_GATEWAY

OWN = {"10.20.3.4"}


def row(local_port, remote="0.0.0.0", remote_port=0, inode=1):
    return SocketRow(
        state=1,
        local=socket.inet_aton("10.20.3.4"),
        local_port=local_port,
        remote=socket.inet_aton(remote),
        remote_port=remote_port,
        uid=0,
        inode=inode,
        cookie=0,
        received=-1,
    )


LISTENING = [row(3128)]
FROM_ANOTHER = row(3128, "10.20.9.9", 50000, inode=11)
TO_OUTSIDE = row(40000, "203.0.113.80", 443, inode=12)


def outside(_):
    return BY_GATEWAY


def found(seen, holders, way=outside):
    return [(r.pid, r.port, r.onward) for r in relaying(seen, holders, way)]


def test_a_process_that_takes_and_makes_connections_relays():
    seen = ends([FROM_ANOTHER, TO_OUTSIDE], LISTENING, OWN)

    assert seen.inodes == {11, 12}
    assert found(seen, {11: {7}, 12: {7}}) == [(7, 3128, "203.0.113.80:443")]


def test_two_processes_that_do_one_each_do_not():
    seen = ends([FROM_ANOTHER, TO_OUTSIDE], LISTENING, OWN)

    assert found(seen, {11: {7}, 12: {8}}) == []


def test_a_way_onward_that_stays_inside_is_none():
    seen = ends([FROM_ANOTHER, TO_OUTSIDE], LISTENING, OWN)

    assert found(seen, {11: {7}, 12: {7}}, lambda _: None) == []


def test_holders_are_not_asked_for_while_one_side_is_missing():
    assert ends([FROM_ANOTHER], LISTENING, OWN).inodes == frozenset()
    assert ends([TO_OUTSIDE], LISTENING, OWN).inodes == frozenset()


def test_connections_within_this_machine_count_for_nothing():
    within = [row(3128, "10.20.3.4", 50000, inode=3), row(3128, "127.0.0.1", 50001, inode=4)]

    assert ends([*within, TO_OUTSIDE], LISTENING, OWN).accepted == ()
