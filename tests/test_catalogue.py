"""A catalogue follows from the declarations alone, travels as text, and notices every change."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import pytest

from features.association import Association
from features.catalogue import Catalogue, derive_catalogue
from features.declaration import Source
from features.errors import UserMistake
from features.feature import MEASURES, Signal
from features.sequences import FirstThen


def source(
    name: str,
    *,
    title: str = "",
    register: bool = False,
    timed: dict[str, str] | None = None,
    **signals: dict,
) -> Source:
    """A declaration with signals given as keywords; words are made up where none are given.

    timed: by signal, how its time comes: 'time' or 'datetime'.
    """
    moments = {
        "": {"occurred": "day"},
        "time": {"occurred": "day", "time": "hour"},
        "datetime": {"occurred": "at"},
    }
    how = timed or {}
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
                    "columns": {
                        "key": {},
                        "day": {"type": "date", "format": "%Y"},
                        "at": {"type": "datetime", "format": "%Y %H:%M"},
                        "hour": {"type": "time", "format": "%H:%M"},
                        "uprn": {},
                    },
                    "subjects": [{"key": "key"}],
                    "events": [{"signal": s, "place": "uprn", **moments[how.get(s, "")]} for s in signals],
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
            timed={"incident": "time", "to_address": "datetime"},
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


LETTER_THEN_CALL = FirstThen("household.council_tax.reminder", "police.incident", 90)
OTHERS = Association(("police.abuse", "care.plan"), 180)


@pytest.fixture(scope="module")
def asked() -> Catalogue:
    """The county with everything that is off unless it is asked for."""
    again = FirstThen("police.incident", "police.incident", 28)
    return derive_catalogue(county(), sequences=(LETTER_THEN_CALL, again), association=OTHERS)


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
    plain = [*counts, "days_since", "repeats_28", "change", "days_since_first"]
    assert battery("police.incident") == plain
    assert battery("care.plan") == [*plain, "open", "days_open"]
    assert battery("schools.absence")[len(plain) :] == [
        *(f"amount_{m}_{w}" for m in ("sum", "max", "mean") for w in (90, 365)),
        "amount_latest",
    ]
    broad = [*counts, "days_since", "repeats_7", "repeats_28", "change", "days_365", "gap_mean", "gap_spread"]
    hours, kinds = ["night_share", "weekend_share"], ["signals_90", "signals_365"]
    assert battery("police") == [*broad, *hours, *kinds]
    assert battery("all") == battery("household") == [*broad, *hours, *kinds, "agencies_90", "agencies_365"]
    assert battery("care") == [*broad, *kinds], "no hour is known, so none is asked for"
    assert len(set(catalogue.names)) == len(catalogue.names)


def test_names_are_ones_that_lightgbm_takes(asked: Catalogue) -> None:
    assert [name for name in asked.names if not re.fullmatch("[a-z0-9_.]+", name)] == []


def test_a_sequence_is_a_feature_of_what_comes_second(asked: Catalogue) -> None:
    name = "police.incident.after_household.council_tax.reminder_within_90"
    feature = asked.features[asked.names.index(name)]
    assert (feature.channel, feature.after, feature.within, feature.window) == (
        "police.incident",
        "household.council_tax.reminder",
        90,
        365,
    )
    assert asked.title(feature) == (
        "incidents within 90 days after the household's reminders, in the last 365 days"
    )
    only = asked.select([name])
    assert only.signals == ("council_tax.reminder", "police.incident")
    assert only.sources == ("council_tax", "police")
    assert [channel.name for channel in only.channels] == [feature.after, feature.channel]
    short = derive_catalogue(county(), windows=(30, 120), sequences=(LETTER_THEN_CALL,))
    assert short.features[-1].window == 120


def test_other_people_s_events_have_channels_of_their_own_and_no_other(asked: Catalogue) -> None:
    theirs = [channel for channel in asked.channels if channel.association]
    assert [channel.name for channel in theirs] == ["association.care.plan", "association.police.abuse"]
    plan, abuse = theirs
    assert plan.kind == "signal" and not plan.household and not plan.protective
    assert abuse.parts == (
        Signal(
            "association.police.abuse", "police", "abuse", "abuses", theme="domestic_abuse", association=True
        ),
    )
    assert not plan.parts[0].spell, "whether somebody else's spell is open is not asked"
    for channel in asked.channels:
        assert channel.association or not any(part.association for part in channel.parts)
    assert [(f.name, f.window) for f in asked.features if f.channel == plan.name] == [
        ("association.care.plan.count_30", 30),
        ("association.care.plan.count_90", 90),
        ("association.care.plan.count_180", 180),
        ("association.care.plan.days_since", 180),
    ], "never further back than association goes"
    assert set(asked.signals) - set(asked.own_signals) == {p for c in theirs for p in c.signals}


def test_a_short_reach_has_a_window_of_its_own() -> None:
    near = derive_catalogue(county(), association=Association(("police.abuse",), 14))
    assert [f.name for f in near.features if f.channel.startswith("association")] == [
        "association.police.abuse.count_14",
        "association.police.abuse.days_since",
    ]


def test_association_is_off_unless_asked_for_and_goes_with_its_features(
    catalogue: Catalogue, asked: Catalogue
) -> None:
    assert catalogue.association is None and not any(channel.association for channel in catalogue.channels)
    assert asked.association == Association(("care.plan", "police.abuse"), 180)
    assert asked.select(["association.care.plan.count_30"]).association == Association(("care.plan",), 180)
    assert asked.select(["all.count_30"]).association is None


def test_what_is_asked_for_by_name_needs_no_including() -> None:
    some = derive_catalogue(
        county(), include=("care.contact.*",), sequences=(LETTER_THEN_CALL,), association=OTHERS
    )
    assert {f.channel for f in some.features} == {
        "care.contact",
        "police.incident",
        "association.care.plan",
        "association.police.abuse",
    }
    none = derive_catalogue(
        county(), exclude=("*.after_*", "association.*"), sequences=(LETTER_THEN_CALL,), association=OTHERS
    )
    assert not any(f.after for f in none.features) and none.association is None


def test_every_feature_says_what_it_is_and_how_it_is_computed(asked: Catalogue) -> None:
    titles = [asked.title(feature) for feature in asked.features]
    assert len(set(titles)) == len(titles)
    assert not any("{" in title or "None" in title for title in titles)
    said = dict(zip(asked.names, titles, strict=True))
    assert said["police.incident.count_90"] == "incidents in the last 90 days"
    assert said["household.council_tax.reminder.count_30"] == "the household's reminders in the last 30 days"
    assert said["schools.absence.amount_sum_90"] == "absences in the last 90 days: sessions in all"
    assert said["theme.crime.count_30"] == "events under ‘diverted from crime’ in the last 30 days"
    assert (
        said["association.police.abuse.count_30"] == "abuses of somebody they live with in the last 30 days"
    )
    assert {f.formula for f in asked.features} == {m.formula for m in MEASURES.values()}


def test_it_travels_as_text(catalogue: Catalogue, asked: Catalogue) -> None:
    for one in (catalogue, asked):
        back = Catalogue.from_json(one.to_json())
        assert back == one
        assert back.hash == one.hash
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
        replace(catalogue, association=OTHERS),
        replace(catalogue, association=replace(OTHERS, within_days=90)),
        *(
            derive_catalogue(county(), sequences=(replace(LETTER_THEN_CALL, within=days),))
            for days in (90, 91)
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
        (
            {"sequences": (replace(LETTER_THEN_CALL, first="household.council_tax.remindr"),)},
            "no channel 'household.council_tax.remindr'; did you mean household.council_tax.reminder",
        ),
        ({"sequences": (replace(LETTER_THEN_CALL, within=0),)}, "within 0 should be from 1 to 365 days"),
        ({"sequences": (replace(LETTER_THEN_CALL, within=366),)}, "within 366 should be from 1 to 365"),
        (
            {"sequences": (replace(LETTER_THEN_CALL, within=31),), "windows": (30,)},
            "within 31 should be from 1 to 30 days",
        ),
        ({"sequences": (LETTER_THEN_CALL, LETTER_THEN_CALL)}, "is asked for twice"),
        (
            {
                "sequences": (replace(LETTER_THEN_CALL, then="association.police.abuse"),),
                "association": OTHERS,
            },
            "no channel 'association.police.abuse'; did you mean police.abuse",
        ),
        ({"association": Association((), 90)}, "names no signal"),
        ({"association": replace(OTHERS, within_days=0)}, "within_days 0 should be from 1 to 730"),
        ({"association": replace(OTHERS, within_days=731)}, "within_days 731 should be from 1 to 730"),
        (
            {"association": Association(("police.abus",), 90)},
            "no personal signal 'police.abus'; did you mean police.abuse",
        ),
        ({"association": Association(("police.moved",), 90)}, "no personal signal 'police.moved'"),
        ({"association": Association(("care.our_help",), 90)}, "no personal signal 'care.our_help'"),
        (
            {"association": Association(("council_tax.reminder",), 90)},
            "is shared: it reaches everybody who lives there already, in household.council_tax.reminder",
        ),
    ],
)
def test_mistakes_are_told(change: dict, expected: str) -> None:
    with pytest.raises(UserMistake, match=expected):
        derive_catalogue(county(), **change)


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(UserMistake) as mistake:
        derive_catalogue(
            {**county(), "theme": source("theme", thing={})},
            windows=(-1,),
            include=("polic.*",),
            sequences=(FirstThen("polcie", "shools.absence", 900),),
            association=Association(("nobody.knows", "council_tax.reminder"), -3),
        )
    told = "\n".join(mistake.value.problems)
    assert len(mistake.value.problems) == 9
    for word in ("'theme'", "[-1]", "'polic.*'", "'polcie'", "'shools.absence'", "900", "nobody.knows", "-3"):
        assert word in told


@pytest.mark.parametrize("name", ["household", "association"])
def test_a_source_cannot_take_a_channel_s_name(name: str) -> None:
    with pytest.raises(UserMistake, match=f"source '{name}': the name is taken"):
        derive_catalogue({name: source(name, thing={})})
