"""The benchmark of linkage names functions of the product: nobody else would find out a renamed one."""

from importlib import import_module

from benchmarks.linkage import STAGES


def test_every_stage_is_still_part_of_linking() -> None:
    named = [(module, name) for module, functions in STAGES.items() for name in functions]
    assert named
    assert [(m, n) for m, n in named if not callable(getattr(import_module(m), n, None))] == []
