"""The model that ships."""

from __future__ import annotations

import pytest

from smearlab.inference import model_folder as folders

FILES = sorted(path.name for path in folders.DEFAULT_MODEL.iterdir())


@pytest.mark.parametrize("name", FILES)
def test_it_tells_nothing_of_the_machine_that_made_it(name: str) -> None:
    content = (folders.DEFAULT_MODEL / name).read_bytes()
    for trace in (b"site-packages", b"stack_trace", b"/work", b"/home", b"/root", b"/Users"):
        assert trace not in content, trace
