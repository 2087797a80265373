"""``nmt translate``: text in, text out, one line for each line."""

import codecs
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Literal

from nmt.cli.lines import arriving_lines, write_bytes, write_line
from nmt.cli.model_choice import Asked, Speaker, announce
from nmt.cli.options import JSON, argument, takes
from nmt.cli.searching import Translating
from nmt.cli.translate.files import Files
from nmt.cli.translate.options import Extras, Shortage
from nmt.cli.translate.picture import Picture
from nmt.errors import SearchError
from nmt.text.lines import other_encoding

if TYPE_CHECKING:
    from nmt.runs.directory import RunDirectory
    from nmt.translator.translator import Translation, Translator

Kind = Literal["text", "json", "n-best"]
"""What is written of a translation."""

EXAMPLES = """\b
Examples:
  nmt translate "Je suis étudiant"
  nmt translate --to fr "I am a student"
  nmt translate < letter.fr > letter.en
  nmt translate --input million.fr --output million.en --resume
  nmt translate --input shards/ --output translated/ --column fr
  nmt translate --beam 10 --n-best 3 "Il fait froid"
  nmt translate --sample --temperature 0.8 --seed 7 "Il fait froid"
  nmt translate --glossary terms.tsv --forbid cold "Il fait froid"
  nmt translate --alternatives 10 --prefix "It is" "Il fait froid"
  nmt translate --markup html < page.fr.html > page.en.html
  nmt translate --alignments letter.align < letter.fr > letter.en
  nmt translate --attention looks.svg "Je suis étudiant"
"""


@takes
def translate(
    asked: Asked,
    search: Translating,
    extras: Extras,
    picture: Picture,
    files: Files,
    texts: list[str] = argument(
        "TEXT",
        "What to translate, one line of output for each. Without it: standard input.",
        list,
    ),
    is_json: bool = JSON,
) -> None:
    """Translate text.

    Writes exactly one line for each TEXT, or for each line of standard input, in order; an empty
    one for an empty one. Input is UTF-8. Which model is used is said on standard error; where none
    is named, and the text is clearly in the language it would translate into, the one that
    translates the other way is taken.
    """
    files.check()
    extras.check(texts)
    picture.check(texts)
    runs: Sequence[RunDirectory] = asked.runs()
    options = search.applied(runs[0].config()).search
    glossary = extras.glossary()  # may be wrong, and a model takes longer to load
    announce("translating", runs)
    if files.are_shards:
        files.translate_shards(runs[0], options)
        return
    speaker = Speaker.load(runs, options).facing(
        "\n".join(texts) if texts else files.head(),
        asked.is_open and not extras.has_words,
        search,
    )
    translator = speaker.translator
    if extras.alternatives is not None:
        _print_alternatives(translator, extras, extras.alternatives, texts[0], is_json)
        return
    if extras.markup is not None:
        _print_markup(partial(extras.translate_markup, translator, glossary), texts, files)
        return
    is_aligned = is_json or extras.alignments is not None or picture.file is not None
    kind: Kind = "json" if is_json else "text" if search.n_best is None else "n-best"
    shortage = Shortage(speaker.search.n_best)
    translated = shortage.noting(partial(extras.translate, translator, glossary, align=is_aligned))
    if files.output is None:
        _print(translated, texts, files, extras, kind, picture)
    else:
        belongs_to = {
            "model": [run.fingerprint() for run in speaker.runs],
            "search": speaker.search.model_dump(mode="json"),
            "lines": kind,
            **extras.belongs_to,
        }
        files.translate_lines(translated, partial(_written, kind), belongs_to)
    shortage.tell()


def _print(
    translated: "Callable[[list[str]], list[Translation]]",
    texts: list[str],
    files: Files,
    extras: Extras,
    kind: Kind,
    picture: Picture,
) -> None:
    number = 0
    with extras.alignments_noted() as note:
        for lines in [texts] if texts else _arriving(files):
            for translation in translated(lines):
                number += 1
                note(translation)
                for line in _written(kind, number, translation):
                    write_line(line)
                picture.write(translation)


def _print_alternatives(
    translator: "Translator", extras: Extras, count: int, text: str, is_json: bool
) -> None:
    prefix = extras.prefix or ""
    if extras.at is not None:
        words = translator.translate([text])[0].text.split()
        if extras.at > len(words):
            raise SearchError(f"--at {extras.at}: the translation has only {len(words)} words")
        prefix = "".join(f"{word} " for word in words[: extras.at])
    found = translator.alternatives(text, prefix, count)
    if is_json:
        alternatives = [{"word": word.text, "probability": word.probability} for word in found]
        line = {"source": text, "prefix": prefix, "alternatives": alternatives}
        write_line(json.dumps(line, ensure_ascii=False))
        return
    for word in found:
        write_line(f"{word.probability:.4f}\t{word.text}")


def _print_markup(
    translated: Callable[[list[str]], list[str]], texts: list[str], files: Files
) -> None:
    if texts:
        for text in translated(texts):
            write_line(text)
        return
    from nmt.files import write_atomically

    with files.opened() as input:
        data = input.stream.read()
    try:
        document = data.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        byte = f"not UTF-8 (byte 0x{data[error.start]:02X}): convert it to UTF-8"
        problem = other_encoding(data[:1000]) or byte
        raise SearchError(f"{input.name}, line {line}: {problem}") from error
    found = translated([document])[0].encode()
    if files.output is None:
        write_bytes(found)
    else:
        write_atomically(files.output, found)


def _arriving(files: Files) -> Iterator[list[str]]:
    """Lines as they come; somebody who waits for many is told how far it is."""
    from nmt.progress import Display, LineDisplay, Meter

    with files.opened() as input:
        is_watched = input.size_bytes is not None or sys.stderr.isatty()
        is_shown = is_watched and sys.stdout is not None and not sys.stdout.isatty()
        display = LineDisplay() if is_shown else Display()
        meter = Meter(time.monotonic)
        for lines in arriving_lines(input.stream, input.name):
            yield lines
            read_bytes = 0 if input.size_bytes is None else input.stream.tell()
            display.headway(meter.add(len(lines), None, input.share(read_bytes)))


def _written(kind: Kind, number: int, translation: "Translation") -> list[str]:
    """What is written of the translation of a line, given its number."""
    if kind == "json":
        return [json.dumps(translation.as_dict(), ensure_ascii=False)]
    if kind == "n-best":
        return [f"{number}\t{found.score:.4f}\t{found.text}" for found in translation.hypotheses]
    return [translation.text]
