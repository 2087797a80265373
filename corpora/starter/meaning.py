"""What a sentence says, before either language says it.

A scene is built once from these values and realised twice, by `grammar_french` and by
`grammar_english`. Nothing here is a word order; everything that one language must know in order
to choose a form (gender, aspect, who owns what) is stated here, once.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from lexicon import Adjective, Adverbial, Destination, Name, Noun, Place, Verb


class Tense(Enum):
    """When it happens, and how the speaker looks at it."""

    PRESENT = auto()
    PAST = auto()  # passé composé -> simple past
    IMPERFECT = auto()  # imparfait -> was -ing, used to, or the simple past of a state
    FUTURE = auto()  # futur simple -> will
    NEAR_FUTURE = auto()  # aller + infinitive -> be going to
    RECENT_PAST = auto()  # venir de + infinitive -> have just
    UNDERWAY = auto()  # être en train de -> be -ing
    LASTING = auto()  # présent with depuis -> have + participle with for
    CONDITIONAL = auto()  # conditionnel -> would
    WHEN_FUTURE = auto()  # futur after quand -> present after when
    IF_PAST = auto()  # imparfait after si -> simple past after if


class Polarity(Enum):
    """Whether it is so: each value is a French negation, hence an English one."""

    AFFIRMATIVE = auto()
    NOT = auto()
    NEVER = auto()
    NO_LONGER = auto()
    NOTHING = auto()
    NOBODY = auto()


class Determiner(Enum):
    """How a noun phrase picks out what it means."""

    DEFINITE = auto()
    INDEFINITE = auto()  # un, une, des -> a, some
    PARTITIVE = auto()  # du, de la -> some
    GENERIC = auto()  # le café -> coffee
    DEMONSTRATIVE = auto()
    POSSESSIVE = auto()
    WHICH = auto()
    BARE = auto()


class Style(Enum):
    """The three ways in which French asks; English has one."""

    EST_CE_QUE = auto()
    INTONATION = auto()
    INVERSION = auto()


class Gap(Enum):
    """What a relative clause leaves out, and so how it begins."""

    SUBJECT = auto()  # qui -> who, that
    OBJECT = auto()  # que -> that
    PLACE = auto()  # où -> where


@dataclass(frozen=True)
class Pronoun:
    """A personal pronoun.

    Attributes:
        person: 1, 2 or 3, as the French verb agrees.
        takes_plural_verb: True for nous, vous, ils and elles.
        is_many: True where adjectives are plural; False for the polite vous.
    """

    french: str
    english: str
    english_object: str
    english_possessive: str
    person: int
    takes_plural_verb: bool = False
    is_many: bool = False
    feminine: bool = False


@dataclass(frozen=True)
class Quantity:
    """A number or a measure before a noun: trois, beaucoup de, une tasse de.

    `measures` is True where French needs "de" before the noun, `english_many` is what English
    says of things that can be counted.
    """

    french: str
    english: str
    english_many: str
    measures: bool


@dataclass(frozen=True)
class NounPhrase:
    """A noun with what surrounds it; `owner` is for possessives, `possessor` for "de Paul"."""

    noun: Noun
    determiner: Determiner
    plural: bool = False
    adjectives: tuple[Adjective, ...] = ()
    owner: Pronoun | None = None
    possessor: Subject | None = None
    quantity: Quantity | None = None
    relative: Relative | None = None


@dataclass(frozen=True)
class Named:
    """One or several people called by their first names."""

    names: tuple[Name, ...]


Subject = Pronoun | NounPhrase | Named


@dataclass(frozen=True)
class Clitic:
    """A pronoun as object: before the verb in French, after it in English."""

    pronoun: Pronoun
    is_dative: bool = False


@dataclass(frozen=True)
class With:
    """A preposition of each language and what it governs."""

    french: str
    english: str
    governed: Subject


@dataclass(frozen=True)
class At:
    """Being in a place."""

    place: Place | Destination


@dataclass(frozen=True)
class To:
    """Going to a place."""

    place: Place | Destination


@dataclass(frozen=True)
class Attribute:
    """An adjective that agrees with the subject, with a degree such as "very"."""

    adjective: Adjective
    degree: Adverbial | None = None


@dataclass(frozen=True)
class Occupation:
    """A profession, which French names without an article; `forms` is (man's, woman's)."""

    forms: tuple[Noun, Noun]


@dataclass(frozen=True)
class Comparison:
    """More, less or as much of a quality than somebody or something else has."""

    adjective: Adjective
    degree: str
    standard: Subject


@dataclass(frozen=True)
class Superlative:
    """The most of its kind: "la plus belle ville du pays"."""

    adjective: Adjective
    phrase: NounPhrase
    domain: Place | Noun


@dataclass(frozen=True)
class Infinitive:
    """An action governed by another verb."""

    phrase: VerbPhrase


@dataclass(frozen=True)
class Circumstance:
    """An action tied to another: pour manger, avant de partir, sans manger.

    `is_gerund` is True where English wants -ing after its word.
    """

    french: str
    english: str
    phrase: VerbPhrase
    is_gerund: bool = True


@dataclass(frozen=True)
class That:
    """A clause governed by a verb of saying or thinking."""

    clause: Clause


Complement = (
    NounPhrase
    | Named
    | With
    | At
    | To
    | Attribute
    | Occupation
    | Comparison
    | Superlative
    | Infinitive
    | Circumstance
    | That
    | Adverbial
)


@dataclass(frozen=True)
class VerbPhrase:
    """A verb and what completes it, in an order that both languages share."""

    verb: Verb
    complements: tuple[Complement, ...] = ()
    clitic: Clitic | None = None
    adverb: Adverbial | None = None


@dataclass(frozen=True)
class Clause:
    """A subject and what is said of it.

    Attributes:
        is_habitual: True where it happens as a rule; French leaves that to the adverbials.
        opening: An adverbial placed first, before a comma.
    """

    subject: Subject
    phrase: VerbPhrase
    tense: Tense = Tense.PRESENT
    polarity: Polarity = Polarity.AFFIRMATIVE
    is_habitual: bool = False
    opening: Adverbial | None = None


@dataclass(frozen=True)
class Relative:
    """A clause that qualifies a noun, and what it leaves out."""

    gap: Gap
    clause: Clause


@dataclass(frozen=True)
class Existence:
    """Il y a: there is something, somewhere."""

    phrase: NounPhrase
    where: At | None = None
    tense: Tense = Tense.PRESENT
    polarity: Polarity = Polarity.AFFIRMATIVE


@dataclass(frozen=True)
class Introduction:
    """What somebody is called: je m'appelle Paul, my name is Paul."""

    subject: Subject
    name: Name


Statement = Clause | Existence | Introduction


@dataclass(frozen=True)
class Joined:
    """Two statements in a row: et, mais, donc, parce que, pendant que."""

    first: Statement | Joined | Fronted
    french: str
    english: str
    second: Statement | Joined
    has_comma: bool = False


@dataclass(frozen=True)
class Fronted:
    """A subordinate clause first, a comma, and the main clause: quand, si."""

    french: str
    english: str
    subordinate: Statement
    main: Statement | Joined


@dataclass(frozen=True)
class YesNoQuestion:
    """A question that is answered by yes or no."""

    statement: Statement
    style: Style


@dataclass(frozen=True)
class SubjectQuestion:
    """A question about who does something: its subject is WHO."""

    clause: Clause


@dataclass(frozen=True)
class OpenQuestion:
    """A question that begins with a word for what is missing (où, quand, que, quel livre)."""

    asked: Adverbial | NounPhrase
    clause: Clause
    style: Style


@dataclass(frozen=True)
class Command:
    """An imperative; the pronoun (tu, vous, nous) says who is told."""

    told: Pronoun
    phrase: VerbPhrase
    is_negative: bool = False
    is_urgent: bool = False


Sentence = Statement | Joined | Fronted | YesNoQuestion | SubjectQuestion | OpenQuestion | Command

JE = Pronoun("je", "I", "me", "my", 1)
JE_F = Pronoun("je", "I", "me", "my", 1, feminine=True)
TU = Pronoun("tu", "you", "you", "your", 2)
TU_F = Pronoun("tu", "you", "you", "your", 2, feminine=True)
IL = Pronoun("il", "he", "him", "his", 3)
ELLE = Pronoun("elle", "she", "her", "her", 3, feminine=True)
ON = Pronoun("on", "we", "us", "our", 3)
NOUS = Pronoun("nous", "we", "us", "our", 1, True, True)
NOUS_F = Pronoun("nous", "we", "us", "our", 1, True, True, True)
VOUS = Pronoun("vous", "you", "you", "your", 2, True, True)
VOUS_POLITE = Pronoun("vous", "you", "you", "your", 2, True, False)
VOUS_POLITE_F = Pronoun("vous", "you", "you", "your", 2, True, False, True)
ILS = Pronoun("ils", "they", "them", "their", 3, True, True)
ELLES = Pronoun("elles", "they", "them", "their", 3, True, True, True)
IT_M = Pronoun("il", "it", "it", "its", 3)
IT_F = Pronoun("elle", "it", "it", "its", 3, feminine=True)
IMPERSONAL = Pronoun("il", "it", "it", "its", 3)
WEATHER = Pronoun("il", "the weather", "it", "its", 3)
THIS = Pronoun("ce", "this", "this", "its", 3)
NEUTRAL = Pronoun("ce", "it", "it", "its", 3)
THESE = Pronoun("ce", "these", "these", "their", 3, True, True)
WHO = Pronoun("qui", "who", "whom", "their", 3)
NOBODY = Pronoun("personne", "nobody", "nobody", "their", 3)


def pronoun_for(subject: Subject) -> Pronoun:
    """The third-person pronoun that takes up a subject; a pronoun stands for itself."""
    if isinstance(subject, Pronoun):
        return subject
    if isinstance(subject, Named):
        feminine = all(name.feminine for name in subject.names)
        if len(subject.names) > 1:
            return ELLES if feminine else ILS
        return ELLE if feminine else IL
    if subject.plural:
        return ELLES if subject.noun.feminine else ILS
    if subject.noun.is_human:
        return ELLE if subject.noun.feminine else IL
    return IT_F if subject.noun.feminine else IT_M
