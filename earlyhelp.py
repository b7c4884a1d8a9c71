"""The front door: every command of Early Help, a few lines each.

Only this file reads the clock; everything behind it is a function of its inputs. Heavy libraries are
imported by the command that needs them, so that `--help` answers at once.

Exit codes: 0 done · 1 our fault · 2 the user's mistake · 3 the data was refused · 4 a gate failed.
"""

from __future__ import annotations

import dataclasses
import gc
import json
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, Literal

# The tools' telemetry is off, and idle threads sleep, before any of them is imported.
os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import typer
from rich.console import Console
from typer.exceptions import TyperException

from features.errors import MAKE_ROOM, DataRefused, EarlyHelpError, GateFailed, UserMistake, disk_is_full

if TYPE_CHECKING:
    from features.ingest import ExtractReport
    from features.link import LinkReport
    from features.progress import Tell
    from features.workspace import Workspace
    from models.sample_approval import SampleApproval
    from monitoring.report import MonitorReport
    from serving.weekly_list import WeeklyList

app = typer.Typer(
    name="earlyhelp",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="[bold]Early Help[/bold] puts the early signals that agencies hold apart into one picture per "
    "person, and hands an early-help team a short weekly list that says why. It finds people to "
    "[italic]offer[/italic] help to; it decides nothing about anybody.",
    epilog="--workspace and --json work before or after the command. "
    "Exit codes: 0 done, 1 our fault, 2 your mistake, 3 data refused, 4 a gate failed.",
)
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False)

STOPPED = 130
SAFE = "nothing half-done stays behind: running the command again is safe"

START, EACH_WEEK, BEHIND, APPROVAL = "Start here", "Each week", "Behind the list", "Approval of models"

Day = Annotated[
    str, typer.Option("--as-of", metavar="DATE", help="The morning on which we stand: 2026-06-29.")
]

AcceptStale = Annotated[
    list[str] | None,
    typer.Option(metavar="SOURCE", help="Make the list without this stale feed; may be given several times."),
]
Because = Annotated[
    str | None, typer.Option(metavar="WHY", help="Why the stale feeds are accepted; the list prints it.")
]

Extracts = Annotated[Path, typer.Argument(metavar="PATH", help="An extract, or a folder of extracts.")]
Received = Annotated[
    str | None,
    typer.Option(metavar="DATE", help="The day it reached us; default today, or the folder's name."),
]
Model = Annotated[str, typer.Argument(metavar="MODEL", help="A model's hash, or how it begins.")]
By = Annotated[str, typer.Option("--by", metavar="NAME", help="Who decides: first name and surname.")]
Role = Annotated[str, typer.Option("--role", help="In which role; settings.yaml lists them.")]
Why = Annotated[str, typer.Option("--because", metavar="WHY", help="Why: it is kept for good.")]

History = Annotated[bool, typer.Option("--history", help="A first load of past years.")]


@dataclasses.dataclass
class _Asked:
    """What holds for every command: the workspace folder, and whether JSON is wanted."""

    workspace: Path = Path("workspace")
    json: bool = False


asked = _Asked()


@app.callback()
def _everywhere(
    workspace: Annotated[
        Path,
        typer.Option(
            "--workspace", metavar="DIR", envvar="EARLYHELP_WORKSPACE", help="A council's own folder."
        ),
    ] = Path("workspace"),
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON, for programs.")] = False,
) -> None:
    asked.workspace, asked.json = workspace, as_json


# ── Start here ──────────────────────────────────────────────────────────────────────────────────


@app.command(rich_help_panel=START)
def demo(
    people: Annotated[int, typer.Option(min=500, help="How many people live in the county.")] = 20_000,
    years: Annotated[int, typer.Option(min=4, help="How many years of history it has.")] = 7,
    seed: Annotated[int, typer.Option(help="The same seed gives the same county.")] = 1,
) -> None:
    """Simulate a county, do the main job on it from extracts to list, and show the list."""
    from simulation.county import simulate as simulate_county
    from training.text import training_text

    extracts, made = asked.workspace / "county", asked.workspace / "county" / "county.json"
    told = json.loads(made.read_text(encoding="utf-8")) if made.exists() else {"asked": None}
    before = told.get("asked", "by an older version")
    if before != [people, years, seed] and (before or (asked.workspace / "settings.yaml").exists()):
        raise UserMistake(
            f"{str(asked.workspace)!r} is a workspace that this `demo` did not make.",
            problems=["name a new folder: earlyhelp demo --workspace demo"],
        )
    with progress() as tell:
        if not before:
            simulate_county(people=people, years=years, seed=seed, out=extracts, tell=tell)
        _, trained, approval, week = do_main_job(asked.workspace, extracts, tell=tell)
    give(
        {"training": trained, "approval": approval, "week": week},
        lambda: "\n\n".join([training_text(trained), approval.text(), _week_text(week)]),
    )
    _stop_if_critical(week.monitor)


@app.command(rich_help_panel=START)
def init(
    start_from: Annotated[
        Path | None,
        typer.Option("--from", metavar="DIR", help="Copy this folder's sources/, specs/ and settings.yaml."),
    ] = None,
) -> None:
    """Lay out a workspace: settings, source declarations, model specifications, an inbox."""
    made = _init(asked.workspace, start_from=start_from)
    said = f"{len(made)} files made" + ("." if made else "; everything was there already.")
    give(
        {"workspace": asked.workspace, "made": made},
        lambda: "\n  ".join([f"Workspace {asked.workspace}: {said}", *made]),
    )


@app.command(rich_help_panel=START)
def simulate(
    out_folder: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the extracts go.")],
    people: Annotated[int, typer.Option(min=100)] = 20_000,
    years: Annotated[int, typer.Option(min=1, max=12)] = 7,
    seed: Annotated[int, typer.Option()] = 1,
) -> None:
    """Write a synthetic county as each agency's own extracts, with the truth beside them."""
    from simulation.county import simulate as simulate_county

    with progress() as tell:
        county = simulate_county(people=people, years=years, seed=seed, out=out_folder, tell=tell)
    give(
        county,
        lambda: (
            f"{people:,} people over {years} years in {out_folder}: history/, deliveries/, sources/, truth/."
            f"\nLay out a workspace with: earlyhelp init --from {out_folder} (its sources say from when this "
            "county is covered; the shipped ones may say another day)"
            f"\nLoad the past with: earlyhelp ingest {out_folder / 'history'} --history "
            f"--received {county.history_received_on}"
        ),
    )


# ── Each week ───────────────────────────────────────────────────────────────────────────────────


@app.command(rich_help_panel=EACH_WEEK)
def weekly(as_of: Day, accept_stale: AcceptStale = None, because: Because = None) -> None:
    """Take in what the inbox received before the date, link, make the list, and watch it. Safe to rerun."""
    from serving.stale_gate import accepting

    accept = accepting(_workspace(), accept_stale or (), because)
    with progress() as tell:
        found = _week(_workspace(), day(as_of), tell, accept=accept)
    give(found, lambda: _week_text(found))
    _stop_if_critical(found.monitor)


@app.command(rich_help_panel=EACH_WEEK)
def flag(as_of: Day, accept_stale: AcceptStale = None, because: Because = None) -> None:
    """Make the weekly list alone, from what is already taken in."""
    from serving.stale_gate import accepting
    from serving.weekly_list import flag as make_list

    accept = accepting(_workspace(), accept_stale or (), because)
    with progress() as tell:
        weekly_list = make_list(_workspace(), day(as_of), accept=accept, tell=tell)
    give(weekly_list, lambda: _list_text(weekly_list))


@app.command(rich_help_panel=EACH_WEEK)
def explain(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="A person's id, as on the list.")],
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="DATE", help="Default: the newest list.")
    ] = None,
) -> None:
    """Say everything the model sees of one person on a date, and what it makes of it."""
    from serving.person import explain_person

    explanation = explain_person(_workspace(), person, as_of=day(as_of) if as_of else None)
    give(explanation, explanation.text)


@app.command(rich_help_panel=EACH_WEEK)
def serve(
    port: Annotated[int, typer.Option(min=1, max=65535)] = 3000,
    host: Annotated[str, typer.Option()] = "127.0.0.1",
) -> None:
    """Answer over HTTP: scores with reasons, lists, health, metrics. Needs EARLYHELP_API_KEY."""
    from serving.server import serve as run_server

    run_server(_workspace(), host=host, port=port)


# ── Behind the list ─────────────────────────────────────────────────────────────────────────────


@app.command(rich_help_panel=BEHIND)
def ingest(path: Extracts, received: Received = None, history: History = False) -> None:
    """Turn extracts into events: every row is used, quarantined with its reason, or ignored by a rule."""
    from features.ingest import ingest as ingest_path
    from features.ingest_text import ingest_text

    with progress() as tell:
        reports = ingest_path(
            _workspace(),
            path,
            received=day(received) if received else date.today(),
            history=history,
            tell=tell,
        )
    give({"extracts": reports}, lambda: ingest_text(reports))


@app.command(rich_help_panel=BEHIND)
def fetch(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="A source whose extracts have a `query`.")],
    on: Annotated[
        str | None, typer.Option("--on", metavar="DATE", help="The day it is received; default today.")
    ] = None,
) -> None:
    """Ask a source's database for its extracts, and put the answers into the inbox; changes nothing there."""
    from features.fetch import fetch as fetch_extracts

    fetched = fetch_extracts(_workspace(), source, on=day(on) if on else date.today())
    give(
        {"extracts": fetched},
        lambda: "\n".join(f"{one.source}.{one.extract}: {one.rows:,} rows in {one.file}" for one in fetched),
    )


@app.command(rich_help_panel=BEHIND)
def check(path: Extracts, received: Received = None, history: History = False) -> None:
    """Say what `ingest` would do with extracts, and what they have against them, without loading anything."""
    from features.check import check as check_path
    from features.check_text import check_text

    with progress() as tell:
        checked = check_path(
            _workspace(),
            path,
            received=day(received) if received else date.today(),
            history=history,
            tell=tell,
        )
    give({"files": checked}, lambda: check_text(checked))
    if any(file.refused for file in checked):
        raise SystemExit(DataRefused.exit_code)


linking = typer.Typer(rich_markup_mode="rich")
app.add_typer(linking, name="link", rich_help_panel=BEHIND)


@linking.callback(invoke_without_command=True)
def link(context: typer.Context) -> None:
    """Say which subjects are one person, and who lives with whom; dated, never rewritten."""
    from features.link import link as link_subjects

    if context.invoked_subcommand:
        return
    from features.link_text import link_text
    from training.linkage import train_first

    with progress() as tell:
        train_first(_workspace(), tell=tell)
        report = link_subjects(_workspace(), tell=tell)
    give(report, lambda: link_text(report))


@linking.command("train")
def link_train(
    use: Annotated[bool, typer.Option("--use", help="Let link runs use it from now on.")] = False,
) -> None:
    """Train a link model on what is held, and log it in MLflow. The first is used; a later one with --use."""
    from training.linkage import train_links

    with progress() as tell:
        trained = train_links(_workspace(), use=use, tell=tell)
    give(trained, trained.text)


@linking.command("use")
def link_use(name: Annotated[str, typer.Argument(metavar="MODEL", help="As `link models` says.")]) -> None:
    """Let link runs use a link model that was trained before."""
    from features.link_models import use_model

    use_model(_workspace(), name)
    give({"chosen": name}, lambda: f"Link runs use {name} from now on; `earlyhelp link` links by it.")


@linking.command("models")
def link_models() -> None:
    """List the link models that are kept, and which of them links."""
    from features.link_models import models_kept, models_text

    kept = models_kept(_workspace())
    give({"models": kept}, lambda: models_text(kept))


@linking.command("evaluate")
def link_evaluate(
    truth: Annotated[Path, typer.Option("--truth", metavar="PATH", help="Who truly is who: CSV or Parquet.")],
    out_folder: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where the report goes; default reports/.")
    ] = None,
) -> None:
    """Measure the standing links by a truth: precision and recall, by source pair and by group."""
    from monitoring.link_report import evaluate

    with progress() as tell:
        evaluation = evaluate(_workspace(), truth, out=out_folder, tell=tell)
    give(evaluation.figures, evaluation.text)


@linking.command("map")
def link_map(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="A person's id, as on the list.")],
    as_of: Day,
    depth: Annotated[int, typer.Option(min=1, max=3, help="How many steps from the person it goes.")] = 1,
    picture: Annotated[
        Path | None, typer.Option("--svg", metavar="FILE", help="Draw it, too, into this file.")
    ] = None,
) -> None:
    """Say with whom a person lives and to whom they belong, from what was known that morning."""
    from features.association_svg import map_text, svg
    from features.households import association_map, household
    from features.snapshot import open_snapshot

    snapshot = open_snapshot(_workspace())
    found = association_map(snapshot, person, day(as_of), depth=depth)
    if picture:
        try:
            picture.write_text(svg(found), encoding="utf-8")
        except OSError as error:
            raise UserMistake(
                f"The drawing cannot be written to {str(picture)!r}: {error.strerror or 'it failed'}.",
                problems=["name a file in a folder that is there and may be written to: --svg map.svg"],
            ) from None
    lives = household(snapshot, person, day(as_of))
    give({"household": lives, "map": found}, lambda: map_text(found))


@linking.command("review")
def link_review(
    most: Annotated[int, typer.Option(min=1, help="How many pairs to list.")] = 20,
) -> None:
    """List the pairs of records worth a person's minute, those that would change a list most first."""
    from monitoring.link_review import review

    with progress() as tell:
        made = review(_workspace(), most=most, tell=tell)
    give(made.document, made.text)


@linking.command("answer")
def link_answer(
    pair: Annotated[str, typer.Argument(metavar="PAIR", help="As `link review` names it.")],
    answer: Annotated[
        Literal["same", "different", "cannot-say"], typer.Argument(help="Are they one person?")
    ],
    by: Annotated[str, typer.Option(metavar="NAME", help="Who answers.")],
    because: Annotated[str, typer.Option(metavar="WHY", help="What it rests on.")] = "",
    on: Annotated[
        str | None, typer.Option("--on", metavar="DATE", help="The day it was given; default today.")
    ] = None,
) -> None:
    """Take down what somebody says of a pair; it counts from the list of the morning after its day on."""
    from features.answered import taken_down
    from features.answers import give_answer
    from monitoring.link_review import subjects_of

    workspace, words = _workspace(), answer.replace("-", " ")
    one, other = subjects_of(workspace, pair)
    today = date.today()
    given = give_answer(
        workspace, one, other, words, by=by, because=because, on=day(on) if on else today, today=today
    )
    done = taken_down(workspace, given)
    give(done, done.text)


@linking.command("answers")
def link_answers() -> None:
    """List what was answered of pairs, and whether the links follow it."""
    from features.answered import answers_text, kept_answers

    kept = kept_answers(_workspace())
    give({"answers": kept}, lambda: answers_text(kept))


@app.command(rich_help_panel=BEHIND)
def features(
    as_of: Annotated[list[str], typer.Option("--as-of", metavar="DATE", help="May be given several times.")],
    model: Annotated[
        str | None, typer.Option(help="Whose feature list; default: the model in the settings.")
    ] = None,
    engine: Annotated[
        Literal["local", "spark"], typer.Option(help="What computes: this machine alone, or Spark.")
    ] = "local",
) -> None:
    """Build and store the panel: one row per person per date, from what was known that morning."""
    from features.panel import store_panels
    from features.snapshot import open_snapshot
    from features.spark import store_panels_with_spark
    from models.spec import catalogue_of, read_spec

    workspace, dates = _workspace(), [day(text) for text in as_of]
    catalogue = catalogue_of(workspace, read_spec(workspace, model or workspace.settings.model))
    store = {"local": store_panels, "spark": store_panels_with_spark}[engine]
    with progress() as tell:
        people = store(open_snapshot(workspace), catalogue, dates, tell=tell)
    made = [{"as_of": on, "people": n, "features": len(catalogue.names)} for on, n in people.items()]
    said = [f"{row['as_of']}: {row['people']:,} people × {row['features']} features" for row in made]
    give(
        {"catalogue": catalogue.hash, "panels": made},
        lambda: "\n".join([*said, f"catalogue {catalogue.hash[:12]}"]),
    )


@app.command(rich_help_panel=BEHIND)
def train(
    model: Annotated[
        str | None, typer.Option(help="A specification's name; default: the one in the settings.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Even if nothing has changed since.")] = False,
    search: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Try so many settings that a search proposes.")
    ] = None,
    ablate: Annotated[
        bool, typer.Option("--ablate", help="Tell what each source is worth, by going without it.")
    ] = False,
) -> None:
    """Fit a model and its baselines, judge them on later time, and register them as candidates."""
    from training.run import train as train_model
    from training.text import training_text

    workspace = _workspace()
    with progress() as tell:
        name = model or workspace.settings.model
        report = train_model(workspace, name, again=again, trials=search, ablate=ablate, tell=tell)
    give(report, lambda: training_text(report))


@app.command(rich_help_panel=APPROVAL)
def papers(
    model: Model,
    fill: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Answers to take over: a filled human.yaml.")
    ] = None,
) -> None:
    """Write a model's card, transparency record and impact annex, and the questions for people."""
    from models.approvals import candidate_named
    from models.papers import papers as write_papers

    workspace = _workspace()
    written = write_papers(workspace, candidate_named(workspace, model), fill=fill)
    give(written, written.text)


@app.command(rich_help_panel=APPROVAL)
def propose(model: Model, by: By, role: Role, because: Why) -> None:
    """Put a candidate forward for approval."""
    _decide("propose", model, by, role, because)


@app.command(rich_help_panel=APPROVAL)
def approve(model: Model, by: By, role: Role, because: Why) -> None:
    """Approve a model for use: two people in different roles have to, while every gate is met."""
    _decide("approve", model, by, role, because)


@app.command(rich_help_panel=APPROVAL)
def reject(model: Model, by: By, role: Role, because: Why) -> None:
    """Turn a candidate down: approvals of it count no longer, and no list is made with it."""
    _decide("reject", model, by, role, because)


@app.command(rich_help_panel=APPROVAL)
def rollback(
    specification: Annotated[str, typer.Argument(metavar="SPECIFICATION")], by: By, role: Role, because: Why
) -> None:
    """Go back to the champion before the present one, at once."""
    _decide("rollback", specification, by, role, because)


@app.command(rich_help_panel=APPROVAL)
def retire(model: Model, by: By, role: Role, because: Why) -> None:
    """Stop a model for good. Why, and everybody it ever flagged, stays on record."""
    _decide("retire", model, by, role, because)


@app.command(rich_help_panel=APPROVAL)
def approvals() -> None:
    """Show who decided what about which model, and whether the log is as it was written."""
    from models.approvals_text import approvals as read_approvals

    found = read_approvals(_workspace())
    give(found, found.text)
    if found.problems:
        raise SystemExit(GateFailed.exit_code)


def _decide(kind: str, what: str, by: str, role: str, because: str) -> None:
    from models.approvals import decide

    done = decide(_workspace(), kind, what, by=by, role=role, because=because, at=datetime.now(UTC))
    give(done, done.text)


@app.command(rich_help_panel=BEHIND)
def monitor(
    as_of: Day,
    html: Annotated[bool, typer.Option("--html", help="Write the drift and fairness pages too.")] = False,
) -> None:
    """Watch drift, realised precision and fairness of the list of a date."""
    from monitoring.run import monitor as watch

    with progress() as tell:
        report = watch(_workspace(), day(as_of), html=html, tell=tell)
    give(report, report.text)
    _stop_if_critical(report)


@app.command(rich_help_panel=BEHIND)
def quality(
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", metavar="DATE", help="Default: when everything taken in first counts."),
    ] = None,
) -> None:
    """Write, for each source, how good its rows are and what to ask its agency for: fit to be sent there."""
    from monitoring.quality import quality as report_quality

    report = report_quality(_workspace(), day(as_of) if as_of else None)
    give(report, report.text)


# ── What the commands share ─────────────────────────────────────────────────────────────────────


def _workspace() -> Workspace:
    from features.workspace import open_workspace

    return open_workspace(asked.workspace)


def _init(root: Path, *, start_from: Path | None = None) -> list[str]:
    """Copy the shipped templates, or those of a folder: its sources, specs and settings, as far as there."""
    import models.spec
    from features.workspace import TEMPLATES, init_workspace

    if root.is_file():
        raise UserMistake(f"{str(root)!r} is a file; a workspace is a folder.")

    if start_from is None:
        return init_workspace(root, sources=TEMPLATES, specs=models.spec.TEMPLATES)
    sources, specs, settings = (start_from / name for name in ("sources", "specs", "settings.yaml"))
    if not sources.is_dir():
        raise UserMistake(
            f"{str(start_from)!r} holds no folder `sources`.", problems=["name a folder with sources/*.yaml"]
        )
    return init_workspace(
        root,
        sources=sources,
        specs=specs if specs.is_dir() else models.spec.TEMPLATES,
        settings=settings if settings.is_file() else None,
    )


def do_main_job(root: Path, extracts: Path, *, tell: Tell) -> tuple[date, Any, SampleApproval, Week]:
    """The main job on simulated extracts: past → model → this week's list, and the week before's.

    Returns the as-of date (the last delivery day), the training report, what came of its approval by
    simulated people, and the week.
    """
    from features.ingest import ingest as ingest_path
    from features.memory import give_back
    from features.snapshot import open_snapshot
    from features.workspace import Workspace
    from models.sample_approval import approve_sample
    from monitoring.backlists import make_backlists
    from serving.weekly_list import flag as make_list
    from training.run import train as train_model

    county = json.loads((extracts / "county.json").read_text(encoding="utf-8"))
    _init(root, start_from=extracts)
    workspace, as_of = Workspace(root), day(county["delivery_days"][-1])
    loaded, week_before = day(county["history_received_on"]), as_of - timedelta(days=7)
    ingest_path(workspace, extracts / "history", received=loaded, history=True, tell=tell)
    for folder in sorted((extracts / "deliveries").iterdir()):
        shutil.copytree(folder, workspace.inbox / folder.name, dirs_exist_ok=True)
    _take_in(workspace, before=week_before, tell=tell)
    snapshot = open_snapshot(workspace)
    trained = train_model(workspace, workspace.settings.model, snapshot=snapshot, tell=tell)
    give_back()  # what training held
    tell("papers, and an approval by simulated people")
    candidate = trained.models[trained.verdict or next(iter(trained.models))]
    approval = approve_sample(workspace, candidate, at=datetime.combine(week_before, time(9), UTC))
    make_backlists(workspace, snapshot=snapshot, tell=tell)
    make_list(workspace, week_before, snapshot=snapshot, tell=tell)
    return as_of, trained, approval, _week(workspace, as_of, tell)


def _take_in(workspace: Workspace, *, before: date, tell: Tell) -> tuple[list[ExtractReport], LinkReport]:
    """Ingest what the inbox received before a morning, and link, by a first link model if there is none."""
    from features.ingest import ingest as ingest_path
    from features.link import link as link_subjects
    from training.linkage import train_first

    reports = ingest_path(workspace, workspace.inbox, received=before, before=before, tell=tell)
    train_first(workspace, tell=tell)
    return reports, link_subjects(workspace, tell=tell)


@dataclasses.dataclass(frozen=True)
class Week:
    """What the weekly job did: the extracts taken in, the links, the list, what monitoring found, and the
    agreements that are to be reviewed."""

    extracts: list[ExtractReport]
    links: LinkReport
    list: WeeklyList
    monitor: MonitorReport
    agreements: tuple[str, ...]


def _week(workspace: Workspace, as_of: date, tell: Tell, *, accept: Mapping[str, str] | None = None) -> Week:
    """The weekly job, in order: ingest → link → features → flag → monitor."""
    from features.agreement import reviews_due
    from features.snapshot import open_snapshot
    from monitoring.run import monitor as watch
    from serving.weekly_list import flag as make_list

    taken_in, links = _take_in(workspace, before=as_of, tell=tell)
    snapshot = open_snapshot(workspace)
    try:
        weekly_list = make_list(workspace, as_of, snapshot=snapshot, accept=accept, tell=tell)
    except GateFailed as refused:
        refused.done = _taken_in_text(taken_in, links)
        raise
    watched = watch(workspace, as_of, at_hand=snapshot, tell=tell)
    return Week(taken_in, links, weekly_list, watched, tuple(reviews_due(workspace.sources.values(), as_of)))


def day(text: str) -> date:
    """A date from the command line. Raises UserMistake."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UserMistake(
            f"{text!r} is not a date.", problems=["write the year, month and day: 2026-06-29"]
        ) from None


@contextmanager
def progress() -> Iterator[Tell]:
    """Show the stage a long command is in, on a terminal in place, elsewhere a line each."""
    if asked.json:
        yield lambda sentence: None
    elif err.is_terminal:
        with err.status("starting") as status:
            yield lambda sentence: status.update(sentence)
    else:
        yield lambda sentence: err.print(f"· {sentence}")


# ── What people read ────────────────────────────────────────────────────────────────────────────


def give(value: Any, text: Callable[[], str]) -> None:
    """Answer with a result: as JSON where that was asked for, in words otherwise."""
    if asked.json:
        answer(value)
    else:
        out.print(text(), markup=False)


def answer(value: Any) -> None:
    """Print a result as JSON: dataclasses as maps, dates as text, what cannot be estimated as null."""
    plain = json.loads(json.dumps(value, default=_plain), parse_constant=lambda not_a_number: None)
    sys.stdout.write(json.dumps(plain, indent=2, ensure_ascii=False) + "\n")


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value) if f.repr}
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if isinstance(value, date | Path):
        return str(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Iterable):
        return list(value)
    raise TypeError(f"no JSON form for {type(value).__name__}")


def _list_text(weekly_list: WeeklyList) -> str:
    from serving.text import list_text

    page = asked.workspace / "lists" / str(weekly_list.as_of) / "list.html"
    return f"{list_text(weekly_list)}\nThe page: {page}"


def _week_text(week: Week) -> str:
    taken_in = _taken_in_text(week.extracts, week.links)
    return "\n\n".join([taken_in, *week.agreements, _list_text(week.list), week.monitor.text()])


def _taken_in_text(extracts: Sequence[ExtractReport], links: LinkReport) -> str:
    """What a week took in, and how it was linked."""
    from features.link_text import link_text
    from features.wording import counted

    new = [report for report in extracts if not report.unchanged]
    events = counted(sum(report.events for report in new), "new event", "new events")
    return f"{counted(len(new), 'extract', 'extracts')} taken in, {events}.\n\n{link_text(links)}"


def _stop_if_critical(report: MonitorReport) -> None:
    """The list stands and the finding has been shown, but the command ends with the gate's code."""
    if report.gravest == "critical":
        raise SystemExit(GateFailed.exit_code)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and end with its exit code; a user's mistake is a sentence, never a traceback."""
    words = _anywhere(list(sys.argv[1:] if arguments is None else arguments))
    asked.json = "--json" in words
    interrupted: list[int] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        """Libraries turn the interruption of their work into errors of their own."""
        interrupted.append(number)
        signal.default_int_handler(number, frame)

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, interrupt)
    try:
        # Asked for JSON, a missing option is answered in JSON too; otherwise Typer draws its own box.
        if app(args=words, prog_name="earlyhelp", standalone_mode=not asked.json) == STOPPED:
            raise SystemExit(STOPPED)
    except SystemExit as end:  # Typer ends what was interrupted without a word
        if end.code == STOPPED:
            _report("Stopped", [SAFE], code=STOPPED)
        raise
    except TyperException as error:
        _report(UserMistake.heading, [error.format_message()], code=UserMistake.exit_code)
    except EarlyHelpError as error:
        if interrupted:
            _report("Stopped", [SAFE], code=STOPPED)
        _report(error.heading, [error.message, *error.problems], code=error.exit_code, done=error.done)
    except Exception as error:
        if os.environ.get("EARLYHELP_DEBUG"):
            raise
        if interrupted:
            _report("Stopped", [SAFE], code=STOPPED)
        if disk_is_full(error):
            _report(UserMistake.heading, ["The disk is full.", MAKE_ROOM, SAFE], code=UserMistake.exit_code)
        import traceback

        # The kind of error and the places in the code, never its message: that may hold a person's data.
        places = [
            f"{Path(f.filename).name}:{f.lineno} in {f.name}"
            for f in traceback.extract_tb(error.__traceback__)
        ]
        _report(
            EarlyHelpError.heading,
            [
                f"{type(error).__name__}, at {' ← '.join(reversed(places[-4:]))}",
                SAFE,
                "EARLYHELP_DEBUG=1 shows the whole error (it may hold personal data)",
            ],
            code=EarlyHelpError.exit_code,
        )
    finally:
        gc.collect()  # what lives on in cycles makes DuckDB's binding complain as the interpreter leaves


def _report(heading: str, lines: Sequence[str], *, code: int, done: str = "") -> None:
    """Say what went wrong; done: what stands all the same, said before it."""
    if asked.json:
        stands = {"done": done} if done else {}
        told = {"error": heading, "problems": list(lines), **stands, "exit_code": code}
        sys.stdout.write(json.dumps(told, indent=2) + "\n")
    else:
        if done:
            out.print(f"{done}\n", markup=False)
        err.print(f"[bold red]{heading}.[/bold red]")
        for line in lines:
            err.print(f"  {line}", markup=False)
    raise SystemExit(code)


def _anywhere(arguments: list[str]) -> list[str]:
    """Move --workspace and --json, wherever they stand, before the command."""
    first: list[str] = []
    rest: list[str] = []
    words = iter(arguments)
    for word in words:
        if word == "--json" or word.startswith("--workspace="):
            first.append(word)
        elif word == "--workspace":
            first += [word, *([value] if (value := next(words, None)) is not None else [])]
        elif word == "--":
            rest += [word, *words]
        else:
            rest.append(word)
    return first + rest


if __name__ == "__main__":
    main()
