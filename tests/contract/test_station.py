"""Who is answered by an import station's own process."""

import requests

from tests.support.station import station


def test_a_page_from_elsewhere_gets_nothing(tmp_path):
    with station(tmp_path) as place:
        own = {"Origin": place.url}
        asked = requests.get(f"{place.url}/live", headers={"Host": "evil.example"}, timeout=5)

        assert asked.status_code == 403
        assert place.copy("a", "b", Origin="http://evil.example") == 403
        assert place.copy("a", "b") == 409
        assert requests.get(f"{place.url}/station.py", timeout=5).status_code == 404
        assert (
            requests.post(f"{place.url}/copy", data="x", headers=own, timeout=5).status_code == 400
        )


def test_without_an_agent_the_station_is_out_of_order(tmp_path):
    with station(tmp_path) as place:
        assert place.url.startswith("http://127.0.0.1:")
        assert place.page()["running"] is False
