"""The list as people read it: the page by its structure and in a real browser, and the office's table."""

import csv
import io
import json
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from models.candidate import NOT_APPROVED
from models.reasons import Reason
from serving.flags import NEW, STILL_HERE, Expected, Feed, Flag, WeeklyList
from serving.page import TEMPLATES, out_of, page, table
from serving.text import list_text

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
in_a_browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium: `apt-get install chromium`")

EVIL = "<b>Bobby</b> & \"Tables\" <script>alert('x')</script>"


def told(sentence: str, *sources: str, theme: str = "") -> Reason:
    return Reason("channel", sentence, theme, 0.5, sources, date(2026, 6, 23), ("e1",))


def flagged(rank: int, name: str, age: int | None, home: str | None, *, standing: str = NEW) -> Flag:
    return Flag(
        rank=rank,
        person_id=f"P{rank:011x}",
        name=name,
        age=age,
        household_id=home,
        living_there=4 if home else 0,
        log_odds=-1.0 - rank / 10,
        chance=0.27,
        chance_words=f"about 1 in {rank + 2}",
        reasons=(
            told(
                "3 missing episodes in the last 90 days, the latest 6 days ago",
                "missing",
                theme="child safety",
            ),
            told("7 events from 2 agencies in the last 90 days", "council_tax", "missing"),
        ),
        strengths=(told("Meeting with a mentor, 5 days ago", "council_tax"),),
        other_share=0.125,
        not_held=("Council tax: not on its register in the last two years",),
        standing=standing,
    )


WEEKLY = WeeklyList(
    as_of=date(2026, 6, 29),
    council="Anyshire & District",
    title="Escalation within six months",
    outcome="a child protection plan, care or an eviction",
    horizon_days=180,
    capacity=30,
    scored=8421,
    flow=(("no event in the last 730 days", 11890, 8421),),
    flags=(
        flagged(1, "Amira Castellan-Whitby", 14, "H00000000001", standing=STILL_HERE),
        flagged(2, EVIL, None, "H00000000001"),
        replace(flagged(3, "=cmd()", 34, None), reasons=(), strengths=(), not_held=()),
    ),
    feeds=(
        Feed("council_tax", "Council tax", date(2026, 6, 22), None),
        Feed("missing", "Missing episodes", date(2026, 6, 1), date(2026, 6, 8)),
    ),
    expected=Expected(0.17, 0.09, 0.31, 0.018, (date(2025, 10, 6),)),
    previous=date(2026, 6, 22),
    specification="escalation",
    model="ab" * 32,
    kind="lightgbm",
    approval=NOT_APPROVED,
    catalogue="cd" * 32,
    code="0.1.0",
    last_delivery=431,
    link_run=9,
)


class Reading(HTMLParser):
    """What a page is made of: its tags with their attributes, in order, and its words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def every(self, *tags: str) -> list[dict[str, str]]:
        return [attributes for tag, attributes in self.tags if tag in tags]


READ = Reading(page(WEEKLY))


def test_it_says_what_it_is_and_what_it_is_not() -> None:
    for words in (
        NOT_APPROVED,
        "Anyshire & District",
        "morning of Monday 29 June 2026",
        "3 people , 2 new since 22 June 2026",
        "of 8,421 considered",
        "known on this morning 20,311 no event in the last 730 days 11,890 8,421",
        "absence from this list denies nobody anything",
        "Nothing is done until a person has decided it",
        "A delivery received on the morning of the list counts from the next day",
    ):
        assert words.replace(" ,", ",") in READ.text.replace(" ,", ","), words


def test_what_to_expect_is_said_in_people() -> None:
    assert (
        "Of 30 people listed, about 5 would come to a child protection plan, care or an eviction "
        "within 180 days (between 3 and 9, allowing for chance). Of 30 picked at random from the people "
        "considered, fewer than 1 ."
    ) in READ.text
    assert "on dates the model" not in READ.text
    assert "6 October 2025" in READ.text


def test_the_terminal_promises_what_the_page_does_however_few_are_listed() -> None:
    one = replace(WEEKLY, flags=WEEKLY.flags[:1])
    text = list_text(one)
    assert "1 person to offer help to, of 8,421 looked at." in text
    assert "Of 30 people on a list like this about 5 had it (3 to 9)" in text
    assert NOT_APPROVED in list_text(replace(one, flags=()))
    assert "Late: Missing episodes was due on 8 June 2026, last received 1 June 2026." in text


def test_it_says_of_itself_where_other_people_s_events_count() -> None:
    said = "What happened to somebody a person lives with counts for that person too, for 180 days: thefts."
    asked = replace(WEEKLY, association=said)
    assert said in Reading(page(asked)).text and said in list_text(asked)
    assert "lives with" not in READ.text and "lives with" not in list_text(WEEKLY)


def test_a_list_whose_model_has_seen_what_followed_says_so() -> None:
    said = "Made with a model that has seen what followed: it learned from what was known by 7 July 2026."
    past = replace(WEEKLY, seen=date(2026, 7, 7), approval="", feeds=WEEKLY.feeds[:1])
    text = Reading(page(past)).text
    assert said in text and text.index(said) < text.index("People to offer early help to")
    assert said in list_text(past) and json.loads(past.to_json())["seen"] == "2026-07-07"
    assert past.hash == replace(past, seen=None).hash
    assert "has seen what followed" not in READ.text + list_text(WEEKLY)


def test_where_nothing_can_be_promised_it_says_so() -> None:
    assert "Not estimable" in Reading(page(replace(WEEKLY, expected=None))).text


@pytest.mark.parametrize(
    ("share", "listed", "words"),
    [(0.17, 30, "about 5"), (0.03, 30, "about 1"), (0.02, 30, "fewer than 1"), (0.0, 30, "fewer than 1")],
)
def test_a_share_in_people(share: float, listed: int, words: str) -> None:
    assert out_of(share, listed) == words


def test_every_person_is_told_in_full() -> None:
    for words in (
        "1. Amira Castellan-Whitby, 14",
        "Chance about 1 in 3",
        "household H00000000001 , 4 people known to live there",
        "also on this list: 2.",
        "the latest 6 days ago Missing episodes · latest 23 June 2026 · child safety",
        "Council tax, Missing episodes",
        "Going well Meeting with a mentor, 5 days ago",
        "We hold nothing on Council tax: not on its register in the last two years",
        "12 % of what moves this chance has no event behind it",
        "No recorded event raises this chance",
        "Nothing recorded tells us. Ask.",
        "no household known",
        "Still here",
    ):
        assert words in READ.text, words


def test_a_late_feed_is_said_at_the_top() -> None:
    assert "Missing episodes: a delivery was due on 8 June 2026; the last came on 1 June 2026" in READ.text
    assert READ.text.index("Deliveries are late") < READ.text.index("People to offer early help to")


def test_an_approved_list_on_time_has_no_banner() -> None:
    calm = page(replace(WEEKLY, approval="", feeds=WEEKLY.feeds[:1]))
    assert "NOT APPROVED" not in calm and 'class="banner"' not in calm


def test_values_are_escaped() -> None:
    assert EVIL in READ.text
    assert not READ.every("script", "b")


def test_nothing_is_fetched() -> None:
    links = [a.get("href", "") for a in READ.every("a", "link")]
    assert links and all(link.startswith("#") for link in links)
    assert not READ.every("img", "iframe", "link", "object", "form")
    assert "url(" not in page(WEEKLY) and "@import" not in page(WEEKLY)


def test_structure_for_reading_by_ear() -> None:
    assert READ.every("html")[0]["lang"] == "en-GB"
    for landmark in ("header", "main", "footer", "title", "h1"):
        assert READ.every(landmark)
    assert len(READ.every("main")) == len(READ.every("h1")) == 1
    levels = [int(tag[1]) for tag, _ in READ.tags if re.fullmatch(r"h[1-6]", tag)]
    assert all(after <= before + 1 for before, after in pairwise(levels))
    ids = [attributes["id"] for _, attributes in READ.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    named = {a["href"][1:] for a in READ.every("a")}
    named |= {a["aria-labelledby"] for _, a in READ.tags if "aria-labelledby" in a}
    assert named <= set(ids)
    assert all(cell.get("scope") in ("col", "row") for cell in READ.every("th"))


def luminance(colour: str) -> float:
    """Relative luminance of '#rrggbb' as WCAG 2.2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("ground", ["#ffffff", "ground"])
@pytest.mark.parametrize("text", ["ink", "quiet", "link", "link-hover", "alarm"])
def test_every_text_stands_out(text: str, ground: str) -> None:
    css = (TEMPLATES / "page.css").read_text(encoding="utf-8")
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", css))
    dark, light = luminance(colours[text]), luminance(colours.get(ground, ground))
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_the_table_for_the_office() -> None:
    rows = list(csv.DictReader(io.StringIO(table(WEEKLY))))
    assert [row["rank"] for row in rows] == ["1", "2", "3"]
    assert [row["name"] for row in rows] == ["Amira Castellan-Whitby", EVIL, "'=cmd()"]
    assert rows[0]["reason 2"] == "7 events from 2 agencies in the last 90 days"
    assert rows[2]["age"] == "34" and rows[1]["age"] == "" and rows[2]["reason 1"] == ""
    assert {row["approval"] for row in rows} == {NOT_APPROVED}


def browse(tmp_path: Path, *options: str, text: str) -> str:
    (tmp_path / "list.html").write_text(text, encoding="utf-8")
    command = [
        BROWSER or "",
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={tmp_path / 'p'}",
    ]
    command += [*options, (tmp_path / "list.html").as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


@in_a_browser
def test_it_fits_a_telephone_and_a_desk(tmp_path: Path) -> None:
    """At 320 CSS pixels (400 % zoom on a desk) nothing but the wide tables scrolls sideways."""
    measure = (
        "<script>document.title = [document.documentElement.scrollWidth, innerWidth,"
        "document.querySelectorAll('.person').length].join(' ')</script></body>"
    )
    frame = '<iframe width="320" height="700" srcdoc="{}"></iframe>'
    inner = page(WEEKLY).replace(
        "</body>", measure.replace("document.title", "parent.document.title") + "</body>"
    )
    told = browse(
        tmp_path, "--dump-dom", text=frame.format(inner.replace("&", "&amp;").replace('"', "&quot;"))
    )
    width, window, people = map(int, re.findall(r"<title>(\d+) (\d+) (\d+)", told)[0])
    assert window <= 320 and width <= window and people == 3


@in_a_browser
def test_it_prints(tmp_path: Path) -> None:
    browse(tmp_path, f"--print-to-pdf={tmp_path / 'list.pdf'}", "--no-pdf-header-footer", text=page(WEEKLY))
    pdf = (tmp_path / "list.pdf").read_bytes()
    assert pdf.startswith(b"%PDF") and 2 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 4
