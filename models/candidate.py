"""A fitted model that may come to serve: a folder of text, named by the hash of what is in it.

    booster.txt or linear.json   the scorer: margins and contributions
    calibration.json             slope and intercept
    catalogue.json               the features it was made for, with all they need
    eligibility.json             who it may be asked about, and what counts as one happening of its outcome
    specification.yaml           what it was asked to do
    reference.parquet            what its features and scores looked like; no ids, no dates
    card.json                    how it did, and from what it was made

Loading checks the hash and needs no training code and no MLflow. Nothing in the folder is about a
person who could be named.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from pydantic import TypeAdapter

from features.asof import has_come
from features.cohort import Cohort, Eligibility, cohort
from features.errors import UserMistake
from features.lock import in_turn
from features.outcomes import Outcome
from features.snapshot import Snapshot
from features.workspace import Workspace
from models import registry
from models.calibration import Platt, chance
from models.scorer import Scorer, load_scorer
from models.spec import Specification

if TYPE_CHECKING:
    from features.catalogue import Catalogue
    from features.panel import Panel

NOT_APPROVED = "NOT APPROVED: nobody has approved this model for use"
REFERENCE = "reference.parquet"
REFERENCE_ROWS = 20_000
STAND_IN = ".sha256"
"""Ending of a file that holds the hash of one that was left out, as in a copy without the reference."""
TOLERANCE = 1e-9
"""How far a row's contributions may be from its log-odds in all."""
BLOCK = 16_384
"""Rows whose contributions are held at once: under 60 MB for 430 columns."""

__all__ = [
    "NOT_APPROVED",
    "Candidate",
    "chance",
    "export_candidate",
    "list_candidates",
    "load_candidate",
    "newest_candidate",
    "reference_of",
]


class InexactExplanation(Exception):
    """Contributions that do not add up to the score: our fault, and nothing may be shown."""


@dataclass(frozen=True)
class Candidate:
    """A model as it serves. `names`: its columns in its own order; `card`: figures and
    provenance, see `training.card`. A draft, before export, has an empty sha256 and no folder."""

    sha256: str
    kind: str
    specification: Specification
    catalogue: Catalogue
    eligibility: Eligibility
    scorer: Scorer
    calibration: Platt
    card: dict[str, Any]
    folder: Path | None = field(default=None, compare=False)

    @property
    def names(self) -> tuple[str, ...]:
        return self.scorer.names

    @property
    def outcome(self) -> Outcome:
        return self.specification.to_outcome(self.eligibility.happenings)

    @property
    def capacity(self) -> int:
        return self.specification.capacity

    @property
    def slope(self) -> float:
        return self.calibration.slope

    @property
    def intercept(self) -> float:
        return self.calibration.intercept

    def seen(self, as_of: date) -> date | None:
        """The day, after the morning of `as_of`, on which labels were judged that the model was fitted or
        calibrated on: it has seen what followed. None if it has not, or its card does not tell."""
        judged_on = self.card.get("dates", {}).get("judged_on", {})
        days = [
            date.fromisoformat(judged_on[block]) for block in ("train", "calibrate") if block in judged_on
        ]
        return max((day for day in days if has_come(as_of, day)), default=None)

    def cohort(self, snapshot: Snapshot, as_of: date, *, objections_on: date | None = None) -> Cohort:
        """The people this model may be asked about on a morning; see `features.cohort.cohort`."""
        return cohort(
            snapshot,
            eligibility=self.eligibility,
            outcome=self.outcome,
            as_of=as_of,
            objections_on=objections_on,
        )

    def columns(self, panel: Panel, rows: np.ndarray | None = None) -> np.ndarray:
        """(n, p) float32: the model's columns of a panel, by name, in the model's own order.

        rows: positions or a mask; all by default. Raises UserMistake naming columns it lacks.
        """
        return columns_by_name(panel.X, panel.names, self.names, rows)

    def log_odds(self, panel: Panel, rows: np.ndarray | None = None) -> np.ndarray:
        """(n,) float64 calibrated log-odds of a panel's rows."""
        return self.slope * self.scorer.margin(self.columns(panel, rows)) + self.intercept

    def contributions(self, panel: Panel, rows: np.ndarray | None = None) -> np.ndarray:
        """(n, p + 1) float64: what each column adds to the calibrated log-odds, the base last.

        Every row adds up to its log-odds within 1e-9, which is checked on every row; raises
        InexactExplanation otherwise.
        """
        X = self.columns(panel, rows)
        return self._calibrated(X, self.scorer.contributions(X))

    def contributions_of_all(self, X: np.ndarray, *, threads: int = 1) -> Iterator[np.ndarray]:
        """The contributions of everybody, in blocks of rows one after another.

        X: (n, p) float32, as `columns` gives them. Within 1e-9 of `contributions`, which costs twenty
        times as much for thousands of people and less for a few; checked in the same way.
        """
        for first in range(0, len(X), BLOCK):
            block = X[first : first + BLOCK]
            yield self._calibrated(block, self.scorer.contributions_of_many(block, threads=threads))

    def _calibrated(self, X: np.ndarray, parts: np.ndarray) -> np.ndarray:
        """Contributions to the margin as contributions to the calibrated log-odds, every row checked."""
        parts = self.slope * parts
        parts[:, -1] += self.intercept
        if len(parts):
            off = np.abs(parts.sum(axis=1) - (self.slope * self.scorer.margin(X) + self.intercept))
            if not off.max() <= TOLERANCE:
                raise InexactExplanation(
                    f"contributions of {int((~(off <= TOLERANCE)).sum())} rows are up to {off.max():.1e} off"
                )
        return parts

    def reference(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Up to 20,000 rows the model was judged on: its columns by name, and `score` (log-odds)."""
        return pq.read_table(_folder(self) / REFERENCE, columns=list(columns) if columns else None)


def columns_by_name(
    X: np.ndarray, names: Sequence[str], wanted: Sequence[str], rows: np.ndarray | None = None
) -> np.ndarray:
    """(n, len(wanted)) float32: columns of X by name. Raises UserMistake naming those that are not there.

    LightGBM takes columns as they come, whatever they are called: nothing else may order them.
    """
    chosen = X if rows is None else X[rows]
    if tuple(wanted) == tuple(names):  # as the trees' are, which are nearly all of a large panel
        return np.ascontiguousarray(chosen, dtype=np.float32)
    place = {name: j for j, name in enumerate(names)}
    if missing := [name for name in wanted if name not in place]:
        raise UserMistake(
            "The panel was built for another model.",
            problems=[f"it has no column {name!r}" for name in missing[:10]],
        )
    return np.ascontiguousarray(chosen[:, [place[name] for name in wanted]], dtype=np.float32)


def reference_of(candidate: Candidate, X: np.ndarray) -> pa.Table:
    """Rows that the model was judged on, as they are kept with it: its columns by name, float32, and
    `score`, its log-odds. No ids and no dates.

    X: (n, p) float32, its columns the catalogue's; drawn at random, up to REFERENCE_ROWS of them.
    """
    own = columns_by_name(X, candidate.catalogue.names, candidate.names)
    score = candidate.slope * candidate.scorer.margin(own) + candidate.intercept
    columns = {name: own[:, j] for j, name in enumerate(candidate.names)}
    return pa.table({**columns, "score": score.astype(np.float32)})


def export_candidate(
    workspace: Workspace, draft: Candidate, reference: pa.Table, *, listed: bool = True
) -> Candidate:
    """Write a candidate to `models/<sha256>/`, whole or not at all, and add it to the log.

    draft: a candidate without hash and folder, its card holding last_delivery and link_run.
    reference: see `reference_of`. listed: False where `list_candidates` is to follow. Returns the
    candidate as it was loaded again. Raises ValueError if the slope is not above 0.
    """
    if not draft.slope > 0:
        raise ValueError(f"a calibration's slope must be above 0, not {draft.slope}")
    with in_turn(workspace.models):
        folder = _write_folder(workspace.models, draft, reference)
    exported = load_candidate(folder)
    if listed:
        list_candidates(workspace, [exported])
    return exported


def _write_folder(models: Path, draft: Candidate, reference: pa.Table) -> Path:
    """The folder that holds a candidate, under its hash."""
    making = models / f".{draft.specification.name}-{draft.kind}"
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    draft.scorer.save(making)
    _write(making / "calibration.json", {"kind": draft.kind, **asdict(draft.calibration)})
    (making / "catalogue.json").write_text(draft.catalogue.to_json(), encoding="utf-8")
    _write(making / "eligibility.json", asdict(draft.eligibility))
    given = draft.specification.model_dump(mode="json")
    (making / "specification.yaml").write_text(yaml.safe_dump(given, sort_keys=False), encoding="utf-8")
    _write(making / "card.json", draft.card)
    pq.write_table(reference, making / REFERENCE)

    sha256 = content_hash(making)
    folder = models / sha256
    if folder.exists() and content_hash(folder) == sha256:
        shutil.rmtree(making)
    else:
        shutil.rmtree(folder, ignore_errors=True)  # changed since: it would never load
        making.rename(folder)
    return folder


def list_candidates(workspace: Workspace, candidates: Iterable[Candidate]) -> None:
    """Add exported candidates to the log, all or none: from then on they may serve."""
    registry.record(
        workspace.models,
        *(
            registry.Entry(
                each.sha256,
                each.kind,
                each.specification.name,
                each.card["last_delivery"],
                each.card["link_run"],
            )
            for each in candidates
        ),
    )


def load_candidate(folder: Path) -> Candidate:
    """The candidate in a folder named by its hash. Raises UserMistake if its contents are others, or if it is
    so old that they do not tell whom it would ask about."""
    from features.catalogue import Catalogue

    if not (folder / "card.json").is_file():
        raise UserMistake(f"There is no model {folder.name[:12]!r} in the workspace.")
    if content_hash(folder) != folder.name:
        raise UserMistake(
            f"The model {folder.name[:12]!r} is not what was exported: its files have been changed.",
            problems=["restore the folder from a backup, or make a new candidate with `earlyhelp train`"],
        )
    calibration = _read(folder / "calibration.json")
    specification = Specification.model_validate(
        yaml.load((folder / "specification.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    )
    return Candidate(
        sha256=folder.name,
        kind=calibration.pop("kind"),
        specification=specification,
        catalogue=Catalogue.from_json((folder / "catalogue.json").read_text(encoding="utf-8")),
        eligibility=_eligibility(folder, specification),
        scorer=load_scorer(folder),
        calibration=Platt(**calibration),
        card=_read(folder / "card.json"),
        folder=folder,
    )


def _eligibility(folder: Path, specification: Specification) -> Eligibility:
    """Who a model may be asked about. What was declared one happening matters only where an outcome has to
    come on several days; a model that is older than its being kept can otherwise be read as it is."""
    given = _read(folder / "eligibility.json")
    if specification.counted and "happenings" not in given:
        raise UserMistake(
            f"The model {folder.name[:12]!r} cannot be used any more: it does not say which records count as "
            "one happening.",
            problems=[
                f"its outcome, {specification.title!r}, has to come on several days, and models made before "
                "this was kept with them would count by what the sources declare today",
                f"make a new one with `earlyhelp train --model {specification.name}`",
            ],
        )
    return TypeAdapter(Eligibility).validate_python(given)


def newest_candidate(
    workspace: Workspace, specification: str, kind: str = "lightgbm", *, without: Collection[str] = ()
) -> Candidate:
    """The candidate exported last for a specification; without: hashes that are passed over. Raises
    UserMistake if there is none."""
    entry = registry.newest(workspace.models, specification=specification, kind=kind, without=without)
    if entry is None:
        raise UserMistake(
            f"There is no {kind} candidate for {specification!r} yet"
            + (" that was not turned down." if without else "."),
            problems=[f"make one with `earlyhelp train --model {specification}`"],
        )
    return load_candidate(workspace.models / entry.sha256)


def content_hash(folder: Path) -> str:
    """sha256 over the names and bytes of a folder's files, in order of name; see `stand_in`."""
    files = list(_files(folder))
    found = {path.stem: path.read_text(encoding="utf-8") for path in files if path.suffix == STAND_IN}
    found |= {path.name: _sha256(path) for path in files if path.suffix != STAND_IN}
    whole = hashlib.sha256()
    for name, sha256 in sorted(found.items()):
        whole.update(f"{name}\0{sha256}\n".encode())
    return whole.hexdigest()


def stand_in(folder: Path, left_out: Path) -> None:
    """Put a file's hash into a folder in its place: the folder's hash stays as it is without the file."""
    (folder / f"{left_out.name}{STAND_IN}").write_text(_sha256(left_out), encoding="utf-8")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _files(folder: Path) -> Iterable[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file())


def _folder(candidate: Candidate) -> Path:
    if candidate.folder is None:
        raise ValueError("this candidate was not loaded from a folder")
    return candidate.folder


def _write(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))
