"""Everybody's score, computed by Spark where the shards are: for more people than one machine carries.

Only ids and log-odds leave the executors. They are those of one machine to the last bit.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pyarrow as pa

from features.panel import compiled
from features.shard_files import Shard
from features.snapshot import Snapshot
from features.spark import over_shards
from models.candidate import Candidate

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


def score_with_spark(
    spark: SparkSession,
    snapshot: Snapshot,
    candidate: Candidate,
    as_of: date,
    *,
    shards_at: str | None = None,
) -> DataFrame:
    """A Spark frame of person_id and log_odds (double): everybody with a row in the candidate's panel of
    the morning, eligible or not, in no order.

    shards_at: the URI at which the executors find the folder of the shards; default: where it lies.
    """
    shards, make = compiled(snapshot, candidate.catalogue)

    def scores(number: int, shard: Shard) -> pa.Table:
        panel = make(shard, as_of)
        return pa.table(
            {
                "person_id": pa.array(panel.person_ids.tolist(), pa.string()),
                "log_odds": pa.array(candidate.log_odds(panel)),
            }
        )

    return over_shards(spark, shards, scores, "person_id string, log_odds double", at=shards_at)
