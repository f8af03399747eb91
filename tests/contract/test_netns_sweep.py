"""What a killed test process left is removed by the next one."""

from tests.netns import sweep


def test_settings_of_a_process_that_is_gone_are_removed_and_others_stay(tmp_path):
    proc, settings = tmp_path / "proc", tmp_path / "netns"
    (proc / "77").mkdir(parents=True)
    for name in ("ww76x0-ws", "ww77x0-ws", "somebody-elses"):
        (settings / name).mkdir(parents=True)

    sweep(proc, settings)

    assert sorted(left.name for left in settings.iterdir()) == ["somebody-elses", "ww77x0-ws"]
