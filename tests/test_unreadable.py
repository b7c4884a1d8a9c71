"""A cell that cannot be read is neither present nor absent: its row is set aside, and what stood stands."""

from datetime import date
from pathlib import Path

import pytest

from features.check import check
from features.errors import DataRefused
from tests.one_source import one_source


def _stay(number: int, started: str, key: str = "") -> dict[str, str]:
    return {
        "support_ref": key or f"DAS{number:08d}",
        "victim_ref": f"DO{number:07d}",
        "service": "R",
        "referred_on": "1 March 2026",
        "started_on": started,
        "keyed_on": "5 March 2026",
    }


def test_a_date_in_another_form_withdraws_no_secret_address(tmp_path: Path) -> None:
    """The template ignores referrals without a start; a start that is written otherwise is not none."""
    agency = one_source("domestic_abuse", tmp_path)
    agency.deliver("support", "2026-04-06", [_stay(n, "2 March 2026") for n in range(30)])
    report = agency.deliver("support", "2026-05-04", [_stay(n, "2026-03-02") for n in range(30)])
    assert (report.used, report.quarantined, report.ignored, report.withdrawn) == (0, 30, 0, 0)
    assert len(agency.known("marks", "2026-06-01", "subject_key")) == 30


def test_check_answers_on_files_that_add_nothing(tmp_path: Path) -> None:
    """A header alone, and rows of which none can be used."""
    agency = one_source("domestic_abuse", tmp_path)
    file = agency.desk / "marac_support_20260406.csv"
    columns = agency.workspace.sources["domestic_abuse"].extracts["support"].columns
    spoilt = ";".join(_stay(1, "2026-03-02").get(column, "") for column in columns)
    for rows, quarantined in (("", 0), (spoilt + "\n", 1)):
        file.write_text(";".join(columns) + "\n" + rows, "utf-8")
        [checked] = check(agency.workspace, file, received=date(2026, 4, 6))
        assert checked.report is not None
        assert (checked.report.used, checked.report.quarantined) == (0, quarantined)


def test_a_row_whose_record_is_not_known_is_not_ignored(tmp_path: Path) -> None:
    """Else a full file would withdraw the record that the row is of."""
    agency = one_source("domestic_abuse", tmp_path)
    agency.deliver("support", "2026-04-06", [_stay(1, "2 March 2026"), _stay(2, "2 March 2026")])
    report = agency.deliver("support", "2026-05-04", [_stay(1, "2 March 2026"), _stay(2, "", key="DAS2?")])
    assert (report.used, report.quarantined, report.ignored, report.withdrawn) == (1, 1, 0, 0)
    assert len(agency.known("marks", "2026-06-01", "subject_key")) == 2


def test_many_records_that_a_rule_now_ignores_are_refused_as_many_that_are_left_out(tmp_path: Path) -> None:
    agency = one_source("domestic_abuse", tmp_path)
    agency.deliver("support", "2026-04-06", [_stay(n, "2 March 2026") for n in range(30)])
    few = [_stay(n, "" if n < 5 else "2 March 2026") for n in range(30)]
    report = agency.deliver("support", "2026-05-04", few)
    assert (report.ignored, report.withdrawn) == (5, 5)
    with pytest.raises(DataRefused, match="would be withdrawn"):
        agency.deliver("support", "2026-06-01", [_stay(n, "") for n in range(30)])
