import pytest

from agent.protection import ProductTable, Signatures, is_whole, state_of
from agent.system.process_watch import Running
from checks.policy import parse_policy

TABLE = ProductTable(parse_policy("").antivirus.known)


def running(executable, *arguments):
    return Running(7, executable.rpartition("/")[2][:15], executable, (executable, *arguments))


@pytest.mark.parametrize(
    ("program", "product", "roles"),
    [
        ("/usr/sbin/clamd", "ClamAV", {"main"}),
        ("/usr/sbin/clamonacc", "ClamAV", {"guard"}),
        ("/opt/360safe/360safeforcnos", "360 终端安全", {"main", "guard"}),
        ("/opt/qaxsafe/qaxsafed", "奇安信天擎 QAX", {"main", "guard"}),
        ("/opt/ds_agent/ds_agent", "亚信安全 Asiainfo", {"main"}),
        ("/opt/ds_agent/ds_am", "亚信安全 Asiainfo", {"guard"}),
        ("/sf/edr/agent/bin/edr_agent", "深信服 EDR Sangfor", {"main", "guard"}),
    ],
)
def test_whose_program_it_is_and_what_it_does(program, product, roles):
    known, does = TABLE.roles_of(running(program))

    assert (known.product, does) == (product, roles)


def test_any_other_program_is_nobody_s():
    assert TABLE.roles_of(running("/usr/bin/clamscan")) == (None, frozenset())


@pytest.mark.parametrize(
    ("what", "living", "installed", "told"),
    [
        ("nothing", (), (), []),
        ("installed only", (), ("ClamAV",), [(False, False)]),
        ("the scanner alone", (("ClamAV", "main"),), ("ClamAV",), [(True, False)]),
        ("both", (("ClamAV", "main"), ("ClamAV", "guard")), (), [(True, True)]),
        ("a guard without its scanner", (("ClamAV", "guard"),), (), [(False, False)]),
    ],
)
def test_what_runs_and_guards(what, living, installed, told):
    state = state_of(
        TABLE, installed=installed, living=living, signatures={"ClamAV": Signatures(5, 6)}
    )

    assert [(each.running, each.guarding) for each in state.products] == told, what
    assert is_whole(state) is (told in ([], [(True, True)]))


def test_a_scanner_that_was_never_set_up_to_guard_is_whole_without():
    state = state_of(
        TABLE,
        installed=("ClamAV",),
        living=(("ClamAV", "main"),),
        signatures={},
        without_guard=("ClamAV",),
    )

    assert not state.products[0].guard_set_up
    assert is_whole(state)


def test_a_product_that_the_hospital_describes_itself_is_as_it_says():
    own = parse_policy('[antivirus]\nknown = [{ product = "ClamAV", programs = ["myclamd"] }]')

    known, _ = ProductTable(own.antivirus.known).roles_of(running("/usr/bin/myclamd"))

    assert known.product == "ClamAV"
    assert ProductTable(own.antivirus.known).roles_of(running("/usr/sbin/clamd"))[0] is None
