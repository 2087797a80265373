"""How English words change form."""

from __future__ import annotations

from functools import cache

from lexicon import Adjective, Noun, read_table

DOUBLED = frozenset(
    {"cut", "forget", "get", "put", "run", "swim", "travel", "win", "big", "fat", "sad", "hot"}
)
LONG_COMPARATIVES = frozenset({"tired", "honest", "modern", "bored", "famous", "patient"})
IRREGULAR_COMPARATIVES = {"good": ("better", "best"), "bad": ("worse", "worst")}
VOWEL_SOUNDS = frozenset("aeiou")
SOUNDS_LIKE_YOU = ("university", "useful", "European")
MUTE_H = ("honest", "hour")


@cache
def _irregular() -> dict[str, dict[str, str]]:
    return {row["base"]: row for row in read_table("english_irregular")}


def third_person(base: str) -> str:
    """What he or she does."""
    if base == "have":
        return "has"
    if base.endswith(("s", "x", "ch", "sh", "o")):
        return f"{base}es"
    if base.endswith("y") and base[-2] not in VOWEL_SOUNDS:
        return f"{base[:-1]}ies"
    return f"{base}s"


def present_participle(base: str) -> str:
    """The form in -ing."""
    if base in DOUBLED:
        return f"{base}{base[-1]}ing"
    if base.endswith("e") and not base.endswith("ee") and base != "be":
        return f"{base[:-1]}ing"
    return f"{base}ing"


def _regular_past(base: str) -> str:
    if base.endswith("e"):
        return f"{base}d"
    if base.endswith("y") and base[-2] not in VOWEL_SOUNDS:
        return f"{base[:-1]}ied"
    return f"{base}red" if base == "prefer" else f"{base}ed"


def past(base: str) -> str:
    """The simple past (of "be", the form for he)."""
    return _irregular()[base]["past"] if base in _irregular() else _regular_past(base)


def past_participle(base: str) -> str:
    """The past participle."""
    return _irregular()[base]["participle"] if base in _irregular() else _regular_past(base)


def plural_of(word: str) -> str:
    """The regular English plural."""
    if word.endswith(("s", "x", "ch", "sh")) or word in {"potato", "tomato"}:
        return f"{word}es"
    if word.endswith("y") and word[-2] not in VOWEL_SOUNDS:
        return f"{word[:-1]}ies"
    return f"{word[:-3]}men" if word.endswith("man") else f"{word}s"


def noun_form(noun: Noun, plural: bool) -> str:
    """A noun in the number asked for."""
    if not plural or "invariable" in noun.traits:
        return noun.english
    return noun.traits.get("plurals") or plural_of(noun.english)


def _is_long(word: str) -> bool:
    if word in LONG_COMPARATIVES:
        return True
    vowel_groups = sum(
        letter in "aeiouy" and (index == 0 or word[index - 1] not in "aeiouy")
        for index, letter in enumerate(word.removesuffix("e"))
    )
    return vowel_groups > 1 and not word.endswith(("y", "quiet"))


def _graded(word: str, ending: str) -> str:
    if word in DOUBLED:
        return f"{word}{word[-1]}{ending}"
    if word.endswith("y") and word[-2] not in VOWEL_SOUNDS:
        return f"{word[:-1]}i{ending}"
    return f"{word.removesuffix('e')}{ending}"


def comparative(adjective: Adjective) -> str:
    """Bigger, more beautiful, better."""
    word = adjective.english
    if word in IRREGULAR_COMPARATIVES:
        return IRREGULAR_COMPARATIVES[word][0]
    return f"more {word}" if _is_long(word) else _graded(word, "er")


def superlative(adjective: Adjective) -> str:
    """Biggest, most beautiful, best."""
    word = adjective.english
    if word in IRREGULAR_COMPARATIVES:
        return IRREGULAR_COMPARATIVES[word][1]
    return f"most {word}" if _is_long(word) else _graded(word, "est")


def indefinite_article(following: str) -> str:
    """A or an, by the sound that follows."""
    if following.startswith(SOUNDS_LIKE_YOU):
        return "a"
    begins_with_vowel = following[0].lower() in VOWEL_SOUNDS or following.startswith(MUTE_H)
    return "an" if begins_with_vowel else "a"
