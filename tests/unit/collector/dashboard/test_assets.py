import base64
import hashlib
import re

import pytest

from collector.dashboard.assets import STATIC, environment, vendored

TEMPLATES = environment().list_templates()


def test_the_templates_are_there():
    assert len(TEMPLATES) > 12


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_page_loads_nothing_from_outside_and_nothing_inline(name):
    loader = environment().loader
    assert loader is not None
    text = loader.get_source(environment(), name)[0]

    assert not re.search(r"(?:src|href|action)\s*=\s*[\"']?(?:https?:)?//", text)
    assert not re.search(r"\sstyle\s*=|<style|\son\w+\s*=|<script(?![^>]*\ssrc=)", text)
    assert "|safe" not in text.replace(" ", "")


def test_every_vendored_file_is_the_one_of_the_manifest():

    for package in vendored().values():
        for name, integrity in package.files.items():
            body = (STATIC / "vendor" / package.folder / name).read_bytes()
            digest = base64.b64encode(hashlib.sha384(body).digest()).decode("ascii")
            assert integrity == f"sha384-{digest}", name
