"""Write the starter corpus: `python corpora/starter/generate.py`.

The scenes are drawn one by one and said in both languages. A sentence is kept when it fills its
quota of length and repeats nothing; dev and test take sentences that train does not have on
either side but whose every word train has.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import grammar_english
import grammar_french
import lexicon
import questions
import scenes
import stories
from meaning import Sentence

HERE = Path(__file__).resolve().parent
SEED = 1789
PAIRS = {"train": 24_400, "dev": 800, "test": 800}
LENGTHS = ((2, 5), (6, 9), (10, 15), (16, 22), (23, 32))
SHARES = (0.25, 0.30, 0.25, 0.15, 0.05)
BARE_SHARE = 0.08
HELD_OUT = ("je suis étudiant", "i am a student")
SEEN_AT_LEAST = 3
FINAL = re.compile(r"[\s.?!…]+$")
WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*'?")
QUESTION_WORDS = (
    *("Où ", "Quand ", "Pourquoi ", "Comment ", "Combien "),
    *("Que ", "Qu'", "Quel", "Est-"),
)

Pair = tuple[str, str]
Scene = Callable[[Random], Sentence]

SCENES: tuple[tuple[Scene, int], ...] = (
    (scenes.activity, 30),
    (scenes.short_activity, 12),
    (scenes.taste, 5),
    (scenes.quality, 12),
    (scenes.thing_quality, 8),
    (scenes.occupation, 5),
    (scenes.introduction, 2),
    (scenes.age, 5),
    (scenes.weather, 3),
    (scenes.existence, 7),
    (scenes.identity, 7),
    (scenes.comment, 1),
    (scenes.comparison, 5),
    (scenes.superlative, 1),
    (scenes.modal, 12),
    (scenes.wish, 4),
    (scenes.since, 4),
    (scenes.travel, 7),
    (scenes.timetable, 4),
    (scenes.giving, 6),
    (scenes.with_pronoun, 6),
    (scenes.nothing, 4),
    (scenes.opinion, 7),
    (scenes.hobby, 7),
    (scenes.having, 6),
    (scenes.meal, 6),
    (scenes.sight, 5),
    (scenes.pace, 4),
    (scenes.calendar, 4),
    (scenes.animal_life, 5),
    (questions.command, 11),
    (questions.yes_no, 14),
    (questions.open_question, 12),
    (questions.where_is, 4),
    (questions.who_question, 3),
    (stories.because, 10),
    (stories.feels_because, 6),
    (stories.closed, 3),
    (stories.too_dear, 3),
    (stories.contrast, 7),
    (stories.tastes, 9),
    (stories.two_people, 14),
    (stories.sequence, 12),
    (stories.consequence, 5),
    (stories.when_weather, 4),
    (stories.if_weather, 4),
    (stories.when_feeling, 4),
    (stories.when_arrived, 6),
    (stories.if_only, 5),
    (stories.taken_up, 12),
    (stories.helped, 4),
    (stories.known_person, 7),
    (stories.thing_with_clause, 7),
    (stories.place_with_clause, 5),
    (stories.outing, 8),
    (stories.before, 8),
    (stories.past_life, 5),
    (stories.reason_and_more, 16),
    (stories.condition_and_more, 9),
    (stories.sequence_with_reason, 16),
    (stories.person_acts, 12),
    (stories.two_reasons, 32),
    (stories.condition_and_reason, 18),
)


def core(sentence: str) -> str:
    """A sentence as it is compared: case folded, without final punctuation."""
    return FINAL.sub("", sentence).casefold()


def words(sentence: str) -> list[str]:
    """The word forms of a sentence; an elided word is a word of its own."""
    return WORD.findall(sentence.replace("'", "' "))


def length(french: str) -> int:
    """The number of words between spaces, punctuation apart."""
    return sum(any(letter.isalnum() for letter in word) for word in french.split())


def bucket(french: str) -> int:
    """Which of `LENGTHS` a sentence falls into; their number where it is too long.

    A phrase of one word counts with the shortest.
    """
    count = length(french)
    return sum(count > longest for _, longest in LENGTHS)


def read_phrases() -> list[Pair]:
    """The phrases written by hand."""
    pairs = []
    for line in (HERE / "phrases.tsv").read_text(encoding="utf-8").splitlines():
        french, english = line.split("\t")
        pairs.append((french, english))
    return pairs


def can_lose_end(pair: Pair) -> bool:
    """True where the sentence is the same without its stop: not so for "Tu manges ?"."""
    return not pair[0].endswith("?") or pair[0].startswith(QUESTION_WORDS)


def without_end(pair: Pair, rng: Random) -> Pair:
    """A pair as one types in haste: no final stop, half of the time no capital."""
    french, english = (FINAL.sub("", side) for side in pair)
    if rng.random() < 0.5 and not starts_with_name(french) and not starts_with_name(english):
        french = french[0].lower() + french[1:]
        if english.split()[0] != "I":
            english = english[0].lower() + english[1:]
    return french, english


def starts_with_name(sentence: str) -> bool:
    """True where the first word keeps its capital anywhere."""
    first = sentence.split()[0].removesuffix("'s")
    return first in {name.name for name in lexicon.names()} | {"Paris"}


@dataclass
class Selection:
    """The sentences kept so far, and what keeps a new one out.

    Attributes:
        translations: The English of every French sentence, so that none has two.
        french_cores: What is said in French, whatever the punctuation.
        english_cores: What is said in English, whatever the punctuation.
        counts: How many are kept of each length.
    """

    translations: dict[tuple[str, bool], str] = field(default_factory=dict)
    french_cores: set[str] = field(default_factory=set)
    english_cores: set[str] = field(default_factory=set)
    pairs: list[Pair] = field(default_factory=list)
    counts: Counter[int] = field(default_factory=Counter)

    def add(self, pair: Pair) -> bool:
        """Keep a pair unless its French is already there; tell whether it was kept."""
        french, english = core(pair[0]), core(pair[1])
        key = (french, pair[0].endswith("?"))
        if HELD_OUT[0] in french or HELD_OUT[1] in english or key in self.translations:
            return False
        self.translations[key] = english
        self.french_cores.add(french)
        self.english_cores.add(english)
        self.pairs.append(pair)
        self.counts[bucket(pair[0])] += 1
        return True

    def has_either(self, pair: Pair) -> bool:
        """True where one side of the pair is already said."""
        return core(pair[0]) in self.french_cores or core(pair[1]) in self.english_cores

    def shorten_some(self, rng: Random, first: int = 0) -> None:
        """Take the final stop from some of the pairs after `first`, and put all in random order."""
        able = [index for index in range(first, len(self.pairs)) if can_lose_end(self.pairs[index])]
        for index in rng.sample(able, round(BARE_SHARE * len(self.pairs))):
            self.pairs[index] = without_end(self.pairs[index], rng)
        rng.shuffle(self.pairs)


def draw(rng: Random) -> Pair:
    """One scene, said in both languages."""
    makers, weights = zip(*SCENES, strict=True)
    sentence = rng.choices(makers, weights)[0](rng)
    return grammar_french.realise(sentence), grammar_english.realise(sentence)


def quotas(total: int) -> list[int]:
    """How many sentences of each length make a total."""
    parts = [round(total * share) for share in SHARES]
    parts[1] += total - sum(parts)
    return parts


def fill(selection: Selection, total: int, rng: Random, accepts: Callable[[Pair], bool]) -> None:
    """Draw scenes until every length has its quota."""
    wanted = quotas(total)
    while any(selection.counts[index] < quota for index, quota in enumerate(wanted)):
        pair = draw(rng)
        index = bucket(pair[0])
        if index < len(wanted) and selection.counts[index] < wanted[index] and accepts(pair):
            selection.add(pair)


def train_pairs(rng: Random) -> Selection:
    """The phrases written by hand, every profession, and scenes, in random order."""
    selection = Selection()
    for pair in read_phrases():
        selection.add(pair)
    for scene in scenes.all_occupations():
        pair = (grammar_french.realise(scene), grammar_english.realise(scene))
        if selection.add(pair):
            selection.pairs.append(without_end(pair, rng))
            selection.counts[bucket(pair[0])] += 1
    first_drawn = len(selection.pairs)
    fill(selection, PAIRS["train"], rng, lambda pair: True)
    selection.shorten_some(rng, first_drawn)
    return selection


def known_words(pairs: Iterable[Pair]) -> tuple[frozenset[str], frozenset[str]]:
    """The word forms of each language that occur often enough to be learnt."""
    sides: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
    for pair in pairs:
        for counter, side in zip(sides, pair, strict=True):
            counter.update(words(side))
    french, english = (
        frozenset(word for word, count in counter.items() if count >= SEEN_AT_LEAST)
        for counter in sides
    )
    return french, english


def held_out_pairs(
    others: list[Selection],
    known: tuple[frozenset[str], frozenset[str]],
    total: int,
    rng: Random,
) -> Selection:
    """Sentences that no other selection has on either side, in words that train has."""
    selection = Selection()

    def accepts(pair: Pair) -> bool:
        if any(other.has_either(pair) for other in (selection, *others)):
            return False
        return all(
            set(words(side)) <= vocabulary for side, vocabulary in zip(pair, known, strict=True)
        )

    fill(selection, total, rng, accepts)
    selection.shorten_some(rng)
    return selection


def build() -> dict[str, str]:
    """The text of the six files, by name."""
    rng = Random(SEED)
    train = train_pairs(rng)
    known = known_words(train.pairs)
    dev = held_out_pairs([train], known, PAIRS["dev"], rng)
    test = held_out_pairs([train, dev], known, PAIRS["test"], rng)
    files = {}
    for name, selection in (("train", train), ("dev", dev), ("test", test)):
        for side, language in enumerate(("fr", "en")):
            files[f"{name}.{language}"] = "".join(f"{pair[side]}\n" for pair in selection.pairs)
    return files


def main(arguments: list[str] | None = None) -> int:
    """Write the six files, or check that they are what the generator makes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=HERE, help="the folder to write to")
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    options = parser.parse_args(arguments)
    differs = False
    for name, text in build().items():
        path = options.output / name
        if options.check:
            if not path.exists() or path.read_bytes() != text.encode():
                print(f"{path}: differs from what generate.py makes", file=sys.stderr)
                differs = True
        else:
            path.write_bytes(text.encode())
    return int(differs)


if __name__ == "__main__":
    sys.exit(main())
