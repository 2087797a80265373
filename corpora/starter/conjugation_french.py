"""How French words change form: the verb's tenses, and the plurals and feminines."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from lexicon import Adjective, Noun, read_table
from meaning import Tense

VOWELS = frozenset("aeiouâàéèêëîïôûœh")
WITH_ETRE = frozenset(
    {"aller", "venir", "partir", "arriver", "rentrer", "rester", "sortir", "tomber"}
)
IMPERFECT_ENDINGS = ("ais", "ais", "ait", "ions", "iez", "aient")
FUTURE_ENDINGS = ("ai", "as", "a", "ons", "ez", "ont")
IMPERATIVES = {"être": ("sois", "soyons", "soyez"), "avoir": ("aie", "ayons", "ayez")}


@cache
def _irregular() -> dict[str, dict[str, str]]:
    return {row["infinitive"]: row for row in read_table("french_irregular")}


def _mute_stem(stem: str) -> str:
    """The stem before a mute ending: lev- -> lèv-, préfér- -> préfèr-, nettoy- -> nettoi-."""
    if stem.endswith(("ay", "oy", "uy")):
        return f"{stem[:-1]}i"
    if len(stem) > 2 and stem[-2] in "eé" and stem[-1] in "tvnrm" and stem[-3] not in "aeiou":
        return f"{stem[:-2]}è{stem[-1]}"
    return stem


def _soft_stem(stem: str) -> str:
    """The stem before a or o: mang- -> mange-, commenc- -> commenç-."""
    if stem.endswith("g"):
        return f"{stem}e"
    return f"{stem[:-1]}ç" if stem.endswith("c") else stem


@cache
def present(infinitive: str) -> tuple[str, ...]:
    """The six forms of the present: je, tu, il, nous, vous, ils."""
    if infinitive in _irregular():
        return tuple(_irregular()[infinitive]["present"].split())
    stem = infinitive[:-2]
    if infinitive.endswith("er"):
        mute = _mute_stem(stem)
        plural = (f"{_soft_stem(stem)}ons", f"{stem}ez", f"{mute}ent")
        return (f"{mute}e", f"{mute}es", f"{mute}e", *plural)
    if infinitive.endswith("ir"):
        endings = ("is", "is", "it", "issons", "issez", "issent")
    else:
        endings = ("s", "s", "", "ons", "ez", "ent")
    return tuple(f"{stem}{ending}" for ending in endings)


@cache
def imperfect(infinitive: str) -> tuple[str, ...]:
    """The six forms of the imparfait, on the stem of nous."""
    stem = "ét" if infinitive == "être" else present(infinitive)[3].removesuffix("ons")
    hard = stem.removesuffix("e") if stem.endswith("ge") else stem.replace("ç", "c")
    return tuple(
        f"{hard if ending.startswith('i') else stem}{ending}" for ending in IMPERFECT_ENDINGS
    )


@cache
def _future_stem(infinitive: str) -> str:
    if infinitive in _irregular():
        return _irregular()[infinitive]["future"]
    if infinitive.endswith("er"):
        stem = infinitive[:-2]
        return f"{stem if 'é' in stem[-2:] else _mute_stem(stem)}er"
    return infinitive.removesuffix("e")


def future(infinitive: str) -> tuple[str, ...]:
    """The six forms of the futur simple."""
    return tuple(f"{_future_stem(infinitive)}{ending}" for ending in FUTURE_ENDINGS)


def conditional(infinitive: str) -> tuple[str, ...]:
    """The six forms of the conditionnel."""
    return tuple(f"{_future_stem(infinitive)}{ending}" for ending in IMPERFECT_ENDINGS)


def imperative(infinitive: str) -> tuple[str, str, str]:
    """What one tells tu, nous and vous."""
    if infinitive in IMPERATIVES:
        return IMPERATIVES[infinitive]
    forms = present(infinitive)
    drops_s = infinitive.endswith("er") or forms[1].endswith("es")
    return (forms[1].removesuffix("s") if drops_s else forms[1], forms[3], forms[4])


def participle(infinitive: str) -> str:
    """The masculine singular past participle."""
    if infinitive in _irregular():
        return _irregular()[infinitive]["participle"]
    stem = infinitive[:-2]
    return stem + {"er": "é", "ir": "i", "re": "u"}[infinitive[-2:]]


def agree(participle_form: str, feminine: bool, plural: bool) -> str:
    """Make a participle agree; dû loses its accent once it is not masculine singular."""
    form = "du" if participle_form == "dû" and (feminine or plural) else participle_form
    if feminine:
        form += "e"
    return f"{form}s" if plural and not form.endswith("s") else form


ONE_WORD_TENSES: dict[Tense, Callable[[str], tuple[str, ...]]] = {
    Tense.PRESENT: present,
    Tense.LASTING: present,
    Tense.IMPERFECT: imperfect,
    Tense.IF_PAST: imperfect,
    Tense.FUTURE: future,
    Tense.WHEN_FUTURE: future,
    Tense.CONDITIONAL: conditional,
}


def plural_of(word: str) -> str:
    """The regular French plural."""
    if word.endswith(("s", "x", "z")):
        return word
    if word.endswith(("eau", "eu")):
        return f"{word}x"
    return f"{word[:-2]}aux" if word.endswith("al") else f"{word}s"


def noun_form(noun: Noun, plural: bool) -> str:
    """A noun in the number asked for."""
    if not plural or "invariable" in noun.traits:
        return noun.french
    return noun.traits.get("plural") or plural_of(noun.french)


def adjective_form(adjective: Adjective, feminine: bool, plural: bool) -> str:
    """An adjective in the gender and number asked for."""
    if "invariable" in adjective.traits:
        return adjective.masculine
    if feminine:
        return f"{adjective.feminine}s" if plural else adjective.feminine
    if plural:
        return adjective.traits.get("plural") or plural_of(adjective.masculine)
    return adjective.masculine
