"""French syntax: from a meaning to a French sentence.

Words are put in order first, as a list, each in its full form (le, de, que); `join` then makes
the elisions, since these depend on nothing but the neighbour.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from conjugation_french import (
    ONE_WORD_TENSES,
    VOWELS,
    WITH_ETRE,
    adjective_form,
    agree,
    imperative,
    noun_form,
    participle,
    present,
)
from lexicon import Adverbial, Destination, Place, nouns
from meaning import (
    NOBODY,
    WHO,
    At,
    Attribute,
    Circumstance,
    Clause,
    Clitic,
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
    Style,
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

ELIDED = frozenset({"je", "me", "te", "se", "le", "la", "de", "ne", "que", "ce"})
NEGATIONS = {
    Polarity.NOT: ["pas"],
    Polarity.NEVER: ["jamais"],
    Polarity.NO_LONGER: ["plus"],
    Polarity.NOTHING: ["rien"],
}
TURNS_ARTICLE_TO_DE = frozenset({Polarity.NOT, Polarity.NEVER, Polarity.NO_LONGER})
AUXILIARY_TENSES = {
    Tense.NEAR_FUTURE: ("aller", []),
    Tense.RECENT_PAST: ("venir", ["de"]),
    Tense.UNDERWAY: ("être", ["en", "train", "de"]),
}
POSSESSIVES = {
    (1, False): ("mon", "ma", "mes"),
    (2, False): ("ton", "ta", "tes"),
    (3, False): ("son", "sa", "ses"),
    (1, True): ("notre", "notre", "nos"),
    (2, True): ("votre", "votre", "vos"),
    (3, True): ("leur", "leur", "leurs"),
}
REFLEXIVES = {(1, False): "me", (2, False): "te", (1, True): "nous", (2, True): "vous"}
STRESSED = {"je": "moi", "tu": "toi", "il": "lui", "ils": "eux", "on": "nous"}


@cache
def _aspirated_words() -> frozenset[str]:
    aspirated = [noun for noun in nouns() if "aspirated" in noun.traits]
    return frozenset(noun_form(noun, plural) for noun in aspirated for plural in (False, True))


def starts_with_vowel(word: str) -> bool:
    """True where the word calls for l', d' or cet: an h counts unless it is aspirated."""
    return word == "y" or (word[0].lower() in VOWELS and word not in _aspirated_words())


def join(words: list[str]) -> str:
    """Write the words out, eliding what must be: ["je", "aime", "le", "été"] -> j'aime l'été."""
    flat = " ".join(words).split()
    text = ""
    for word, following in zip(flat, [*flat[1:], "."], strict=True):
        elides = word in ELIDED
        if elides and starts_with_vowel(following):
            text += f"{word[:-1]}'"
        elif word == "si" and following in {"il", "ils"}:
            text += "s'"
        else:
            text += f"{word} "
    return text.replace(" ,", ",").strip()


def with_preposition(preposition: str, words: list[str]) -> list[str]:
    """Put a preposition before a phrase: à + le -> au, de + les -> des."""
    if preposition in {"à", "de"}:
        contracted = {"à": ("au", "aux"), "de": ("du", "des")}[preposition]
        if words[0] == "le" and not starts_with_vowel(" ".join(words[1:]).split()[0]):
            return [contracted[0], *words[1:]]
        if words[0] == "les":
            return [contracted[1], *words[1:]]
    return [preposition, *words] if preposition else words


def _article(phrase: NounPhrase) -> list[str]:
    """The definite article, in full."""
    if phrase.plural:
        return ["les"]
    return ["la" if phrase.noun.feminine else "le"]


def _possessive(phrase: NounPhrase, following: str) -> str:
    assert phrase.owner is not None
    owner = phrase.owner
    masculine, feminine, plural = POSSESSIVES[owner.person, owner.takes_plural_verb]
    if phrase.plural:
        return plural
    uses_feminine = phrase.noun.feminine and not starts_with_vowel(following)
    return feminine if uses_feminine else masculine


def _determiner(phrase: NounPhrase, following: str, negated: bool) -> list[str]:
    """The determiner, given the word that it stands before."""
    feminine, plural = phrase.noun.feminine, phrase.plural
    prenominal = any(adjective.position == "before" for adjective in phrase.adjectives)
    match phrase.determiner:
        case Determiner.INDEFINITE | Determiner.PARTITIVE if negated:
            return ["de"]
        case Determiner.INDEFINITE if plural:
            return ["de" if prenominal else "des"]
        case Determiner.INDEFINITE:
            return ["une" if feminine else "un"]
        case Determiner.PARTITIVE:
            return with_preposition("de", [*_article(phrase), following])[:-1]
        case Determiner.DEFINITE | Determiner.GENERIC:
            return _article(phrase)
        case Determiner.DEMONSTRATIVE if plural:
            return ["ces"]
        case Determiner.DEMONSTRATIVE if feminine:
            return ["cette"]
        case Determiner.DEMONSTRATIVE:
            return ["cet" if starts_with_vowel(following) else "ce"]
        case Determiner.POSSESSIVE:
            return [_possessive(phrase, following)]
        case Determiner.WHICH:
            return [("quelle" if feminine else "quel") + "s" * plural]
        case Determiner.BARE:
            return []


def _modified_noun(phrase: NounPhrase) -> list[str]:
    """The noun between its adjectives; beau is bel before a vowel."""
    noun = noun_form(phrase.noun, phrase.plural)
    after = []
    before: list[str] = []
    for adjective in phrase.adjectives:
        form = adjective_form(adjective, phrase.noun.feminine, phrase.plural)
        if adjective.position != "before":
            after.append(form)
            continue
        if not phrase.plural and not phrase.noun.feminine and starts_with_vowel(noun):
            form = adjective.traits.get("beforevowel", form)
        before.append(form)
    return [*before, noun, *after]


def noun_phrase(phrase: NounPhrase, negated: bool = False) -> list[str]:
    """A noun phrase; `negated` turns un, une, du and des into de."""
    words = _modified_noun(phrase)
    if phrase.quantity is not None and not phrase.quantity.measures:
        words = [phrase.quantity.french, *words]
        negated = False
    if phrase.quantity is not None and phrase.quantity.measures:
        words = [*phrase.quantity.french.split(), "de", *words]
    elif phrase.quantity is None or phrase.determiner is not Determiner.INDEFINITE:
        words = [*_determiner(phrase, " ".join(words).split()[0], negated), *words]
    if phrase.possessor is not None:
        words += with_preposition("de", subject(phrase.possessor))
    if phrase.relative is not None:
        words += _relative(phrase, phrase.relative)
    return words


def _relative(head: NounPhrase, relative: Relative) -> list[str]:
    match relative.gap:
        case Gap.SUBJECT:
            return ["qui", *_predicate(relative.clause, pronoun_for(head))]
        case Gap.OBJECT:
            return ["que", *_clause(relative.clause, preceding=head)]
        case Gap.PLACE:
            return ["où", *_clause(relative.clause)]


def subject(phrase: Subject) -> list[str]:
    """A subject, or the possessor or person that a preposition governs."""
    match phrase:
        case Pronoun():
            return [phrase.french]
        case Named():
            names = [name.name for name in phrase.names]
            return [" et ".join(names)]
        case NounPhrase():
            return noun_phrase(phrase)


def stressed(phrase: Subject) -> list[str]:
    """A phrase after a preposition or "que": je becomes moi."""
    if isinstance(phrase, Pronoun):
        return [STRESSED.get(phrase.french, phrase.french)]
    return subject(phrase)


@cache
def _split(verb_french: str) -> tuple[bool, str, list[str]]:
    """Take a dictionary form apart: is it reflexive, its infinitive, its tail."""
    words = verb_french.replace("s'", "se ").split()
    is_reflexive = words[0] == "se"
    return is_reflexive, words[int(is_reflexive)], words[int(is_reflexive) + 1 :]


def _tail(words: list[str], negated: bool) -> list[str]:
    """The verb's fixed tail: avoir de la chance, but ne pas avoir de chance."""
    if negated and words[:1] in (["un"], ["une"]):
        return ["de", *words[1:]]
    return ["de", *words[2:]] if negated and words[:2] == ["de", "la"] else words


def _clitics(phrase: VerbPhrase, agreement: Pronoun) -> list[str]:
    """The pronouns before the verb, reflexive or object."""
    is_reflexive = _split(phrase.verb.french)[0]
    if is_reflexive:
        return [REFLEXIVES.get((agreement.person, agreement.takes_plural_verb), "se")]
    return [] if phrase.clitic is None else [_object_pronoun(phrase.clitic)]


def _object_pronoun(clitic: Clitic) -> str:
    pronoun = clitic.pronoun
    if pronoun.person != 3:
        return REFLEXIVES[pronoun.person, pronoun.takes_plural_verb]
    if clitic.is_dative:
        return "leur" if pronoun.is_many else "lui"
    if pronoun.is_many:
        return "les"
    return "la" if pronoun.feminine else "le"


def _participle(
    phrase: VerbPhrase, agreement: Pronoun, preceding: NounPhrase | None
) -> tuple[str, str]:
    """The auxiliary and the participle, which agrees with the subject or a preceding object."""
    is_reflexive, infinitive, _ = _split(phrase.verb.french)
    form = participle(infinitive)
    if is_reflexive or infinitive in WITH_ETRE:
        return "être", agree(form, agreement.feminine, agreement.is_many)
    if phrase.clitic is not None and not phrase.clitic.is_dative:
        pronoun = phrase.clitic.pronoun
        return "avoir", agree(form, pronoun.feminine, pronoun.is_many)
    if preceding is not None:
        return "avoir", agree(form, preceding.noun.feminine, preceding.plural)
    return "avoir", form


def _verb_words(
    clause: Clause, agreement: Pronoun, preceding: NounPhrase | None
) -> tuple[list[str], str, list[str]]:
    """What stands before the finite verb, the finite verb, and what follows the negation."""
    phrase, tense = clause.phrase, clause.tense
    infinitive = _split(phrase.verb.french)[1]
    clitics = _clitics(phrase, agreement)
    index = agreement.person - 1 + 3 * agreement.takes_plural_verb
    if tense in ONE_WORD_TENSES:
        return clitics, ONE_WORD_TENSES[tense](infinitive)[index], []
    if tense is Tense.PAST:
        auxiliary, form = _participle(phrase, agreement, preceding)
        return clitics, present(auxiliary)[index], [form]
    auxiliary, between = AUXILIARY_TENSES[tense]
    return [], present(auxiliary)[index], [*between, *clitics, infinitive]


def _hyphenated(finite: str, agreement: Pronoun) -> str:
    """The verb with its subject behind it: habites-tu, a-t-il."""
    needs_t = finite[-1] in "ae" and agreement.french[0] in "ieo"
    return f"{finite}-t-{agreement.french}" if needs_t else f"{finite}-{agreement.french}"


def _predicate(
    clause: Clause,
    agreement: Pronoun,
    preceding: NounPhrase | None = None,
    is_inverted: bool = False,
) -> list[str]:
    """Everything but the subject: ne, pronouns, verb, pas, adverb, complements."""
    before, finite, after = _verb_words(clause, agreement, preceding)
    if is_inverted:
        finite = _hyphenated(finite, agreement)
    polarity, phrase = clause.polarity, clause.phrase
    has_ne = polarity is not Polarity.AFFIRMATIVE or agreement is NOBODY
    negated = polarity in TURNS_ARTICLE_TO_DE and phrase.verb.french != "être"
    adverb = [] if phrase.adverb is None else [phrase.adverb.french]
    words = ["ne"] if has_ne else []
    words += [*before, finite, *NEGATIONS.get(polarity, []), *adverb, *after]
    words += _tail(_split(phrase.verb.french)[2], negated)
    if polarity is Polarity.NOBODY:
        words += with_preposition(phrase.verb.link, ["personne"])
    return words + _complements(phrase, agreement, negated)


def _complements(phrase: VerbPhrase, agreement: Pronoun, negated: bool) -> list[str]:
    words: list[str] = []
    for complement in phrase.complements:
        words += _complement(complement, phrase, agreement, negated)
    return words


def _complement(
    complement: Complement, phrase: VerbPhrase, agreement: Pronoun, negated: bool
) -> list[str]:
    link = phrase.verb.link
    match complement:
        case NounPhrase():
            return with_preposition(link, noun_phrase(complement, negated and not link))
        case Named():
            return with_preposition(link, subject(complement))
        case Infinitive():
            return with_preposition(link, _infinitive(complement.phrase, agreement, negated))
        case Circumstance():
            return [*complement.french.split(), *_infinitive(complement.phrase, agreement)]
        case That():
            return [link, *_clause(complement.clause)]
        case With():
            return with_preposition(complement.french, stressed(complement.governed))
        case At() | To():
            return _place(complement.place)
        case Adverbial():
            return [complement.french]
        case Occupation():
            noun = complement.forms[int(agreement.feminine)]
            return [noun_form(noun, agreement.is_many)]
        case Attribute():
            degree = [] if complement.degree is None else [complement.degree.french]
            return [*degree, _agreed(complement, agreement)]
        case Comparison() | Superlative():
            return _graded(complement, agreement)


def _agreed(quality: Attribute | Comparison, agreement: Pronoun) -> str:
    return adjective_form(quality.adjective, agreement.feminine, agreement.is_many)


def _better(words: list[str]) -> list[str]:
    """Plus bon is meilleur."""
    better = {"bon": "meilleur", "bonne": "meilleure", "bons": "meilleurs", "bonnes": "meilleures"}
    return [better[words[1]]] if words[0] == "plus" and words[1] in better else words


def _graded(quality: Comparison | Superlative, agreement: Pronoun) -> list[str]:
    """Plus grand que; la plus belle ville du pays; le film le plus drôle du monde."""
    if isinstance(quality, Comparison):
        graded = _better([quality.degree, _agreed(quality, agreement)])
        return [*graded, "que", *stressed(quality.standard)]
    phrase = quality.phrase
    noun = noun_form(phrase.noun, phrase.plural)
    article = _article(phrase)
    form = adjective_form(quality.adjective, phrase.noun.feminine, phrase.plural)
    graded = _better(["plus", form])
    if quality.adjective.position == "before":
        words = [*article, *graded, noun]
    else:
        words = [*article, noun, *article, *graded]
    domain = quality.domain.noun if isinstance(quality.domain, Place) else quality.domain
    return words + with_preposition("de", noun_phrase(NounPhrase(domain, Determiner.DEFINITE)))


def _place(place: Place | Destination) -> list[str]:
    if isinstance(place, Destination):
        return [place.preposition, place.french]
    words = noun_phrase(NounPhrase(place.noun, Determiner.DEFINITE))
    return with_preposition(place.preposition, words)


def _infinitive(phrase: VerbPhrase, agreement: Pronoun, negated: bool = False) -> list[str]:
    """A verb phrase that has no subject of its own."""
    _, infinitive, tail = _split(phrase.verb.french)
    adverb = [] if phrase.adverb is None else [phrase.adverb.french]
    words = [*_clitics(phrase, agreement), *adverb, infinitive, *_tail(tail, negated)]
    return words + _complements(phrase, agreement, negated)


def _clause(clause: Clause, preceding: NounPhrase | None = None) -> list[str]:
    opening = [] if clause.opening is None else [clause.opening.french, ","]
    predicate = _predicate(clause, pronoun_for(clause.subject), preceding)
    return [*opening, *subject(clause.subject), *predicate]


def _existence(existence: Existence, is_question: bool = False) -> list[str]:
    """Il y a, il n'y a pas de, y a-t-il."""
    negated = existence.polarity in TURNS_ARTICLE_TO_DE
    negation = NEGATIONS.get(existence.polarity, [])
    if existence.tense is Tense.NEAR_FUTURE:
        verb = ["il", *["ne"] * negated, "va", *negation, "y", "avoir"]
    else:
        finite = ONE_WORD_TENSES[existence.tense]("avoir")[2]
        inverted = f"y {finite}-t-il" if finite[-1] in "ae" else f"y {finite}-il"
        plain = ["il", *["ne"] * negated, "y", finite]
        verb = [inverted] if is_question else [*plain, *negation]
    where = [] if existence.where is None else _place(existence.where.place)
    return [*verb, *noun_phrase(existence.phrase, negated), *where]


def _introduction(introduction: Introduction) -> list[str]:
    """Je m'appelle Paul; mon frère s'appelle Paul."""
    agreement = pronoun_for(introduction.subject)
    index = agreement.person - 1 + 3 * agreement.takes_plural_verb
    reflexive = REFLEXIVES.get((agreement.person, agreement.takes_plural_verb), "se")
    verb = ("appelle", "appelles", "appelle", "appelons", "appelez", "appellent")[index]
    return [*subject(introduction.subject), reflexive, verb, introduction.name.name]


def _statement(statement: Statement | Joined | Fronted) -> list[str]:
    match statement:
        case Clause():
            return _clause(statement)
        case Existence():
            return _existence(statement)
        case Introduction():
            return _introduction(statement)
        case Joined():
            comma = [","] if statement.has_comma else []
            first, second = _statement(statement.first), _statement(statement.second)
            return [*first, *comma, *statement.french.split(), *second]
        case Fronted():
            subordinate = _statement(statement.subordinate)
            return [*statement.french.split(), *subordinate, ",", *_statement(statement.main)]


def _inverted(clause: Clause, preceding: NounPhrase | None = None) -> list[str]:
    """A clause with its verb first: habites-tu; a noun is taken up: Marie habite-t-elle."""
    agreement = pronoun_for(clause.subject)
    predicate = _predicate(clause, agreement, preceding, is_inverted=True)
    if isinstance(clause.subject, Pronoun):
        return predicate
    return [*subject(clause.subject), *predicate]


def _yes_no(question: YesNoQuestion) -> list[str]:
    statement = question.statement
    match question.style:
        case Style.EST_CE_QUE:
            return ["est-ce", "que", *_statement(statement)]
        case Style.INTONATION:
            return _statement(statement)
        case Style.INVERSION if isinstance(statement, Existence):
            return _existence(statement, is_question=True)
        case Style.INVERSION:
            assert isinstance(statement, Clause)
            return _inverted(statement)


def _open(question: OpenQuestion) -> list[str]:
    clause = question.clause
    preceding = question.asked if isinstance(question.asked, NounPhrase) else None
    if isinstance(question.asked, NounPhrase):
        asked = with_preposition(clause.phrase.verb.link, noun_phrase(question.asked))
    else:
        asked = question.asked.french.split()
    if question.style is Style.EST_CE_QUE:
        return [*asked, "est-ce", "que", *_clause(clause, preceding)]
    is_simple = clause.tense in ONE_WORD_TENSES and not clause.phrase.complements
    if isinstance(clause.subject, Pronoun) or not (is_simple and asked == ["où"]):
        return [*asked, *_inverted(clause, preceding)]
    return [*asked, *_predicate(clause, pronoun_for(clause.subject)), *subject(clause.subject)]


def _command(command: Command) -> list[str]:
    """Regarde ! Lève-toi ! Ne te lève pas !"""
    _, infinitive, tail = _split(command.phrase.verb.french)
    index = 0 if command.told.french == "tu" else {1: 1, 2: 2}[command.told.person]
    verb = imperative(infinitive)[index]
    clitics = _clitics(command.phrase, command.told)
    rest = [*_tail(tail, command.is_negative)]
    rest += _complements(command.phrase, command.told, command.is_negative)
    adverb = [] if command.phrase.adverb is None else [command.phrase.adverb.french]
    if command.is_negative:
        return ["ne", *clitics, verb, "pas", *adverb, *rest]
    behind = {"me": "moi", "te": "toi"}
    return ["-".join([verb, *(behind.get(word, word) for word in clitics)]), *adverb, *rest]


def realise(sentence: Sentence) -> str:
    """Say a meaning in French, with its capital and its final punctuation."""
    match sentence:
        case YesNoQuestion():
            words, end = _yes_no(sentence), " ?"
        case OpenQuestion():
            words, end = _open(sentence), " ?"
        case SubjectQuestion():
            words, end = _clause(replace(sentence.clause, subject=WHO)), " ?"
        case Command():
            words, end = _command(sentence), " !" if sentence.is_urgent else "."
        case _:
            words, end = _statement(sentence), "."
    text = join(words)
    return f"{text[0].upper()}{text[1:]}{end}"
