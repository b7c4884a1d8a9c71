"""A council's own folder: everything that can be configured, and everything that is kept.

    settings.yaml   sources/*.yaml   specs/*.yaml      what a council may change
    inbox/YYYY-MM-DD/                                   deliveries, by the day they reached us
    data/                                               Delta tables; shards and panels made from them
    models/<sha256>/                                    exported candidates
    papers/<specification>-<sha256>/                    what is told of a model, and what people wrote of it
    link_models/                                        how alike records of one person are, and which is used
    lists/<as_of>/  reports/<as_of>/                    what people read
    mlflow.db  mlartifacts/                             the training log
    search.db                                           settings tried in searches, so that they can go on
    operations.db                                       who approved which model, and why

What the package ships are templates, copied by `init`; only the workspace's are read.
"""

from __future__ import annotations

import re
import shutil
import unicodedata
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from features.declaration import Source
from features.errors import UserMistake
from features.read_declaration import read_sources, validation_problems

TEMPLATES = Path(__file__).parent / "sources"


class Settings(BaseModel):
    """The workspace's settings; every field has a default that runs on a laptop."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    council: str = Field("The county in a box", description="as said on the list")
    model: str = Field("escalation", description="the specification that `flag` and `serve` use")
    mlflow_uri: str = Field(
        "",
        description="default: SQLite in the workspace; the URL of a database or server that keeps the "
        "training log, or $NAME of a variable that holds it",
    )
    operations_uri: str = Field(
        "",
        description="default: SQLite in the workspace; the SQLAlchemy URL of approvals, or $NAME of a "
        "variable that holds it",
    )
    approval_roles: tuple[str, ...] = Field(
        ("data analyst", "service manager", "data protection officer"),
        min_length=2,
        description="in which roles people may decide about a model; two different ones approve it",
    )
    threads: int = Field(2, ge=1, description="how many threads may work at once")
    memory: str = Field(
        "50%",
        pattern=r"^\d+(\.\d+)? ?(%|[KMGT]i?B)$",
        description="how much of it DuckDB may take before it uses the disk: a share, or such as 8GB",
    )
    household_max: int = Field(10, ge=2, description="above so many residents a place is no household")
    link_show: float = Field(
        0.99,
        gt=0,
        le=1,
        description="how sure it must be whose a record is for a reason that rests on it to be shown",
    )
    grace_days: int = Field(
        3, ge=0, description="how many days a delivery may be late before it stops a list"
    )
    seed: int = 20260101
    databases: dict[str, str] = Field(
        default_factory=dict,
        description="source: the SQLAlchemy URL that `fetch` asks, or $NAME of a variable that holds it",
    )
    withdrawal_share: float = Field(0.02, description="a full delivery that drops a larger share, and …")
    withdrawal_rows: int = Field(20, description="… more records than this, is refused")

    @field_validator("approval_roles")
    @classmethod
    def _differ(cls, roles: tuple[str, ...]) -> tuple[str, ...]:
        apart = {" ".join(unicodedata.normalize("NFKC", role).casefold().split()) for role in roles}
        if len(apart) < len(roles):
            raise ValueError("two of the roles are the same but for capitals or spaces")
        return roles


@dataclass(frozen=True)
class Workspace:
    """Where things lie. Paths only; the tables are opened by `features.tables`."""

    root: Path

    @property
    def sources_folder(self) -> Path:
        return self.root / "sources"

    @property
    def specs_folder(self) -> Path:
        return self.root / "specs"

    @property
    def inbox(self) -> Path:
        return self.root / "inbox"

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def scratch(self) -> Path:
        """Where work puts what does not fit in memory; nothing in it outlives the work."""
        return self.data / ".spill"

    @property
    def models(self) -> Path:
        return self.root / "models"

    @property
    def papers(self) -> Path:
        return self.root / "papers"

    @property
    def link_models(self) -> Path:
        return self.root / "link_models"

    def list_folder(self, as_of: object) -> Path:
        return self.root / "lists" / str(as_of)

    def report_folder(self, as_of: object) -> Path:
        return self.root / "reports" / str(as_of)

    @property
    def searches(self) -> Path:
        return self.root / "search.db"

    @property
    def mlflow_uri(self) -> str:
        return self.settings.mlflow_uri or f"sqlite:///{(self.root / 'mlflow.db').resolve()}"

    @property
    def operations_uri(self) -> str:
        """A URL of SQLAlchemy, or $NAME of a variable that holds one."""
        return self.settings.operations_uri or f"sqlite:///{(self.root / 'operations.db').resolve()}"

    @cached_property
    def settings(self) -> Settings:
        path = self.root / "settings.yaml"
        try:
            given = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader) or {}
            if not isinstance(given, dict):
                raise UserMistake(f"{path.name} is not a map of settings, such as `council: Anyshire`.")
            return Settings.model_validate(given)
        except yaml.YAMLError as error:
            raise UserMistake(f"{path.name} is not YAML: {' '.join(str(error).split())}") from None
        except ValidationError as error:
            raise UserMistake(
                "The settings cannot be used.",
                problems=[f"{path.name}: {p}" for p in validation_problems(error)],
            ) from None

    @cached_property
    def sources(self) -> dict[str, Source]:
        return read_sources(self.sources_folder)


def open_workspace(root: Path) -> Workspace:
    """The workspace in a folder. Raises UserMistake if `init` has not made one there, or could not."""
    _check_path(root)
    if not (root / "settings.yaml").is_file():
        raise UserMistake(
            f"There is no workspace in {str(root)!r}.",
            problems=[
                "make one with `earlyhelp init`, or name another with --workspace or EARLYHELP_WORKSPACE"
            ],
        )
    return Workspace(root)


def init_workspace(
    root: Path, *, sources: Path | None = TEMPLATES, specs: Path | None = None, settings: Path | None = None
) -> list[str]:
    """Lay out a workspace and copy the templates into it; what is there already stays as it is.

    sources, specs: folders of `*.yaml` to copy. settings: a file to copy; by default one is written
    that lists what can be set. Returns the paths made, relative to the root. Raises UserMistake on
    a path at which tables cannot lie.
    """
    _check_path(root)
    made: list[str] = []
    for folder in ("sources", "specs", "inbox", "data", "models", "lists", "reports"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    if not (target := root / "settings.yaml").exists():
        target.write_text(settings.read_text("utf-8") if settings else _default_settings(), "utf-8")
        made.append("settings.yaml")
    for folder, templates in (("sources", sources), ("specs", specs)):
        for template in sorted(templates.glob("*.yaml")) if templates else []:
            target = root / folder / template.name
            if not target.exists():
                shutil.copyfile(template, target)
                made.append(f"{folder}/{template.name}")
    return made


def _check_path(root: Path) -> None:
    """Delta reads %41 in a path as a letter and stops at brackets; DuckDB reads * and ? as any text."""
    found = re.search(r"[*?\[\]]|%[0-9A-Fa-f]{2}", str(root.resolve()))
    if found:
        raise UserMistake(
            f"A workspace cannot lie in {str(root)!r}.",
            problems=[
                f"its tables cannot be read where a path holds {found.group()!r}; choose another folder"
            ],
        )


def _default_settings() -> str:
    lines = ["# What can be set, with the defaults; remove the # to change one."]
    for name, field in Settings.model_fields.items():
        about = f"  # {field.description}" if field.description else ""
        lines.append(f"# {name}: {field.get_default(call_default_factory=True)!r}{about}")
    return "\n".join(lines) + "\n"
