"""Answers that were given before the newest deliveries came, and that no link run has read yet.

An answer counts from the day it is given, and what a delivery tells from the day it comes. A run that read
both at once would have to tell the days between with what only the delivery tells. So the answers are
followed first, by what was held before it: as if linking had been run on the day before it came.
"""

from __future__ import annotations

from features.answers import all_answers
from features.link_model import chosen_model
from features.tables import Tables
from features.workspace import Workspace


def before_unheard(workspace: Workspace) -> int | None:
    """The last delivery that the newest link run had read, where an answer came between it and the next;
    None where there is nothing to catch up with. A model chosen since tells all days anew in one run."""
    tables, chosen = Tables(workspace.data), chosen_model(workspace)
    runs = tables.read("link_runs").sort_by("link_run").to_pylist()
    if not runs or runs[-1]["model"] != (chosen and chosen[0]):
        return None
    read, heard = runs[-1]["last_delivery"], runs[-1]["answers"] or 0
    ledger = tables.read("deliveries").to_pylist()
    came = min((row["received_on"] for row in ledger if row["delivery_id"] > read), default=None)
    unheard = (answer for answer in all_answers(workspace) if answer.number > heard)
    return read if came and any(answer.known_on < came for answer in unheard) else None
