"""The parts of the page about what the run is made of: data, settings, model and machine."""

import json
import math
import re
import statistics
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from nmt.config import Key, RunConfig, changed_keys, keys, value_of
from nmt.config.recipe import LARGEST_RECIPE
from nmt.data.filtering import report_of
from nmt.files import read_limited, surviving_folder
from nmt.report.curves import clock_of
from nmt.report.subject import Subject
from nmt.runs.directory import RunDirectory
from nmt.runs.history import History
from nmt.visualization.html import Markup, element, join, table


def data(subject: Subject) -> Markup:
    """What the check of the corpus found, and what was left out and why."""
    lines = _findings(subject)
    origin = []
    if subject.config is not None:
        corpus = subject.config.corpus
        origin = [element("p", element("code", corpus.hub or corpus.path or "no corpus is named"))]
    if not lines:
        said = "This run has not kept what the check of its corpus found."
        return join([*origin, element("p", said, class_="faint")])
    parts: list[Markup] = []
    found: list[Markup] = []
    for line in [*lines, ""]:
        if line.startswith("  "):
            found.append(element("li", line.strip()))
            continue
        parts += [element("ul", *found)] if found else []
        parts += [element("p", element("strong", line))] if line else []
        found = []
    return join([*origin, *parts])


def _findings(subject: Subject) -> list[str]:
    """Lines as `CorpusReport` has them: of the last session, else of the model card."""
    if not subject.history.sessions:
        return _findings_of_card(subject.run)
    session = subject.history.sessions[-1]
    try:
        lines = report_of(session.fields["corpus"]).lines()
    except (KeyError, TypeError, ValueError):
        return []
    too_long = session.number("too_long")
    if too_long > 0:
        lines.append(f"{too_long:,.0f} training pairs left out for their number of subwords")
    return lines


def _findings_of_card(run: RunDirectory) -> list[str]:
    """What the model card says of the corpus, for runs of nmt 0.1."""
    if not run.card.is_file():
        return []
    section = re.search(r"\n## Corpus\n(.*?)\n## ", run.card_text(), re.DOTALL)
    lines = section[1].splitlines() if section else []
    return [line.removeprefix("- ") for line in lines if line.startswith("- ")]


def settings(subject: Subject) -> Markup:
    """The settings that are not the default, and then all of them, those marked."""
    config = subject.config
    if config is None:
        said = f"This version of nmt does not understand the settings: {subject.config_problem}."
        content = read_limited(subject.run.config_file, LARGEST_RECIPE).decode("utf-8", "replace")
        return join([element("p", said, class_="problem"), element("pre", content)])
    every = list(keys())
    changed = set(changed_keys(RunConfig(), config))
    if config.corpus.also:
        changed.add("corpus.also")
    return join(
        [
            _settings(config, [key for key in every if key.name in changed], set()),
            element(
                "details",
                element("summary", f"All {len(every)} settings, with what they mean"),
                _settings(config, every, changed),
            ),
        ]
    )


def _settings(config: RunConfig, shown: Sequence[Key], marked: set[str]) -> Markup:
    """A table of settings, some of them marked as changed."""
    heads = [element("th", head, scope="col") for head in ("key", "value", "default", "")]
    rows = [element("tr", *heads)]
    for key in shown:
        value = json.dumps(value_of(config, key.name), ensure_ascii=False)
        cells = (element("code", text) for text in (key.name, value, key.default))
        rows.append(
            element(
                "tr",
                *(element("td", cell) for cell in cells),
                element("td", key.help, class_="text faint"),
                class_="changed" if key.name in marked else None,
            )
        )
    return element("div", element("table", *rows, class_="settings"), class_="scroll")


def making(subject: Subject) -> Markup:
    """Size, speed, seed, machine and versions."""
    rows = [[name, fact] for name, fact in _facts(subject) if fact]
    return table(("", ""), rows)


def _facts(subject: Subject) -> Iterator[tuple[str, object]]:
    """Name and value of what there is to say of a run in figures; empty where it is not known."""
    run, history, config = subject.run, subject.history, subject.config
    if config is not None:
        yield "languages", f"{config.corpus.source} to {config.corpus.target}"
        yield "seed", str(config.seed)
    yield "parameters", "" if subject.parameters is None else f"{subject.parameters:,}"
    yield "weights", _size([run.model_file] if run.model_file.is_file() else [])
    export = surviving_folder(run.export)
    yield "exported, to translate without torch", _size(export.iterdir() if export else [])
    last = history.last
    if last is not None:
        yield "steps", f"{last.step:,}"
        epoch = last.number("epoch")
        yield "passes over the corpus", "" if math.isnan(epoch) else f"{epoch:.2f}"
        yield "time of training", clock_of(last)
    if history.progress:
        skipped = history.progress[-1].number("skipped")
        yield "steps skipped, not finite", f"{skipped:,.0f}" if skipped > 0 else "none"
    yield "target tokens a second, median", speed(history)
    for session in history.sessions:
        began = f"went on after step {session.step:,}" if session.step else "began"
        yield f"training {began}", session.text("machine")
    if history.sessions:
        versions = history.sessions[-1].fields.get("versions")
        if isinstance(versions, dict):
            yield "versions", ", ".join(f"{name} {is_at}" for name, is_at in versions.items())
    else:
        yield "machine and versions", "not kept by the version of nmt that trained it"


def speed(history: History) -> str:
    """Target tokens a second, of half the reports less and of half more; empty if not known."""
    told = (moment.number("tokens_per_s") for moment in history.progress)
    known = [value for value in told if not math.isnan(value)]
    return f"{statistics.median(known):,.0f}" if known else ""


def _size(files: Iterable[Path]) -> str:
    size_bytes = sum(file.stat().st_size for file in files)
    return f"{size_bytes / 1e6:,.1f} MB" if size_bytes else ""
