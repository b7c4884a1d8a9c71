"""Link models in a workspace: trained, chosen, logged; and what a link run says of crowds."""

import json
from pathlib import Path

import pytest

from features.blocking import Crowded
from features.link import LinkReport
from features.link_model import chosen_model, kept_models
from features.link_text import crowd_warnings, link_text


def test_the_county_is_linked_by_the_model_it_trained_first(county: object) -> None:
    workspace = county.workspace
    name, model = chosen_model(workspace)
    assert kept_models(workspace) == [name]
    assert model["learned"] == ["birth date", "name"]


def test_a_link_model_holds_nothing_of_anybody(county: object) -> None:
    """Figures and the conditions of the code: no surname of the county is in it."""
    text = json.dumps(chosen_model(county.workspace)[1]).lower()
    rows = (county.extracts / "truth" / "people.csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) > 1000
    assert not {"smith", "jones", "khan"} & set(text.replace('"', " ").split())


def test_the_log_has_the_model(county: object) -> None:
    import mlflow

    mlflow.set_tracking_uri(county.workspace.mlflow_uri)
    runs = mlflow.search_runs(experiment_names=["linkage"], output_format="list")
    name, model = chosen_model(county.workspace)
    assert [run.data.params["name"] for run in runs] == [name]
    assert runs[0].data.metrics["subjects"] == model["subjects"]
    logged = Path(runs[0].info.artifact_uri.removeprefix("file://")) / f"{name}.json"
    assert json.loads(logged.read_text(encoding="utf-8")) == model


@pytest.mark.parametrize(
    ("crowded", "said"),
    [
        ((), []),
        (
            (Crowded("police", "dwelling", 50, 0), Crowded("schools", "dwelling", 1460, 0)),
            [
                "1,510 subjects share a dwelling with over 300 others and are compared by all but that: "
                "schools 1,460, police 50."
            ],
        ),
        (
            (Crowded("police", "nino", 2, 0), Crowded("fire", "birth date", 400, 30)),
            [
                "fire: 400 of its subjects share a birth date with over 300 others and are not compared by "
                "it; 30 of them have nothing else to be compared by.",
                "2 subjects share a NINO with over 300 others and are compared by all but that: police 2.",
            ],
        ),
    ],
)
def test_crowds_are_told_by_source_and_effect(crowded: tuple, said: list[str]) -> None:
    report = LinkReport(3, 9, subjects=5000, persons=2000, changed=1, model=None, crowded=crowded)
    assert crowd_warnings(report) == said
    assert link_text(report).startswith("Link run 3, by exact keys alone, as no link model is chosen: 5,000")


@pytest.mark.parametrize(
    ("run", "changed", "end"),
    [
        (1, 5000, "2,000 people."),  # there was none before
        (2, 1, "2,000 people; 1 subject changed since the run before."),
        (3, 1204, "2,000 people; 1,204 subjects changed since the run before."),
    ],
)
def test_only_a_run_that_follows_another_says_what_changed(run: int, changed: int, end: str) -> None:
    text = link_text(LinkReport(run, 9, subjects=5000, persons=2000, changed=changed, model="m"))
    assert text == f"Link run {run}, by link model m: 5,000 subjects are {end}"
