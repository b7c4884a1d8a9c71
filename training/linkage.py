"""Training the link model: from a workspace's own records, without the truth, and logged like any model.

What it learns is how often records of one person agree, and how often those of two do; no value of
anybody's is in it. The first model of a workspace is chosen as soon as it is trained, for there is none to
compare it with, if it has learned anything; a later one waits until somebody says that it shall be used,
since it may move people.
"""

from __future__ import annotations

from dataclasses import dataclass

from features.blocking import make_comparable
from features.identity_records import make_records_of
from features.link_model import Model, choose_model, chosen_name, keep_model
from features.placeholders import drop_placeholders
from features.progress import Tell, quiet
from features.snapshot import Snapshot, open_snapshot
from features.tables import Tables
from features.workspace import Workspace
from training.log_store import experiment_of, open_log, told

ENOUGH = 500
"""Subjects of whom an identity is known, under which there is too little to learn from."""

EXPERIMENT = "linkage"


@dataclass(frozen=True)
class TrainedLinkModel:
    """A link model's name, whether link runs use it now, and what it was learned from.

    learned: pairs that share which of birth date and name were enough to learn from. rarity: how many
    subjects one would have to draw, beside a first, to meet the same person again.
    """

    name: str
    chosen: bool
    subjects: int
    learned: tuple[str, ...]
    rarity: float

    def text(self) -> str:
        """What was trained, and what is to be done with it."""
        by = f"among pairs that share a {' and among those that share a '.join(self.learned)}"
        learned = by if self.learned else "nothing: there are too few pairs, and general figures stand"
        then = (
            "Link runs use it."
            if self.chosen
            else f"Link runs go on as they did; to use it: earlyhelp link use {self.name}"
        )
        return (
            f"Link model {self.name} of {self.subjects:,} subjects, learned {learned}. One pair in "
            f"{self.rarity:,.0f} is thought to be one person. {then}"
        )


def train_links(
    workspace: Workspace, *, use: bool = False, seed: int | None = None, tell: Tell = quiet
) -> TrainedLinkModel:
    """Train a link model on all that is held, keep it in the workspace and log it in MLflow.

    use: let link runs use it from now on; the first one is used in any case. seed: default the settings'.
    The same records and seed give the same model. Raises UserMistake where nothing was ingested yet.
    """
    from features.compare import train  # Splink, which few commands need

    snapshot = open_snapshot(workspace)
    tell("Reading who every agency says its people are")
    make_records_of(snapshot)
    drop_placeholders(snapshot.con)
    make_comparable(snapshot.con)
    tell("Learning how alike records of one person are")
    model = train(snapshot.con, seed=workspace.settings.seed if seed is None else seed)
    name = keep_model(workspace, model)
    chosen = chosen_name(workspace)
    use = use or (chosen is None and bool(model["learned"]))
    _log(workspace, snapshot, name, model, tell=tell)
    if use:
        choose_model(workspace, name)
    return TrainedLinkModel(
        name,
        chosen=use or chosen == name,
        subjects=model["subjects"],
        learned=tuple(model["learned"]),
        rarity=1 / model["settings"]["probability_two_random_records_match"],
    )


def train_first(workspace: Workspace, *, tell: Tell = quiet) -> TrainedLinkModel | None:
    """Train and choose the workspace's first link model; None if it has one, or holds too little."""
    if chosen_name(workspace) is not None:
        return None
    tables = Tables(workspace.data)
    con = tables.connect()
    people = "SELECT count(*) FROM (SELECT DISTINCT source, subject_key FROM {})"
    held = con.execute(people.format(tables.view(con, "identities"))).fetchall()[0][0]
    return train_links(workspace, tell=tell) if held >= ENOUGH else None


def _log(workspace: Workspace, snapshot: Snapshot, name: str, model: Model, *, tell: Tell) -> None:
    """One run in MLflow: parameters, figures and the model itself."""
    with told():
        client = open_log(workspace, tell=tell)
        from mlflow.entities import Metric, Param

        run = client.create_run(experiment_of(client, workspace, EXPERIMENT), run_name=name).info
        params = {key: model[key] for key in ("version", "splink", "seed")}
        params |= {
            "name": name,
            "last_delivery": snapshot.last_delivery,
            "learned": ", ".join(model["learned"]),
        }
        share = model["settings"]["probability_two_random_records_match"]
        figures = {"subjects": model["subjects"], "one_person_share_of_pairs": share}
        client.log_dict(run.run_id, model, f"{name}.json")
        client.log_batch(
            run.run_id,
            metrics=[Metric(key, value, run.start_time, 0) for key, value in figures.items()],
            params=[Param(key, str(value)) for key, value in params.items()],
        )
        client.set_terminated(run.run_id)
