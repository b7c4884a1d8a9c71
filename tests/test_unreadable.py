"""A cell that cannot be read is neither present nor absent: its row is set aside, and what stood stands."""

from pathlib import Path

import pytest

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
