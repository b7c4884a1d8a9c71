"""The pairs of `features.compare`, found by Spark: the same records, settings and probabilities.

For a region too large for one machine: to find and weigh pairs is nearly all of the work and falls apart
into many parts; what follows (`features.untroubled`) has a row for each likely pair only. The grades of
`features.likeness` are DuckDB's SQL and are put into Spark's words, so that there is one set of them.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import sqlglot
from sqlglot import exp

from features.link_model import Model

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LIKENESS = "jaro_winkler"
"""The name under which Spark knows DuckDB's likeness of two names."""


def make_pairs_with_spark(
    con: duckdb.DuckDBPyConnection,
    model: Model,
    spark: SparkSession,
    *,
    checkpoints: str | Path,
    at_least: float = 0.01,
) -> None:
    """Make temporary table pairs(l, r, probability, weight, weighs) from `comparable`, as `make_pairs` does.

    checkpoints: a folder that all of Spark's machines reach, where what was found so far is kept: without
    one Spark begins anew at every step. model: a trained one; an untrained one finds no pairs.
    """
    from pyspark.sql.functions import arrow_udf
    from splink import Linker
    from splink.backends.spark import SparkAPI

    spark.sparkContext.setCheckpointDir(str(checkpoints))
    spark.udf.register(LIKENESS, arrow_udf(_likeness, "double"))
    log = logging.getLogger("splink")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        settings = in_sparks_words(model["settings"]) | {"retain_intermediate_calculation_columns": True}
        api = SparkAPI(spark_session=spark, break_lineage_method="parquet", register_udfs_automatically=False)
        records = con.sql("SELECT * EXCLUDE (died_on, seen_on) FROM comparable").to_arrow_table()
        linker = Linker(api.register(records), settings, log_level=None)
        found = linker.inference.predict(threshold_match_probability=at_least).as_spark_dataframe()
        con.register("found_pairs", found.toArrow())
    finally:
        log.setLevel(level)
    try:
        weighs = ", ".join(
            f"{name}: mw_{name}" + (f" + mw_tf_adj_{name}" if f"mw_tf_adj_{name}" in found.columns else "")
            for name in (comparison["output_column_name"] for comparison in settings["comparisons"])
        )
        con.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE pairs AS
            SELECT least(subject_l, subject_r) AS l, greatest(subject_l, subject_r) AS r,
                   match_probability AS probability, match_weight AS weight, {{{weighs}}} AS weighs
            FROM found_pairs ORDER BY l, r
            """
        )
    finally:
        con.unregister("found_pairs")


def in_sparks_words(settings: Any) -> Any:
    """Splink's settings with every condition in Spark's SQL in place of DuckDB's."""
    if isinstance(settings, list):
        return [in_sparks_words(one) for one in settings]
    if not isinstance(settings, Mapping):
        return settings
    said = {
        "sql_dialect": lambda dialect: "spark",
        "sql_condition": lambda text: text if text == "ELSE" else sparks_sql(text),
        "blocking_rule": sparks_sql,
    }
    return {key: said.get(key, in_sparks_words)(value) for key, value in settings.items()}


def sparks_sql(condition: str) -> str:
    """A condition over two records in Spark's SQL: what sqlglot does not know how to say, we do."""
    return sqlglot.parse_one(condition, read="duckdb").transform(_in_sparks).sql(dialect="spark")


def _in_sparks(node: exp.Expression) -> exp.Expression:
    if isinstance(node, exp.JarowinklerSimilarity):
        return exp.Anonymous(this=LIKENESS, expressions=[node.this, node.expression])
    if isinstance(node, exp.ArrayOverlaps):
        return exp.Anonymous(this="arrays_overlap", expressions=[node.this, node.expression])
    if isinstance(node, exp.Bracket) and isinstance(piece := node.expressions[0], exp.Slice):
        first, last = piece.this, piece.expression
        length = [exp.Literal.number(int(last.this) - int(first.this) + 1)] if last else []
        return exp.Anonymous(this="substring", expressions=[node.this, first, *length])
    return node


def _likeness(one: pa.Array, other: pa.Array) -> pa.Array:
    """DuckDB's own likeness of two columns of names: another's differs in long names, and so in grades."""
    con = duckdb.connect(config={"threads": 1})
    con.register("names", pa.table({"one": one, "other": other}))
    found = con.sql("SELECT jaro_winkler_similarity(one, other) AS likeness FROM names").to_arrow_table()
    return found["likeness"].combine_chunks()
