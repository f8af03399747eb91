"""Processes that have ended before anybody can look at them, in a namespace of their own."""

import pytest

from tests import netns
from tests.bench.attribution import is_right, played

pytestmark = pytest.mark.skipif(bool(netns.missing()), reason=netns.missing() or "can run")


def test_program_hash_command_line_user_and_login_of_processes_that_live_20_ms_are_told():
    lives, named = played(30)

    assert len(lives) == 30
    assert [(each, named.get(each.pid)) for each in lives if not is_right(each, named)] == []
