"""What the model of poems knows: lengths, perplexity of a character, and quatrains as they come.

    python benchmarks/poems.py --corpus DIR [--model DIR] [--quatrains 20] [--seed 1]

DIR holds train.next, test.line and test.next. A line has the right length if it has as many
characters as the one that it follows. Perplexity is that of the characters of the lines that do
follow, each after those before it; where a line ends is not counted, as a unigram and a bigram
model, learned from train.next, cannot know it. Quatrains go on, line by line, from lines of the
test set at equal distances.
"""

import argparse
import math
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

from measuring import lines_of

import nmt
from nmt.config import SearchConfig
from nmt.translator import Translator

ROOT = Path(__file__).resolve().parent.parent
CHARACTERS = 20_992
"""Of the block of Chinese characters of Unicode: what the counted models hold for possible."""
START = ""
LINES_TO_FOLLOW = 3


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corpus", type=Path, required=True, help="folder of the text")
    parser.add_argument("--model", type=Path, default=ROOT / "checkpoints" / "poems")
    parser.add_argument("--quatrains", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    translator = nmt.load(arguments.model)
    learned, lines, following = (
        lines_of(arguments.corpus / name) for name in ("train.next", "test.line", "test.next")
    )
    usual = translator.options
    sampled = usual.model_copy(update={"sample": True, "beam": 1, "seed": arguments.seed})
    ways = {
        "greedy": usual.model_copy(update={"beam": 1}),
        f"beam {usual.beam}": usual,
        f"sampled, seed {arguments.seed}": sampled,
    }
    for way, options in ways.items():
        print(f"right length, {way}: {right_lengths(translator, lines, options):.1%}")
    print(f"perplexity of a character, unigram: {perplexity(unigram(learned, following)):.1f}")
    print(f"perplexity of a character, bigram: {perplexity(bigram(learned, following)):.1f}")
    print(f"perplexity of a character, model: {model_perplexity(translator, lines, following):.1f}")
    firsts = lines[:: max(1, len(lines) // arguments.quatrains)][: arguments.quatrains]
    for quatrain in quatrains(translator, firsts, sampled):
        print(" ".join(quatrain))


def right_lengths(translator: Translator, lines: list[str], options: SearchConfig) -> float:
    """The share of lines that are followed by one of as many characters."""
    found = translator.translate(lines, options)
    right = [len(each.text) == len(line) for line, each in zip(lines, found, strict=True)]
    return sum(right) / len(right)


def perplexity(log_probabilities: Iterable[float]) -> float:
    """Of characters, from the natural logarithm of the probability of each."""
    logs = list(log_probabilities)
    return math.exp(-math.fsum(logs) / len(logs))


def unigram(learned: list[str], lines: list[str]) -> list[float]:
    """Log-probabilities of characters, each counted once more than it occurs."""
    counts = Counter("".join(learned))
    total = counts.total() + CHARACTERS
    return [math.log((counts[character] + 1) / total) for character in "".join(lines)]


def bigram(learned: list[str], lines: list[str]) -> list[float]:
    """Log-probabilities of characters given the one before, interpolated (Witten and Bell 1991)."""
    pairs = Counter(pair for line in learned for pair in pairwise([START, *line]))
    before, kinds = Counter[str](), Counter[str]()
    for (first, _), count in pairs.items():
        before[first] += count
        kinds[first] += 1
    found = []
    steps = [pair for line in lines for pair in pairwise([START, *line])]
    for (first, character), log in zip(steps, unigram(learned, lines), strict=True):
        # what has come after this character in as many kinds may as well be something new
        mass = pairs[first, character] + kinds[first] * math.exp(log)
        total = before[first] + kinds[first]
        found.append(math.log(mass / total) if total else log)
    return found


def model_perplexity(translator: Translator, lines: list[str], following: list[str]) -> float:
    """Of the characters of the lines that follow, over the whole vocabulary."""
    whole = translator.options.model_copy(update={"shortlist": False})
    scored = translator.score(lines, following, whole)
    total = math.fsum(math.fsum(pair.log_probabilities[:-1]) for pair in scored)
    return math.exp(-total / sum(map(len, following)))


def quatrains(
    translator: Translator, firsts: list[str], options: SearchConfig
) -> Iterable[tuple[str, ...]]:
    """Poems of four lines, each of which follows the one before it."""
    columns = [firsts]
    for _ in range(LINES_TO_FOLLOW):
        columns.append([each.text for each in translator.translate(columns[-1], options)])
    return zip(*columns, strict=True)


if __name__ == "__main__":
    main()
