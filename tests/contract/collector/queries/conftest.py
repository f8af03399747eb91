from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from tests.support.hospital import Hospital, seeded


@pytest.fixture(scope="package")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    made = seeded(tmp_path_factory.mktemp("hospital"))
    yield made
    made.close()


@pytest.fixture
def read(hospital: Hospital) -> Engine:
    """The judged store of a day in the hospital; these tests only read."""
    return hospital.services.store_engine
