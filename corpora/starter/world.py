"""What goes with what: who does what, where, when, why.

Everything random takes the generator's `Random`, and everything chosen from is a tuple in the
order of the lexicon, so that a seed fixes the corpus whatever the hash seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from random import Random

import lexicon
from lexicon import Adjective, Adverbial, Destination, Noun, Place, Verb, adverbials
from meaning import (
    ELLE,
    ELLES,
    IL,
    ILS,
    JE,
    JE_F,
    NOUS,
    NOUS_F,
    ON,
    TU,
    TU_F,
    VOUS,
    VOUS_POLITE,
    VOUS_POLITE_F,
    Determiner,
    Named,
    NounPhrase,
    Pronoun,
    Quantity,
    Subject,
    Tense,
    pronoun_for,
)

PRONOUNS = (
    *(JE, JE, JE_F, TU, TU, TU_F, IL, IL, ELLE, ELLE, NOUS, NOUS_F, ILS, ELLES, ON),
    *(VOUS, VOUS_POLITE, VOUS_POLITE_F),
)
SPEAKERS = (JE, TU, NOUS, VOUS)
ALWAYS_SINGULAR = frozenset({"sport", "game", "subject", "language", "season", "meal"})
ALSO_IN_CLASS = {
    "room": ("chambre", "cuisine", "salon", "garage"),
    "attraction": ("musée", "église", "université"),
}
NOT_SITES = frozenset({"maison", "train", "campagne", "montagne"})
INDOORS = frozenset({"cuisine", "chambre", "salon", "garage", "salle de bains", "salle de classe"})
NOT_TO_GO_TO = INDOORS | {"train", "rue", "école"}
TASTES = ("food", "drink", "pet", "flower", "sport", "subject", "season")
NUMBERS = (
    *(("deux", "two"), ("trois", "three"), ("quatre", "four"), ("cinq", "five"), ("six", "six")),
    *(("sept", "seven"), ("huit", "eight"), ("neuf", "nine"), ("dix", "ten"), ("onze", "eleven")),
    *(("douze", "twelve"), ("treize", "thirteen"), ("quatorze", "fourteen")),
    *(("quinze", "fifteen"), ("seize", "sixteen"), ("dix-sept", "seventeen")),
    *(("dix-huit", "eighteen"), ("dix-neuf", "nineteen"), ("vingt", "twenty")),
)
TENS = (
    *((20, "vingt", "twenty"), (30, "trente", "thirty"), (40, "quarante", "forty")),
    *((50, "cinquante", "fifty"), (60, "soixante", "sixty")),
)
LARGE = {70: ("soixante-dix", "seventy"), 80: ("quatre-vingts", "eighty")}
RARE = frozenset({"travel", "go", "win", "fail", "meet", "study"})
UNITS = ("minute", "heure", "jour", "semaine", "mois", "an")
UNITS_ENGLISH = ("minutes", "hours", "days", "weeks", "months", "years")
A_LOT = Quantity("beaucoup", "a lot of", "a lot of", True)
A_LITTLE = Quantity("un peu", "a little", "a few", True)
TOO_MUCH = Quantity("trop", "too much", "too many", True)
HOW_MANY = Quantity("combien", "how much", "how many", True)
CONTAINERS = {
    "drink": (
        ("une tasse", "a cup of"),
        ("un verre", "a glass of"),
        ("une bouteille", "a bottle of"),
    ),
    "food": (("un morceau", "a piece of"),),
    "fruit": (("un kilo", "a kilo of"),),
    "vegetable": (("un kilo", "a kilo of"),),
}
HOT_DRINKS = frozenset({"café", "thé"})


def number(value: int) -> tuple[str, str]:
    """A number from 2 to 69, or one of 70 and 80, in both languages."""
    if value in LARGE:
        return LARGE[value]
    if value <= 20:
        return NUMBERS[value - 2]
    ten, french, english = next(entry for entry in reversed(TENS) if entry[0] <= value)
    rest = value - ten
    if rest == 0:
        return french, english
    if rest == 1:
        return f"{french} et un", f"{english}-one"
    return f"{french}-{NUMBERS[rest - 2][0]}", f"{english}-{NUMBERS[rest - 2][1]}"


def counted(value: int) -> Quantity:
    """A number as it stands before a noun."""
    french, english = number(value)
    return Quantity(french, english, english, False)


@cache
def members(name: str) -> tuple[Noun, ...]:
    """All nouns of a class; a noun's own French word is a class of one."""
    if name == "taste":
        return tuple(dict.fromkeys(noun for taste in TASTES for noun in members(taste)))
    found = [noun for noun in (*lexicon.nouns(), *lexicon.people()) if name in noun.classes]
    found += [lexicon.place(word).noun for word in ALSO_IN_CLASS.get(name, ())]
    return tuple(found) if found else (lexicon.noun(name),)


@cache
def adjectives_for(noun: Noun) -> tuple[Adjective, ...]:
    """The adjectives that may stand beside a noun."""
    return tuple(
        adjective
        for adjective in lexicon.adjectives()
        if adjective.position in {"before", "after"} and adjective.suits & noun.classes
    )


@cache
def qualities(*suits: str) -> tuple[Adjective, ...]:
    """The adjectives that suit any of these classes, in the order of the lexicon."""
    return tuple(item for item in lexicon.adjectives() if item.suits & set(suits))


@cache
def of_kind(*kinds: str) -> tuple[Adverbial, ...]:
    """The adverbials of these kinds."""
    return tuple(entry for entry in adverbials() if entry.kind in kinds)


@cache
def sites() -> tuple[Place, ...]:
    """The places that one can point at and describe."""
    return tuple(item for item in lexicon.places() if item.noun.french not in NOT_SITES)


@cache
def gradable(*suits: str) -> tuple[Adjective, ...]:
    """The adjectives that suit any of these classes and that have degrees."""
    return tuple(item for item in qualities(*suits) if "absolute" not in item.traits)


@cache
def verbs_where(activity: str) -> tuple[Verb, ...]:
    """The verbs of an activity, be they ordinary or not."""
    return tuple(verb for verb in lexicon.verbs() if activity in verb.activities)


@cache
def places_for(activities: frozenset[str]) -> tuple[Place, ...]:
    """The places where one of the activities is done."""
    return tuple(place for place in lexicon.places() if place.activities & activities)


def destination(rng: Random) -> Destination:
    """A city or a country."""
    return rng.choice(lexicon.destinations())


def on_foot_or_by(rng: Random) -> Adverbial:
    """A means of transport."""
    return rng.choice(of_kind("means"))


def clock(rng: Random, first: int = 2, last: int = 11) -> Adverbial:
    """A time of day: à huit heures, à huit heures et demie."""
    hour = rng.randint(first, last)
    french, english = number(hour)
    if rng.random() < 0.25:
        return Adverbial(f"à {french} heures et demie", f"at half past {english}", "clock")
    return Adverbial(f"à {french} heures", f"at {english} o'clock", "clock")


def span(rng: Random, first: int, last: int) -> tuple[str, str]:
    """A length of time, in one of the units from `first` to before `last`: two weeks."""
    unit = rng.randrange(first, last)
    value = rng.randint(2, 10)
    french, english = number(value)
    plural = "" if UNITS[unit] == "mois" else "s"
    return f"{french} {UNITS[unit]}{plural}", f"{english} {UNITS_ENGLISH[unit]}"


def past_time(rng: Random, is_rare: bool = False) -> Adverbial:
    """When it happened: lately, unless it is a rare thing to happen."""
    if rng.random() < 0.2:
        french, english = span(rng, *((3, 6) if is_rare else (0, 3)))
        return Adverbial(f"il y a {french}", f"{english} ago", "past")
    return rng.choice(of_kind("past", "long-past") if is_rare else of_kind("past"))


def future_time(rng: Random, is_rare: bool = False) -> Adverbial:
    """When it will happen: soon, unless it is a rare thing to happen."""
    if rng.random() < 0.15:
        french, english = span(rng, *((2, 6) if is_rare else (0, 3)))
        return Adverbial(f"dans {french}", f"in {english}", "future")
    return rng.choice(of_kind("future", "far-future") if is_rare else of_kind("future"))


def habit_time(rng: Random) -> Adverbial:
    """When it happens as a rule."""
    return rng.choice(of_kind(rng.choices(("habit", "season", "month"), (82, 10, 8))[0]))


def kin(rng: Random, owner: Pronoun) -> NounPhrase:
    """A relative, a friend, a neighbour of somebody."""
    relatives = members("kin")
    if owner.is_many:
        relatives = tuple(item for item in relatives if item.english not in {"husband", "wife"})
    noun = rng.choice(relatives)
    can_be_many = noun.english in {"brother", "sister", "son", "daughter", "uncle", "aunt"}
    can_be_many |= noun.english in {"cousin", "friend", "neighbour", "colleague"}
    plural = can_be_many and rng.random() < 0.2
    return NounPhrase(noun, Determiner.POSSESSIVE, plural, owner=owner)


def human(rng: Random) -> NounPhrase:
    """A person by what they are: the doctor, a man, this young woman."""
    kind = rng.choice(("profession", "profession", "person"))
    noun = rng.choice(members(kind))
    determiner = Determiner.DEFINITE
    if kind == "person" and rng.random() < 0.3:
        determiner = Determiner.DEMONSTRATIVE
    adjectives: tuple[Adjective, ...] = ()
    if kind == "person" and rng.random() < 0.3:
        adjectives = (rng.choice(adjectives_for(noun)),)
    return NounPhrase(noun, determiner, rng.random() < 0.2, adjectives)


def named(rng: Random) -> Named:
    """One first name, sometimes two."""
    names = lexicon.names()
    return Named(tuple(rng.sample(names, 2 if rng.random() < 0.15 else 1)))


def somebody(rng: Random, pronouns: float = 0.5) -> Subject:
    """Somebody who acts; `pronouns` is the share of personal pronouns."""
    draw = rng.random()
    if draw < pronouns:
        return rng.choice(PRONOUNS)
    draw = rng.random()
    if draw < 0.45:
        return named(rng)
    return kin(rng, rng.choice(SPEAKERS)) if draw < 0.75 else human(rng)


def someone_else(rng: Random, subject: Subject) -> NounPhrase | Named:
    """Somebody whom the subject deals with: a named person, a relative, a professional."""
    draw = rng.random()
    if draw < 0.35:
        taken = subject.names if isinstance(subject, Named) else ()
        return Named((rng.choice([name for name in lexicon.names() if name not in taken]),))
    owner = pronoun_for(subject)
    if draw < 0.8 and can_own(owner):
        return kin(rng, owner)
    return NounPhrase(rng.choice(members("profession")), Determiner.DEFINITE)


def can_own(owner: Pronoun) -> bool:
    """True where a possessive for this pronoun says the same thing in both languages."""
    return owner is not ON and owner.french not in {"qui", "personne"}


@dataclass(frozen=True)
class Moment:
    """A tense, whether it is a habit, and the words that say when."""

    tense: Tense
    is_habitual: bool = False
    time: Adverbial | None = None


def moment(rng: Random, verb: Verb) -> Moment:
    """A tense that suits the verb, with an adverbial that suits the tense."""
    if verb.aspect == "state":
        return Moment(rng.choices((Tense.PRESENT, Tense.IMPERFECT), (85, 15))[0])
    tenses = (
        *(Tense.PRESENT, Tense.PAST, Tense.FUTURE, Tense.NEAR_FUTURE, Tense.IMPERFECT),
        *(Tense.RECENT_PAST, Tense.UNDERWAY),
    )
    weights = {
        "dynamic": (42, 28, 10, 9, 5, 3, 3),
        "event": (0, 65, 14, 15, 0, 6, 0),
        "habit": (75, 0, 10, 0, 15, 0, 0),
        "perception": (45, 45, 10, 0, 0, 0, 0),
    }[verb.aspect]
    tense = rng.choices(tenses, weights)[0]
    if tense is Tense.UNDERWAY and "instant" in verb.activities:
        tense = Tense.PRESENT
    is_rare = verb.aspect == "event" or bool(verb.activities & RARE)
    says_when = rng.random() < 0.4
    match tense:
        case Tense.PRESENT if says_when and rng.random() < 0.7:
            return Moment(tense, True, habit_time(rng))
        case Tense.PRESENT if says_when and verb.aspect == "dynamic":
            return Moment(tense, False, rng.choice(of_kind("present")))
        case Tense.PAST if says_when:
            return Moment(tense, False, past_time(rng, is_rare))
        case Tense.FUTURE | Tense.NEAR_FUTURE if says_when:
            return Moment(tense, False, future_time(rng, is_rare))
        case Tense.IMPERFECT if says_when:
            return Moment(tense, True, rng.choice(of_kind("formerly")))
        case _:
            return Moment(tense)
