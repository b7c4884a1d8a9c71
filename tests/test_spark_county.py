"""The whole county through the front door, on Spark and on this machine alone: the same panel."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from features.spark_session import missing_for_spark


@pytest.mark.nightly
@pytest.mark.skipif(bool(missing_for_spark()), reason="; ".join(missing_for_spark()))
def test_the_engines_store_the_same_files(county_copy, earlyhelp_command: Callable) -> None:  # type: ignore[no-untyped-def]
    def made(engine: str) -> tuple[str, dict[Path, bytes]]:
        shutil.rmtree(county_copy.root / "data" / "panels", ignore_errors=True)
        days = ("--as-of", county_copy.as_of, "--as-of", county_copy.week_before)
        code, said, _ = earlyhelp_command(
            "features", *days, "--engine", engine, "--workspace", county_copy.root
        )
        assert code == 0
        return said, {
            path: path.read_bytes() for path in (county_copy.root / "data" / "panels").rglob("*.parquet")
        }

    alone = made("local")
    assert alone[1]
    assert made("spark") == alone
