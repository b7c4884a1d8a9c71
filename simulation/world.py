"""Every constant of the simulated county, in one place, so that the world can be argued with.

The county is made up. Its rates are compressed (more happens to fewer people than in a real county)
so that a few thousand people hold enough outcomes to learn from; what is kept from the real world is
the *shape*: escalation is rare and only partly foreseeable, most arrears lead nowhere, contact is
concentrated in a few people, recording is late, uneven and not the same for everybody.

Rates are per month where nothing else is said. Troubles are in standard deviations of a wandering
score; only what lies above `TROUBLE_FROM` is a trouble.
"""

from __future__ import annotations

from datetime import date

# --- time -------------------------------------------------------------------------------------
LAST_DAY = date(2026, 6, 28)
"""The last day that is simulated; the last delivery is the Monday after it."""
DELIVERIES = 5
"""Weekly Mondays with deliveries; the first load of history arrives on the Monday before them."""
BLOCK = 20_000
"""People simulated at a time: memory stays that of one block, however large the county."""

# --- people -----------------------------------------------------------------------------------
PEOPLE_PER_FAMILY = 2.36
PEOPLE_PER_AREA = 400
FAMILY_KINDS = {
    # kind: (share, youngest adult, oldest adult, adults, children)
    "single": (0.20, 21, 64, 1, False),
    "older single": (0.11, 65, 92, 1, False),
    "couple": (0.17, 22, 64, 2, False),
    "older couple": (0.11, 65, 88, 2, False),
    "couple with children": (0.28, 24, 52, 2, True),
    "lone parent": (0.13, 20, 48, 1, True),
}
CHILDREN = (0.42, 0.39, 0.14, 0.05)
"""Shares of families with children that have 1, 2, 3, 4 of them at the start."""
ARRIVE = LEAVE = 0.025
"""Families that arrive in, or leave, the county in a year, as a share of all."""
BIRTHS = 0.06
"""Births a year in families whose first adult is under 40, singles aside."""
DEATH_LEVEL, DEATH_SLOPE = 2.6e-5, 0.097
"""Gompertz mortality a year: level × exp(slope × age)."""
LEAVE_HOME_SHARE = 0.7
"""Of the children who grow up, those who move out between 18 and 25."""
ETHNIC_GROUPS = {
    # DfE code: (share, names drawn from, police recording, social care recording)
    "WBRI": (0.77, "british", 1.0, 1.0),
    "WOTH": (0.06, "european", 1.0, 1.0),
    "AIND": (0.03, "south asian", 0.9, 0.9),
    "APKN": (0.045, "pakistani", 1.0, 0.9),
    "BAFR": (0.03, "african", 1.6, 1.3),
    "BCRB": (0.02, "british", 1.6, 1.3),
    "MWBC": (0.025, "british", 1.4, 1.3),
    "OOTH": (0.02, "european", 1.1, 1.0),
}
"""Recording factors above 1: the same behaviour is written down more often. They touch what is
recorded, never the troubles or the outcomes themselves, so an audit has something true to find."""
TWINS, TWINS_WITHIN = 0.01, 300
"""The share of everybody who is a twin: siblings at most so many days apart, nearest first, who are taken
for one birth."""
DISABLED = 0.09
TENURES = ("owner", "private rent", "council rent")
MOVES = (0.03, 0.14, 0.045)
"""Voluntary moves of a family in a year, by tenure."""
HOSTEL_PLACES = 12
"""Families that one hostel of temporary accommodation takes in at a time."""

# --- troubles ---------------------------------------------------------------------------------
TROUBLES = ("debt", "alcohol", "abuse", "mind")
TROUBLE_FROM = 0.9
KEEPS = 0.955
"""How much of a family's score is carried from one month to the next (half-life 15 months)."""
VULNERABILITY = 0.75
"""How far a family's own standing (partly its area's) shifts where its troubles wander about."""
SPILL = 0.30
"""How far one trouble, while it lasts, pulls the others up."""
SHOCKS = 0.006
"""Job loss, illness, separation: each lifts debt, and less often the others."""
SHOCK_SIZE = 1.8
ADRIFT_KEEPS = 0.94
ADRIFT_FROM_FAMILY = 0.45

# --- what escalates ---------------------------------------------------------------------------
ENQUIRY = 0.0037
ENQUIRY_WEIGHTS = {"debt": 0.25, "alcohol": 0.47, "abuse": 0.62, "mind": 0.40}
ENQUIRY_CAP = 0.10
"""Section 47 enquiries of a family: ENQUIRY × exp(weights · troubles), never above the cap."""
ENQUIRY_SIBLING = 0.8
TEEN_ENQUIRY, TEEN_SLOPE, TEEN_CAP = 0.0016, 0.60, 0.05
"""Enquiries about one young person of 11 to 17, by how adrift they are."""
PLAN_AFTER_ENQUIRY = 0.36
CARE_AFTER_PLAN = 0.17
CARE_AFTER_ENQUIRY = 0.04
ARREARS_CASE, ARREARS_SLOPE, ARREARS_CAP = 0.036, 0.32, 0.14
"""Rent arrears cases of council tenants, by debt."""
ARREARS_STAGES = {
    # stage: (share that goes on to it, fewest and most days after the stage before)
    "notice": (0.50, 10, 30),
    "court": (0.50, 14, 40),
    "order": (0.60, 7, 25),
    "eviction": (0.35, 10, 40),
}
"""How rent arrears cases go on. Quicker than courts are, so that an eviction is not simply read off
the stage that a case has reached half a year before."""
ARREARS_DEPTH = 0.03
"""How much a unit of debt adds to each of these shares."""

# --- what is recorded -------------------------------------------------------------------------
REMINDER, REMINDER_SLOPE, REMINDER_CAP = 0.011, 0.95, 0.30
TAX_STAGES = {
    "final_notice": 0.52,
    "summons": 0.62,
    "liability_order": 0.85,
    "enforcement_agent": 0.42,
}
ARRANGEMENT, ARRANGEMENT_KEPT = 0.28, 0.66
BIRTH_DATE_ON_TAX = 0.93
NINO_ON_RENTS = 0.7

MIND_LOGS, MIND_SLOPE, MIND_SHAPE = 0.036, 0.80, 0.85
"""Police logs about an adult's mental health: rate, growth with the trouble, and the shape of the
gamma frailty that concentrates them in a few people."""
MIND_PERSISTS = 1.2
"""Spread of the crisis that comes and goes from quarter to quarter."""
TAG_MISSING = 0.44
"""Mental-health logs that are closed as something else (the Wiltshire study, by inference)."""
POLICE = {
    # signal: (background, per unit of its trouble)
    "alcohol": (0.0006, 0.050),
    "domestic_abuse": (0.0008, 0.075),
    "concern_for_safety": (0.0012, 0.020),
    "antisocial_behaviour": (0.0016, 0.030),
    "crime_victim": (0.0030, 0.010),
    "crime_suspect": (0.0008, 0.022),
    "called_to_address": (0.0022, 0.050),
    "administration": (0.0030, 0.0),
}
POLICED_MORE, POLICED_FACTOR = 0.2, 1.8
"""The share of areas where more of the same is logged, and how much more."""
CHILD_PRESENT = 0.55
"""Children at home who are linked to a domestic-abuse log."""
CONTACT_AFTER_ABUSE = 0.55
MISSING, MISSING_SLOPE, MISSING_CAP = 0.0011, 1.45, 1.5
MISSING_BY_CHANCE = 0.00002
CONTACT, CONTACT_SLOPE, CONTACT_CAP = 0.0070, 0.62, 0.35
CONTACT_GOES_ON = 0.34
REFERRAL_GOES_ON = 0.66
NEED_AFTER_ASSESSMENT = 0.40
EARLY_HELP_AFTER_CONTACT = 0.16
ABSENT_ILL, ABSENT_UNAUTHORISED, ABSENT_SLOPE, ABSENT_CAP = 0.030, 0.008, 0.62, 0.45
"""Shares of school days missed: through illness, and without leave (× exp(slope × trouble))."""
SUSPENSION, SUSPENSION_SLOPE = 0.0012, 1.25

DELAYS = {
    # days from happening to keying: (median, spread of the logarithm)
    "council_tax.accounts": (13, 0.8),
    "council_tax.recovery": (1, 0.5),
    "rents.tenancies": (5, 0.7),
    "rents.actions": (2, 0.6),
    "police.logs": (2, 1.2),
    "missing.episodes": (3, 1.1),
    "social_care": (4, 0.8),
    "schools": (9, 0.9),
    "address": (24, 0.9),
}
SLOW_AREAS, SLOW_FACTOR = 0.2, 2.5
"""The share of areas whose teams key late, and how many times later."""

# --- what goes wrong --------------------------------------------------------------------------
FAULTS = 0.002
"""Rows of a file with a planted fault."""
CORRECTED, WITHDRAWN = 0.012, 0.004
"""Of the records keyed in the last `UNSETTLED_DAYS` days: those corrected, and those left out of a
later full file (half of them come back)."""
UNSETTLED_DAYS = 150
