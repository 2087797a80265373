"""From a verb to a clause: its object, its place, its time, whether it is so."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from random import Random

import lexicon
import world
from lexicon import Adverbial, Noun, Verb, verb
from meaning import (
    ON,
    At,
    Attribute,
    Clause,
    Complement,
    Determiner,
    Named,
    NounPhrase,
    Polarity,
    Pronoun,
    Quantity,
    Subject,
    Tense,
    To,
    VerbPhrase,
    With,
    pronoun_for,
)

BE = verb("être", "be")
HAVE = verb("avoir", "have")
GO = verb("aller", "go")
LIVE = verb("habiter", "live")
WORK = verb("travailler", "work")
BUY = verb("acheter", "buy")
NOT_ORDINARY = frozenset({"modal", "clausal", "weather", "sky", "dog", "polite", "polite-modal"})
NOT_ORDINARY_VERBS = frozenset({"être", "donner", "montrer", "envoyer", "prêter"})
WITH_MANNER = frozenset({"dormir", "nager", "travailler", "danser", "chanter", "cuisiner"})
WITH_SPEED = frozenset({"courir", "marcher", "manger", "nager"})
IN_COMPANY = frozenset({"manger", "jouer", "danser", "voyager", "travailler", "partir", "sortir"})


@cache
def ordinary_verbs() -> tuple[Verb, ...]:
    """The verbs of ordinary actions and tastes."""
    return tuple(
        item
        for item in lexicon.verbs()
        if not item.activities & NOT_ORDINARY and item.french not in NOT_ORDINARY_VERBS
    )


@cache
def verbs_with(
    *,
    aspects: str = "",
    activity: str = "",
    has_object: bool | None = None,
    is_willed: bool = False,
) -> tuple[Verb, ...]:
    """The ordinary verbs of these aspects, of this activity, with or without object."""
    return tuple(
        item
        for item in ordinary_verbs()
        if (not aspects or item.aspect in aspects.split())
        and (not activity or activity in item.activities)
        and has_object in {None, bool(item.objects)}
        and not (is_willed and "unwilled" in item.activities)
    )


@cache
def verbs_for_people() -> tuple[Verb, ...]:
    """The verbs of what is done to people."""
    return tuple(item for item in ordinary_verbs() if "human" in item.objects)


def comes_in_plural(noun: Noun) -> bool:
    """True for what one does not speak of singly: gloves, cards, holidays."""
    return "invariable" in noun.traits or "pair" in noun.classes


def thing(rng: Random, noun: Noun, determiner: str, owner: Pronoun) -> NounPhrase:
    """A noun phrase for a thing, with a determiner by the name that the verbs' table gives it."""
    if determiner == "own" and not world.can_own(owner):
        determiner = "the"
    adjectives = world.adjectives_for(noun)
    chosen = (rng.choice(adjectives),) if adjectives and rng.random() < 0.25 else ()
    always_plural = comes_in_plural(noun)
    match determiner:
        case "some" | "a" if noun.is_mass:
            return NounPhrase(noun, Determiner.PARTITIVE, False, chosen)
        case "some" | "a":
            plural = always_plural or determiner == "some"
            return NounPhrase(noun, Determiner.INDEFINITE, plural, chosen)
        case "generic":
            is_one = noun.is_mass or noun.classes & world.ALWAYS_SINGULAR
            return NounPhrase(noun, Determiner.GENERIC, always_plural or not is_one)
        case "bare":
            return NounPhrase(noun, Determiner.BARE)
        case "this":
            return NounPhrase(noun, Determiner.DEMONSTRATIVE, always_plural, chosen)
        case "own":
            return NounPhrase(noun, Determiner.POSSESSIVE, always_plural, chosen, owner)
        case _:
            return NounPhrase(noun, Determiner.DEFINITE, always_plural, chosen)


def measured(rng: Random, noun: Noun, is_bought: bool) -> NounPhrase:
    """An amount of something: trois pommes, un verre d'eau; by the kilo only when bought."""
    bulk = {"food"} if is_bought else {"food", "fruit", "vegetable"}
    names = sorted(noun.classes if noun.is_mass else noun.classes - bulk)
    containers = [pair for name in names for pair in world.CONTAINERS.get(name, ())]
    if noun.french in world.HOT_DRINKS:
        containers = containers[:1]
    elif noun.classes & {"juice", "cold"}:
        containers = containers[1:]
    if containers and noun.french not in {"soupe", "miel"} and rng.random() < 0.6:
        french, english = rng.choice(containers)
        quantity = Quantity(french, english, english, True)
    elif noun.is_mass:
        quantity = rng.choice((world.A_LOT, world.A_LITTLE, world.TOO_MUCH))
    else:
        quantity = counted(rng)
    return NounPhrase(noun, Determiner.INDEFINITE, not noun.is_mass, quantity=quantity)


def counted(rng: Random) -> Quantity:
    """How many: a small number, or many."""
    return rng.choice((world.A_LOT, *(world.counted(value) for value in (2, 3, 4, 5, 6, 8, 10))))


def drawn_object(rng: Random, action: Verb, subject: Subject) -> NounPhrase | Named | None:
    """What or whom the verb is done to, or None for a verb without object."""
    if not action.objects:
        return None
    noun = rng.choice(world.members(rng.choice(sorted(action.objects))))
    if noun.is_human:
        return world.someone_else(rng, subject)
    determiners = [item for item in action.determiners if item != "person"]
    counts = set(determiners) & {"some", "a"} and noun.classes & {"food", "drink", "flower"}
    if counts and rng.random() < 0.15:
        return measured(rng, noun, action is BUY)
    return thing(rng, noun, rng.choice(determiners), pronoun_for(subject))


def action_phrase(rng: Random, action: Verb, subject: Subject) -> VerbPhrase:
    """A verb and its object."""
    if action is LIVE:
        return VerbPhrase(action, (At(world.destination(rng)),))
    if action is GO:
        return VerbPhrase(action, (going(rng),))
    found = drawn_object(rng, action, subject)
    return VerbPhrase(action, () if found is None else (found,))


def going(rng: Random) -> To:
    """Where one goes."""
    if rng.random() < 0.25:
        return To(world.destination(rng))
    places = [item for item in lexicon.places() if item.noun.french not in world.NOT_TO_GO_TO]
    return To(rng.choice(places))


def where(rng: Random, action: Verb) -> tuple[At, ...]:
    """A place that suits the action, or none."""
    places = world.places_for(action.activities)
    return (At(rng.choice(places)),) if places else ()


def company(rng: Random, subject: Subject) -> With:
    """With whom."""
    agreement = pronoun_for(subject)
    if rng.random() < 0.3:
        others = [item for item in world.PRONOUNS if item.person != agreement.person]
        others = [item for item in others if item is not ON and agreement is not ON]
        if others:
            return With("avec", "with", rng.choice(others))
    return With("avec", "with", world.someone_else(rng, subject))


def feeling(name: str) -> VerbPhrase:
    """To be tired, hungry and so on, from the French word."""
    if name.startswith("avoir"):
        return VerbPhrase(next(item for item in lexicon.verbs() if item.french == name))
    return VerbPhrase(BE, (Attribute(lexicon.adjective(name)),))


def also(phrase: VerbPhrase, more: Iterable[Complement]) -> VerbPhrase:
    """The phrase with further complements at its end."""
    return VerbPhrase(phrase.verb, (*phrase.complements, *more), phrase.clitic, phrase.adverb)


def polarity_for(rng: Random, tense: Tense, share: float = 0.2) -> Polarity:
    """Mostly yes; otherwise mostly "not"; the tenses of what is under way are never denied."""
    if tense in {Tense.RECENT_PAST, Tense.UNDERWAY} or rng.random() >= share:
        return Polarity.AFFIRMATIVE
    if tense is not Tense.PRESENT:
        return Polarity.NOT
    return rng.choices((Polarity.NOT, Polarity.NEVER, Polarity.NO_LONGER), (70, 18, 12))[0]


def mid_adverb(rng: Random, action: Verb, when: world.Moment) -> Adverbial | None:
    """An adverb for the middle of an affirmative clause, where one fits."""
    if when.time is not None or action.aspect not in {"dynamic", "habit"} or rng.random() > 0.2:
        return None
    if when.tense is Tense.PAST:
        return rng.choice(world.of_kind("already"))
    if when.tense is not Tense.PRESENT:
        return None
    if not action.objects and action.french in WITH_MANNER and rng.random() < 0.5:
        kinds = ("manner", "amount") if action.aspect == "habit" else ("still", "frequency")
        return rng.choice(world.of_kind(*kinds))
    return rng.choice(world.of_kind("frequency"))


def circumstances(rng: Random, subject: Subject, action: Verb, detail: float) -> list[Complement]:
    """How, with whom and where, each with some chance."""
    found: list[Complement] = []
    if not action.objects and action.french in WITH_SPEED and rng.random() < 0.2:
        found.append(rng.choice(world.of_kind("motion")))
    elif not action.objects and action.french in IN_COMPANY and rng.random() < 0.3:
        if pronoun_for(subject).is_many and rng.random() < 0.3:
            found.append(rng.choice(world.of_kind("together")))
        else:
            found.append(company(rng, subject))
    if rng.random() < detail:
        found += where(rng, action)
    return found


def act(rng: Random, subject: Subject, action: Verb, detail: float) -> Clause:
    """A clause about an action; `detail` is the chance to say where."""
    when = world.moment(rng, action)
    polarity = polarity_for(rng, when.tense)
    if polarity in {Polarity.NEVER, Polarity.NO_LONGER}:
        when = world.Moment(when.tense, True)
    if when.is_habitual and when.tense is Tense.IMPERFECT:
        polarity = Polarity.AFFIRMATIVE
    adverb = mid_adverb(rng, action, when) if polarity is Polarity.AFFIRMATIVE else None
    is_habitual = when.is_habitual or (adverb is not None and adverb.kind == "frequency")
    more = circumstances(rng, subject, action, detail)
    opening = None
    if when.time is not None and rng.random() < 0.25 and when.time.kind != "present":
        opening = when.time
    elif when.time is not None:
        more.append(when.time)
    phrase = also(action_phrase(rng, action, subject), more)
    full = VerbPhrase(action, phrase.complements, adverb=adverb)
    return Clause(subject, full, when.tense, polarity, is_habitual, opening)
