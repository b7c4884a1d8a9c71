"""The benchmark's largest workload, and the stages of a simulated county."""

from __future__ import annotations

import pytest

from benchmarks import county
from benchmarks.__main__ import main


@pytest.mark.nightly
def test_a_hundred_million_events_are_streamed_and_every_value_is_right() -> None:
    assert main(["--size", "L"]) == 0


@pytest.mark.nightly
def test_the_stages_of_a_county(capsys: pytest.CaptureFixture[str]) -> None:
    county.main(["--people", "20000"])
    print(told := capsys.readouterr().out)
    for stage in ("read", "link", "reach", "sort", "kernel", "write", "the next week"):
        assert f"| {stage}" in told
