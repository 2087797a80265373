"""Everyday statements of one clause: each function draws one meaning."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from random import Random

import actions
import lexicon
import world
from actions import BE, GO, HAVE, LIVE, WORK, act, action_phrase, thing, verbs_with
from lexicon import Adjective, Adverbial, Noun, Verb, verb
from meaning import (
    ELLE,
    ELLES,
    IL,
    ILS,
    IMPERSONAL,
    JE,
    JE_F,
    NEUTRAL,
    NOBODY,
    NOUS,
    NOUS_F,
    ON,
    THESE,
    THIS,
    TU,
    TU_F,
    VOUS,
    VOUS_POLITE,
    WEATHER,
    At,
    Attribute,
    Clause,
    Clitic,
    Comparison,
    Complement,
    Determiner,
    Existence,
    Infinitive,
    Introduction,
    Named,
    NounPhrase,
    Occupation,
    Polarity,
    Subject,
    Superlative,
    Tense,
    That,
    VerbPhrase,
    With,
    pronoun_for,
)

CLITICS = tuple(item for item in world.PRONOUNS if item is not ON)
BELONGINGS = ("clothes", "tool", "house", "drivable", "pet", "cycle")
CAN_BE_DONE_TO_NOTHING = frozenset(
    {
        *("eat", "drink", "buy", "sell", "read", "write", "understand", "find", "see", "choose"),
        *("want", "forget", "break", "hide", "learn"),
    }
)
SETTINGS = (
    ("jardin", ("flower", "plant", "pet", "bird")),
    ("cuisine", ("food", "dish", "drink", "ingredient")),
    ("chambre", ("furniture", "clothes", "readable")),
    ("salon", ("furniture", "viewable", "readable")),
    ("parc", ("plant", "flower", "child", "person")),
    ("rue", ("drivable", "person", "cycle")),
    ("bibliothèque", ("readable", "furniture")),
    ("marché", ("fruit", "vegetable", "flower")),
    ("supermarché", ("food", "drink")),
    ("garage", ("drivable", "cycle")),
    ("bureau", ("device", "furniture", "readable")),
    ("magasin", ("clothes", "tool")),
    ("école", ("person", "child")),
)
HOURS = (
    ("se lever", "get up", 5, 10),
    ("se réveiller", "wake up", 5, 10),
    ("se coucher", "go to bed", 8, 11),
    ("partir", "leave", 2, 11),
    ("arriver", "arrive", 2, 11),
)
OFTEN_SLIGHT = frozenset(
    {
        *("tired", "ill", "worried", "nervous", "sad", "shy", "jealous", "busy", "disappointed"),
        *("difficult", "long", "boring", "expensive", "noisy", "cold", "heavy", "lazy", "curious"),
    }
)
HOBBIES = (
    *(verb("parler", "speak"), verb("étudier", "study"), verb("apprendre", "learn")),
    *(item for item in lexicon.verbs() if item.french == "jouer" and item.objects),
)
SIGHTS = frozenset({"see", "look at", "draw", "be afraid of", "plant"})
SUPERLATIVES = (
    ("ville", "pays", ("beau", "vieux", "grand", "moderne", "tranquille", "bruyant")),
    ("village", "région", ("beau", "vieux", "petit", "tranquille")),
    ("film", "monde", ("drôle", "triste", "long", "ennuyeux", "intéressant", "célèbre", "bon")),
    ("rue", "ville", ("beau", "vieux", "long", "tranquille", "bruyant")),
    ("maison", "quartier", ("beau", "vieux", "grand", "petit", "cher", "moderne")),
    ("appartement", "rue", ("beau", "cher", "moderne", "confortable")),
    ("château", "région", ("beau", "vieux", "grand")),
    ("robe", "magasin", ("beau", "joli", "cher", "long")),
    ("montagne", "pays", ("beau", "grand")),
    ("forêt", "région", ("beau", "grand", "vieux")),
    ("histoire", "monde", ("beau", "triste", "drôle")),
    ("voiture", "monde", ("beau", "rapide", "cher")),
    ("étudiant", "école", ("intelligent", "paresseux", "sérieux", "timide")),
    ("fille", "école", ("intelligent", "gentil", "bavard", "courageux")),
    ("garçon", "école", ("intelligent", "gentil", "bavard", "courageux")),
)


def acting(rng: Random, pronouns: float = 0.5) -> Subject:
    """Somebody, other than "on" whose adjectives nobody agrees about."""
    subject = world.somebody(rng, pronouns)
    return NOUS if subject is ON else subject


def activity(rng: Random) -> Clause:
    """Somebody does something."""
    return act(rng, world.somebody(rng), rng.choice(actions.ordinary_verbs()), 0.35)


def short_activity(rng: Random) -> Clause:
    """Somebody does something, in few words."""
    action = rng.choice([item for item in verbs_with(has_object=False) if item not in {GO, LIVE}])
    when = world.moment(rng, action)
    polarity = actions.polarity_for(rng, when.tense, 0.3)
    is_habitual = polarity in {Polarity.NEVER, Polarity.NO_LONGER}
    subject = world.somebody(rng, 0.6)
    return Clause(subject, VerbPhrase(action), when.tense, polarity, is_habitual)


def taste(rng: Random) -> Clause:
    """What somebody likes, loves or hates."""
    subject = world.somebody(rng, 0.65)
    verbs = [item for item in verbs_with(aspects="state") if "generic" in item.determiners]
    action = rng.choice(verbs)
    is_denied = action.french != "préférer" and rng.random() < 0.25
    polarity = Polarity.NOT if is_denied else Polarity.AFFIRMATIVE
    return Clause(subject, action_phrase(rng, action, subject), Tense.PRESENT, polarity)


def degree(rng: Random, adjective: Adjective, share: float = 0.3) -> Adverbial | None:
    """Very, too, quite: for an adjective that has degrees."""
    if "absolute" in adjective.traits or rng.random() >= share:
        return None
    kinds = ("degree", "slight-degree") if adjective.english in OFTEN_SLIGHT else ("degree",)
    return rng.choice(world.of_kind(*kinds))


def described(
    rng: Random, subject: Subject, adjective: Adjective, tenses: tuple[int, int, int]
) -> Clause:
    """The subject is, was or will be so, in these proportions."""
    how = degree(rng, adjective)
    tense = rng.choices((Tense.PRESENT, Tense.IMPERFECT, Tense.FUTURE), tenses)[0]
    is_denied = how is None and rng.random() < 0.22
    polarity = Polarity.NOT if is_denied else Polarity.AFFIRMATIVE
    return Clause(subject, VerbPhrase(BE, (Attribute(adjective, how),)), tense, polarity)


def quality(rng: Random) -> Clause:
    """How somebody is or feels."""
    adjective = rng.choice(world.qualities("feeling", "character", "nationality"))
    tenses = (100, 0, 0) if "nationality" in adjective.suits else (78, 17, 5)
    return described(rng, acting(rng, 0.55), adjective, tenses)


def possessor(rng: Random) -> Subject:
    """Somebody to whom something belongs."""
    if rng.random() < 0.5:
        return Named((rng.choice(lexicon.names()),))
    return world.kin(rng, rng.choice(world.SPEAKERS))


@cache
def describable() -> tuple[Noun, ...]:
    """The things, animals and places that adjectives suit."""
    found = (*lexicon.nouns(), *(item.noun for item in world.sites()))
    return tuple(item for item in found if world.qualities(*sorted(item.classes)))


def thing_quality(rng: Random) -> Clause:
    """How a thing, an animal or a place is."""
    noun = rng.choice(describable())
    counts = not noun.is_mass and not noun.classes & world.ALWAYS_SINGULAR
    plural = actions.comes_in_plural(noun) or (counts and rng.random() < 0.25)
    subject = NounPhrase(noun, Determiner.DEFINITE, plural)
    draw = rng.random()
    if draw < 0.3:
        subject = NounPhrase(noun, Determiner.DEMONSTRATIVE, plural)
    elif draw < 0.55 and noun.classes & set(BELONGINGS):
        owner = rng.choice(world.SPEAKERS)
        subject = NounPhrase(noun, Determiner.POSSESSIVE, plural, owner=owner)
    elif draw < 0.7 and noun.classes & set(BELONGINGS):
        subject = NounPhrase(noun, Determiner.DEFINITE, plural, possessor=possessor(rng))
    adjective = rng.choice(world.qualities(*sorted(noun.classes)))
    return described(rng, subject, adjective, (88, 12, 0))


@cache
def profession_pairs() -> tuple[tuple[Noun, Noun], ...]:
    """The professions, each as (man's word, woman's word)."""
    people = [item for item in lexicon.people() if "profession" in item.classes]
    return tuple(
        (man, woman)
        for man in people
        for woman in people
        if (man.feminine, woman.feminine) == (False, True) and man.english == woman.english
    )


def occupation(rng: Random) -> Clause:
    """What somebody does for a living, which French says without an article."""
    subject = acting(rng, 0.6)
    if isinstance(subject, NounPhrase):
        subject = world.kin(rng, rng.choice(world.SPEAKERS))
    phrase = VerbPhrase(BE, (Occupation(rng.choice(profession_pairs())),))
    tense = rng.choices((Tense.PRESENT, Tense.IMPERFECT, Tense.FUTURE), (82, 12, 6))[0]
    polarity = Polarity.NOT if rng.random() < 0.2 else Polarity.AFFIRMATIVE
    return Clause(subject, phrase, tense, polarity)


def all_occupations() -> Iterator[Clause]:
    """Every profession with every pronoun, so that none has to be guessed."""
    subjects = (JE, JE_F, TU, TU_F, IL, ELLE, NOUS, NOUS_F, VOUS_POLITE, ILS, ELLES)
    for forms in profession_pairs():
        for subject in subjects:
            yield Clause(subject, VerbPhrase(BE, (Occupation(forms),)))


def introduction(rng: Random) -> Introduction:
    """What somebody is called."""
    draw = rng.random()
    name = rng.choice(lexicon.names())
    if draw < 0.4:
        return Introduction(JE, name)
    if draw < 0.6:
        return Introduction(ELLE if name.feminine else IL, name)
    relatives = [item for item in world.members("kin") if item.feminine == name.feminine]
    owner = rng.choice(world.SPEAKERS)
    relative = NounPhrase(rng.choice(relatives), Determiner.POSSESSIVE, owner=owner)
    return Introduction(relative, name)


def age(rng: Random) -> Clause:
    """How old somebody is."""
    french, english = world.number(rng.choice((*range(3, 70), 80)))
    nothing: frozenset[str] = frozenset()
    years = Verb(
        f"avoir {french} ans", f"be {english} years old", "state", "", nothing, (), nothing
    )
    tense = rng.choices((Tense.PRESENT, Tense.FUTURE, Tense.IMPERFECT), (82, 10, 8))[0]
    when = (world.future_time(rng, is_rare=True),) if tense is Tense.FUTURE else ()
    return Clause(world.somebody(rng, 0.5), VerbPhrase(years, when), tense)


def weather(rng: Random) -> Clause:
    """What the weather is like."""
    verbs = (*world.verbs_where("weather"), *world.verbs_where("sky"))
    action = rng.choice(verbs)
    subject = WEATHER if "sky" in action.activities else IMPERSONAL
    tenses = (Tense.PRESENT, Tense.PRESENT, Tense.IMPERFECT, Tense.FUTURE, Tense.NEAR_FUTURE)
    tense = rng.choice(tenses)
    complements: tuple[Complement, ...] = ()
    if rng.random() < 0.35:
        complements = (At(world.destination(rng)),)
    is_habitual = tense is Tense.PRESENT and action.english != "be dark" and rng.random() < 0.4
    if is_habitual:
        complements += (rng.choice(world.of_kind("season", "month")),)
    elif tense in {Tense.FUTURE, Tense.NEAR_FUTURE} and rng.random() < 0.7:
        complements += (world.future_time(rng),)
    polarity = Polarity.NOT if rng.random() < 0.2 else Polarity.AFFIRMATIVE
    return Clause(subject, VerbPhrase(action, complements), tense, polarity, is_habitual)


def existence(rng: Random) -> Existence:
    """What there is somewhere."""
    name, classes = rng.choice(SETTINGS)
    noun = rng.choice(world.members(rng.choice(classes)))
    draw = rng.random()
    phrase = thing(rng, noun, "some" if draw < 0.5 else "a", TU)
    if draw > 0.8 and not noun.is_mass:
        quantity = actions.counted(rng)
        phrase = NounPhrase(noun, Determiner.INDEFINITE, True, quantity=quantity)
    is_denied = rng.random() < 0.25 and phrase.quantity is None
    polarity = Polarity.NOT if is_denied else Polarity.AFFIRMATIVE
    tense = rng.choices((Tense.PRESENT, Tense.IMPERFECT), (85, 15))[0]
    where = None if rng.random() < 0.15 else At(lexicon.place(name))
    return Existence(phrase, where, tense, polarity)


def identity(rng: Random) -> Clause:
    """This is my book; these are our neighbours; this is a beautiful city."""
    draw = rng.random()
    owner = rng.choice(world.SPEAKERS)
    own = [noun for name in BELONGINGS for noun in world.members(name)]
    if draw < 0.3:
        phrase = world.kin(rng, owner)
    elif draw < 0.55:
        noun, plural = rng.choice(own), rng.random() < 0.25
        phrase = NounPhrase(noun, Determiner.POSSESSIVE, plural, owner=owner)
    elif draw < 0.75:
        noun, plural = rng.choice(own), rng.random() < 0.2
        phrase = NounPhrase(noun, Determiner.DEFINITE, plural, possessor=possessor(rng))
    else:
        nouns = [item for item in describable() if world.adjectives_for(item) and not item.is_mass]
        noun = rng.choice([item for item in nouns if "invariable" not in item.traits])
        plural = not noun.classes & world.ALWAYS_SINGULAR and rng.random() < 0.2
        adjective = rng.choice(world.adjectives_for(noun))
        phrase = NounPhrase(noun, Determiner.INDEFINITE, plural, (adjective,))
    polarity = Polarity.NOT if rng.random() < 0.2 else Polarity.AFFIRMATIVE
    subject = THESE if phrase.plural else THIS
    return Clause(subject, VerbPhrase(BE, (phrase,)), Tense.PRESENT, polarity)


def comment(rng: Random) -> Clause:
    """It is easy; it was very interesting."""
    adjective = rng.choice(world.qualities("task", "event"))
    return described(rng, NEUTRAL, adjective, (60, 30, 10))


def comparison(rng: Random) -> Clause:
    """Paul is as kind as his brother; this dress is prettier than your skirt."""
    if rng.random() < 0.65:
        subject: Subject = acting(rng, 0.35)
        adjective = rng.choice(world.gradable("character"))
        standard: Subject = world.someone_else(rng, subject)
        if rng.random() < 0.25 and pronoun_for(subject).person == 3:
            standard = rng.choice((JE, TU, NOUS, VOUS))
    else:
        name = rng.choice(("clothes", "furniture", "cycle", "drivable", "house", "film", "animal"))
        first, second = (rng.choice(world.members(name)) for _ in range(2))
        adjective = rng.choice(world.gradable(name))
        owner = rng.choice(world.SPEAKERS)
        subject = NounPhrase(first, Determiner.DEMONSTRATIVE)
        standard = NounPhrase(second, Determiner.POSSESSIVE, owner=owner)
        if name in {"film", "animal"}:
            standard = NounPhrase(second, Determiner.DEFINITE)
    more = rng.choices(("plus", "moins", "aussi"), (60, 15, 25))[0]
    return Clause(subject, VerbPhrase(BE, (Comparison(adjective, more, standard),)))


def superlative(rng: Random) -> Clause:
    """This is the most beautiful city in the country."""
    noun, domain, adjectives = rng.choice(SUPERLATIVES)
    adjective = lexicon.adjective(rng.choice(adjectives))
    phrase = NounPhrase(lexicon.noun(noun), Determiner.DEFINITE)
    complement = Superlative(adjective, phrase, lexicon.noun(domain))
    subject: Subject = THIS
    if phrase.noun.is_human:
        names = [name for name in lexicon.names() if name.feminine == phrase.noun.feminine]
        subject = Named((rng.choice(names),))
    return Clause(subject, VerbPhrase(BE, (complement,)))


def governed_phrase(rng: Random, governing: Verb, subject: Subject) -> VerbPhrase:
    """An action that one can want, begin, be able to do."""
    kind = {"know how": "skill", "learn": "skill", "like": "leisure"}.get(governing.english, "")
    kind = "leisure" if governing.english in {"love", "hate", "prefer"} else kind
    aspects = "dynamic habit" if kind else "dynamic event"
    action = rng.choice(verbs_with(aspects=aspects, activity=kind, is_willed=True))
    phrase = action_phrase(rng, action, subject)
    return actions.also(phrase, actions.where(rng, action)) if rng.random() < 0.25 else phrase


def modal(rng: Random) -> Clause:
    """Somebody can, must, wants to do something."""
    subject = world.somebody(rng)
    governing = rng.choice(world.verbs_where("modal"))
    phrase = governed_phrase(rng, governing, subject)
    tense = Tense.PAST if governing.aspect in {"event", "dynamic"} else Tense.PRESENT
    if governing.english in {"can", "want"} and rng.random() < 0.2:
        tense = Tense.IMPERFECT
    elif governing.english in {"can", "must"} and rng.random() < 0.2:
        tense = Tense.FUTURE
    is_denied = rng.random() < 0.25 and governing.english not in {"hope", "hate", "start"}
    polarity = Polarity.NOT if is_denied else Polarity.AFFIRMATIVE
    return Clause(subject, VerbPhrase(governing, (Infinitive(phrase),)), tense, polarity)


def wish(rng: Random) -> Clause:
    """I would like a coffee; we would like to travel."""
    subject = world.somebody(rng, 0.8)
    if rng.random() < 0.5:
        action = world.verbs_where("polite")[0]
        return Clause(subject, action_phrase(rng, action, subject), Tense.CONDITIONAL)
    action = world.verbs_where("polite-modal")[0]
    wished = governed_phrase(rng, action, subject)
    return Clause(subject, VerbPhrase(action, (Infinitive(wished),)), Tense.CONDITIONAL)


def since(rng: Random) -> Clause:
    """What has been so for some time."""
    subject = acting(rng)
    french, english = world.span(rng, 2, 6)
    lasting = Adverbial(f"depuis {french}", f"for {english}", "lasting")
    draw = rng.random()
    if draw < 0.5:
        phrase = VerbPhrase(LIVE, (At(world.destination(rng)), lasting))
    elif draw < 0.75:
        phrase = VerbPhrase(WORK, (*actions.where(rng, WORK), lasting))
    elif draw < 0.9:
        known = world.someone_else(rng, subject)
        phrase = VerbPhrase(verb("connaître", "know"), (known, lasting))
    else:
        phrase = actions.also(actions.feeling(rng.choice(("malade", "inquiet"))), (lasting,))
    return Clause(subject, phrase, Tense.LASTING)


def travel(rng: Random) -> Clause:
    """Going somewhere, with somebody, at some time."""
    subject = world.somebody(rng)
    when = world.moment(rng, GO)
    tense = Tense.NEAR_FUTURE if when.tense in {Tense.RECENT_PAST, Tense.UNDERWAY} else when.tense
    complements: list[Complement] = [actions.going(rng)]
    draw = rng.random()
    if draw < 0.35:
        complements.append(actions.company(rng, subject))
    elif draw < 0.6:
        complements.append(world.on_foot_or_by(rng))
    if when.time is not None:
        complements.append(when.time)
    phrase = VerbPhrase(GO, tuple(complements))
    return Clause(subject, phrase, tense, is_habitual=when.is_habitual)


def timetable(rng: Random) -> Clause:
    """At what time somebody gets up, leaves, goes to bed."""
    french, english, first, last = rng.choice(HOURS)
    complements: tuple[Complement, ...] = (world.clock(rng, first, last),)
    subject = world.somebody(rng)
    action = verb(french, english)
    if rng.random() < 0.5:
        starts = ("on ", "every day", "at ")
        days = [item for item in world.of_kind("habit") if item.english.startswith(starts)]
        complements += (rng.choice(days),)
        return Clause(subject, VerbPhrase(action, complements), is_habitual=True)
    tense = rng.choice((Tense.PAST, Tense.FUTURE, Tense.NEAR_FUTURE))
    if rng.random() < 0.5:
        day = ("hier", "yesterday") if tense is Tense.PAST else ("demain", "tomorrow")
        complements += (Adverbial(*day, "day"),)
    return Clause(subject, VerbPhrase(action, complements), tense)


def giving(rng: Random) -> Clause:
    """Somebody gives, shows, sends or lends something to somebody."""
    pairs = (("donner", "give"), ("montrer", "show"), ("envoyer", "send"), ("prêter", "lend"))
    action = verb(*rng.choice(pairs))
    subject = world.somebody(rng)
    given = actions.drawn_object(rng, action, subject)
    assert given is not None
    tense = rng.choice((Tense.PAST, Tense.PAST, Tense.FUTURE, Tense.NEAR_FUTURE))
    polarity = Polarity.NOT if rng.random() < 0.15 else Polarity.AFFIRMATIVE
    receiver = rng.choice([item for item in CLITICS if item.person != 3 or item.is_many])
    agreement = pronoun_for(subject)
    if rng.random() < 0.5 and receiver.person != agreement.person and agreement is not ON:
        phrase = VerbPhrase(action, (given,), Clitic(receiver, is_dative=True))
        return Clause(subject, phrase, tense, polarity)
    receiver_phrase = With("à", "to", world.someone_else(rng, subject))
    return Clause(subject, VerbPhrase(action, (given, receiver_phrase)), tense, polarity)


def with_pronoun(rng: Random) -> Clause:
    """Somebody sees, helps, calls a person who is only a pronoun.

    A pronoun that English could not tell (lui, l') is never used without its antecedent.
    """
    verbs = [item for item in actions.verbs_for_people() if item.french not in {"penser", "aimer"}]
    action = rng.choice(verbs)
    subject = world.somebody(rng)
    agreement = pronoun_for(subject)
    when = world.moment(rng, action)
    hides_gender = action.link or action.french[0] in "aeioué" or when.tense is Tense.PAST
    people = [item for item in CLITICS if item.person != agreement.person or item.person == 3]
    if hides_gender:
        people = [item for item in people if item.person != 3 or item.is_many]
    if agreement is ON:
        people = [item for item in people if item.person != 1]
    clitic = Clitic(rng.choice(people), is_dative=bool(action.link))
    polarity = Polarity.AFFIRMATIVE
    if when.time is None:
        polarity = actions.polarity_for(rng, when.tense)
    is_habitual = when.is_habitual or polarity in {Polarity.NEVER, Polarity.NO_LONGER}
    complements = () if when.time is None else (when.time,)
    phrase = VerbPhrase(action, complements, clitic)
    return Clause(subject, phrase, when.tense, polarity, is_habitual)


def nothing(rng: Random) -> Clause:
    """Nothing and nobody."""
    tenses = (Tense.PRESENT, Tense.PRESENT, Tense.PAST, Tense.NEAR_FUTURE, Tense.FUTURE)
    draw = rng.random()
    tense = rng.choice(tenses)
    if draw < 0.35:
        verbs = [item for item in verbs_with(aspects="dynamic", has_object=False) if item is not GO]
        return Clause(NOBODY, VerbPhrase(rng.choice(verbs)), tense)
    subject = world.somebody(rng)
    verbs = [v for v in verbs_with(has_object=True) if v.english in CAN_BE_DONE_TO_NOTHING]
    action = rng.choice(verbs if draw < 0.75 else actions.verbs_for_people())
    tense = Tense.PRESENT if action.aspect == "state" else tense
    if draw < 0.75:
        return Clause(subject, VerbPhrase(action), tense, Polarity.NOTHING)
    return Clause(subject, VerbPhrase(action), tense, Polarity.NOBODY)


def opinion(rng: Random) -> Clause:
    """What somebody knows, thinks, says."""
    governing = rng.choice(world.verbs_where("clausal"))
    clause = rng.choice((quality, thing_quality, weather, occupation, age, short_activity))(rng)
    if governing.english == "hope":
        action = rng.choice(verbs_with(aspects="dynamic event", is_willed=True))
        subject = world.somebody(rng)
        clause = Clause(subject, action_phrase(rng, action, subject), Tense.FUTURE)
    tense = Tense.PRESENT
    if governing.aspect == "event":
        tense = Tense.PAST
        is_state = clause.phrase.verb.aspect == "state"
        then = Tense.IMPERFECT if is_state or clause.phrase.verb.aspect == "habit" else Tense.PAST
        clause = Clause(clause.subject, VerbPhrase(clause.phrase.verb), then)
        if is_state:
            clause = described(rng, acting(rng), rng.choice(world.qualities("feeling")), (0, 1, 0))
    return Clause(world.somebody(rng, 0.6), VerbPhrase(governing, (That(clause),)), tense)


def hobby(rng: Random) -> Clause:
    """What somebody plays, learns or speaks."""
    return act(rng, world.somebody(rng), rng.choice(HOBBIES), 0.1)


def having(rng: Random) -> Clause:
    """What somebody has, had, or does not have."""
    subject = world.somebody(rng, 0.7)
    tense = rng.choices((Tense.PRESENT, Tense.IMPERFECT), (80, 20))[0]
    polarity = Polarity.NOT if rng.random() < 0.35 else Polarity.AFFIRMATIVE
    return Clause(subject, action_phrase(rng, HAVE, subject), tense, polarity)


def meal(rng: Random) -> Clause:
    """What somebody eats, drinks or buys to eat, and what it is like."""
    action = verb(*rng.choice((("manger", "eat"), ("boire", "drink"), ("acheter", "buy"))))
    name = "drink" if action.english == "drink" else rng.choice(("redgreen", "fruit", "snack"))
    noun = rng.choice(world.members(name))
    phrase = thing(rng, noun, rng.choice(("a", "some", "the")), TU)
    adjectives = world.adjectives_for(noun)
    if adjectives and rng.random() < 0.6:
        phrase = replace(phrase, adjectives=(rng.choice(adjectives),))
    tense = rng.choice((Tense.PRESENT, Tense.PRESENT, Tense.PAST, Tense.NEAR_FUTURE))
    polarity = Polarity.NOT if rng.random() < 0.2 else Polarity.AFFIRMATIVE
    return Clause(world.somebody(rng, 0.7), VerbPhrase(action, (phrase,)), tense, polarity)


def sight(rng: Random) -> Clause:
    """What somebody sees, draws or fears."""
    verbs = [item for item in verbs_with(has_object=True) if item.english in SIGHTS]
    action = rng.choice(verbs)
    names = sorted(action.objects - {"human"})
    subject = world.somebody(rng, 0.6)
    noun = rng.choice(world.members(rng.choice(names)))
    kind = "generic" if action.english == "be afraid of" else "the"
    phrase = VerbPhrase(action, (thing(rng, noun, kind, pronoun_for(subject)),))
    if action.aspect == "state":
        return Clause(subject, phrase)
    tense = rng.choice((Tense.PRESENT, Tense.PRESENT, Tense.PAST, Tense.NEAR_FUTURE))
    return Clause(subject, phrase, tense)


def pace(rng: Random) -> Clause:
    """How fast or with whom something is done, or that it still goes on."""
    subject = world.somebody(rng, 0.6)
    verbs = [v for v in verbs_with(aspects="dynamic", has_object=False) if v not in {GO, LIVE}]
    draw = rng.random()
    if draw < 0.4:
        action = rng.choice([item for item in verbs if item.french in actions.WITH_SPEED])
        phrase = VerbPhrase(action, (rng.choice(world.of_kind("motion")),))
    elif draw < 0.7:
        action = rng.choice([item for item in verbs if item.french in actions.IN_COMPANY])
        together = pronoun_for(subject).is_many
        more = rng.choice(world.of_kind("together")) if together else actions.company(rng, subject)
        phrase = VerbPhrase(action, (more,))
    else:
        still = rng.choice(world.of_kind("still"))
        phrase = VerbPhrase(
            rng.choice([v for v in verbs if "instant" not in v.activities]), adverb=still
        )
        return Clause(subject, phrase)
    tense = rng.choice((Tense.PRESENT, Tense.PAST, Tense.NEAR_FUTURE))
    return Clause(subject, phrase, tense)


def calendar(rng: Random) -> Clause:
    """When something takes place."""
    noun = lexicon.noun("anniversaire")
    if rng.random() < 0.4:
        owner = rng.choice((JE, TU))
        subject = NounPhrase(noun, Determiner.POSSESSIVE, owner=owner)
        if rng.random() < 0.5:
            subject = NounPhrase(noun, Determiner.DEFINITE, possessor=possessor(rng))
        time = rng.choice(world.of_kind("month"))
        return Clause(subject, VerbPhrase(BE, (time,)))
    noun = lexicon.noun(rng.choice(("fête", "réunion", "concert", "mariage", "examen", "cours")))
    subject = NounPhrase(noun, Determiner.DEFINITE)
    kinds = ("future", "month") if rng.random() < 0.5 else ("future", "far-future")
    time = rng.choice(world.of_kind(*kinds))
    if time.french == "bientôt" or rng.random() < 0.3:
        time = world.clock(rng)
    return Clause(subject, VerbPhrase(BE, (time,)))


def small_creature(rng: Random) -> NounPhrase:
    """An animal or a small child."""
    noun = rng.choice(world.members(rng.choice(("pet", "pet", "pet", "animal", "child"))))
    plural = rng.random() < 0.2
    draw = rng.random()
    if draw < 0.3 and "pet" in noun.classes:
        owner = rng.choice(world.SPEAKERS)
        return NounPhrase(noun, Determiner.POSSESSIVE, plural, owner=owner)
    if draw < 0.45 and "pet" in noun.classes:
        return NounPhrase(noun, Determiner.DEFINITE, plural, possessor=possessor(rng))
    return NounPhrase(noun, Determiner.DEFINITE, plural)


def animal_life(rng: Random) -> Clause:
    """What animals and small children do."""
    pairs = (("dormir", "sleep"), ("manger", "eat"), ("courir", "run"), ("jouer", "play"))
    action = verb(*rng.choice(pairs), has_object=False)
    subject = small_creature(rng)
    if subject.noun.french == "chien" and rng.random() < 0.4:
        action = verb("aboyer", "bark")
    tense = rng.choices((Tense.PRESENT, Tense.IMPERFECT, Tense.PAST), (65, 20, 15))[0]
    complements: tuple[Complement, ...] = ()
    if rng.random() < 0.5:
        indoors = subject.noun.classes & {"pet", "child"}
        places = ("jardin", "cuisine", "salon", "parc") if indoors else ("forêt", "parc")
        complements = (At(lexicon.place(rng.choice(places))),)
    elif "pet" in subject.noun.classes and rng.random() < 0.25:
        complements = (Adverbial("sous la table", "under the table", "place"),)
    polarity = Polarity.NOT if rng.random() < 0.15 else Polarity.AFFIRMATIVE
    return Clause(subject, VerbPhrase(action, complements), tense, polarity)
