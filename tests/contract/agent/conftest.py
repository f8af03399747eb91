"""What several contract tests of the agent stand on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.certificates import TestAuthority, make_authority
from tests.support.recording_collector import RecordingCollector


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> TestAuthority:
    return make_authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def collector(authority: TestAuthority) -> Iterator[RecordingCollector]:
    running = RecordingCollector(authority)
    yield running
    running.close()


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"
