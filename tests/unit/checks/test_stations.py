from checks.policy import Endpoint, parse_policy
from checks.stations import is_listed, is_station
from tests.samples import context

DESK = Endpoint(id="pc-1", name="导入站一号", groups=("import stations",))
BARE = Endpoint(id="pc-2")


def test_an_endpoint_is_listed_by_its_id_its_name_or_a_group():
    assert is_listed(DESK, ("pc-1",))
    assert is_listed(DESK, ("other", "导入站一号"))
    assert is_listed(DESK, ("import stations",))
    assert not is_listed(DESK, ("pc-2", "import"))
    assert not is_listed(DESK, ())


def test_an_empty_name_is_nobody_s():
    assert not is_listed(BARE, ("",))


def test_stations_are_those_of_the_policy_s_scanning():
    policy = parse_policy('[scanning]\nstations = ["import stations"]\n')

    assert is_station(context(policy=policy, endpoint=DESK))
    assert not is_station(context(policy=policy, endpoint=BARE))
    assert not is_station(context(policy=parse_policy(""), endpoint=DESK))
