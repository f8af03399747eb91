"""The endpoint's own secret, on a real disk."""

from agent.salt import own_salt, passing_salt


def test_it_is_made_once_and_nobody_else_may_read_it(tmp_path):
    state = tmp_path / "state"

    first = own_salt(state)

    assert len(first) == 32
    assert own_salt(state) == first
    assert (state / "salt").stat().st_mode & 0o077 == 0
    assert own_salt(tmp_path / "other") != first


def test_one_that_was_cut_off_is_made_anew(tmp_path):
    first = own_salt(tmp_path)
    (tmp_path / "salt").write_bytes(first[:5])

    fresh = own_salt(tmp_path)

    assert len(fresh) == 32
    assert own_salt(tmp_path) == fresh


def test_a_passing_one_is_another_each_time():
    assert passing_salt() != passing_salt()
