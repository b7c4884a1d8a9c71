"""Which files arrived, whose they are and on which day they reached us."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import SequenceMatcher
from fnmatch import fnmatchcase
from pathlib import Path, PurePath

from features.asof import has_come
from features.errors import UserMistake
from features.unpack import plain_names
from features.workspace import Workspace

DAY_FOLDER = re.compile(r"\d{4}-\d{2}-\d{2}")

MOST_NAMES = 20
"""So many members of an archive are looked at to say what it may have been meant as."""


@dataclass(frozen=True)
class Arrived:
    """A file, whose it is and when it was received."""

    path: Path
    source: str
    extract: str
    received: date


def find_arrived(
    workspace: Workspace, path: Path, received: date, *, before: date | None = None
) -> list[Arrived]:
    """Every file under a path with the extract whose glob names it. Raises UserMistake for the others.

    before: leave out folders of days on which files arrived too late to count on that morning; none
    may be left then.
    """
    if not path.exists():
        raise UserMistake(f"There is no {str(path)!r}.", problems=["name a file, or a folder with files"])
    path = path.resolve()  # `.` is a folder named by a day, too
    folders = [path] if path.is_dir() else []
    folders += sorted(f for f in path.iterdir() if f.is_dir() and _day(f)) if path.is_dir() else []
    late = {f for f in folders if before and (day := _day(f)) and not has_come(day, before)}
    folders = [f for f in folders if f not in late]
    files = [path] if path.is_file() else [f for folder in folders for f in sorted(folder.iterdir())]
    globs = {
        (source.source, name): extract.files
        for source in workspace.sources.values()
        for name, extract in source.extracts.items()
    }
    arrived, problems = [], []
    for file in files:
        if file.name.startswith(".") or file.suffix == ".md" or file in folders or file in late:
            continue  # hidden files and read-me notes are no deliveries
        if file.is_dir():
            problems.append(f"{file.name}: is a folder that is not named by a day, YYYY-MM-DD")
            continue
        called = [file.name, *plain_names(file)]
        found = [who for who, glob in globs.items() if any(fnmatchcase(name, glob) for name in called)]
        if len(found) == 1:
            arrived.append(Arrived(file, *found[0], received=_day(file.parent) or received))
        elif found:
            names = " and ".join(f"{source}.{name}" for source, name in found)
            problems.append(f"{file.name}: is named by {names}; let `files` of one of them be narrower")
        else:
            problems.append(f"{file.name}: no declared extract has such a name; {_nearest(called, globs)}")
    if problems:
        raise UserMistake("It is not known whose these files are; nothing was taken in.", problems=problems)
    if not arrived and before is None:
        raise UserMistake(
            f"There is no file to take in under {str(path)!r}.", problems=["it holds no extract"]
        )
    return sorted(arrived, key=lambda a: a.received)


def _nearest(called: Sequence[str], globs: Mapping[tuple[str, str], str]) -> str:
    """What is amiss with a name that no glob has: its ending, its capitals, or which two are most like it."""
    called = called[:MOST_NAMES]
    for (source, name), glob in globs.items():
        for given in called:
            if fnmatchcase(given.lower(), glob.lower()):
                return f"{source}.{name} is declared as {glob}, in other capitals"
            stem, ending = PurePath(glob).stem, PurePath(glob).suffix
            if ending and fnmatchcase(PurePath(given).stem.lower(), stem.lower()):
                return (
                    f"but for its ending it is {source}.{name}, declared as {glob}: send it as {ending}, "
                    f"or change `files` in sources/{source}.yaml"
                )

    def unlike(glob: str) -> float:
        # what is like it without the dates and numbers in which every delivery differs
        plain = re.sub(r"[\d*?]", "", glob)
        return -max(SequenceMatcher(None, re.sub(r"\d", "", given), plain).ratio() for given in called)

    close = sorted(globs.items(), key=lambda item: unlike(item[1]))[:2]
    return "the nearest are " + " and ".join(f"{glob} ({source})" for (source, _), glob in close)


def _day(folder: Path) -> date | None:
    """The day a folder is named by, None if it is not."""
    if not DAY_FOLDER.fullmatch(folder.name):
        return None
    try:
        return date.fromisoformat(folder.name)
    except ValueError:
        raise UserMistake(
            f"The folder {folder.name!r} is named like a day that does not exist.",
            problems=["rename it to the day on which its files were received, YYYY-MM-DD"],
        ) from None
