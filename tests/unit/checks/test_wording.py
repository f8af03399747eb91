import pytest

from checks.facts.base import Process, UnknownProcess
from checks.wording import egress_subject, endpoint_of, medium_params, process_name
from tests.samples import BY_GATEWAY, CURL, ON_LINK, STICK, connection


@pytest.mark.parametrize(
    ("address", "port", "text"),
    [
        ("192.0.2.1", 80, "192.0.2.1:80"),
        ("2001:db8::1", 80, "[2001:db8::1]:80"),
        ("192.0.2.1", 0, "192.0.2.1"),
    ],
)
def test_an_address_is_written_with_its_port_where_it_has_one(address, port, text):
    assert endpoint_of(address, port) == text


def test_a_process_is_named_by_what_is_known_of_it():
    assert process_name(CURL) == "/usr/bin/curl"
    assert process_name(Process(pid=1, name="curl")) == "curl"
    assert process_name(UnknownProcess(why="gone")) == "?"


def test_connections_of_one_way_out_have_one_subject():
    assert egress_subject(connection(egress=BY_GATEWAY)) == "eno1 via 10.20.0.1"
    assert egress_subject(connection(egress=ON_LINK)) == "eno1"


def test_a_medium_is_described_by_maker_model_and_serial():
    assert medium_params(STICK)["medium"] == "Kingston DataTraveler 4C530001"
