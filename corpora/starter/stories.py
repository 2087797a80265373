"""Scenes of several clauses: causes, contrasts, conditions, relative clauses."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import actions
import lexicon
import scenes
import world
from actions import BE, BUY, GO, HAVE, LIVE, WORK, action_phrase, also, feeling, thing, verbs_with
from lexicon import Adverbial, Verb, verb
from meaning import (
    IMPERSONAL,
    JE,
    NOUS,
    THIS,
    WEATHER,
    At,
    Attribute,
    Circumstance,
    Clause,
    Clitic,
    Complement,
    Determiner,
    Fronted,
    Gap,
    Infinitive,
    Joined,
    Named,
    NounPhrase,
    Occupation,
    Polarity,
    Relative,
    Statement,
    Subject,
    Tense,
    To,
    VerbPhrase,
    With,
    pronoun_for,
)

BECAUSE = ("parce que", "because")
AND = ("et", "and")
AND_THEN = ("et ensuite", "and then")
BUT = ("mais", "but")
SO = ("donc", "so")
WHILE = ("pendant que", "while")
WHEN = ("quand", "when")
IF = ("si", "if")
FIXED_ACTIONS = {
    "home": ("rester à la maison", "stay at home"),
    "night": ("se coucher", "go to bed"),
    "out": ("sortir", "go out"),
}
REASONS = {
    "eat": ("avoir faim",),
    "cook": ("avoir faim",),
    "drink": ("avoir soif", "avoir chaud"),
    "swim": ("avoir chaud",),
    "rest": ("fatigué", "malade", "avoir sommeil"),
    "night": ("fatigué", "avoir sommeil", "malade"),
    "social": ("seul", "content", "inquiet", "triste", "nerveux"),
    "emotion": ("surpris", "nerveux", "déçu"),
    "study": ("sérieux", "curieux", "inquiet"),
    "warm": ("avoir froid",),
    "home": ("malade", "fatigué", "avoir de la fièvre", "avoir mal à la tête", "occupé"),
    "walk": ("heureux", "nerveux", "content"),
    "music": ("heureux", "content"),
    "out": ("heureux", "content", "prêt"),
}
EVENTS = {
    "heureux": "win",
    "content": "win",
    "fier": "win",
    "triste": "fail",
    "déçu": "fail",
    "en colère": "fail",
    "inquiet": "fail",
}
NEAR_ONES = frozenset({"cousin", "friend", "neighbour", "colleague", "brother", "sister"})
PREVENTED_BY = (
    *("malade", "fatigué", "occupé", "en retard", "avoir de la fièvre"),
    *("avoir mal à la tête", "avoir mal aux dents"),
)
TASTES = {"aimer": "like", "adorer": "love", "détester": "hate", "préférer": "prefer"}
DAILY = (
    *("eat", "drink", "cook", "read", "study", "media", "music", "rest", "clean", "play"),
    *("write", "walk", "chore", "social", "sport"),
)
CLOSING = (
    *("cinéma", "musée", "marché", "supermarché", "boulangerie", "pharmacie", "banque"),
    *("bibliothèque", "piscine", "restaurant", "magasin", "poste", "école", "café"),
)
FAIR = ("faire beau", "faire chaud")
FOUL = ("faire froid", "faire mauvais", "pleuvoir", "neiger")
DONE_WHEN_FAIR = ("walk", "swim", "sport", "play")
DONE_WHEN_FOUL = ("home", "read", "media", "cook", "chore", "music")
PLACES_WHEN_FAIR = ("plage", "parc", "campagne", "montagne", "piscine", "forêt", "jardin", "stade")
PLACES_WHEN_FOUL = ("cinéma", "musée", "bibliothèque", "café", "restaurant", "théâtre", "maison")
OUTINGS = {
    "eat": ("restaurant", "jardin", "cuisine"),
    "drink": ("café", "jardin"),
    "read": ("bibliothèque", "parc", "jardin"),
    "walk": ("forêt", "parc", "plage", "campagne", "montagne"),
    "swim": ("piscine", "plage"),
    "study": ("bibliothèque", "université", "école"),
    "play": ("parc", "stade", "jardin"),
    "rest": ("hôtel", "campagne", "plage", "montagne"),
    "shop": ("marché", "supermarché", "magasin"),
}


def verb_for(rng: Random, activity: str) -> Verb:
    """A dynamic verb of an activity."""
    if activity in FIXED_ACTIONS:
        return verb(*FIXED_ACTIONS[activity])
    return rng.choice(verbs_with(aspects="dynamic", activity=activity))


def doing(
    rng: Random, subject: Subject, activity: str, tense: Tense, detail: float = 0.4
) -> Clause:
    """A clause about an activity in a given tense; `detail` is the chance to say where."""
    action = verb_for(rng, activity)
    phrase = action_phrase(rng, action, subject)
    if rng.random() < detail:
        phrase = also(phrase, actions.where(rng, action))
    return Clause(subject, phrase, tense)


def dated(rng: Random, clause: Clause, share: float = 0.5, may_open: bool = True) -> Clause:
    """The clause with a time that suits its tense, at the end or at the beginning."""
    is_past = clause.tense is Tense.PAST
    if rng.random() >= share or clause.tense not in {Tense.PAST, Tense.FUTURE, Tense.NEAR_FUTURE}:
        return clause
    when = world.past_time(rng) if is_past else world.future_time(rng)
    if may_open and rng.random() < 0.5:
        return replace(clause, opening=when)
    return replace(clause, phrase=also(clause.phrase, (when,)))


def state_beside(tense: Tense) -> Tense:
    """The tense of a state that goes with an event in this tense."""
    return Tense.IMPERFECT if tense in {Tense.PAST, Tense.IMPERFECT} else Tense.PRESENT


def because(rng: Random) -> Joined:
    """Somebody does something because of how they feel."""
    subject = scenes.acting(rng, 0.4)
    activity = rng.choice(tuple(REASONS))
    tense = rng.choice((Tense.PRESENT, Tense.PRESENT, Tense.PAST, Tense.PAST, Tense.NEAR_FUTURE))
    if activity == "night" and tense is Tense.PRESENT:
        tense = Tense.NEAR_FUTURE
    main = doing(rng, subject, activity, tense)
    if tense is Tense.PAST:
        main = dated(rng, main)
    reason = feeling(rng.choice(REASONS[activity]))
    return Joined(main, *BECAUSE, Clause(pronoun_for(subject), reason, state_beside(tense)))


def feels_because(rng: Random) -> Joined:
    """Somebody is happy, sad or angry because of what happened."""
    subject = scenes.acting(rng, 0.4)
    name = rng.choice(tuple(EVENTS))
    event = rng.choice(world.verbs_where(EVENTS[name]))
    cause = Clause(pronoun_for(subject), VerbPhrase(event), Tense.PAST)
    main = Clause(subject, feeling(name))
    return Joined(main, *BECAUSE, dated(rng, cause, 0.4, may_open=False))


def closed(rng: Random) -> Joined:
    """Somebody does not go to a place because it is closed."""
    place = lexicon.place(rng.choice(CLOSING))
    tense = rng.choice((Tense.PRESENT, Tense.PAST, Tense.NEAR_FUTURE))
    phrase = VerbPhrase(GO, (To(place),))
    main = Clause(scenes.acting(rng, 0.4), phrase, tense, Polarity.NOT)
    site = NounPhrase(place.noun, Determiner.DEFINITE)
    return Joined(main, *BECAUSE, Clause(site, feeling("fermé"), state_beside(tense)))


def too_dear(rng: Random) -> Joined:
    """Somebody does not buy something because it costs too much."""
    subject = scenes.acting(rng, 0.4)
    names = ("clothes", "device", "house", "drivable", "furniture")
    noun = rng.choice(world.members(rng.choice(names)))
    bought = NounPhrase(noun, Determiner.DEMONSTRATIVE, "pair" in noun.classes)
    main = Clause(subject, VerbPhrase(BUY, (bought,)), Tense.PAST, Polarity.NOT)
    how = Adverbial("trop", "too", "degree")
    dear = VerbPhrase(BE, (Attribute(lexicon.adjective("cher"), how),))
    return Joined(main, *BECAUSE, Clause(pronoun_for(bought), dear, Tense.IMPERFECT))


def contrast(rng: Random) -> Joined:
    """Somebody wants to do something but is prevented."""
    subject = scenes.acting(rng, 0.4)
    tense = rng.choice((Tense.PRESENT, Tense.IMPERFECT))
    activity = rng.choice(("swim", "walk", "sport", "play", "travel", "out", "shop", "music"))
    phrase = doing(rng, subject, activity, tense, 0.3).phrase
    wanted = Clause(subject, VerbPhrase(verb("vouloir", "want"), (Infinitive(phrase),)), tense)
    obstacle = Clause(pronoun_for(subject), feeling(rng.choice(PREVENTED_BY)), tense)
    if rng.random() < 0.3:
        obstacle = sky(rng, FOUL, tense)
    return Joined(wanted, *BUT, obstacle, has_comma=True)


def sky(rng: Random, names: tuple[str, ...], tense: Tense, is_habitual: bool = False) -> Clause:
    """A clause about the weather, of one of these kinds."""
    name = rng.choice(names)
    action = next(item for item in lexicon.verbs() if item.french == name)
    subject = WEATHER if "sky" in action.activities else IMPERSONAL
    return Clause(subject, VerbPhrase(action), tense, is_habitual=is_habitual)


def tastes(rng: Random) -> Joined:
    """Somebody likes one thing but hates or prefers another."""
    subject = scenes.acting(rng, 0.4)
    first, second = rng.sample(world.members("taste"), 2)
    owner = pronoun_for(subject)
    positive, negative = rng.choice(
        (("aimer", "aimer"), ("adorer", "aimer"), ("aimer", "détester"), ("aimer", "préférer"))
    )
    liked = VerbPhrase(_taste(positive), (thing(rng, first, "generic", owner),))
    other = VerbPhrase(_taste(negative), (thing(rng, second, "generic", owner),))
    polarity = Polarity.NOT if negative == "aimer" else Polarity.AFFIRMATIVE
    answer = Clause(pronoun_for(subject), other, polarity=polarity)
    return Joined(Clause(subject, liked), *BUT, answer, has_comma=True)


def _taste(french: str) -> Verb:
    return verb(french, TASTES[french], has_object=True)


def two_people(rng: Random) -> Joined:
    """One does this while another does that."""
    first, second = rng.sample(DAILY, 2)
    conjunction = rng.choice((WHILE, WHILE, AND))
    beside = (Tense.PRESENT, Tense.PAST, Tense.FUTURE)
    tense = rng.choice(beside if conjunction is AND else (Tense.PRESENT, Tense.IMPERFECT))
    one = scenes.acting(rng, 0.3)
    begun = doing(rng, one, first, tense)
    other = doing(rng, another(rng, one), second, tense)
    while other.phrase.verb is begun.phrase.verb:
        other = doing(rng, another(rng, one), second, tense)
    return Joined(begun, *conjunction, other)


def another(rng: Random, one: Subject) -> Subject:
    """Somebody else to tell about in the same sentence."""
    if rng.random() < 0.4:
        return world.kin(rng, rng.choice((JE, NOUS)))
    if rng.random() < 0.2 and pronoun_for(one).person == 3:
        return rng.choice((JE, NOUS))
    taken = one.names if isinstance(one, Named) else ()
    return Named((rng.choice([name for name in lexicon.names() if name not in taken]),))


def sequence(rng: Random) -> Joined:
    """Somebody does one thing and then another."""
    subject = scenes.acting(rng, 0.4)
    first, second = rng.sample(DAILY, 2)
    tense = rng.choice((Tense.PAST, Tense.PAST, Tense.FUTURE, Tense.NEAR_FUTURE))
    one = dated(rng, doing(rng, subject, first, tense))
    other = doing(rng, pronoun_for(subject), second, tense)
    return Joined(one, *rng.choice((AND, AND_THEN)), other)


def consequence(rng: Random) -> Joined:
    """Somebody is tired, so they rest."""
    subject = scenes.acting(rng, 0.4)
    activity = rng.choice(tuple(REASONS))
    tense = rng.choice((Tense.PRESENT, Tense.PAST, Tense.NEAR_FUTURE))
    if activity == "night" and tense is Tense.PRESENT:
        tense = Tense.NEAR_FUTURE
    cause = Clause(subject, feeling(rng.choice(REASONS[activity])), state_beside(tense))
    return Joined(cause, *SO, doing(rng, pronoun_for(subject), activity, tense), has_comma=True)


def _under_sky(rng: Random, subject: Subject, is_fair: bool, tense: Tense) -> Clause:
    """What one does in such weather."""
    activity = rng.choice(DONE_WHEN_FAIR if is_fair else DONE_WHEN_FOUL)
    clause = doing(rng, subject, activity, tense, 0)
    places = PLACES_WHEN_FAIR if is_fair else PLACES_WHEN_FOUL
    draw = rng.random()
    if draw < 0.35:
        return Clause(subject, VerbPhrase(GO, (To(lexicon.place(rng.choice(places))),)), tense)
    if draw < 0.7 and activity not in {"home", "chore", "swim"}:
        at = rng.choice(("parc", "jardin")) if is_fair else "salon"
        at = "cuisine" if activity == "cook" else at
        return replace(clause, phrase=also(clause.phrase, (At(lexicon.place(at)),)))
    return clause


def when_weather(rng: Random) -> Fronted:
    """What somebody does whenever the weather is such."""
    is_fair = rng.random() < 0.5
    main = _under_sky(rng, scenes.acting(rng, 0.4), is_fair, Tense.PRESENT)
    weather = sky(rng, FAIR if is_fair else FOUL, Tense.PRESENT, True)
    return Fronted(*WHEN, weather, replace(main, is_habitual=True))


def if_weather(rng: Random) -> Fronted:
    """What somebody will do if the weather allows."""
    is_fair = rng.random() < 0.5
    condition = sky(rng, FAIR if is_fair else FOUL, Tense.PRESENT, True)
    if rng.random() < 0.6:
        days = [item for item in world.of_kind("future") if len(item.english.split()) < 3]
        days = [item for item in days if item.english.split()[-1] not in {"soon", "month", "year"}]
        condition = replace(condition, phrase=also(condition.phrase, (rng.choice(days),)))
    main = _under_sky(rng, scenes.acting(rng, 0.4), is_fair, Tense.FUTURE)
    return Fronted(*IF, condition, main)


def when_feeling(rng: Random) -> Fronted:
    """What somebody does whenever they feel so."""
    subject = scenes.acting(rng, 0.4)
    activity = rng.choice(tuple(REASONS))
    main = replace(doing(rng, pronoun_for(subject), activity, Tense.PRESENT), is_habitual=True)
    return Fronted(*WHEN, Clause(subject, feeling(rng.choice(REASONS[activity]))), main)


def when_arrived(rng: Random) -> Fronted:
    """What will happen when, or what was going on when, somebody arrived."""
    subject = scenes.acting(rng, 0.4)
    arrive = verb("arriver", "arrive")
    places = ("gare", "aéroport", "hôtel", "bureau", "école", "restaurant", "université", "café")
    if rng.random() < 0.5:
        there = (At(lexicon.place(rng.choice(places))),)
        arrival = Clause(subject, VerbPhrase(arrive, there), Tense.WHEN_FUTURE)
        activity = rng.choice(("social", "eat", "drink", "wait"))
        return Fronted(*WHEN, arrival, doing(rng, pronoun_for(subject), activity, Tense.FUTURE, 0))
    arrival = Clause(subject, VerbPhrase(arrive), Tense.PAST)
    other = another(rng, subject)
    return Fronted(*WHEN, arrival, doing(rng, other, rng.choice(DAILY), Tense.IMPERFECT))


def if_only(rng: Random) -> Fronted:
    """What somebody would do if things were otherwise."""
    subject = scenes.acting(rng, 0.4)
    money = NounPhrase(lexicon.noun("argent"), Determiner.PARTITIVE)
    car = NounPhrase(lexicon.noun("voiture"), Determiner.INDEFINITE)
    trip = VerbPhrase(GO, (To(world.destination(rng)),))
    bought = rng.choice(world.members(rng.choice(("drivable", "house", "device", "clothes"))))
    purchase = VerbPhrase(BUY, (thing(rng, bought, "a", pronoun_for(subject)),))
    lessons = action_phrase(rng, verb("apprendre", "learn"), subject)
    condition, result = rng.choice(
        (
            (VerbPhrase(HAVE, (money,)), purchase),
            (VerbPhrase(HAVE, (money,)), trip),
            (VerbPhrase(HAVE, (car,)), trip),
            (feeling("riche"), purchase),
            (feeling("riche"), trip),
            (VerbPhrase(LIVE, (At(world.destination(rng)),)), lessons),
        )
    )
    main = Clause(pronoun_for(subject), result, Tense.CONDITIONAL)
    return Fronted(*IF, Clause(subject, condition, Tense.IF_PAST), main)


TAKEN_UP = (
    (("acheter", "buy"), "snack", ("manger", "eat")),
    (("acheter", "buy"), "readable", ("lire", "read")),
    (("acheter", "buy"), "clothes", ("porter", "wear")),
    (("acheter", "buy"), "fruit", ("manger", "eat")),
    (("acheter", "buy"), "drivable", ("vendre", "sell")),
    (("trouver", "find"), "tool", ("donner", "give")),
    (("acheter", "buy"), "gift", ("donner", "give")),
    (("recevoir", "receive"), "text", ("lire", "read")),
    (("écrire", "write"), "text", ("envoyer", "send")),
    (("préparer", "prepare"), "meal", ("manger", "eat")),
    (("perdre", "lose"), "tool", ("trouver", "find")),
)


def taken_up(rng: Random) -> Joined:
    """A thing is bought or found, and a pronoun takes it up."""
    subject = scenes.acting(rng, 0.4)
    first, name, second = rng.choice(TAKEN_UP)
    nouns = [item for item in world.members(name) if "invariable" not in item.traits]
    noun = rng.choice(nouns)
    determiner = {"perdre": "own", "préparer": "generic"}.get(first[0], "a")
    phrase = thing(rng, noun, determiner, pronoun_for(subject))
    tense = rng.choice((Tense.PAST, Tense.PAST, Tense.FUTURE, Tense.NEAR_FUTURE))
    complements: tuple[Complement, ...] = ()
    if second[0] in {"donner", "envoyer"}:
        complements = (With("à", "to", world.someone_else(rng, subject)),)
    conjunction = BUT if first[0] == "perdre" else AND
    tense = Tense.PAST if first[0] in {"perdre", "trouver", "recevoir"} else tense
    main = dated(rng, Clause(subject, VerbPhrase(verb(*first), (phrase,)), tense), 0.4)
    taking = VerbPhrase(verb(*second), complements, Clitic(pronoun_for(phrase)))
    then = Clause(pronoun_for(subject), taking, tense)
    return Joined(main, *conjunction, then, has_comma=conjunction is BUT)


HELPFUL = (
    *(("aider", "help"), ("téléphoner", "call"), ("parler", "talk to")),
    *(("attendre", "wait for"), ("rendre visite", "visit"), ("écouter", "listen to")),
)


def helped(rng: Random) -> Joined:
    """Somebody is ill or sad, and a pronoun takes them up."""
    other: Subject = Named((rng.choice(lexicon.names()),))
    if rng.random() < 0.4:
        other = world.kin(rng, JE)
    reason = feeling(rng.choice(("malade", "triste", "seul", "perdu", "inquiet", "fatigué")))
    action = verb(*rng.choice(HELPFUL))
    tense = rng.choice((Tense.NEAR_FUTURE, Tense.FUTURE, Tense.PRESENT))
    clitic = Clitic(pronoun_for(other), bool(action.link))
    answer = Clause(rng.choice((JE, NOUS)), VerbPhrase(action, (), clitic), tense)
    return Joined(Clause(other, reason), *SO, answer, has_comma=True)


def person_with_clause(rng: Random) -> NounPhrase:
    """A person known by what they do: the woman who works at the bank."""
    kind = "person" if rng.random() < 0.7 else "profession"
    head = NounPhrase(rng.choice(world.members(kind)), Determiner.DEFINITE, rng.random() < 0.15)
    who = pronoun_for(head)
    worn = thing(rng, rng.choice(world.members("clothes")), "a", who)
    choices = (
        VerbPhrase(LIVE, (At(world.destination(rng)),)),
        VerbPhrase(WORK, actions.where(rng, WORK)),
        VerbPhrase(verb("porter", "wear"), (worn,)),
        action_phrase(rng, verb("parler", "speak"), who),
        doing(rng, who, rng.choice(("read", "wait", "eat", "drink")), Tense.PRESENT).phrase,
    )
    phrase = rng.choice(choices[1:] if kind == "person" else (choices[0], choices[3], choices[4]))
    return replace(head, relative=Relative(Gap.SUBJECT, Clause(who, phrase)))


def known_person(rng: Random) -> Clause:
    """Who the person is, or what somebody does to them."""
    person = person_with_clause(rng)
    draw = rng.random()
    if draw < 0.3 and "person" in person.noun.classes:
        relatives = [item for item in world.members("kin") if item.feminine == person.noun.feminine]
        if person.plural:
            relatives = [item for item in relatives if item.english in NEAR_ONES]
        owner = rng.choice(world.SPEAKERS)
        noun = rng.choice(relatives)
        relation = NounPhrase(noun, Determiner.POSSESSIVE, person.plural, owner=owner)
        return Clause(person, VerbPhrase(BE, (relation,)))
    if draw < 0.65:
        action = rng.choice([v for v in actions.verbs_for_people() if v.english != "think about"])
        tense = world.moment(rng, action).tense
        tense = Tense.PRESENT if action.aspect == "state" else tense
        return Clause(scenes.acting(rng, 0.4), VerbPhrase(action, (person,)), tense)
    adjective = rng.choice(world.qualities("character", "nationality", "feeling"))
    return scenes.described(rng, person, adjective, (85, 15, 0))


DONE_TO_THINGS = (
    *(("acheter", "buy"), ("lire", "read"), ("regarder", "watch"), ("manger", "eat")),
    *(("porter", "wear"), ("écrire", "write"), ("réparer", "repair"), ("vendre", "sell")),
    *(("visiter", "visit"), ("chanter", "sing"), ("conduire", "drive")),
)


def thing_with_clause(rng: Random) -> Clause:
    """What the thing is like that somebody does something with."""
    subject = scenes.acting(rng, 0.4)
    action = verb(*rng.choice(DONE_TO_THINGS), has_object=True)
    nouns = world.members(rng.choice(sorted(action.objects)))
    noun = rng.choice(nouns)
    tense = rng.choice((Tense.PAST, Tense.PAST, Tense.PRESENT))
    relative = dated(rng, Clause(subject, VerbPhrase(action), tense), 0.5, may_open=False)
    plural = actions.comes_in_plural(noun) or ("count" in noun.classes and rng.random() < 0.5)
    head = NounPhrase(noun, Determiner.DEFINITE, plural, relative=Relative(Gap.OBJECT, relative))
    adjectives = world.qualities(*sorted(noun.classes))
    if not adjectives or rng.random() < 0.25:
        return Clause(another(rng, subject), VerbPhrase(_taste("aimer"), (head,)))
    return scenes.described(rng, head, rng.choice(adjectives), (90, 10, 0))


def place_with_clause(rng: Random) -> Clause:
    """This is the restaurant where we eat."""
    activity = rng.choice(tuple(OUTINGS))
    place = lexicon.place(rng.choice(OUTINGS[activity]))
    while place not in world.sites():
        place = lexicon.place(rng.choice(OUTINGS[activity]))
    subject = scenes.acting(rng, 0.5)
    clause = doing(rng, subject, activity, rng.choice((Tense.PRESENT, Tense.PAST)), 0)
    if clause.tense is Tense.PRESENT:
        phrase = also(clause.phrase, (world.habit_time(rng),))
        clause = replace(clause, phrase=phrase, is_habitual=True)
    clause = dated(rng, clause, 0.4, may_open=False)
    head = NounPhrase(place.noun, Determiner.DEFINITE, relative=Relative(Gap.PLACE, clause))
    return Clause(THIS, VerbPhrase(BE, (head,)))


def outing(rng: Random) -> Clause:
    """Somebody goes somewhere in order to do something."""
    subject = scenes.acting(rng, 0.4)
    activity = rng.choice(tuple(OUTINGS))
    place = lexicon.place(rng.choice(OUTINGS[activity]))
    aim = Circumstance("pour", "to", doing(rng, subject, activity, Tense.PAST, 0).phrase, False)
    tense = rng.choice((Tense.PAST, Tense.FUTURE, Tense.NEAR_FUTURE))
    clause = Clause(subject, VerbPhrase(GO, (To(place), aim)), tense)
    return dated(rng, clause, 0.4)


def before(rng: Random) -> Clause:
    """Somebody does one thing before another, or leaves without doing something."""
    subject = scenes.acting(rng, 0.4)
    tense = rng.choice((Tense.PAST, Tense.FUTURE, Tense.NEAR_FUTURE))
    if rng.random() < 0.25:
        left = rng.choice((("sortir", "go out"), ("partir", "leave")))
        undone = rng.choice((("manger", "eat"), ("rire", "laugh"), ("pleurer", "cry")))
        phrase = VerbPhrase(verb(*undone, has_object=False))
        main = VerbPhrase(verb(*left), (Circumstance("sans", "without", phrase),))
        return dated(rng, Clause(subject, main, tense), 0.4)
    first, second = rng.sample(DAILY, 2)
    phrase = action_phrase(rng, verb_for(rng, rng.choice((second, "night"))), subject)
    clause = doing(rng, subject, first, tense)
    later = Circumstance("avant de", "before", phrase)
    return dated(rng, replace(clause, phrase=also(clause.phrase, (later,))), 0.4)


def past_life(rng: Random) -> Fronted:
    """What somebody used to be when they lived elsewhere or were young."""
    subject = scenes.acting(rng, 0.4)
    elsewhere = VerbPhrase(LIVE, (At(world.destination(rng)),))
    then = elsewhere if rng.random() < 0.6 else feeling(rng.choice(("jeune", "petit")))
    draw = rng.random()
    if draw < 0.35:
        then = elsewhere
        phrase = VerbPhrase(BE, (Occupation(rng.choice(scenes.profession_pairs())),))
        main = Clause(pronoun_for(subject), phrase, Tense.IMPERFECT)
    elif draw < 0.6:
        owned = rng.choice((*world.members("pet"), *world.members("cycle")))
        phrase = VerbPhrase(HAVE, (thing(rng, owned, "a", pronoun_for(subject)),))
        main = Clause(pronoun_for(subject), phrase, Tense.IMPERFECT)
    else:
        activity = rng.choice(("sport", "swim", "read", "music", "walk", "travel"))
        main = doing(rng, pronoun_for(subject), activity, Tense.IMPERFECT)
        phrase = also(main.phrase, (world.habit_time(rng),))
        main = replace(main, phrase=phrase, is_habitual=True)
    return Fronted(*WHEN, Clause(subject, then, Tense.IMPERFECT), main)


def reason_and_more(rng: Random) -> Joined:
    """Somebody does something because of how they feel, and another will do something."""
    story = because(rng)
    assert isinstance(story.first, Clause)
    tense = story.first.tense
    more = doing(rng, another(rng, story.first.subject), rng.choice(DAILY), tense)
    return Joined(story, *rng.choice((AND, BUT)), more, has_comma=True)


def condition_and_more(rng: Random) -> Fronted:
    """When or if: one does this, and another does that."""
    fronted = rng.choice((when_weather, if_weather, when_feeling))(rng)
    main = fronted.main
    assert isinstance(main, Clause)
    activity = rng.choice(("read", "cook", "rest", "study", "write", "drink", "media"))
    other = doing(rng, another(rng, main.subject), activity, main.tense, 0)
    other = replace(other, is_habitual=main.is_habitual)
    joined = Joined(main, *rng.choice((AND, BUT)), other, has_comma=True)
    return replace(fronted, main=joined)


def sequence_with_reason(rng: Random) -> Joined:
    """Somebody does one thing and then another, for a reason."""
    subject = scenes.acting(rng, 0.4)
    first = rng.choice(("cook", "clean", "study", "read", "write", "chore", "media", "sport"))
    second = rng.choice(tuple(REASONS))
    tense = rng.choice((Tense.PAST, Tense.PAST, Tense.NEAR_FUTURE))
    one = doing(rng, subject, first, tense)
    if tense is Tense.PAST:
        one = dated(rng, one)
    other = doing(rng, pronoun_for(subject), second, tense)
    reason = feeling(rng.choice(REASONS[second]))
    cause = Clause(pronoun_for(subject), reason, state_beside(tense))
    return Joined(one, *rng.choice((AND, AND_THEN)), Joined(other, *BECAUSE, cause))


def person_acts(rng: Random) -> Joined:
    """A person known by what they do does something else, for a reason."""
    person = person_with_clause(rng)
    tense = rng.choice((Tense.PAST, Tense.NEAR_FUTURE))
    activity = rng.choice(tuple(REASONS))
    main = doing(rng, person, activity, tense)
    if tense is Tense.PAST:
        main = dated(rng, main, may_open=False)
    reason = feeling(rng.choice(REASONS[activity]))
    return Joined(main, *BECAUSE, Clause(pronoun_for(person), reason, state_beside(tense)))


def verbs_of(story: Statement | Joined | Fronted) -> frozenset[Verb]:
    """The verbs of the clauses of a story."""
    match story:
        case Clause():
            return frozenset({story.phrase.verb})
        case Joined():
            return verbs_of(story.first) | verbs_of(story.second)
        case Fronted():
            return verbs_of(story.subordinate) | verbs_of(story.main)
        case _:
            return frozenset()


def two_reasons(rng: Random) -> Joined:
    """Two people, what each does, and why."""
    first = rng.choice((because, sequence_with_reason))(rng)
    assert isinstance(first.first, Clause)
    tense = first.first.tense
    other = another(rng, first.first.subject)
    names = [name for name in REASONS if name != "night" or tense is not Tense.PRESENT]
    activity = rng.choice(names)
    second = doing(rng, other, activity, tense)
    while second.phrase.verb in verbs_of(first):
        activity = rng.choice(names)
        second = doing(rng, other, activity, tense)
    reason = feeling(rng.choice(REASONS[activity]))
    cause = Clause(pronoun_for(other), reason, state_beside(tense))
    answer = Joined(second, *BECAUSE, cause)
    return Joined(first, *rng.choice((AND, BUT)), answer, has_comma=True)


def condition_and_reason(rng: Random) -> Fronted:
    """When or if: one does this, but another stays at home because they are ill."""
    fronted = rng.choice((when_weather, if_weather))(rng)
    main = fronted.main
    assert isinstance(main, Clause)
    other = another(rng, main.subject)
    activity = rng.choice(("home", "rest", "drink", "cook", "study", "night"))
    clause = doing(rng, other, activity, main.tense, 0)
    clause = replace(clause, is_habitual=main.is_habitual)
    reason = Clause(pronoun_for(other), feeling(rng.choice(REASONS[activity])))
    answer = Joined(clause, *BECAUSE, reason)
    return replace(fronted, main=Joined(main, *rng.choice((AND, BUT)), answer, has_comma=True))
