"""Every row of a file is used, quarantined or ignored; every file is taken in whole or not at all."""

import gzip
import shutil
import time
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest

from features.deliveries import freshness, read_ledger
from features.errors import DataRefused, UserMistake
from features.ingest import ExtractReport, ingest
from features.link import link
from features.lock import only_writer
from features.read_text import LONGEST_LINE
from features.snapshot import open_snapshot
from features.tables import DATED, Tables
from features.workspace import Workspace, init_workspace, open_workspace

COUNCIL_TAX = """
source: council_tax
title: Council tax
owner: Revenues
legal_gateway: Digital Economy Act 2017
agreement: {reference: ISA-1, review_by: 2030-01-01}
covers_from: 2020-01-01
register: true
typical_delay_days: 3
schedule: {every: week, on: monday}
extracts:
  recovery:
    files: "recovery_*.csv"
    delivery: full
    record_key: [account, stage_no]
    recorded: keyed
    columns:
      account: {required: true}
      stage_no: {type: integer}
      liable_1: {}
      liable_2: {}
      surname_1: {}
      uprn: {}
      stage: {type: code, codes: {R: reminder, F: final_notice, S: summons, X: written_off}}
      issued: {type: date, format: "%d/%m/%Y", not_before: 2015-01-01}
      keyed: {type: date, format: "%d/%m/%Y"}
      balance: {type: number, min: 0}
      since: {type: date, format: "%d/%m/%Y"}
    subjects:
      - name: first
        key: liable_1
        optional: true
        identity: {surname: surname_1}
        address: {uprn: uprn, start: since}
        characteristics: {council_band: stage}
      - {name: second, key: liable_2, optional: true}
    events:
      - signal: reminder
        occurred: issued
        amount: balance
        place: uprn
        when: {stage: [reminder, final_notice]}
      - {signal: summons, occurred: issued, when: {stage: summons}, of: [first]}
    ignore:
      - {rule: written off, when: {stage: written_off}}
  liability:
    files: "liability_*.csv"
    delivery: changes
    record_key: account
    columns:
      account: {}
      uprn: {}
      start: {type: date, format: "%Y-%m-%d"}
      end: {type: date, format: "%Y-%m-%d"}
    subjects:
      - {key: account, register: {start: start, end: end, place: uprn}}
  week:
    files: "week_*.csv"
    delivery: {window_days: 7}
    record_key: account
    columns:
      account: {}
      start: {type: date, format: "%Y-%m-%d"}
    subjects:
      - {key: account, register: {start: start}}
  areas:
    files: "areas_*.csv"
    delivery: full
    record_key: code
    columns: {code: {}, fifth: {type: integer}}
    area: {code: code, deprivation_fifth: fifth}
signals:
  reminder: {one: reminder, many: reminders, unit: £, shared: true, theme: finance}
  summons: {one: summons, many: summonses, theme: finance}
"""
HEADER = "account,stage_no,liable_1,liable_2,surname_1,uprn,stage,issued,keyed,balance,since"
ROW = "A1,1,P1,P2,Ash,100,R,03/01/2024,04/01/2024,120.50,01/02/2023"
CON = duckdb.connect()
FIRST, SECOND, THIRD = date(2024, 1, 8), date(2024, 1, 15), date(2024, 1, 22)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    root = tmp_path / "workspace"
    init_workspace(root, sources=None)
    (root / "sources" / "council_tax.yaml").write_text(COUNCIL_TAX)
    return open_workspace(root)


@pytest.fixture
def deliver(workspace: Workspace, tmp_path: Path) -> Callable[..., ExtractReport]:
    """Write rows to a file and take it in."""

    def take_in(
        *rows: str,
        on: date = FIRST,
        header: str = HEADER,
        name: str = "recovery_1.csv",
        history: bool = False,
    ) -> ExtractReport:
        file = tmp_path / name
        file.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        return ingest(workspace, file, received=on, history=history)[0]

    return take_in


def rows_of(workspace: Workspace, table: str, columns: str = "*") -> list[tuple]:
    con = CON.cursor()
    return con.execute(
        f"SELECT {columns} FROM {Tables(workspace.data).view(con, table)} ORDER BY ALL"
    ).fetchall()


def everything(workspace: Workspace) -> dict[str, list[tuple]]:
    tables = Tables(workspace.data)
    rows = {name: tables.read(name).to_pylist() for name in (*DATED, "quarantine", "deliveries")}
    return {name: sorted((tuple(row.values()) for row in found), key=repr) for name, found in rows.items()}


def row(**cells: str) -> str:
    """ROW with some cells replaced."""
    values = dict(zip(HEADER.split(","), ROW.split(","), strict=True)) | cells
    return ",".join(values.values())


# What rows become


def test_a_jointly_liable_reminder_is_an_event_of_each_adult(workspace, deliver) -> None:
    report = deliver(ROW)
    assert (report.rows, report.used, report.quarantined, report.ignored, report.events) == (1, 1, 0, 0, 2)
    found = rows_of(
        workspace, "events", "record_key, subject_key, signal, CAST(occurred_at AS DATE), amount, place"
    )
    reminder = ("council_tax.reminder", date(2024, 1, 3), 120.5, "100")
    assert found == [("recovery/A1|1", "P1", *reminder), ("recovery/A1|1", "P2", *reminder)]
    assert rows_of(workspace, "identities", "subject_key, surname, known_on") == [("P1", "Ash", FIRST)]
    assert rows_of(workspace, "addresses", "subject_key, uprn, start_on") == [("P1", "100", date(2023, 2, 1))]
    assert rows_of(workspace, "characteristics", "subject_key, value") == [("P1", "reminder")]


def test_whose_event_it_is(workspace, deliver) -> None:
    deliver(
        row(account="by place", liable_1="", liable_2=""),  # enough for what reaches a household
        row(account="same twice", liable_2="P1"),
        row(account="of the first", stage="S"),
    )
    assert rows_of(workspace, "events", "record_key, subject_key") == [
        ("recovery/by place|1", None),
        ("recovery/of the first|1", "P1"),
        ("recovery/same twice|1", "P1"),
    ]


BAD = [
    ({"issued": "31/02/2024"}, "issued", "99/99/9999", "is not a date written as %d/%m/%Y"),
    ({"issued": "2024-01-03"}, "issued", "9999-99-99", "is not a date written as %d/%m/%Y"),
    ({"issued": "03/01/2014"}, "issued", "99/99/9999", "is before 2015-01-01"),
    ({"since": "03/01/0204"}, "since", "99/99/9999", "is before 1900-01-01"),
    ({"balance": "-1"}, "balance", "-9", "is below 0"),
    ({"balance": "£12"}, "balance", "?99", "is not a number"),
    ({"balance": "nan"}, "balance", "aaa", "is not a number"),
    ({"stage": "Q"}, "stage", "A", "is not a code that the declaration knows"),
    ({"stage_no": "1.5"}, "stage_no", "9.9", "is not a whole number"),
    ({"account": " "}, "account", "empty", "the record key is empty"),
    ({"keyed": "09/01/2024"}, "keyed", "99/99/9999", "later than the day the delivery was received"),
    ({"liable_1": "", "liable_2": "", "stage": "S"}, None, None, "nobody to attach it to: every subject key"),
    (
        {"liable_1": "", "liable_2": "", "uprn": ""},
        None,
        None,
        "nobody to attach it to: every subject key",
    ),
]


def test_bad_rows_are_set_aside_with_their_shape_and_the_others_are_used(workspace, deliver) -> None:
    rows = [row(**({"account": f"bad {i}"} | cells)) for i, (cells, *_) in enumerate(BAD)]
    report = deliver(row(account="first"), *rows, row(account="last"))
    assert (report.used, report.quarantined) == (2, len(BAD))
    found = rows_of(workspace, "quarantine", 'row_number, "column", shape, reason')
    for i, ((_, column, outline, reason), was) in enumerate(zip(BAD, found, strict=True)):
        assert was[:3] == (i + 2, column, outline)
        assert was[3].startswith(reason)
    assert report.quarantined_by_reason["issued: is not a date written as %d/%m/%Y"] == 2
    assert sum(report.quarantined_by_reason.values()) == len(BAD)


def test_an_ended_register_that_ends_before_it_begins(workspace, deliver) -> None:
    report = deliver(
        "A1,100,2024-01-02,2023-12-31", header="account,uprn,start,end", name="liability_1.csv", on=FIRST
    )
    assert report.quarantined_by_reason == {"end: ends before it begins": 1}


def test_an_area_lies_in_one_of_five_fifths(workspace, deliver) -> None:
    report = deliver("E1,5", "E2,0", "E3,99999999999", header="code,fifth", name="areas_1.csv")
    assert report.quarantined_by_reason == {"fifth: is not a fifth, 1 to 5": 2}
    assert rows_of(workspace, "areas", "area, deprivation_fifth") == [("E1", 5)]


def test_a_row_that_nothing_is_made_of_is_set_aside_not_lost(deliver) -> None:
    report = deliver(row(liable_1="", issued=""))
    assert report.quarantined_by_reason == {"no rule makes anything of this row, and none ignores it": 1}


def test_a_rule_declared_in_two_parts_is_counted_once(workspace, deliver) -> None:
    parts = """- {rule: written off, when: {stage: written_off}}
      - {rule: written off, when: {liable_1: absent, liable_2: absent}}"""
    declared = COUNCIL_TAX.replace("- {rule: written off, when: {stage: written_off}}", parts)
    (workspace.sources_folder / "council_tax.yaml").write_text(declared)
    report = deliver(row(stage="X"), row(account="A2", liable_1="", liable_2=""), ROW.replace("A1", "A3"))
    assert (report.used, report.ignored, report.ignored_by_rule) == (1, 2, {"written off": 2})


def test_ignored_rows_are_counted_by_rule_even_with_a_bad_value(deliver) -> None:
    report = deliver(ROW, row(account="A2", stage="X"), row(account="A3", stage="X", issued="31/02/2024"))
    assert (report.used, report.quarantined, report.ignored) == (1, 0, 2)
    assert report.ignored_by_rule == {"written off": 2}


def test_equal_duplicates_are_one_and_differing_ones_are_all_set_aside(workspace, deliver) -> None:
    report = deliver(ROW, ROW, row(account="A2"), row(account="A2", balance="3"))
    assert (report.rows, report.used, report.quarantined, report.events) == (4, 2, 2, 2)
    assert {key for (key,) in rows_of(workspace, "events", "record_key")} == {"recovery/A1|1"}


# How files may be written


WRITTEN = {
    "CRLF": f"{HEADER}\r\n{ROW}\r\n".encode(),
    "byte order mark": f"\ufeff{HEADER}\n{ROW}\n".encode(),
    "blank line, no last line break": f"{HEADER}\n\n{ROW}".encode(),
    "quoted line break": "\n".join([HEADER, row(surname_1='"Ash,\nthe younger"')]).encode(),
    "a column more": f"extra,{HEADER}\nx,{ROW}\n".encode(),
    "CR": f"{HEADER}\r{ROW}\r".encode(),
}


def test_files_may_be_written_in_many_ways(workspace, tmp_path, subtests) -> None:
    for name, data in WRITTEN.items():
        with subtests.test(name):
            file = tmp_path / "recovery_1.csv"
            file.write_bytes(data)
            assert ingest(workspace, file, received=FIRST)[0].used == 1
    nothing = tmp_path / "liability_1.csv"
    nothing.write_text("account,uprn,start,end")  # no rows, and no line break either
    assert ingest(workspace, nothing, received=FIRST)[0].rows == 0
    packed = tmp_path / "recovery_2.csv.gz"
    packed.write_bytes(gzip.compress(WRITTEN["CRLF"]))
    assert ingest(workspace, packed, received=SECOND)[0].used == 1


def test_a_time_with_its_offset_is_told_in_our_local_time_wherever_the_machine_stands(
    workspace, deliver, monkeypatch
) -> None:
    declared = COUNCIL_TAX.replace(
        'issued: {type: date, format: "%d/%m/%Y"', 'issued: {type: datetime, format: "%Y-%m-%dT%H:%M:%S%z"'
    )
    (workspace.sources_folder / "council_tax.yaml").write_text(declared)
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        deliver(row(issued="2024-07-01T23:30:00+0000", stage="S", keyed=""), on=date(2024, 8, 5))
    finally:
        monkeypatch.undo()
        time.tzset()
    assert rows_of(workspace, "events", "occurred_at") == [(datetime(2024, 7, 2, 0, 30),)]  # summer time


def test_what_spills_stays_in_the_workspace_whatever_its_name(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "it's ours"
    folder.mkdir()
    con = Tables(folder).connect()
    con.execute("SET memory_limit = '60MB'")
    con.execute("CREATE TABLE much AS SELECT range, md5(range::VARCHAR) FROM range(1_500_000)")
    assert [path.name for path in tmp_path.iterdir()] == ["it's ours"] and list(folder.glob(".spill/*"))


def test_ragged_rows_are_set_aside_by_number(workspace, deliver) -> None:
    report = deliver(ROW, "A2,1,P1", row(account="A3"), row(account="A4") + ",more", row(account="A5"))
    assert (report.rows, report.used, report.quarantined) == (5, 3, 2)
    assert [n for (n,) in rows_of(workspace, "quarantine", "row_number")] == [2, 4]


REFUSED = {
    "empty": (b"", "is empty"),
    "missing column": (f"{HEADER[:-6]}\n{ROW}\n".encode(), "missing: 'since'"),
    "another agency's": (b"account,start\nA1,2024-01-01\n", "it has the columns of 'council_tax.week'"),
    "another divider": (f"{HEADER}\n{ROW}\n".replace(",", ";").encode(), "is it divided by ';'?"),
    "tabs": (f"{HEADER}\n{ROW}\n".replace(",", "\t").encode(), r"is it divided by '\t'?"),
    "no header": (f"{ROW}\n".encode(), "none of the declared columns"),
    "a header twice": (f"{HEADER},stage\n{ROW},R\n".encode(), "'stage'"),
    "not UTF-8": (f"{HEADER}\n{row(surname_1='Brontë')}\n".encode("cp1252"), "line 2 holds a byte"),
    "UTF-16": (f"{HEADER}\n{ROW}\n".encode("utf-16-le"), "NUL"),
    "a very long line": (f"{HEADER}\n{ROW}{'x' * LONGEST_LINE}\n".encode(), "line 2 has more than 1,000,000"),
    "an open quote": ((f'{HEADER}\n"' + f"{ROW}\n" * 150_000).encode(), "never closed"),
}


def test_bad_files_are_refused_whole_in_a_clear_sentence(workspace, deliver, tmp_path, subtests) -> None:
    deliver(row(account="A9"))
    before = everything(workspace)
    file = tmp_path / "recovery_2.csv"
    for name, (data, says) in REFUSED.items():
        with subtests.test(name):
            file.write_bytes(data)
            with pytest.raises(DataRefused) as refused:
                ingest(workspace, file, received=SECOND)
            assert says in str(refused.value) and "recovery_2.csv" in str(refused.value)
            assert "Ash" not in str(refused.value) and "P1" not in str(refused.value)
            assert refused.value.exit_code == 3
    assert everything(workspace) == before


def test_a_broken_archive_is_refused(workspace, tmp_path) -> None:
    file = tmp_path / "recovery_1.csv.gz"
    file.write_bytes(gzip.compress(f"{HEADER}\n{ROW}\n".encode())[:-12])
    with pytest.raises(DataRefused, match="cannot be unpacked"):
        ingest(workspace, file, received=FIRST)


@pytest.mark.parametrize("name", ["rents_1.csv", "recovery_1.xlsx", "recovery"])
def test_a_file_that_no_declaration_names_stops_everything_first(workspace, tmp_path, name) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "recovery_1.csv").write_text(f"{HEADER}\n{ROW}\n")
    if name == "recovery":
        (folder / name).mkdir()
    else:
        (folder / name).write_text("x\n1\n")
    with pytest.raises(UserMistake, match=name):
        ingest(workspace, folder, received=FIRST)
    assert rows_of(workspace, "deliveries") == []


def test_a_refused_file_does_not_hold_up_the_others(workspace, tmp_path) -> None:
    folder = tmp_path / "2024-01-08"
    folder.mkdir()
    (folder / "recovery_1.csv").write_text("")
    (folder / "week_1.csv").write_text("account,start\nA1,2024-01-01\n")
    with pytest.raises(DataRefused, match="1 of 2 files were taken in"):
        ingest(workspace, folder, received=THIRD)
    [delivery] = read_ledger(Tables(workspace.data))
    assert (delivery.extract, delivery.received_on) == ("week", FIRST)


def test_folders_named_by_day_are_taken_in_their_order(workspace, tmp_path) -> None:
    for day, balance in ((SECOND, "2"), (FIRST, "1")):
        folder = tmp_path / "inbox" / day.isoformat()
        folder.mkdir(parents=True)
        (folder / "recovery_1.csv").write_text(f"{HEADER}\n{row(balance=balance)}\n")
    reports = ingest(workspace, tmp_path / "inbox", received=THIRD)
    assert [report.events for report in reports] == [2, 2]
    known = rows_of(workspace, "events", "DISTINCT revision, known_on, amount")
    assert known == [(1, FIRST, 1.0), (2, SECOND, 2.0)]
    [fresh] = freshness(workspace)
    assert (fresh.last_received, fresh.next_due) == (SECOND, THIRD)
    again = ingest(workspace, tmp_path / "inbox", received=THIRD)
    assert all(report.unchanged for report in again) and len(read_ledger(Tables(workspace.data))) == 2


# Deliveries


def test_the_same_file_again_adds_nothing_and_reports_the_same(workspace, deliver) -> None:
    first = deliver(ROW, row(balance="x", account="A2"))
    before = everything(workspace)
    again = deliver(ROW, row(balance="x", account="A2"))
    assert again.unchanged and not first.unchanged
    assert {**again.__dict__, "unchanged": False} == first.__dict__
    assert everything(workspace) == before


def test_equal_rows_on_another_day_are_represented_and_add_nothing(workspace, deliver) -> None:
    deliver(ROW)
    before = {table: rows_of(workspace, table) for table in DATED}
    assert (deliver(ROW, on=SECOND).used, deliver(ROW, on=THIRD).events) == (1, 0)
    assert {table: rows_of(workspace, table) for table in DATED} == before


def test_an_address_without_a_start_keeps_the_one_it_stands_with(workspace, deliver) -> None:
    deliver(row(since="", keyed=""))
    deliver(row(since="", keyed="", balance="7"), on=SECOND)
    assert rows_of(workspace, "addresses", "revision, start_on") == [(1, FIRST)]
    deliver(row(since="", keyed="", balance="7", uprn="200"), on=THIRD)
    assert rows_of(workspace, "addresses", "revision, start_on") == [(1, FIRST), (2, THIRD)]


def test_a_move_to_an_address_without_a_uprn_is_a_move(workspace, deliver) -> None:
    declared = COUNCIL_TAX.replace("uprn: {}\n      stage:", "uprn: {}\n      postcode: {}\n      stage:")
    declared = declared.replace(
        "{uprn: uprn, start: since}", "{uprn: uprn, postcode: postcode, start: since}"
    )
    (workspace.sources_folder / "council_tax.yaml").write_text(declared)
    header = f"{HEADER},postcode"
    deliver(row(account="A1") + ",AB1 1AA", header=header)
    for day in (SECOND, THIRD):
        deliver(row(uprn="", since="10/01/2024", balance=str(day.day)) + ",AB1 2BB", header=header, on=day)
    assert rows_of(workspace, "addresses", "revision, withdrawn, uprn, postcode, start_on") == [
        (1, False, "100", "AB1 1AA", date(2023, 2, 1)),
        (2, False, None, "AB1 2BB", date(2024, 1, 10)),
    ]
    link(workspace)
    home = open_snapshot(workspace).con.execute(
        "SELECT uprn, end_on FROM residences WHERE known_until IS NULL"
    )
    assert home.fetchall() == [("100", date(2024, 1, 10))]  # no longer there, but it was true then


def test_only_what_changed_gets_a_revision_in_its_own_table(workspace, deliver) -> None:
    deliver(ROW)
    deliver(row(surname_1="Ashe"), on=SECOND)
    assert len(rows_of(workspace, "events")) == 2
    assert rows_of(workspace, "identities", "revision, surname") == [(1, "Ash"), (2, "Ashe")]


def test_a_record_that_is_now_ignored_is_withdrawn(workspace, deliver) -> None:
    deliver(ROW, row(account="A2"))
    report = deliver(row(stage="X"), row(account="A2"), on=SECOND)
    assert (report.withdrawn, report.ignored) == (1, 1)
    assert rows_of(workspace, "events", "DISTINCT record_key, revision, withdrawn") == [
        ("recovery/A1|1", 1, False),
        ("recovery/A1|1", 2, True),
        ("recovery/A2|1", 1, False),
    ]


def test_a_full_file_withdraws_what_it_leaves_out(workspace, deliver) -> None:
    deliver(ROW, row(account="A2"))
    assert deliver(ROW, on=SECOND).withdrawn == 1
    gone = [r for r in rows_of(workspace, "events", "record_key, revision, withdrawn, known_on") if r[2]]
    assert gone == [("recovery/A2|1", 2, True, SECOND)]
    assert deliver(ROW, on=THIRD).withdrawn == 0  # it is gone already


@pytest.mark.parametrize(
    "spoilt",
    [
        row(account="A2", issued="31/02/2024"),
        row(account=""),
        row(account="A2", stage_no="one"),
        "A2,1",
        row(account='"A2"x'),
    ],
    ids=["in quarantine", "no key", "key of the wrong form", "ragged", "a stray quotation mark"],
)
def test_a_row_in_quarantine_is_not_missing_and_unreadable_keys_withdraw_nothing(
    workspace, deliver, spoilt
) -> None:
    deliver(ROW, row(account="A2"))
    report = deliver(ROW, spoilt, on=SECOND)
    assert (report.quarantined, report.withdrawn) == (1, 0)
    assert not any(withdrawn for (withdrawn,) in rows_of(workspace, "events", "withdrawn"))


def test_changes_and_windows_withdraw_nothing(workspace, deliver) -> None:
    for name, header, tail in (
        ("liability", "account,uprn,start,end", ",1,2024-01-01,"),
        ("week", "account,start", ",2024-01-01"),
    ):
        deliver(f"A1{tail}", f"A2{tail}", header=header, name=f"{name}_1.csv")
        assert deliver(f"A1{tail}", header=header, name=f"{name}_2.csv", on=SECOND).withdrawn == 0
    assert not any(withdrawn for (withdrawn,) in rows_of(workspace, "registers", "withdrawn"))


def test_records_before_the_source_covers_are_not_missing(workspace, deliver) -> None:
    old = row(account="A2", issued="31/12/2019")
    deliver(ROW, old)
    assert deliver(ROW, on=SECOND).withdrawn == 0


@pytest.mark.parametrize(
    ("stood", "left", "refused"),
    [(30, 9, True), (30, 10, False), (2000, 1960, False), (2000, 1959, True), (3, 0, True)],
)
def test_a_full_file_that_leaves_out_too_many_is_refused(workspace, deliver, stood, left, refused) -> None:
    deliver(*(row(account=f"A{i}") for i in range(stood)))
    before = everything(workspace)
    if refused:
        with pytest.raises(DataRefused, match="leaves out too many"):
            deliver(*(row(account=f"A{i}") for i in range(left)), on=SECOND)
        assert everything(workspace) == before
    else:
        assert deliver(*(row(account=f"A{i}") for i in range(left)), on=SECOND).withdrawn == stood - left


@pytest.mark.parametrize("history", [False, True])
def test_an_older_full_or_window_file_is_refused_and_older_changes_are_not(
    workspace, deliver, history
) -> None:
    deliver(ROW, on=SECOND, history=history)
    with pytest.raises(DataRefused, match="older"):
        deliver(row(balance="1"), on=FIRST)
    deliver("A1,2024-01-01", header="account,start", name="week_1.csv", on=SECOND)
    with pytest.raises(DataRefused, match="older"):
        deliver("A1,2024-01-02", header="account,start", name="week_1.csv", on=FIRST)
    liability = {"header": "account,uprn,start,end", "name": "liability_1.csv"}
    deliver("A1,1,2024-01-01,", on=SECOND, **liability)
    deliver("A1,2,2024-01-01,", on=FIRST, **liability)
    known = rows_of(workspace, "registers", "revision, known_on, place")
    assert [k for k in known if k[2]] == [
        (1, SECOND, "1"),
        (2, SECOND, "2"),
    ]  # no earlier than what it follows


def test_many_small_deliveries_are_put_together_and_say_the_same(workspace, deliver, monkeypatch) -> None:
    for day in (FIRST, SECOND):
        deliver(row(balance=str(day.day)), on=day)
    before = everything(workspace)
    monkeypatch.setattr("features.committed.MANY_FILES", 1)
    deliver(row(balance=str(SECOND.day)), on=THIRD)
    after = everything(workspace)
    assert {**after, "deliveries": after["deliveries"][:2]} == before
    assert len(list((workspace.data / "events").glob("*.parquet"))) == 3  # two, and the two in one
    assert deliver(row(balance="1"), on=THIRD).events == 2


# Crashes


def test_who_stands_in_the_folder_of_a_day_takes_in_what_was_received_on_it(
    workspace, tmp_path, monkeypatch
) -> None:
    folder = tmp_path / SECOND.isoformat()
    folder.mkdir()
    for name in ("recovery_1.csv", "recovery_2.csv"):
        (folder / name).write_text(f"{HEADER}\n{ROW}\n")
    monkeypatch.chdir(folder)
    ingest(workspace, Path("recovery_1.csv"), received=THIRD)
    ingest(workspace, Path(), received=THIRD)
    assert {d.received_on for d in read_ledger(Tables(workspace.data))} == {SECOND}


def test_one_writer_at_a_time(workspace, deliver) -> None:
    deliver(ROW)
    for write in (lambda: deliver(ROW, on=SECOND), lambda: link(workspace)):
        with only_writer(workspace), pytest.raises(UserMistake, match="wait for it to end"):
            write()
    assert link(workspace).link_run == 1


@pytest.mark.parametrize("name", ["ours [1]", "50%25", "what?", "a*"])
def test_a_workspace_is_not_made_where_its_tables_could_not_be_read(tmp_path, name) -> None:
    for make in (init_workspace, open_workspace):
        with pytest.raises(UserMistake, match="choose another folder"):
            make(tmp_path / name)


class Crash(Exception):
    """Stands for the process dying."""


def test_a_crash_at_any_append_leaves_nothing_that_a_rerun_does_not_mend(
    workspace, deliver, monkeypatch, tmp_path
) -> None:
    deliver(row(account="A9"), row(account="A8", balance="x"))
    rows = [
        row(account="A9", balance="5", uprn="9", surname_1="Bell", stage="F"),
        row(balance="x", account="A7"),
        ROW,
    ]
    committed = read_ledger(Tables(workspace.data))
    before = tmp_path / "before"
    shutil.copytree(workspace.root, before)
    undisturbed = deliver(*rows, on=SECOND)
    expected = everything(workspace)
    whole = Tables.append
    for crash_at in range(6):
        shutil.rmtree(workspace.root)
        shutil.copytree(before, workspace.root)
        done = []

        def append(self, name, table, *, done=done, crash_at=crash_at):
            if len(done) == crash_at:
                raise Crash
            done.append(name)
            whole(self, name, table)

        monkeypatch.setattr(Tables, "append", append)
        with pytest.raises(Crash):
            deliver(*rows, on=SECOND)
        assert read_ledger(Tables(workspace.data)) == committed
        monkeypatch.setattr(Tables, "append", whole)
        assert deliver(*rows, on=SECOND) == undisturbed
        assert everything(workspace) == expected
