"""Makes a model that comes with nmt out of a trained run: export, measure, write its card.

    python benchmarks/ship.py RUN --to checkpoints/fr-en --corpus DIR [--note "distilled from ..."]
    python benchmarks/ship.py RUN --to checkpoints/poems --card FILE

RUN is left as it is. The folder gets the int8 export, the tokenizer, the configuration without the
place of the corpus, a mark that it was not trained where it is, and a model card with what was
measured on the dev set in DIR, for a model of Tatoeba's text; or with what FILE says, and then
without shortlists, which are for translations.
"""

import argparse
import json
import os
import platform
import statistics
import textwrap
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from measuring import lines_of, timed
from phrases import tried

import nmt
from nmt.config import RunConfig, override, to_toml
from nmt.evaluation.metrics import Evaluation, evaluate
from nmt.export.folder import load_lexicon
from nmt.export.run import export_files
from nmt.files import replace_folder, write_atomically
from nmt.progress import clock
from nmt.runs.directory import RunDirectory
from nmt.runs.finding import open_run
from nmt.translator.translator import Translator

MOST_MB = 16.0
SENTENCES_ALONE = 200
EXAMPLES = {
    "fr": ("Je suis étudiant.", "Où est la gare ?", "Il fait froid ce matin, n'est-ce pas ?"),
    "en": ("I am a student.", "Where is the station?", "It's cold this morning, isn't it?"),
    "zh": ("我是学生。", "我们明天去火车站。", "今天早上很冷。"),
}
NAMES = {"fr": "French", "en": "English", "zh": "Chinese"}
MARK = "This model came with nmt. Without this file it counts as one that was trained here.\n"

CARD = """# {source} to {target}

A recurrent encoder-decoder with attention, {parameters:.1f} million parameters, int8; made by nmt
{version}, which it comes with.

    nmt translate --from {source_code} --to {target_code} "{example}"

{examples}

## How good it is

On the {sentences:,} sentences of the dev set, cased and detokenised, beam {beam}, with the int8
model in this folder:

| | |
|---|---|
| BLEU | **{bleu.score:.1f}** (95% of resamples: {mean:.1f} ± {margin:.1f}) |
| chrF2 | {chrf.score:.1f} |
| TER (less is better) | {ter.score:.1f} |

    {bleu.signature}
    {chrf.signature}
    {ter.signature}

{by_length}The dev set chose the weights, and there is no other: take these as a little too kind.
No sentence of it is in the training text, on either side.

## How fast it is

{sentences_per_s:,.0f} sentences a second together, {alone_ms:.0f} ms for one by itself (median), on
{cores} cores of {processor}. {megabytes:.1f} MB on the disk.

## Data and licence

{data}

## How it was trained

Recipe `corpora/{recipe}`, seed {seed}, {steps:,} steps in {time}.
{notes}
All settings are in `config.toml`; where the corpus was is left out.

## Limits

{limits}
"""

BY_LENGTH = """| source words | sentences | BLEU |
|---|---|---|
{rows}

"""

DATA = """Sentence pairs that volunteers wrote and translated, from the Tatoeba project
(https://tatoeba.org), in the selection of https://www.manythings.org/anki; {further}: {pairs:,}
pairs to learn from. Tatoeba's licence is CC-BY 2.0 FR
(https://creativecommons.org/licenses/by/2.0/fr/): whoever passes this model on names both. The
model is under the same licence as nmt, MIT, with that attribution.{thanks}"""

LIMITS = """It knows short everyday sentences and little else: no news, no law, no medicine.
{words} It settles who is meant by *you* or *he* where the other language leaves that open. Each
sentence is translated by itself. What it cannot know, such as addresses, emoji and other scripts,
it leaves as it is. Nobody looked through what the volunteers wrote about people: do not let it
speak where a mistake does harm."""


@dataclass(frozen=True)
class About:
    """What a card says of the text of a recipe, beside Tatoeba's."""

    recipe: str
    further: str
    thanks: str
    words: str


FRENCH = About(
    "tatoeba",
    "and words, names, greetings and labels that were written for nmt (`corpora/tatoeba/phrases`)",
    "",
    "Of words, names, greetings and labels by themselves that it has not learned from, it gets "
    "{share:.0%} right (`benchmarks/phrases.py`); a rare name it may spell in its own way.",
)
CHINESE = About(
    "tatoeba-zh",
    "sentences of theirs in one of the languages, each with a translation that an earlier model "
    "made; numbers, times, places and greetings that were written for nmt "
    "(`corpora/tatoeba-zh/phrases`); sentences of the documentation of Python and of React; and "
    "names of countries, languages and cities from Unicode's CLDR",
    " With thanks to those who wrote and translated the documentation of Python (the Chinese is "
    "CC0, the English under the licence of the Python Software Foundation), and that of React "
    "(https://react.dev and https://zh-hans.react.dev, CC-BY 4.0: name it too). CLDR's licence is "
    "Unicode-3.0 (https://www.unicode.org/license.txt).",
    "Its Chinese is in simplified characters. Names that it has not met, numbers above ten "
    "thousand, idioms and sentences of several clauses it often gets wrong.",
)


@dataclass(frozen=True)
class Measured:
    """What the shipped folder does on the dev set."""

    evaluation: Evaluation
    sentences_per_s: float
    alone_s: float
    examples: dict[str, str]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--corpus", type=Path, help="folder of the text")
    parser.add_argument("--card", type=Path, help="a card that is written already")
    parser.add_argument("--note", action="append", default=[], help="more on the training")
    arguments = parser.parse_args()
    if (arguments.corpus is None) == (arguments.card is None):
        parser.error("give either --corpus or --card")
    run = open_run(arguments.run)
    shipped = ship(run, arguments.to, has_lexicon=arguments.card is None)
    size_mb = megabytes(shipped)
    if size_mb > MOST_MB:
        raise SystemExit(f"{shipped.path}: {size_mb:.1f} MB, more than {MOST_MB}: train a smaller")
    if arguments.card:
        text = arguments.card.read_text("utf-8")
        write_atomically(shipped.card, text.encode())
    else:
        text, bleu = measured_card(run, shipped, arguments.corpus, arguments.note)
        shipped.finish(text, bleu)
    print(text)


def measured_card(
    run: RunDirectory, shipped: RunDirectory, corpus: Path, notes: list[str]
) -> tuple[str, float]:
    """The card of a model of Tatoeba's text, which is tried on the dev set, and its BLEU."""
    config = shipped.config().corpus
    sides = [lines_of(corpus / f"{config.dev}.{side}") for side in (config.source, config.target)]
    measured = measure(shipped, *sides)
    return card(run, shipped, measured, notes), measured.evaluation.bleu.score


def ship(run: RunDirectory, to: Path, has_lexicon: bool) -> RunDirectory:
    """Copy what translates into a new folder, and mark it."""
    config = override(run.config(), ["export.precision=int8"])
    lexicon = load_lexicon(run.export) if has_lexicon and run.is_exported else None
    files = export_files(run, config, lexicon)
    shipped = run.copy_to(to)
    places = [
        (f"{section}.{key}", "")
        for section in config.corpus.to_learn_from()
        for key in ("hub", "hub_subset")
    ]
    nowhere = override(shipped.config(), [*places, ("export.precision", "int8")])
    write_atomically(shipped.config_file, to_toml(nowhere).encode())
    replace_folder(shipped.export, files)
    write_atomically(shipped.shipped_mark, MARK.encode())
    return shipped


def measure(shipped: RunDirectory, sources: list[str], references: list[str]) -> Measured:
    """Translate the dev set, all together and some sentences one by one."""
    translator = Translator.load(shipped)
    corpus = shipped.config().corpus
    translator.translate(sources[:SENTENCES_ALONE])
    found, elapsed_s = timed(lambda: translator.translate(sources))
    alone = [timed(partial(translator.translate, [s]))[1] for s in sources[:SENTENCES_ALONE]]
    examples = EXAMPLES.get(corpus.source, tuple(sources[:3]))
    return Measured(
        evaluate([t.text for t in found], references, sources, language=corpus.target),
        len(sources) / elapsed_s,
        statistics.median(alone),
        {text: translator.translate([text])[0].text for text in examples},
    )


def card(run: RunDirectory, shipped: RunDirectory, measured: Measured, notes: list[str]) -> str:
    """The model card as Markdown."""
    config, evaluation = shipped.config(), measured.evaluation
    source, target = config.corpus.source, config.corpus.target
    steps, elapsed_s = training_of(run)
    about = CHINESE if "zh" in (source, target) else FRENCH
    pairs = json.loads(lines_of(run.metrics_file)[0])["pairs"]
    return CARD.format(
        source=NAMES.get(source, source),
        target=NAMES.get(target, target),
        source_code=source,
        target_code=target,
        version=nmt.__version__,
        parameters=parameters(run, config) / 1e6,
        example=next(iter(measured.examples)),
        examples="\n".join(f"- {text}\n  *{found}*" for text, found in measured.examples.items()),
        sentences=evaluation.sentences,
        beam=config.search.beam,
        bleu=evaluation.bleu,
        mean=evaluation.bleu_mean,
        margin=evaluation.bleu_margin,
        chrf=evaluation.chrf,
        ter=evaluation.ter,
        by_length=by_length(evaluation),
        sentences_per_s=measured.sentences_per_s,
        alone_ms=1000 * measured.alone_s,
        cores=os.cpu_count(),
        processor=processor(),
        megabytes=megabytes(shipped),
        recipe=about.recipe,
        data=filled(DATA.format(further=about.further, pairs=pairs, thanks=about.thanks)),
        limits=filled(LIMITS.format(words=words_of(about, shipped))),
        seed=config.seed,
        steps=steps,
        time=clock(elapsed_s),
        notes="".join(f"{note}\n" for note in notes),
    )


def by_length(evaluation: Evaluation) -> str:
    """A table of BLEU by the number of source words, where it has more than one row."""
    ranges = evaluation.by_source_length
    rows = "\n".join(
        f"| {each.shortest} to {each.longest or 'more'} | {each.sentences} | {each.bleu:.1f} |"
        for each in ranges
    )
    return BY_LENGTH.format(rows=rows) if len(ranges) > 1 else ""


def words_of(about: About, shipped: RunDirectory) -> str:
    """What a card says of words by themselves, tried if it says how many are right."""
    if "{share" not in about.words:
        return about.words
    right, wrong = tried(shipped.path)
    return about.words.format(share=right / (right + len(wrong)))


def filled(paragraph: str) -> str:
    """A paragraph in lines of a card."""
    return textwrap.fill(" ".join(paragraph.split()), 100, break_on_hyphens=False)


def training_of(run: RunDirectory) -> tuple[int, float]:
    """How many steps a training took, and how many seconds."""
    last = json.loads(lines_of(run.metrics_file)[-1])
    return last["step"], last["elapsed_s"]


def parameters(run: RunDirectory, config: RunConfig) -> int:
    """How many numbers a model has learned."""
    from nmt.model.seq2seq import build
    from nmt.text.tokenizer import Tokenizer

    files = run.tokenizer_files(config.tokenizer.joint)
    sizes = [Tokenizer.load(file).vocabulary_size for file in files]
    return sum(weights.numel() for weights in build(config.model, *sizes).parameters())


def megabytes(shipped: RunDirectory) -> float:
    """What the files of a folder take."""
    return sum(file.stat().st_size for file in shipped.path.rglob("*") if file.is_file()) / 1e6


def processor() -> str:
    """What the system calls its processor."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return "an " + line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
