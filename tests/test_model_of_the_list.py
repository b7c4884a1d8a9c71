"""A morning with a list is explained and scored by the model that made the list, whatever came later."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from models.calibration import Platt
from models.candidate import export_candidate, newest_candidate
from serving.person import explain_person
from serving.score import Desk
from serving.weekly_list import kept_list


def test_a_later_candidate_does_not_speak_for_an_earlier_list(county_copy: Any) -> None:
    workspace, as_of = county_copy.workspace, county_copy.as_of
    made_by = newest_candidate(workspace, "escalation")
    flatter = replace(made_by, calibration=Platt(made_by.slope / 2, made_by.intercept))
    later = export_candidate(workspace, flatter, made_by.reference())
    kept = kept_list(workspace, as_of) or {}
    first = kept["flags"][0]

    told = explain_person(workspace, first["person_id"])
    assert told.explanation is not None
    assert (told.model, told.rank) == (made_by.sha256, 1)
    assert told.explanation.log_odds == first["log_odds"]

    desk = Desk(workspace)
    scores = desk.score([first["person_id"]], as_of)
    assert scores.candidate.sha256 == made_by.sha256
    assert scores.explanations[0][0].log_odds == first["log_odds"]
    assert desk.score([first["person_id"]], as_of - timedelta(days=1)).candidate.sha256 == later.sha256
