"""English syntax: from the same meaning to an English sentence.

English must decide what French leaves open, and always decides it in the same way: a dynamic
verb is progressive unless something in the sentence makes it a habit, "passé composé" is the
simple past, nothing is contracted but "Let's".
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from conjugation_english import (
    comparative,
    indefinite_article,
    noun_form,
    past,
    past_participle,
    present_participle,
    superlative,
    third_person,
)
from lexicon import Adverbial, Destination, Place, Verb
from meaning import (
    WHO,
    At,
    Attribute,
    Circumstance,
    Clause,
    Command,
    Comparison,
    Complement,
    Determiner,
    Existence,
    Fronted,
    Gap,
    Infinitive,
    Introduction,
    Joined,
    Named,
    NounPhrase,
    Occupation,
    OpenQuestion,
    Polarity,
    Pronoun,
    Relative,
    Sentence,
    Statement,
    Subject,
    SubjectQuestion,
    Superlative,
    Tense,
    That,
    To,
    VerbPhrase,
    With,
    YesNoQuestion,
    pronoun_for,
)

TAKES_BASE_FORM = frozenset({"I", "you", "we", "they", "these"})
BEFORE_THE_VERB = frozenset({"frequency", "still", "already"})
MODALS = {
    ("can", Tense.PRESENT): ["can"],
    ("can", Tense.IMPERFECT): ["could"],
    ("can", Tense.IF_PAST): ["could"],
    ("can", Tense.FUTURE): ["will", "be able to"],
    ("can", Tense.NEAR_FUTURE): ["be", "going to be able to"],
    ("must", Tense.PRESENT): ["must"],
    ("must", Tense.PAST): ["had to"],
    ("must", Tense.FUTURE): ["will", "have to"],
    ("must", Tense.NEAR_FUTURE): ["be", "going to have to"],
}
ANY_AFTER = frozenset({Polarity.NOT, Polarity.NEVER, Polarity.NO_LONGER})


@dataclass(frozen=True)
class VerbGroup:
    """The verb's words: the finite one, which agrees, and the others.

    Attributes:
        finite: The word that moves in questions and that "not" follows.
        rest: What comes after it.
        base: Set where the group needs "do" to be denied or asked: its infinitive.
    """

    finite: str
    rest: tuple[str, ...] = ()
    base: str = ""


def be(agreement: Pronoun, is_past: bool = False) -> str:
    """The form of "be" for a person."""
    if is_past:
        return "were" if agreement.english in TAKES_BASE_FORM - {"I"} else "was"
    if agreement.english == "I":
        return "am"
    return "are" if agreement.english in TAKES_BASE_FORM else "is"


def _auxiliary(word: str, agreement: Pronoun) -> str:
    """The form of do or have for a person."""
    return word if agreement.english in TAKES_BASE_FORM else third_person(word)


def _is_progressive(verb: Verb, clause: Clause) -> bool:
    return verb.aspect == "dynamic" and not clause.is_habitual


def _simple(base: str, agreement: Pronoun, is_past: bool) -> VerbGroup:
    if base == "be":
        return VerbGroup(be(agreement, is_past))
    finite = past(base) if is_past else _auxiliary(base, agreement)
    return VerbGroup(finite, base=base)


def verb_group(clause: Clause, agreement: Pronoun) -> VerbGroup:
    """The words of the verb, its tail excepted, in the tense of the clause."""
    base = clause.phrase.verb.english.split()[0]
    if (base, clause.tense) in MODALS:
        finite, *others = MODALS[base, clause.tense]
        if finite == "had to":
            return VerbGroup("had to", base="have to")
        return VerbGroup(be(agreement) if finite == "be" else finite, tuple(others))
    progressive = (present_participle(base),)
    match clause.tense:
        case Tense.PRESENT if _is_progressive(clause.phrase.verb, clause):
            return VerbGroup(be(agreement), progressive)
        case Tense.PRESENT | Tense.WHEN_FUTURE:
            return _simple(base, agreement, is_past=False)
        case Tense.UNDERWAY:
            return VerbGroup(be(agreement), progressive)
        case Tense.IMPERFECT if clause.is_habitual:
            return VerbGroup("used to", (base,), base="use to")
        case Tense.IMPERFECT if _is_progressive(clause.phrase.verb, clause):
            return VerbGroup(be(agreement, is_past=True), progressive)
        case Tense.PAST | Tense.IMPERFECT | Tense.IF_PAST:
            return _simple(base, agreement, is_past=True)
        case Tense.FUTURE:
            return VerbGroup("will", (base,))
        case Tense.CONDITIONAL:
            return VerbGroup("would", (base,))
        case Tense.NEAR_FUTURE:
            return VerbGroup(be(agreement), ("going to", base))
        case Tense.RECENT_PAST:
            return VerbGroup(_auxiliary("have", agreement), ("just", past_participle(base)))
        case Tense.LASTING:
            return VerbGroup(_auxiliary("have", agreement), (past_participle(base),))


def _with_do(group: VerbGroup, clause: Clause, agreement: Pronoun) -> VerbGroup:
    """The group as questions and negations need it: eats -> does eat."""
    if not group.base:
        return group
    is_past = clause.tense in {Tense.PAST, Tense.IMPERFECT, Tense.IF_PAST}
    finite = "did" if is_past else _auxiliary("do", agreement)
    return VerbGroup(finite, (group.base, *group.rest))


def _negated(group: VerbGroup) -> list[str]:
    return ["cannot"] if group.finite == "can" else [group.finite, "not"]


def _middle_adverbs(clause: Clause) -> list[str]:
    adverb = clause.phrase.adverb
    words = [] if adverb is None or adverb.kind not in BEFORE_THE_VERB else [adverb.english]
    denials = {Polarity.NEVER: ["never"], Polarity.NO_LONGER: ["no longer"]}
    return denials.get(clause.polarity, []) + words


def _predicate(clause: Clause, agreement: Pronoun, inverted: list[str] | None = None) -> list[str]:
    """The verb and all that follows; `inverted` is a subject to put after the finite verb."""
    group = verb_group(clause, agreement)
    if clause.polarity is Polarity.NOT or inverted is not None:
        group = _with_do(group, clause, agreement)
    middle = _middle_adverbs(clause)
    if clause.polarity is Polarity.NOT:
        finite = _negated(group)
        words = [finite[0], *(inverted or []), *finite[1:], *middle, *group.rest]
    elif group.base:
        words = [*middle, group.finite, *group.rest]
    else:
        words = [group.finite, *(inverted or []), *middle, *group.rest]
    return words + _after_verb(clause.phrase, agreement, clause.polarity)


def _after_verb(phrase: VerbPhrase, agreement: Pronoun, polarity: Polarity) -> list[str]:
    """The verb's tail, pronoun, negative word, adverb and complements."""
    words = phrase.verb.english.split()[1:]
    if phrase.clitic is not None:
        words.append(phrase.clitic.pronoun.english_object)
    words += {Polarity.NOTHING: ["nothing"], Polarity.NOBODY: ["nobody"]}.get(polarity, [])
    if phrase.adverb is not None and phrase.adverb.kind not in BEFORE_THE_VERB:
        words.append(phrase.adverb.english)
    says_any = polarity in ANY_AFTER and phrase.verb.english != "be"
    for complement in phrase.complements:
        words += _complement(complement, phrase, agreement, says_any)
    return words


def _complement(
    complement: Complement, phrase: VerbPhrase, agreement: Pronoun, says_any: bool
) -> list[str]:
    match complement:
        case NounPhrase():
            return noun_phrase(complement, says_any)
        case Named():
            return subject(complement)
        case Infinitive():
            to = [] if phrase.verb.english in {"can", "must"} else ["to"]
            return to + _infinitive(complement.phrase, agreement, says_any)
        case Circumstance():
            return [complement.english, *_circumstance(complement, agreement)]
        case That():
            return ["that", *_clause(complement.clause)]
        case With():
            return [complement.english, *governed(complement.governed)]
        case At():
            return _place(complement.place, "in", is_going=False)
        case To():
            return _place(complement.place, "to", is_going=True)
        case Adverbial():
            return [complement.english]
        case Occupation():
            return _occupation(complement, agreement)
        case Attribute():
            degree = [] if complement.degree is None else [complement.degree.english]
            return [*degree, complement.adjective.english]
        case Comparison() | Superlative():
            return _graded(complement)


def _occupation(occupation: Occupation, agreement: Pronoun) -> list[str]:
    noun = occupation.forms[int(agreement.feminine)]
    if agreement.is_many:
        return [noun_form(noun, True)]
    return [indefinite_article(noun.english), noun.english]


def _graded(quality: Comparison | Superlative) -> list[str]:
    if isinstance(quality, Superlative):
        domain = quality.domain.noun if isinstance(quality.domain, Place) else quality.domain
        noun = noun_form(quality.phrase.noun, quality.phrase.plural)
        return ["the", superlative(quality.adjective), noun, "in", "the", domain.english]
    adjective, standard = quality.adjective, governed(quality.standard)
    match quality.degree:
        case "plus":
            return [comparative(adjective), "than", *standard]
        case "moins":
            return ["less", adjective.english, "than", *standard]
        case _:
            return ["as", adjective.english, "as", *standard]


def _place(place: Place | Destination, preposition: str, is_going: bool) -> list[str]:
    if isinstance(place, Destination):
        return [preposition, place.english]
    words = place.to if is_going else place.at
    return [words] if words.endswith("home") else [words, place.noun.english]


def _infinitive(phrase: VerbPhrase, agreement: Pronoun, says_any: bool) -> list[str]:
    polarity = Polarity.NOT if says_any else Polarity.AFFIRMATIVE
    base = phrase.verb.english.split()[0]
    return [base, *_after_verb(phrase, agreement, polarity)]


def _circumstance(circumstance: Circumstance, agreement: Pronoun) -> list[str]:
    words = _infinitive(circumstance.phrase, agreement, says_any=False)
    return [present_participle(words[0]), *words[1:]] if circumstance.is_gerund else words


def _determiner(phrase: NounPhrase, following: str, says_any: bool) -> list[str]:
    is_some = phrase.plural or phrase.noun.is_mass
    match phrase.determiner:
        case Determiner.INDEFINITE | Determiner.PARTITIVE if is_some:
            return ["any" if says_any else "some"]
        case Determiner.INDEFINITE | Determiner.PARTITIVE:
            return [indefinite_article(following)]
        case Determiner.DEFINITE:
            return ["the"]
        case Determiner.DEMONSTRATIVE:
            return ["these" if phrase.plural else "this"]
        case Determiner.POSSESSIVE:
            assert phrase.owner is not None
            return [phrase.owner.english_possessive]
        case Determiner.WHICH:
            return ["which"]
        case Determiner.GENERIC | Determiner.BARE:
            return []


def noun_phrase(phrase: NounPhrase, says_any: bool = False) -> list[str]:
    """A noun phrase; `says_any` turns "some" into "any"."""
    before = [item.english for item in phrase.adjectives if item.position == "before"]
    after = [item.english for item in phrase.adjectives if item.position != "before"]
    words = [*before, *after, noun_form(phrase.noun, phrase.plural)]
    quantity = phrase.quantity
    if quantity is not None:
        is_counted = phrase.plural and not phrase.noun.is_mass
        words = [quantity.english_many if is_counted else quantity.english, *words]
    if phrase.possessor is not None:
        words = [*_genitive(phrase.possessor), *words]
    elif quantity is None or phrase.determiner is not Determiner.INDEFINITE:
        words = [*_determiner(phrase, words[0], says_any), *words]
    if phrase.relative is not None:
        words += _relative(phrase, phrase.relative)
    return words


def _whose(owner: Subject) -> list[str]:
    """My; his; my brother's."""
    return [owner.english_possessive] if isinstance(owner, Pronoun) else _genitive(owner)


def _genitive(possessor: Subject) -> list[str]:
    words = subject(possessor)
    ending = "'" if isinstance(possessor, NounPhrase) and possessor.plural else "'s"
    return [*words[:-1], f"{words[-1]}{ending}"]


def _relative(head: NounPhrase, relative: Relative) -> list[str]:
    match relative.gap:
        case Gap.SUBJECT:
            word = "who" if head.noun.is_human else "that"
            return [word, *_predicate(relative.clause, pronoun_for(head))]
        case Gap.OBJECT:
            return ["that", *_clause(relative.clause)]
        case Gap.PLACE:
            return ["where", *_clause(relative.clause)]


def subject(phrase: Subject) -> list[str]:
    """A subject."""
    match phrase:
        case Pronoun():
            return [phrase.english]
        case Named():
            return [" and ".join(name.name for name in phrase.names)]
        case NounPhrase():
            return noun_phrase(phrase)


def governed(phrase: Subject) -> list[str]:
    """A phrase after a preposition or "than": I becomes me."""
    return [phrase.english_object] if isinstance(phrase, Pronoun) else subject(phrase)


def _clause(clause: Clause) -> list[str]:
    opening = [] if clause.opening is None else [clause.opening.english, ","]
    predicate = _predicate(clause, pronoun_for(clause.subject))
    return [*opening, *subject(clause.subject), *predicate]


def _existence(existence: Existence, is_question: bool = False) -> list[str]:
    """There is, there are not any, will there be."""
    agreement = pronoun_for(existence.phrase)
    match existence.tense:
        case Tense.IMPERFECT:
            verb = [be(agreement, is_past=True)]
        case Tense.FUTURE:
            verb = ["will", "be"]
        case Tense.NEAR_FUTURE:
            verb = [be(agreement), "going to be"]
        case _:
            verb = [be(agreement)]
    says_any = existence.polarity in ANY_AFTER
    negation = {Polarity.NOT: ["not"], Polarity.NO_LONGER: ["no longer"]}
    not_ = negation.get(existence.polarity, [])
    start = [verb[0], "there", *not_] if is_question else ["there", verb[0], *not_]
    where = [] if existence.where is None else _place(existence.where.place, "in", False)
    return [*start, *verb[1:], *noun_phrase(existence.phrase, says_any), *where]


def _statement(statement: Statement | Joined | Fronted) -> list[str]:
    match statement:
        case Clause():
            return _clause(statement)
        case Existence():
            return _existence(statement)
        case Introduction():
            return [*_whose(statement.subject), "name", "is", statement.name.name]
        case Joined():
            comma = [","] if statement.has_comma else []
            second = _statement(statement.second)
            return [*_statement(statement.first), *comma, statement.english, *second]
        case Fronted():
            subordinate = _statement(statement.subordinate)
            return [statement.english, *subordinate, ",", *_statement(statement.main)]


def _question(statement: Statement) -> list[str]:
    """A clause with its finite verb before its subject."""
    if isinstance(statement, Existence):
        return _existence(statement, is_question=True)
    assert isinstance(statement, Clause)
    return _predicate(statement, pronoun_for(statement.subject), subject(statement.subject))


def _asked(asked: Adverbial | NounPhrase) -> list[str]:
    return [asked.english] if isinstance(asked, Adverbial) else noun_phrase(asked)


def _command(command: Command) -> list[str]:
    polarity = Polarity.NOT if command.is_negative else Polarity.AFFIRMATIVE
    start = ["do not"] if command.is_negative else []
    if command.told.person == 1:
        start = ["let's not"] if command.is_negative else ["let's"]
    base = command.phrase.verb.english.split()[0]
    return [*start, base, *_after_verb(command.phrase, command.told, polarity)]


def realise(sentence: Sentence) -> str:
    """Say a meaning in English, with its capital and its final punctuation."""
    match sentence:
        case YesNoQuestion():
            words, end = _question(sentence.statement), "?"
        case OpenQuestion():
            words, end = [*_asked(sentence.asked), *_question(sentence.clause)], "?"
        case SubjectQuestion():
            words, end = _clause(replace(sentence.clause, subject=WHO)), "?"
        case Command():
            words, end = _command(sentence), "!" if sentence.is_urgent else "."
        case _:
            words, end = _statement(sentence), "."
    text = " ".join(words).replace(" ,", ",")
    return f"{text[0].upper()}{text[1:]}{end}"
