"""How far a real scan of a real medium is, asked while it runs."""

# ruff: noqa: F811 - pytest names fixtures by their parameters
from checks.facts.media import MediumScanned
from tests.clamd import clamd  # noqa: F401 - a fixture
from tests.loopdev import loops  # noqa: F401 - a fixture
from tests.support.watching import Watching

FILES = {f"{number}.txt": b"%d" % number * 500 for number in range(2000)}


def test_files_and_octets_grow_while_a_medium_is_scanned_and_end_with_it(tmp_path, loops, clamd):
    watching = Watching(clamd.address)
    loop = loops.make("many", FILES)
    watching.plug(loop)
    loop.mount(tmp_path / "mnt")
    seen = []
    while not watching.of(MediumScanned):
        watching.turn(0.005)
        seen += watching.sensor._scans.under_way()
    watching.sensor.stop()

    began = [one for one in seen if one.began is not None]
    assert len({one.files for one in began}) > 3
    assert [one.files for one in began] == sorted(one.files for one in began)
    assert 0 < began[-1].bytes <= sum(map(len, FILES.values())) <= began[-1].used
    assert {one.medium for one in began} == {watching.of(MediumScanned)[0].medium.key}
