"""A small agency whose deliveries are made up row by row, so that what becomes of them can be told."""

import csv
import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from features.workspace import Workspace, init_workspace, open_workspace

DECLARED = """
source: police
title: Police
owner: Information manager
legal_gateway: Crime and Disorder Act 1998
agreement: {reference: ISA-9, review_by: 2030-01-01}
covers_from: 2023-01-01
typical_delay_days: 2
schedule: {every: week, on: monday}
extracts:
  logs:
    files: "logs_*.csv"
    delivery: full
    record_key: ref
    columns:
      ref: {required: true}
      day: {type: date, format: "%d/%m/%Y", required: true}
      kind: {type: code, codes: {A: alcohol, M: mental health, U: Unknown, X: administration}}
      nominal: {}
      surname: {}
      dob: {type: date, format: "%d/%m/%Y"}
      nhs: {}
      uprn: {}
      call: {filled: 0.5}
      objects: {type: boolean}
    subjects:
      - name: named
        key: nominal
        optional: true
        identity: {surname: surname, birth_date: dob, nhs_number: nhs}
        marks: [{mark: objection, when: {objects: true}}]
    events:
      - {signal: alcohol, occurred: day, when: {kind: alcohol}}
      - {signal: mental_health, occurred: day, when: {kind: [mental health, Unknown], nominal: present}}
      - {signal: call, occurred: day, place: uprn, when: {nominal: absent}}
    ignore:
      - {rule: administrative logs, when: {kind: administration}}
  vouchers:
    files: "vouchers_*.csv"
    delivery: changes
    record_key: ref
    columns:
      ref: {required: true}
      day: {type: date, format: "%Y-%m-%d", required: true}
      surname: {}
      nhs: {}
    subjects:
      - {key: ref, unidentified: true, identity: {surname: surname, nhs_number: nhs}}
    events:
      - {signal: voucher, occurred: day}
signals:
  alcohol: {one: log about alcohol, many: logs about alcohol}
  mental_health: {one: log about mental health, many: logs about mental health}
  call: {one: call to the address, many: calls to the address, shared: true}
  voucher: {one: voucher, many: vouchers}
"""
LOGS = ("ref", "day", "kind", "nominal", "surname", "dob", "nhs", "uprn", "call", "objects")
VOUCHERS = ("ref", "day", "surname", "nhs")
FIRST = date(2024, 1, 8)


def agency(root: Path) -> Workspace:
    """A workspace of the one source."""
    init_workspace(root, sources=None)
    (root / "sources" / "police.yaml").write_text(DECLARED)
    return open_workspace(root)


@dataclass
class Agency:
    """Draws the logs of one week after another: new ones, corrected ones, deleted ones, spoilt ones."""

    seed: int
    logs: dict[str, dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.draw = random.Random(self.seed)

    def week(self, on: date, *, new: int = 12) -> list[dict[str, str]]:
        """The rows of a full delivery: what stands at the agency, with this file's own faults."""
        for _ in range(new):
            self._log(on)
        for ref in self.draw.sample(sorted(self.logs), 8):
            column, value = self.draw.choice((("kind", "X"), ("surname", f"Surname{on:%d%m}"), ("uprn", "1")))
            self.logs[ref][column] = value
        del self.logs[self.draw.choice(sorted(self.logs))]
        rows = [dict(row) for row in self.logs.values()]
        faults = (("day", "31/02/2024"), ("kind", "Z"), ("ref", ""), ("day", ""))
        for row, (column, spoilt) in zip(self.draw.sample(rows, 2), self.draw.sample(faults, 2), strict=True):
            row[column] = spoilt
        rows += [dict(row) for row in self.draw.sample(rows, 6)]
        rows[-1]["call"] = "101"  # says something else under the same key
        self.draw.shuffle(rows)
        return rows

    def _log(self, on: date) -> None:
        ref, named = f"R{len(self.logs)}{self.draw.randrange(10**6):06}", self.draw.random() < 0.8
        who = self.draw.randrange(10**6)
        self.logs[ref] = {
            "ref": ref,
            "day": (on - timedelta(days=self.draw.randrange(-1, 9))).strftime("%d/%m/%Y"),
            "kind": self.draw.choice(("A", "A", "M", "U", "X", "")) if named else "",
            "nominal": f"N{who:06}" if named else "",
            "surname": f"Surname{who:06}" if named and self.draw.random() < 0.9 else "",
            "dob": f"0{self.draw.randrange(1, 10)}/03/1987" if named and self.draw.random() < 0.5 else "",
            "nhs": f"943{who:07}" if named and self.draw.random() < 0.3 else "",
            "uprn": f"1000{self.draw.randrange(10**6):06}",
            "call": self.draw.choice(("999", "")),
            "objects": "yes" if named and self.draw.random() < 0.05 else "",
        }


def write(path: Path, header: tuple[str, ...], rows: list[dict[str, str]]) -> Path:
    """A .csv file of rows."""
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.DictWriter(file, header)
        out.writeheader()
        out.writerows(rows)
    return path
