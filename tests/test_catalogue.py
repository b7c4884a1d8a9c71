"""A catalogue follows from the declarations alone, travels as text, and notices every change."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import pytest

from features.catalogue import Catalogue, derive_catalogue
from features.declaration import Source
from features.errors import UserMistake
from features.feature import MEASURES


def source(name: str, *, title: str = "", register: bool = False, **signals: dict) -> Source:
    """A declaration with signals given as keywords; words are made up where none are given."""
    return Source.model_validate(
        {
            "source": name,
            "title": title or name.title(),
            "owner": "somebody",
            "legal_gateway": "some Act",
            "agreement": {"reference": "1", "review_by": "2030-01-01"},
            "covers_from": "2019-01-01",
            "register": register,
            "typical_delay_days": 1,
            "schedule": {"every": "day"},
            "extracts": {
                "rows": {
                    "files": "*.csv",
                    "delivery": "full",
                    "record_key": "key",
                    "columns": {"key": {}, "day": {"type": "date", "format": "%Y"}, "uprn": {}},
                    "subjects": [{"key": "key"}],
                    "events": [{"signal": s, "occurred": "day", "place": "uprn"} for s in signals],
                }
            },
            "signals": {s: {"one": s, "many": f"{s}s", **words} for s, words in signals.items()},
        }
    )


def county() -> dict[str, Source]:
    declared = [
        source(
            "council_tax", title="Council tax", register=True, reminder={"shared": True, "theme": "finance"}
        ),
        source(
            "police",
            incident={"theme": "crime"},
            abuse={"theme": "domestic_abuse"},
            to_address={"shared": True},
            moved={"exit": True},
        ),
        source("schools", register=True, absence={"theme": "education", "unit": "sessions"}),
        source("care", contact={"theme": "crime"}, plan={"spell": True}, our_help={"feature": False}),
    ]
    return {s.source: s for s in declared}


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return derive_catalogue(county())


def test_the_channels_follow_from_the_signals(catalogue: Catalogue) -> None:
    described = {c.name: (c.kind, c.household, c.signals) for c in catalogue.channels}
    assert described == {
        "care.contact": ("signal", False, ("care.contact",)),
        "care.plan": ("signal", False, ("care.plan",)),
        "household.council_tax.reminder": ("signal", True, ("council_tax.reminder",)),
        "police.incident": ("signal", False, ("police.incident",)),
        "police.abuse": ("signal", False, ("police.abuse",)),
        "household.police.to_address": ("signal", True, ("police.to_address",)),
        "schools.absence": ("signal", False, ("schools.absence",)),
        "all": (
            "all",
            False,
            ("care.contact", "care.plan", "police.incident", "police.abuse", "schools.absence"),
        ),
        "household": ("all", True, ("council_tax.reminder", "police.to_address")),
        "care": ("agency", False, ("care.contact", "care.plan")),
        "police": ("agency", False, ("police.incident", "police.abuse")),
        "theme.crime": ("theme", False, ("care.contact", "police.incident")),
    }, "exits and context are in no channel; what would say the same twice is left out"


def test_the_battery_of_each_kind_of_channel(catalogue: Catalogue) -> None:
    def battery(channel: str) -> list[str]:
        return [f.name.removeprefix(f"{channel}.") for f in catalogue.features if f.channel == channel]

    counts = [f"count_{w}" for w in (30, 90, 180, 365, 730)]
    plain = [*counts, "days_since", "repeats_28", "change"]
    assert battery("police.incident") == plain
    assert battery("care.plan") == [*plain, "open", "days_open"]
    assert battery("schools.absence")[len(plain) :] == [
        *(f"amount_{m}_{w}" for m in ("sum", "max", "mean") for w in (90, 365)),
        "amount_latest",
    ]
    broad = [*counts, "days_since", "repeats_7", "repeats_28", "change", "signals_90", "signals_365"]
    assert battery("police") == broad
    assert battery("all") == battery("household") == [*broad, "agencies_90", "agencies_365"]
    assert len(set(catalogue.names)) == len(catalogue.names)


def test_every_feature_says_what_it_is_and_how_it_is_computed(catalogue: Catalogue) -> None:
    titles = [f.title(catalogue.channel(f.channel)) for f in catalogue.features]
    assert len(set(titles)) == len(titles)
    assert not any("{" in title or "None" in title for title in titles)
    said = dict(zip(catalogue.names, titles, strict=True))
    assert said["police.incident.count_90"] == "incidents in the last 90 days"
    assert said["household.council_tax.reminder.count_30"] == "the household's reminders in the last 30 days"
    assert said["schools.absence.amount_sum_90"] == "absences in the last 90 days: sessions in all"
    assert said["theme.crime.count_30"] == "events under ‘diverted from crime’ in the last 30 days"
    assert {f.formula for f in catalogue.features} == {m.formula for m in MEASURES.values()}


def test_it_travels_as_text(catalogue: Catalogue) -> None:
    back = Catalogue.from_json(catalogue.to_json())
    assert back == catalogue
    assert back.hash == catalogue.hash
    assert re.fullmatch("[0-9a-f]{64}", catalogue.hash)
    assert derive_catalogue(dict(reversed(county().items()))).hash == catalogue.hash


def test_the_hash_notices_every_change(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    feature, channel, fact = catalogue.features[0], catalogue.channels[0], catalogue.facts[0]
    part = channel.parts[0]
    changed = [
        replace(catalogue, features=(replace(feature, window=31), *catalogue.features[1:])),
        replace(catalogue, features=catalogue.features[::-1]),
        replace(catalogue, facts=(replace(fact, covers_from=date(2020, 1, 1)), *catalogue.facts[1:])),
        replace(catalogue, facts=(replace(fact, register=not fact.register), *catalogue.facts[1:])),
        replace(catalogue, channels=(replace(channel, many="approaches"), *catalogue.channels[1:])),
        replace(
            catalogue,
            channels=(replace(channel, parts=(replace(part, spell=True),)), *catalogue.channels[1:]),
        ),
    ]
    monkeypatch.setattr("features.catalogue.KERNEL_VERSION", 0)
    changed.append(replace(catalogue))
    assert len({catalogue.hash, *(c.hash for c in changed)}) == len(changed) + 1


def test_a_catalogue_of_another_kernel_is_refused(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = catalogue.to_json()
    monkeypatch.setattr("features.catalogue.KERNEL_VERSION", 99)
    with pytest.raises(UserMistake, match="train the model again"):
        Catalogue.from_json(text)


def test_include_and_exclude() -> None:
    some = derive_catalogue(county(), include=("all.*", "police.*"), exclude=("*.count_7*", "*.change"))
    assert {f.channel for f in some.features} == {"all", "police", "police.incident", "police.abuse"}
    assert not [name for name in some.names if "count_730" in name or name.endswith("change")]
    assert {"care.contact", "schools.absence"} <= set(some.signals), "what `all` is made of stays"
    only = derive_catalogue(county(), include=("care.contact.count_30",))
    assert (only.names, only.signals, only.sources) == (
        ("care.contact.count_30",),
        ("care.contact",),
        ("care",),
    )


def test_select_keeps_the_order_and_refuses_what_is_not_there(catalogue: Catalogue) -> None:
    some = catalogue.select(["police.incident.count_90", "care.contact.count_30"])
    assert some.names == ("care.contact.count_30", "police.incident.count_90")
    assert some.sources == ("care", "police")
    with pytest.raises(UserMistake, match=r"police.incident.count_9: did you mean police.incident.count_90"):
        catalogue.select(["police.incident.count_9"])


def test_short_windows_leave_out_what_they_cannot_hold() -> None:
    short = derive_catalogue(county(), windows=(28, 7, 28))
    assert short.windows == (7, 28)
    assert not [f for f in short.features if f.measure == "change" or f.window > 28]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"windows": (0, 30)}, "days above 0"),
        ({"windows": ()}, "days above 0"),
        ({"include": ("polic.*",)}, "'polic.\\*' matches no feature"),
        ({"exclude": ("*",)}, "no feature is left"),
    ],
)
def test_mistakes_are_told(change: dict, expected: str) -> None:
    with pytest.raises(UserMistake, match=expected):
        derive_catalogue(county(), **change)


def test_a_source_cannot_take_a_channel_s_name() -> None:
    with pytest.raises(UserMistake, match="source 'household': the name is taken"):
        derive_catalogue({"household": source("household", thing={})})
