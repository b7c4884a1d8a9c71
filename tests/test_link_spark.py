"""Spark finds the pairs that DuckDB finds, by the same settings, or the test says what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.blocking import make_comparable
from features.compare import make_pairs, train
from features.likeness import COMPARISONS
from features.link_spark import make_pairs_with_spark, sparks_sql
from features.spark_session import missing_for_spark, spark_session
from features.workspace import Workspace, init_workspace
from tests.test_compare import stated, town


@pytest.mark.nightly
@pytest.mark.skipif(bool(missing_for_spark()), reason="; ".join(missing_for_spark()))
def test_spark_finds_the_same_pairs_with_the_same_probabilities(tmp_path: Path) -> None:
    rows = town(150, seed=3)
    for row in rows[::7]:  # a long name, names in the other order, day and month likewise, a slip
        row["forenames"], row["surname"] = row["surname"], row["forenames"]
        row["born"] = f"{row['born'][:5]}{row['born'][8:]}-{row['born'][5:7]}"
    for row in rows[::11]:
        row["surname"] = f"{row['surname']}-Cholmondeley"
    con = stated(rows)
    make_comparable(con)
    model = train(con, chance_pairs=50_000)
    make_pairs(con, model, at_least=0.001)
    con.execute("CREATE TABLE by_duckdb AS FROM pairs")
    init_workspace(tmp_path / "w", sources=None)
    with spark_session(Workspace(tmp_path / "w")) as spark:
        checkpoints = tmp_path / "checkpoints"
        make_pairs_with_spark(con, model, spark, checkpoints=checkpoints, at_least=0.001)
    said = "SELECT l, r FROM {} ORDER BY ALL"
    assert con.execute(said.format("pairs")).fetchall() == con.execute(said.format("by_duckdb")).fetchall()
    weighed = ", ".join(f"abs(p.weighs.{name} - d.weighs.{name})" for name in COMPARISONS)
    count, probability, weight, each = con.execute(
        f"""
        SELECT count(*), max(abs(p.probability - d.probability)), max(abs(p.weight - d.weight)),
               max(greatest({weighed}))
        FROM pairs p JOIN by_duckdb d USING (l, r)
        """
    ).fetchall()[0]
    assert count > 150
    assert max(probability, weight, each) < 1e-6


def test_what_spark_says_otherwise() -> None:
    assert sparks_sql("list_has_any(a_l, a_r)") == "ARRAYS_OVERLAP(a_l, a_r)"
    assert sparks_sql("born_l[6:7] = born_r[9:]") == "SUBSTRING(born_l, 6, 2) = SUBSTRING(born_r, 9)"
    assert sparks_sql("jaro_winkler_similarity(a_l, a_r) >= 0.9") == "JARO_WINKLER(a_l, a_r) >= 0.9"
