"""A dead or shrunken feed stops the list, in words; or somebody says why it goes on, and the list says so."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from datetime import date, timedelta
from statistics import median

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from features.declaration import WEEKDAYS, Schedule
from features.deliveries import Delivery
from features.errors import GateFailed, UserMistake
from features.snapshot import open_snapshot
from features.tables import Tables
from features.workspace import Workspace
from models.candidate import newest_candidate
from serving.freshness import Feed, Received, feeds, last_counted, shrunk
from serving.stale_gate import accept_stale, accepting, pass_gate
from serving.weekly_list import flag, kept_dates, kept_list, remake
from tests.test_weekly_list import AS_OF, SIGNALS, WEEK, own_town, town  # noqa: F401 - fixtures

Command = Callable[..., tuple[int, str, str]]
WHY = "their system is being replaced; they telephone us"


def ago(days: int) -> date:
    return AS_OF - timedelta(days=days)


def deliver(
    workspace: Workspace,
    source: str,
    received: date,
    rows: int = 10,
    *,
    history: bool = False,
    extract: str = "log",
    quarantined: int = 0,
) -> None:
    """A committed delivery that says nothing new; `quarantined` of its rows were not used."""
    tables = Tables(workspace.data)
    number = 100 + (tables.version("deliveries") or 0)
    counts = {"used": rows - quarantined, "quarantined": quarantined}
    counts |= dict.fromkeys(("ignored", "events", "withdrawn"), 0)
    delivery = Delivery(
        delivery_id=number,
        source=source,
        extract=extract,
        file=f"{source}_{number}.csv",
        digest=str(number),
        received_on=received,
        history=history,
        rows=rows,
        ignored_by_rule={},
        **counts,
    )
    tables.append("deliveries", delivery.to_arrow())


def feeds_of(workspace: Workspace, as_of: date) -> tuple[Feed, ...]:
    return feeds(open_snapshot(workspace), newest_candidate(workspace, "escalation").catalogue, as_of)


def gate(workspace: Workspace, as_of: date) -> list[str]:
    """The stale feeds with which the list of a morning would be made, were it made: none is accepted."""
    return [a.source for a in pass_gate(open_snapshot(workspace), feeds_of(workspace, as_of), as_of, {})]


def wrong(workspace: Workspace, as_of: date = AS_OF) -> str:
    """Everything that is said where the list is not made, and that none is left behind."""
    before = kept_dates(workspace)
    with pytest.raises(GateFailed) as stopped:
        flag(workspace, as_of)
    assert kept_dates(workspace) == before and stopped.value.exit_code == 4
    return str(stopped.value)


# --- what counts as late ----------------------------------------------------------------------------


@pytest.mark.parametrize(("late", "stops"), [(3, False), (4, True)])
def test_a_source_may_be_late_for_the_days_of_grace(own_town: Workspace, late: int, stops: bool) -> None:  # noqa: F811
    """The town's three sources delivered on Monday a week ago, and were due on this one."""
    as_of = AS_OF + timedelta(days=late)
    if not stops:
        assert not gate(own_town, as_of)
        return
    for source in ("police", "rents"):
        deliver(own_town, source, as_of - timedelta(days=1))
    said = wrong(own_town, as_of)
    assert "Schools (schools): a delivery was due on 29 June 2026, and the last came on 22 June 2026" in said
    assert "Ask the council" in said and '--accept-stale schools --because "..."' in said
    assert "Police" not in said and "every feed" not in said


def test_the_grace_is_a_setting(own_town: Workspace) -> None:  # noqa: F811
    (own_town.root / "settings.yaml").write_text("grace_days: 30\n", encoding="utf-8")
    assert not gate(Workspace(own_town.root), AS_OF + timedelta(days=30))


@given(
    came=st.lists(st.tuples(st.integers(0, 60), st.booleans()), max_size=6),
    schedule=st.sampled_from(
        [Schedule(every="day"), *[Schedule(every="week", on=day) for day in WEEKDAYS[:3]]]
        + [Schedule(every="month", on=day) for day in (1, 15, 28)]
    ),
    as_of=st.integers(1, 60),
    covers=st.sampled_from([-1000, 20, 50]),
)
def test_the_last_delivery_that_counts(
    came: list[tuple[int, bool]], schedule: Schedule, as_of: int, covers: int
) -> None:
    """Day by day: before history arrived, as on schedule; otherwise what came before the morning."""
    first, morning = date(2026, 1, 1), date(2026, 1, 1) + timedelta(days=as_of)
    days = [(first + timedelta(days=day), history) for day, history in came]
    covered = first + timedelta(days=covers)
    counted = [day for day, _ in days if day < morning]
    if any(history and day >= morning for day, history in days) and covered < morning:
        past = [morning - timedelta(days=n) for n in range(1, 40)]
        counted += [next(day for day in past if schedule.first_on_or_after(day) == day)]
    received = [Received(day, history, 1) for day, history in days]
    assert last_counted(received, schedule, covered, morning) == max(counted, default=None)


def test_a_past_morning_that_history_reaches_is_not_late(own_town: Workspace) -> None:  # noqa: F811
    """The town as if its first load had been one of history, and none had come since."""
    long_ago = date(2026, 3, 5)
    assert "nothing that the model reads had reached us by then" in wrong(own_town, long_ago)
    for source in SIGNALS:
        deliver(own_town, source, ago(7), history=True)
    assert gate(own_town, long_ago) == []
    told = feeds_of(own_town, long_ago)
    assert {feed.received_on for feed in told} == {date(2026, 3, 2)}
    assert not any(feed.due_on or feed.wrong for feed in told)
    assert "nothing that the model reads" in wrong(own_town, date(2019, 12, 30)), "no source covers it"


# --- which extracts count ---------------------------------------------------------------------------


def declared_with(workspace: Workspace, *names: str) -> Workspace:
    """The workspace with these extracts of the police declared, all alike, and no others."""
    path = workspace.root / "sources" / "police.yaml"
    police = yaml.safe_load(path.read_text(encoding="utf-8"))
    log = next(iter(police["extracts"].values()))
    police["extracts"] = {name: {**log, "files": f"police_{name}_*.csv"} for name in names}
    police["schedule"] = {"every": "week", "on": "monday"}  # plain YAML takes `on` for a truth value
    path.write_text(yaml.safe_dump(police, sort_keys=False), encoding="utf-8")
    return Workspace(workspace.root)


def deliver_all(workspace: Workspace, received: date) -> None:
    for source in SIGNALS:
        deliver(workspace, source, received)


def test_a_declared_extract_that_never_came_is_missed(own_town: Workspace) -> None:  # noqa: F811
    """It was due with the source's second delivery; until then, and for the days of grace, nothing is."""
    town_of_two = declared_with(own_town, "log", "custody")
    assert not gate(town_of_two, AS_OF)
    deliver_all(town_of_two, AS_OF)
    assert not gate(town_of_two, AS_OF + timedelta(days=3))
    late = AS_OF + timedelta(days=4)
    said = wrong(town_of_two, late)
    assert "Police (police): nothing of custody has come yet, due since 29 June 2026: take it in" in said
    assert "the last came on" not in said and "Rents" not in said
    page_of = town_of_two.list_folder(late) / "list.html"
    assert [a.source for a in flag(town_of_two, late, accept={"police": WHY}).accepted] == ["police"]
    assert "<strong>Incomplete</strong>: nothing of custody" in page_of.read_text(encoding="utf-8")
    deliver(town_of_two, "police", late, extract="custody")
    assert not gate(town_of_two, late + timedelta(days=1))


def test_an_extract_declared_no_longer_is_not_missed(own_town: Workspace) -> None:  # noqa: F811
    later = AS_OF + 9 * WEEK
    deliver(own_town, "police", ago(7), extract="custody")
    deliver_all(own_town, later - timedelta(days=1))
    assert "the last came on 22 June 2026" in wrong(declared_with(own_town, "log", "custody"), later)
    alone = declared_with(own_town, "log")
    told = feeds_of(alone, later)
    assert gate(alone, later) == [] and {feed.received_on for feed in told} == {later - timedelta(days=1)}
    assert not any(feed.due_on or feed.wrong for feed in told)


def test_history_is_a_coming_and_no_extract_is_missed_before_it(own_town: Workspace) -> None:  # noqa: F811
    """Of two extracts each came as history; a third is new, and not due on the mornings it reaches."""
    three = declared_with(own_town, "log", "custody", "notices")
    for source, extract in [*((s, "log") for s in SIGNALS), ("police", "custody")]:
        deliver(three, source, ago(7), history=True, extract=extract)
    for morning in (date(2026, 3, 5), AS_OF, AS_OF + timedelta(days=3)):
        assert not gate(three, morning)
    assert "nothing of notices has come yet" not in wrong(three, date(2019, 12, 30))
    deliver_all(three, AS_OF)
    deliver(three, "police", AS_OF, extract="custody")
    said = wrong(three, AS_OF + timedelta(days=4))
    assert "nothing of notices has come yet" in said and "custody" not in said


# --- what counts as small ---------------------------------------------------------------------------


def live(*rows: int) -> list[Received]:
    """Weekly deliveries, the newest a week before the morning."""
    return [Received(ago(7 * n), False, r) for n, r in zip(range(len(rows), 0, -1), rows, strict=True)]


@pytest.mark.parametrize(
    ("rows", "small"),
    [
        ((100, 100, 100, 100, 49), True),
        ((100, 100, 100, 100, 50), False),  # half of the usual is not under half
        ((100, 100, 100, 0), False),  # three before it: nothing is usual yet
        ((1, 1, 900, 100, 100, 100, 100, 100, 49), True),  # the median of the eight before
        ((900, 900, 900, 900, 10, 10, 10, 10, 10, 10, 10, 10, 6), False),  # and only of those
        ((10, 10, 10, 10, 4), True),
        ((6, 6, 6, 6, 2), False),  # four rows fewer may be chance
        ((100, 100, 100, 100, 49, 100), False),  # the newest counts, not the one before
    ],
)
def test_under_half_of_the_usual_is_small(rows: tuple[int, ...], small: bool) -> None:
    before = rows[:-1][-8:]
    assert bool(shrunk("log", live(*rows), AS_OF)) == small
    assert not small or rows[-1] < median(before) / 2


def test_small_is_judged_on_live_deliveries_that_count_on_the_morning() -> None:
    past = [Received(ago(400), True, 100_000)]
    came = [*past, *live(100, 100, 100, 100, 100), Received(AS_OF, False, 1)]
    assert not shrunk("log", came, AS_OF)
    assert "has 1 row, and 100 are usual" in shrunk("log", came, AS_OF + timedelta(days=1))


def test_a_small_delivery_stops_the_list(own_town: Workspace) -> None:  # noqa: F811
    for n, rows in zip(range(6, 1, -1), (200, 220, 180, 200, 200), strict=True):
        deliver(own_town, "police", ago(7 * n), rows)
    deliver(own_town, "police", ago(1), 20)
    said = wrong(own_town)
    assert "Police (police): the delivery of log on 28 June 2026 has 20 rows, and 200 are usual" in said


def test_rows_set_aside_are_no_volume() -> None:
    """As many rows as ever, but the dates are in another format; or a rule now ignores them."""
    usual, day = live(100, 100, 100, 100, 100)[:-1], ago(7)
    assert not shrunk("log", [*usual, Received(day, False, 50, 50)], AS_OF), "half could be used"
    said = shrunk("log", [*usual, Received(day, False, 3, 90, 7)], AS_OF)
    assert "was set aside (90 quarantined, 7 ignored): 3 rows could be used, and 100 are usual" in said
    assert "format has changed" in said
    said = shrunk("log", [*usual, Received(day, False, 1, 0, 99)], AS_OF)
    assert "1 row could be used" in said and "`ignore` rules" in said
    # What was always set aside is not missed: 90 of 100 rows were, and still are.
    always = [Received(c.received_on, False, 10, 10, 80) for c in usual]
    assert not shrunk("log", [*always, Received(day, False, 10, 10, 80)], AS_OF)


@pytest.mark.parametrize(
    ("newest", "said"),
    [
        (Received(ago(1), False, 0, 5), True),
        (Received(ago(1), False, 0, 4), False),  # so few may be chance
        (Received(ago(1), False, 1, 99), False),  # something could be used, and nothing is usual yet
        (Received(ago(1), False, 0, 0, 99), False),  # a rule may be meant to ignore all of a quiet week
        (Received(ago(1), True, 0, 99), False),  # history is judged when it is taken in
        (Received(AS_OF, False, 0, 99), False),  # not known on the morning yet
    ],
)
def test_a_delivery_all_in_quarantine_needs_no_usual(newest: Received, said: bool) -> None:
    assert bool(shrunk("log", [newest], AS_OF)) == said
    assert not said or "0 rows could be used; ask whether" in shrunk("log", [newest], AS_OF)


def test_feeds_whose_rows_could_not_be_read_stop_the_list_for_as_long_as_that_lasts(
    own_town: Workspace,  # noqa: F811
) -> None:
    """After nine such weeks nothing is what is usual; the feed is dead all the same."""
    for n in range(11, 1, -1):
        deliver(own_town, "police", ago(7 * n + 1), 200, quarantined=200 if n < 11 else 0)
    deliver(own_town, "police", ago(1), 200, quarantined=200)
    said = wrong(own_town)
    assert "Police (police): most of the delivery of log on 28 June 2026 was set aside (200 quarant" in said
    assert "Rents" not in said


# --- going on ---------------------------------------------------------------------------------------


def test_accepted_feeds_are_said_on_the_list_and_made_again_with_it(own_town: Workspace) -> None:  # noqa: F811
    late = AS_OF + WEEK
    deliver(own_town, "police", AS_OF)
    said = wrong(own_town, late)
    assert "Rents" in said and "Schools" in said and "Police" not in said
    with pytest.raises(GateFailed, match="Schools"):
        flag(own_town, late, accept={"rents": WHY})
    weekly = flag(own_town, late, accept={"rents": WHY, "schools": WHY, "police": "not stale at all"})
    assert [(a.source, a.because) for a in weekly.accepted] == [("rents", WHY), ("schools", WHY)]
    assert all("was due on 29 June 2026" in a.wrong for a in weekly.accepted)
    folder = own_town.list_folder(late)
    page = (folder / "list.html").read_text(encoding="utf-8")
    assert page.count(WHY) == 2 and page.index(WHY) < page.index("People to offer early help to")
    rows = list(csv.DictReader((folder / "list.csv").open(encoding="utf-8-sig", newline="")))
    assert rows and all(row["made without"].count(WHY) == 2 for row in rows)
    kept = kept_list(own_town, late)
    assert kept and [a["source"] for a in kept["accepted"]] == ["rents", "schools"]
    again = remake(own_town, late)
    assert (again.hash, again.accepted) == (weekly.hash, weekly.accepted)


def test_only_feeds_that_the_model_reads_count(own_town: Workspace) -> None:  # noqa: F811
    for refusing in (
        lambda: flag(own_town, AS_OF, accept={"rent": WHY}),
        lambda: accepting(own_town, ["rent"], WHY),
    ):
        with pytest.raises(UserMistake, match="did you mean rents"):
            refusing()
    assert accepting(own_town, ["rents"], WHY) == {"rents": WHY} and accepting(own_town, [], None) == {}
    dead = (own_town.root / "sources" / "rents.yaml").read_text(encoding="utf-8").replace("rents", "fire")
    (own_town.root / "sources" / "fire.yaml").write_text(dead, encoding="utf-8")
    workspace = Workspace(own_town.root)
    deliver(workspace, "fire", ago(300))
    assert [feed.source for feed in flag(workspace, AS_OF).feeds] == ["police", "rents", "schools"]


@pytest.mark.parametrize(
    ("sources", "because", "said"),
    [
        (["police"], None, "at least 20 characters"),
        (["police"], "  because   ok    ", "at least 20 characters"),
        ([], WHY, "--accept-stale SOURCE"),
    ],
)
def test_whoever_goes_on_says_why(sources: list[str], because: str | None, said: str) -> None:
    with pytest.raises(UserMistake, match=said):
        accept_stale(sources, because)


def test_one_reason_serves_for_all() -> None:
    assert accept_stale(["a", "b"], f" {WHY} ") == {"a": WHY, "b": WHY}
    assert accept_stale([], None) == {}


def test_a_mistyped_feed_is_told_before_anything_is_taken_in(
    own_town: Workspace,  # noqa: F811
    earlyhelp_command: Command,
) -> None:
    """The inbox holds a file that no declaration names, which taking in would find first."""
    waiting = own_town.inbox / str(ago(1)) / "nobodys.csv"
    waiting.parent.mkdir(parents=True)
    waiting.write_text("a\n1\n", encoding="utf-8")
    asked = ("--workspace", own_town.root, "weekly", "--as-of", AS_OF, "--because", WHY, "--accept-stale")
    code, _, error = earlyhelp_command(*asked, "shcools")
    assert code == 2 and "did you mean schools?" in error and "nobodys" not in error
    assert earlyhelp_command(*asked, "schools")[0] != 0  # only now is the file looked at


def test_at_the_front_door(own_town: Workspace, earlyhelp_command: Command) -> None:  # noqa: F811
    """A mistyped year, a reason that is none, and a reason."""
    asked = ("--workspace", own_town.root, "flag", "--as-of", "2050-06-29")
    code, _, error = earlyhelp_command(*asked)
    said = " ".join(error.split())
    assert code == 4 and "that is every feed: what was taken in was received from 22 June 2026" in said
    assert "is 2050-06-29 the morning you mean?" in said and not kept_dates(own_town)
    everything = [word for source in SIGNALS for word in ("--accept-stale", source)]
    assert earlyhelp_command(*asked, *everything)[0] == 2
    code, text, _ = earlyhelp_command(*asked, *everything, "--because", WHY)
    assert code == 0 and text.count(f"Accepted because: {WHY}") == 3 and "Nothing had to be" not in text
    code, text, _ = earlyhelp_command(*asked[:3], "--as-of", AS_OF, *everything[:4], "--because", WHY)
    assert code == 0 and "Nothing had to be accepted of Police and Rents: not stale on this morning." in text
    code, text, _ = earlyhelp_command(*asked[:2], "--json", "flag", "--as-of", "2026-07-20")
    assert code == 4 and json.loads(text)["exit_code"] == 4


def test_a_week_that_is_refused_says_what_it_took_in(own_town: Workspace, earlyhelp_command: Command) -> None:  # noqa: F811
    """What was taken in and linked before the gate stands: it is told first, and in JSON too."""
    asked = ("--workspace", own_town.root, "weekly", "--as-of", "2026-07-20")
    code, text, error = earlyhelp_command(*asked)
    assert code == 4 and "was not made" in " ".join(error.split())
    assert text.startswith("0 extracts taken in, 0 new events.\n\nLink run ") and "people" in text
    code, text, _ = earlyhelp_command("--json", *asked)
    told = json.loads(text)
    assert code == told["exit_code"] == 4 and told["done"].startswith("0 extracts taken in")
    assert "done" not in json.loads(earlyhelp_command("--json", *asked[:2], "flag", *asked[3:])[1])
