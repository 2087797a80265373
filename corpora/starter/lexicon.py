"""The words of the starter corpus: one row links a French word to an English one.

The tables in `lexicon/` are tab-separated, with a header, and `-` for "nothing". What a rule can
say (a regular plural, a regular past) is left to the grammars; a row states only the exceptions.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "lexicon"


@dataclass(frozen=True)
class Noun:
    """A noun in both languages.

    Attributes:
        classes: What kinds of thing it names, such as "food" or "human".
        traits: Exceptions to the rules, such as "plural" (French), "plurals" (English),
            "invariable" (the form given is already a plural) or "aspirated" (no elision).
    """

    french: str
    english: str
    feminine: bool
    classes: frozenset[str]
    traits: dict[str, str]

    def __hash__(self) -> int:
        return hash((self.french, self.english, self.feminine))

    @property
    def is_mass(self) -> bool:
        """True where the noun cannot be counted, as bread and coffee cannot."""
        return "mass" in self.classes

    @property
    def is_human(self) -> bool:
        """True for people, who are asked for by "who" and not by "what"."""
        return "human" in self.classes


@dataclass(frozen=True)
class Place:
    """A noun one can be at or go to, with the prepositions each language wants."""

    noun: Noun
    preposition: str
    at: str
    to: str
    activities: frozenset[str]


@dataclass(frozen=True)
class Adjective:
    """An adjective; `position` is before or after a French noun, or predicate only."""

    masculine: str
    feminine: str
    english: str
    position: str
    suits: frozenset[str]
    traits: dict[str, str]

    def __hash__(self) -> int:
        return hash((self.masculine, self.english))


@dataclass(frozen=True)
class Verb:
    """A verb with its fixed tail ("avoir faim"), linked to its English verb and tail.

    Attributes:
        aspect: dynamic (English progressive when under way), habit, event or state.
        link: The French preposition or conjunction before what it governs.
        objects: Classes of nouns that it takes.
        determiners: What may stand before that noun, the likelier ones repeated.
        activities: The occupations that it belongs to, which decide place and reason.
    """

    french: str
    english: str
    aspect: str
    link: str
    objects: frozenset[str]
    determiners: tuple[str, ...]
    activities: frozenset[str]


@dataclass(frozen=True)
class Name:
    """A first name, the same in both languages."""

    name: str
    feminine: bool


@dataclass(frozen=True)
class Destination:
    """A city or a country and the French preposition that it takes."""

    french: str
    english: str
    preposition: str
    kind: str


@dataclass(frozen=True)
class Adverbial:
    """A word or a phrase that never changes; `kind` says what it may qualify."""

    french: str
    english: str
    kind: str


def read_table(name: str) -> list[dict[str, str]]:
    """Read one table of the lexicon, with "" where the file has `-`."""
    with (FOLDER / f"{name}.tsv").open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [{key: "" if cell == "-" else cell for key, cell in row.items()} for row in rows]


def _traits(cell: str) -> dict[str, str]:
    """Read `invariable plural=cours de danse`: a word without "=" continues what precedes it."""
    traits: dict[str, str] = {}
    key = ""
    for word in cell.split():
        if "=" in word:
            key, _, value = word.partition("=")
            traits[key] = value
        elif word in {"invariable", "aspirated", "absolute"}:
            traits[word] = word
        else:
            traits[key] += f" {word}"
    return traits


@cache
def nouns() -> tuple[Noun, ...]:
    """All nouns that name neither a person nor a place, in the order of the table."""
    return tuple(
        Noun(
            row["french"],
            row["english"],
            row["gender"] == "f",
            frozenset(row["classes"].split()),
            _traits(row["traits"]),
        )
        for row in read_table("nouns")
    )


@cache
def places() -> tuple[Place, ...]:
    """All places."""
    return tuple(
        Place(
            Noun(
                row["french"],
                row["english"],
                row["gender"] == "f",
                frozenset({"place"}),
                _traits(row["traits"]),
            ),
            row["preposition"],
            row["at"],
            row["to"],
            frozenset(row["activities"].split()),
        )
        for row in read_table("places")
    )


@cache
def people() -> tuple[Noun, ...]:
    """All nouns for people, a man's word and a woman's word being two nouns."""
    found = []
    for row in read_table("people"):
        classes = frozenset({"human", row["kind"]})
        traits = {"workplace": row["workplace"]} if row["workplace"] else {}
        if row["english"] == "child":
            traits["plurals"] = "children"
        for column, feminine in (("masculine", False), ("feminine", True)):
            if row[column]:
                found.append(Noun(row[column], row["english"], feminine, classes, traits))
    return tuple(found)


@cache
def adjectives() -> tuple[Adjective, ...]:
    """All adjectives."""
    return tuple(
        Adjective(
            row["masculine"],
            row["feminine"],
            row["english"],
            row["position"],
            frozenset(row["suits"].split()),
            _traits(row["traits"]),
        )
        for row in read_table("adjectives")
    )


@cache
def verbs() -> tuple[Verb, ...]:
    """All verbs, one row for each way of governing."""
    return tuple(
        Verb(
            row["french"],
            row["english"],
            row["aspect"],
            row["link"],
            frozenset(row["objects"].split()),
            tuple(row["determiners"].split()),
            frozenset(row["activities"].split()),
        )
        for row in read_table("verbs")
    )


@cache
def names() -> tuple[Name, ...]:
    """All first names."""
    return tuple(Name(row["name"], row["gender"] == "f") for row in read_table("names"))


@cache
def destinations() -> tuple[Destination, ...]:
    """All cities and countries."""
    return tuple(
        Destination(row["name"], row["english"], row["preposition"], row["kind"])
        for row in read_table("geography")
    )


@cache
def adverbials() -> tuple[Adverbial, ...]:
    """All adverbials."""
    return tuple(
        Adverbial(row["french"], row["english"], row["kind"]) for row in read_table("adverbials")
    )


@cache
def verb(french: str, english: str, has_object: bool | None = None) -> Verb:
    """Find a verb by its two sides, and by whether it takes an object if that matters.

    Raises:
        KeyError: The lexicon links no such pair.
    """
    for candidate in verbs():
        is_it = (candidate.french, candidate.english) == (french, english)
        if is_it and has_object in {None, bool(candidate.objects)}:
            return candidate
    raise KeyError(f"no verb {french} -> {english}")


def noun(french: str, feminine: bool | None = None) -> Noun:
    """Find a noun, a person or a place by its French word, and by its gender if that matters.

    Raises:
        KeyError: The lexicon has no such noun.
    """
    for candidate in (*nouns(), *people(), *(place.noun for place in places())):
        if candidate.french == french and feminine in {None, candidate.feminine}:
            return candidate
    raise KeyError(f"no noun {french}")


def adjective(masculine: str) -> Adjective:
    """Find an adjective by its French masculine.

    Raises:
        KeyError: The lexicon has no such adjective.
    """
    for candidate in adjectives():
        if candidate.masculine == masculine:
            return candidate
    raise KeyError(f"no adjective {masculine}")


def place(french: str) -> Place:
    """Find a place by its French noun.

    Raises:
        KeyError: The lexicon has no such place.
    """
    for candidate in places():
        if candidate.noun.french == french:
            return candidate
    raise KeyError(f"no place {french}")


def linked_words() -> frozenset[tuple[str, str]]:
    """The distinct links between a French word and an English one, irregular forms apart."""
    links: set[tuple[str, str]] = set()
    links.update((entry.french, entry.english) for entry in (*nouns(), *people()))
    links.update((entry.noun.french, entry.noun.english) for entry in places())
    links.update((entry.masculine, entry.english) for entry in adjectives())
    links.update((entry.french, entry.english) for entry in verbs())
    links.update((entry.french, entry.english) for entry in destinations())
    links.update((entry.french, entry.english) for entry in adverbials())
    links.update((entry.name, entry.name) for entry in names())
    return frozenset(links)
