"""Questions and commands."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import actions
import scenes
import world
from actions import BE, GO, LIVE, WORK, act, action_phrase, verbs_with
from lexicon import Adverbial, Verb
from meaning import (
    NOUS,
    ON,
    TU,
    VOUS,
    WHO,
    Clause,
    Command,
    Determiner,
    NounPhrase,
    OpenQuestion,
    Polarity,
    Pronoun,
    Sentence,
    Style,
    Subject,
    SubjectQuestion,
    Tense,
    VerbPhrase,
    YesNoQuestion,
)

STYLES = (Style.EST_CE_QUE, Style.INTONATION, Style.INVERSION)
ASKED_ABOUT = tuple(item for item in world.PRONOUNS if item.person != 1 and item is not ON)
SPOKEN_TO = tuple(item for item in ASKED_ABOUT if item.person == 2)
ASKED = (
    *(scenes.activity, scenes.activity, scenes.activity, scenes.quality, scenes.occupation),
    *(scenes.modal, scenes.thing_quality, scenes.short_activity, scenes.since, scenes.taste),
    scenes.travel,
)
WHERE = Adverbial("où", "where", "question")
WHEN = Adverbial("quand", "when", "question")
WHY = Adverbial("pourquoi", "why", "question")
AT_WHAT_TIME = Adverbial("à quelle heure", "at what time", "question")
WHAT = Adverbial("que", "what", "question")
WHOM = Adverbial("qui", "who", "question")
OF_CHOICES = frozenset({"eat", "buy", "read", "watch", "choose", "sell", "wear", "write", "order"})


def command(rng: Random) -> Command:
    """An order or a suggestion."""
    told = rng.choice((TU, TU, VOUS, VOUS, NOUS))
    action = rng.choice(verbs_with(aspects="dynamic", is_willed=True))
    phrase = action_phrase(rng, action, told)
    if rng.random() < 0.2:
        phrase = actions.also(phrase, actions.where(rng, action))
    return Command(told, phrase, rng.random() < 0.25, rng.random() < 0.3)


def yes_no(rng: Random) -> YesNoQuestion:
    """A question to be answered by yes or no."""
    style = rng.choice(STYLES)
    if rng.random() < 0.12:
        return YesNoQuestion(scenes.existence(rng), style)
    clause = rng.choice(ASKED)(rng)
    subject = clause.subject
    if isinstance(subject, Pronoun) and (subject.person == 1 or subject is ON):
        action = rng.choice(actions.ordinary_verbs())
        clause = act(rng, rng.choice(SPOKEN_TO), action, 0.3)
    return YesNoQuestion(affirmed(clause), style)


def affirmed(clause: Clause) -> Clause:
    """The clause as one asks it: not denied, without an opening, its habits kept if still said."""
    loses_habit = clause.opening is not None
    loses_habit |= clause.polarity in {Polarity.NEVER, Polarity.NO_LONGER}
    is_habitual = clause.is_habitual and not loses_habit
    return replace(clause, polarity=Polarity.AFFIRMATIVE, opening=None, is_habitual=is_habitual)


def whom_question(rng: Random, subject: Subject, style: Style) -> OpenQuestion:
    """A question for the person to whom something is done."""
    action = rng.choice([item for item in actions.verbs_for_people() if not item.link])
    tense = rng.choice((Tense.PRESENT, Tense.PAST))
    if action.aspect != "dynamic":
        tense = Tense.PAST if action.aspect == "event" else Tense.PRESENT
    return OpenQuestion(WHOM, Clause(subject, VerbPhrase(action), tense), style)


def what_question(rng: Random, subject: Subject, style: Style) -> OpenQuestion:
    """A question for the thing to which something is done."""
    verbs = verbs_with(has_object=True)
    action = rng.choice([item for item in verbs if item.english in scenes.CAN_BE_DONE_TO_NOTHING])
    tense = rng.choice((Tense.PRESENT, Tense.PAST, Tense.NEAR_FUTURE))
    tense = Tense.PRESENT if action.aspect == "state" else tense
    return OpenQuestion(WHAT, Clause(subject, VerbPhrase(action), tense), style)


def circumstance_question(rng: Random, subject: Subject, style: Style) -> OpenQuestion:
    """A question for the place, the time or the reason."""
    word = rng.choice((WHERE, WHEN, WHY, WHY, AT_WHAT_TIME))
    verbs: tuple[Verb, ...] = tuple(v for v in verbs_with(aspects="dynamic") if v is not GO)
    if word is WHERE:
        verbs += (LIVE, GO, WORK, LIVE, GO, WORK)
    action = rng.choice(verbs)
    tense = rng.choice((Tense.PRESENT, Tense.PAST, Tense.FUTURE, Tense.NEAR_FUTURE))
    if word in {WHEN, AT_WHAT_TIME} and tense is Tense.PRESENT:
        tense = Tense.FUTURE
    if action in {LIVE, WORK}:
        tense = Tense.PRESENT
    is_bare = action in {LIVE, GO}
    phrase = VerbPhrase(action) if is_bare else action_phrase(rng, action, subject)
    return OpenQuestion(word, Clause(subject, phrase, tense), style)


def open_question(rng: Random) -> Sentence:
    """A question for a word."""
    style = rng.choice((Style.EST_CE_QUE, Style.INVERSION))
    subject: Subject = rng.choice(ASKED_ABOUT) if rng.random() < 0.7 else world.somebody(rng, 0)
    makers = (what_question, whom_question, which_question, circumstance_question)
    weights = (25, 12, 20, 43)
    return rng.choices(makers, weights)[0](rng, subject, style)


def where_is(rng: Random) -> OpenQuestion:
    """Where something or somebody is."""
    draw = rng.random()
    if draw < 0.45:
        subject = NounPhrase(rng.choice(world.sites()).noun, Determiner.DEFINITE)
    elif draw < 0.75:
        names = ("tool", "clothes", "pet")
        noun = rng.choice([item for name in names for item in world.members(name)])
        owner = rng.choice(world.SPEAKERS)
        subject = NounPhrase(noun, Determiner.POSSESSIVE, rng.random() < 0.3, owner=owner)
    else:
        subject = world.kin(rng, rng.choice(world.SPEAKERS))
    tense = rng.choices((Tense.PRESENT, Tense.IMPERFECT), (85, 15))[0]
    return OpenQuestion(WHERE, Clause(subject, VerbPhrase(BE), tense), Style.INVERSION)


def which_question(rng: Random, subject: Subject, style: Style) -> OpenQuestion:
    """Which film, how many apples."""
    action = rng.choice([v for v in verbs_with(has_object=True) if v.english in OF_CHOICES])
    noun = rng.choice(world.members(rng.choice(sorted(action.objects))))
    tense = rng.choice((Tense.PRESENT, Tense.PAST, Tense.NEAR_FUTURE))
    if rng.random() < 0.4 and not noun.is_mass:
        asked = NounPhrase(noun, Determiner.INDEFINITE, True, quantity=world.HOW_MANY)
    else:
        asked = NounPhrase(noun, Determiner.WHICH)
    return OpenQuestion(asked, Clause(subject, VerbPhrase(action), tense), style)


def who_question(rng: Random) -> SubjectQuestion:
    """Who does something."""
    clause = affirmed(act(rng, WHO, rng.choice(actions.ordinary_verbs()), 0.3))
    if clause.tense in {Tense.RECENT_PAST, Tense.UNDERWAY}:
        clause = replace(clause, tense=Tense.PRESENT)
    return SubjectQuestion(clause)
