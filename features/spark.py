"""The panel on Spark: the same kernel over the same shards, on as many machines as there are.

Spark finds the shards' own Parquet files wherever its executors can reach them and hands each shard over
through Arrow, whole and as it is on disk, to the functions that read and compute it on one machine. So
the numbers are the same to the last bit, and nothing is sorted or joined a second time. The executors
need this program installed, and nothing of the workspace but its shards.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa

from features.catalogue import Catalogue
from features.panel import Panel, compiled, store_panels
from features.panel_files import PanelFiles, panel_files
from features.progress import Tell, quiet
from features.shard_files import Shard, shard_folder, shard_from
from features.shards import Shards
from features.snapshot import Snapshot
from features.spark_session import spark_session

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

ENDING, PART = ".parquet", "shard int, file binary"
MOST_AT_ONCE = 64
"""Parts that the driver holds at once before they are put in their places."""


def store_panels_with_spark(
    snapshot: Snapshot,
    catalogue: Catalogue,
    dates: Sequence[date],
    *,
    shards_at: str | None = None,
    tell: Tell = quiet,
) -> dict[date, int]:
    """`features.panel.store_panels`, computed by Spark: the same files, byte for byte.

    shards_at: the URI at which the executors find the folder of the shards; default: where it lies.
    Raises UserMistake naming what Spark lacks.
    """
    with spark_session(snapshot.workspace) as spark:
        tell("opening the shards of what has been delivered, or making them")
        shards, make = compiled(snapshot, catalogue)
        at_once = min(MOST_AT_ONCE, 4 * spark.sparkContext.defaultParallelism)
        for as_of in dates:
            files = panel_files(snapshot, catalogue, as_of)
            part = partial(_part, shards=len(shards), files=files, make=make, as_of=as_of)
            missing = [number for number in range(len(shards)) if not files.is_there(number, len(shards))]
            for low in range(0, len(missing), at_once):
                tell(f"panel of {as_of}: {len(shards) - len(missing) + low} of {len(shards)} shards")
                wave = missing[low : low + at_once]
                parts = over_shards(spark, shards, part, PART, numbers=wave, at=shards_at).toArrow()
                for number, file in zip(parts["shard"].to_pylist(), parts["file"], strict=True):
                    files.put(number, file.as_buffer())
    return store_panels(snapshot, catalogue, dates)


def _part(
    number: int,
    shard: Shard,
    *,
    as_of: date,
    shards: int,
    files: PanelFiles,
    make: Callable[[Shard, date], Panel],
) -> pa.Table:
    file = files.parquet(number, shards, make(shard, as_of).arrow()).to_pybytes()
    return pa.table({"shard": pa.array([number], pa.int32()), "file": pa.array([file], pa.binary())})


def over_shards(
    spark: SparkSession,
    shards: Shards,
    work: Callable[[int, Shard], pa.Table],
    schema: str,
    *,
    numbers: Sequence[int] | None = None,
    at: str | None = None,
) -> DataFrame:
    """The rows of work(number, shard) for each shard, one task each, as a frame of a Spark schema.

    numbers: which shards; default: all. at: see `store_panels_with_spark`.
    """
    from pyspark.sql import functions as sql

    root = at or f"file://{shards.folder.resolve()}"
    asked = range(len(shards)) if numbers is None else numbers
    folders = [f"{root}/{shard_folder(shards.folder, number).name}" for number in asked]
    files = spark.read.format("binaryFile").option("basePath", root).load(folders)

    def on_one(key: tuple[pa.Scalar, ...], table: pa.Table) -> pa.Table:
        names = [path.rsplit("/", 1)[1].removesuffix(ENDING) for path in table["path"].to_pylist()]
        contents = [pa.BufferReader(content.as_buffer()) for content in table["content"]]
        return work(key[0].as_py(), shard_from(dict(zip(names, contents, strict=True))))

    return (
        files.filter(sql.col("path").endswith(ENDING))
        .select("shard", "path", "content")
        .repartition(len(folders), "shard")
        .groupBy("shard")
        .applyInArrow(on_one, schema)
    )
