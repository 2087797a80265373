"""Text in, text out: split if too long, encode, batch by length, search, decode, restore order."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from nmt.config import RunConfig, SearchConfig
from nmt.data.batches import Batch, make_batch
from nmt.errors import RunError, SearchError
from nmt.runs.directory import RunDirectory
from nmt.runs.finding import open_run
from nmt.search.alignment import Alignment, align_units, join, spell, units
from nmt.search.constraints import Constrained, Constraints
from nmt.search.ensemble import EnsembleStepper
from nmt.search.forced import Dictated, dictate
from nmt.search.repetition import has_loop
from nmt.search.search import Hypothesis, search
from nmt.search.stepper import Stepper
from nmt.text.normalise import check_text, normalise
from nmt.text.sentences import begin_words, sentences_of, split_text
from nmt.text.tokenizer import EOS, Tokenizer
from nmt.translator.constraints import ANYTHING, ConstraintEncoder, TextConstraints
from nmt.translator.glossary import Glossary
from nmt.translator.protected import (
    Reading,
    as_it_is,
    begun_by,
    completed,
    copied,
    lost_numbers,
    reading_of,
    restored,
    without_spans,
)
from nmt.translator.results import ScoredPair, TranslatedHypothesis, Translation
from nmt.translator.wrong_way import WrongWay

if TYPE_CHECKING:
    from nmt.translator.explaining import Explanation
    from nmt.translator.markup import Language
    from nmt.translator.next_words import NextWord

__all__ = [
    "Glossary",
    "ScoredPair",
    "TextConstraints",
    "TranslatedHypothesis",
    "Translation",
    "Translator",
]

ROWS_PER_BATCH = 320
"""Hypotheses followed at a time, of all sentences of a batch: 64 sentences with a beam of 5."""
SENTENCES_PER_BATCH = 64
FEWEST_SENTENCES = 8
"""Sentences that are not divided among threads."""
TOKENS_PER_BATCH = 4096
"""Source tokens of a batch, padding included."""

COPY = Hypothesis((), 0.0, 0.0, 0.0, 0.0, None, is_complete=True)
"""What stands for a copy of the text: it is certain, as an empty translation of an empty text."""
NO_REPEAT = 3
"""Of the search for another translation where one went wrong; that of the options if stricter."""

Read = Callable[[str], Reading]


@dataclass(frozen=True)
class Part:
    """What is translated at a time.

    Attributes:
        reading: Of a text, or of a part of one; not empty.
        ids: The source subwords of what is read, without the end of sentence; none if the text is
            copied.
        begins_word: False where the text was cut in the middle of a word.
        prefix: What the translation begins with.
        begun: The same without what the model does not write.
    """

    reading: Reading
    ids: list[int]
    begins_word: bool = True
    prefix: str = ""
    begun: str = ""

    @property
    def text(self) -> str:
        """The text, or the part of one; normalised."""
        return self.reading.text


class Translator:
    """A model with its tokenizers, ready to translate text.

    A text is translated sentence by sentence; where ``split_sentences`` is off, or a word is
    required of it, only if it has more subwords than the model was trained on. A sentence that is
    still too long is cut after a comma or the like, else between words, else anywhere; and the
    translations are joined with spaces.

    Args:
        stepper: The model.
        source_tokenizer: Of the language translated from.
        target_tokenizer: Of the language translated into.
        options: How to search, where a call does not say.
        max_tokens: Source subwords above which a text is split, where the options do not say; None
            to never split.
        threads: Batches that are translated at a time.
        whole: The same model without its shortlist, where it has one.
        wrong_way: What notices texts in the wrong language, if anything does.
    """

    def __init__(
        self,
        stepper: Stepper[Any],
        source_tokenizer: Tokenizer,
        target_tokenizer: Tokenizer,
        options: SearchConfig,
        max_tokens: int | None = None,
        threads: int = 1,
        whole: Stepper[Any] | None = None,
        wrong_way: WrongWay | None = None,
    ) -> None:
        self.options = options
        self._stepper = stepper
        self._whole = stepper if whole is None else whole
        self._source_tokenizer = source_tokenizer
        self._target_tokenizer = target_tokenizer
        self._max_tokens = max_tokens
        self._threads = threads
        self._wrong_way = wrong_way

    @classmethod
    def load(
        cls, run: RunDirectory, options: SearchConfig | None = None, threads: int | None = None
    ) -> Self:
        """Load a trained model.

        Args:
            run: Where it is.
            options: How to search; None for what the run's recipe says.
            threads: Batches that an exported model translates at a time; None for as many as there
                are cores. Torch, where it is not exported, has threads of its own.

        Raises:
            RunError: The run is unfinished or damaged, or its files do not belong together.
            TokenizerError: A tokenizer is damaged.
        """
        config = open_run(run.path).config()
        source_file, target_file = run.tokenizer_files(config.tokenizer.joint)
        source = Tokenizer.load(source_file)
        target = source if target_file == source_file else Tokenizer.load(target_file)
        options = config.search if options is None else options
        sizes = source.vocabulary_size, target.vocabulary_size
        longest = config.training.max_tokens
        languages = config.corpus.source, config.corpus.target
        if not run.is_exported:
            stepper = _torch_stepper(run, config, sizes)
            wrong_way = WrongWay(languages, target, None)
            return cls(stepper, source, target, options, longest, wrong_way=wrong_way)
        from nmt.export.folder import load_stepper

        exported = load_stepper(run.export, (source.digest, target.digest))
        whole = exported.without_shortlist()
        threads = cores() if threads is None else threads
        wrong_way = WrongWay(languages, target, exported.lexicon)
        return cls(exported, source, target, options, longest, threads, whole, wrong_way)

    @classmethod
    def load_ensemble(
        cls,
        runs: Sequence[RunDirectory],
        options: SearchConfig | None = None,
        threads: int | None = None,
    ) -> Self:
        """Load several trained models that translate together, by the mean of their probabilities.

        Args:
            runs: Where they are, at least one. They have the same tokenizers.
            options: How to search; None for what the recipe of the first says.
            threads: As `load`.

        Raises:
            RunError: As `load`, or their directions or tokenizers differ.
            TokenizerError: A tokenizer is damaged.
        """
        first, *others = (cls.load(run, options, threads) for run in runs)
        if not others:
            return first
        corpora = [run.config().corpus for run in runs]
        for run, corpus in zip(runs, corpora, strict=True):
            if (corpus.source, corpus.target) != (corpora[0].source, corpora[0].target):
                raise RunError(
                    f"{run.path} translates from {corpus.source} to {corpus.target}, and "
                    f"{runs[0].path} from {corpora[0].source} to {corpora[0].target}: an ensemble "
                    "needs models of one direction"
                )
        for run, other in zip(runs[1:], others, strict=True):
            if other._digests != first._digests:
                raise RunError(
                    f"{run.path} has another tokenizer than {runs[0].path}: an ensemble needs "
                    "models that were trained with the same tokenizer files"
                )
        every = [first, *others]
        lengths = [each._max_tokens for each in every if each._max_tokens is not None]
        return cls(
            EnsembleStepper([each._stepper for each in every]),
            first._source_tokenizer,
            first._target_tokenizer,
            first.options,
            min(lengths, default=None),
            min(each._threads for each in every),
            EnsembleStepper([each._whole for each in every]),
            first._wrong_way,
        )

    @property
    def _digests(self) -> tuple[str, str]:
        return self._source_tokenizer.digest, self._target_tokenizer.digest

    def translate(
        self,
        texts: Sequence[str],
        options: SearchConfig | None = None,
        constraints: Sequence[TextConstraints] | None = None,
        *,
        glossary: Glossary | None = None,
        align: bool = False,
    ) -> list[Translation]:
        """Translate texts, each by itself.

        Args:
            texts: One or more sentences each. An empty one has an empty translation, whatever the
                constraints.
            options: How to search; None for the options of the translator.
            constraints: What the translation of each text has to be like.
            glossary: What words of the texts are to become.
            align: Say which words belong together, too, where the model has attention.

        Returns:
            One translation for each text, in order.

        Raises:
            SearchError: A text holds a NUL or a lone surrogate, or the model is damaged; or the
                constraints of a text cannot be met.
        """
        options = self.options if options is None else options
        refuse_other_than_texts(texts)
        wanted = [ANYTHING] * len(texts) if constraints is None else constraints
        if len(wanted) != len(texts):
            raise ValueError(f"{len(texts)} texts, but constraints of {len(wanted)}")
        split = [
            self._begun_parts(text, each, options, bool(glossary and glossary.targets(text)))
            for text, each in zip(texts, wanted, strict=True)
        ]
        found = self._found(split, options, self._constraints(split, constraints, glossary))
        return [
            self._translation(text, parts, list(islice(found, len(parts))), options, align)
            for text, parts in zip(texts, split, strict=True)
        ]

    def translate_markup(
        self,
        texts: Sequence[str],
        language: "Language",
        options: SearchConfig | None = None,
        *,
        glossary: Glossary | None = None,
        forbidden: Sequence[str] = (),
    ) -> list[str]:
        """Translate documents or parts of them, with their tags; see `nmt.translator.markup`.

        Args:
            texts: The documents.
            language: What they are written in: ``html`` or ``xml``.
            options: How to search; None for the options of the translator.
            glossary: What words of the texts are to become.
            forbidden: Words that no translation holds.

        Raises:
            MarkupError: XML is not well formed.
            RunError: The model has no attention.
            SearchError: As `translate`.
        """
        refuse_other_than_texts(texts)

        def translate(sentences: list[str]) -> list[Translation]:
            constraints = [TextConstraints(forbidden=tuple(forbidden))] * len(sentences)
            return self.translate(sentences, options, constraints, glossary=glossary, align=True)

        from nmt.translator.markup import translate_markup

        return translate_markup(translate, texts, language)

    def is_wrong_way(self, text: str) -> bool:
        """Whether a text is clearly in the language that is translated into.

        Such a text is translated all the same, into nonsense. Of a few words that both languages
        may have nothing is clear.

        Args:
            text: One or more sentences, of which the first 1,000 characters are looked at.

        Raises:
            SearchError: The text holds a NUL or a lone surrogate.
        """
        check_text(text)
        return self._wrong_way is not None and self._wrong_way.is_noticed(text)

    def score(
        self, sources: Sequence[str], targets: Sequence[str], options: SearchConfig | None = None
    ) -> list[ScoredPair]:
        """Score given translations as the search scores its own.

        A text is scored in one piece however long it is. An empty translation of an empty text is
        certain, as it is for `translate`.

        Args:
            sources: The texts.
            targets: A translation of each.
            options: The penalties; None for the options of the translator.

        Raises:
            SearchError: A text holds a NUL or a lone surrogate, or the model is damaged.
        """
        options = self.options if options is None else options
        refuse_other_than_texts(sources)
        refuse_other_than_texts(targets)
        if len(sources) != len(targets):
            raise ValueError(f"{len(sources)} sources, but {len(targets)} targets")
        for text in (*sources, *targets):
            check_text(text)
        read = self._read(options, is_free=True)
        readings = [read(normalise(source)) for source in sources]
        pairs = [
            (
                self._source_tokenizer.encode(reading.read),
                self._target_tokenizer.encode(without_spans(reading, target)),
            )
            for reading, target in zip(readings, targets, strict=True)
        ]
        stepper = self._stepper if options.shortlist else self._whole
        found: dict[int, Dictated] = {}

        def fill(rows: list[int]) -> None:
            batch = _batch([pairs[row][0] for row in rows])
            each = [pairs[row][1] for row in rows]
            dictated = dictate(stepper, batch.source, batch.source_lengths, each, options)
            found.update(zip(rows, dictated, strict=True))

        lengths = [max(len(source), len(target)) + 1 for source, target in pairs]
        greedy = options.model_copy(update={"beam": 1, "n_best": 1})
        self._run(list(_batches(lengths, greedy, self._threads)), fill)
        return [
            self._scored(source, target, found[row])
            if any(pairs[row])
            else ScoredPair(source, target, 0.0, 0.0, (), ())
            for row, (source, target) in enumerate(zip(sources, targets, strict=True))
        ]

    def _scored(self, source: str, target: str, dictated: Dictated) -> ScoredPair:
        hypothesis = dictated.hypothesis
        return ScoredPair(
            source=source,
            target=target,
            score=hypothesis.score,
            log_probability=hypothesis.log_probability,
            pieces=tuple(self._target_tokenizer.pieces([*hypothesis.tokens, EOS])),
            log_probabilities=dictated.log_probabilities,
        )

    def alternatives(self, text: str, prefix: str = "", count: int = 5) -> "list[NextWord]":
        """The likeliest next words of a translation.

        Args:
            text: One sentence.
            prefix: What the translation begins with. Where it ends in a letter, a word that goes
                on with it is among the alternatives; with a space at its end, none.
            count: How many words, at most.

        Returns:
            Likeliest first; the empty word is the end of the translation.

        Raises:
            SearchError: The text is empty or too long for the model, or is not text.
        """
        check_text(prefix)
        options = self.options.model_copy(update={"split_sentences": False, "max_tokens": 0})
        parts = self._begun_parts(text, TextConstraints(prefix), options)
        if len(parts) != 1:
            problem = "too long for the model: give one sentence" if parts else "empty"
            raise SearchError(f"{text[:40]!r}: this text is {problem}")
        from nmt.translator.next_words import NextWord, NextWords

        if parts[0].prefix != prefix:  # it ends within what is copied
            return [NextWord(parts[0].prefix.split(" ")[-1], 1.0)]
        return NextWords(self._whole, self._target_tokenizer).after(
            parts[0].ids, parts[0].begun, count
        )

    def explain(
        self, text: str, options: SearchConfig | None = None, *, runners_up: int = 4
    ) -> "Explanation":
        """Translate a text and tell how that came about.

        The model is watched as it reads the sentences for the first time.

        Args:
            text: One or more sentences.
            options: How to search; None for the options of the translator.
            runners_up: How many others are told of, in each place.

        Raises:
            SearchError: As `translate`.
        """
        from nmt.translator.explaining import Explanation, Languages, explain_sentence

        options = self.options if options is None else options
        stepper = self._stepper if options.shortlist else self._whole
        languages = Languages(self._source_tokenizer, self._target_tokenizer)
        sentences = [
            explain_sentence(stepper, languages, part.ids, options, runners_up)
            for part in self._parts(text, options, options.split_sentences)
            if part.ids
        ]
        (translation,) = self.translate([text], options)
        return Explanation(text, translation.text, tuple(sentences))

    def _read(self, options: SearchConfig, is_free: bool) -> Read:
        """How sentences are read; only where nothing is asked of their translations is it free."""
        if not options.robust:
            return as_it_is
        return partial(reading_of, tokenizer=self._source_tokenizer, is_free=is_free)

    def _begun_parts(
        self, text: str, wanted: TextConstraints, options: SearchConfig, has_terms: bool = False
    ) -> list[Part]:
        """The parts of a text, the first with what its translation begins with.

        Args:
            text: The text.
            wanted: What its translation has to be like.
            options: How to search.
            has_terms: A glossary has words of the text.
        """
        # in which sentence a required word is to be cannot be known
        by_sentence = options.split_sentences and not wanted.required
        is_free = not (wanted.required or wanted.forbidden or has_terms)
        parts = self._parts(text, options, by_sentence, is_free)
        if not parts or not wanted.prefix:
            return parts
        prefix = completed(parts[0].reading, wanted.prefix)
        begun = begun_by(parts[0].reading, prefix)
        if begun is None:
            parts = self._parts(text, options, by_sentence, is_free=False)
            prefix = begun = wanted.prefix
        return [replace(parts[0], prefix=prefix, begun=begun), *parts[1:]]

    def _parts(
        self, text: str, options: SearchConfig, by_sentence: bool, is_free: bool = True
    ) -> list[Part]:
        """The parts of a text, none of them empty or too long; see `_read`."""
        check_text(text)
        text = normalise(text)
        read = self._read(options, is_free)
        longest = options.max_tokens or self._max_tokens
        sentences = sentences_of(text) if by_sentence and longest is not None else [text]
        readings: list[Reading] = []
        encoded: list[list[int]] = []
        for sentence in filter(None, sentences):
            reading = read(sentence)
            ids = self._source_tokenizer.encode(reading.read)
            if longest is not None and len(ids) > longest:
                pieces = split_text(reading.read, self._source_tokenizer, longest)
                cut = list(map(read, reading.cut(pieces)))
                readings += cut
                encoded += self._source_tokenizer.encode_batch([piece.read for piece in cut])
            else:
                readings.append(reading)
                encoded.append(ids)
        begins = begin_words(text, [reading.text for reading in readings])
        return list(map(Part, readings, encoded, begins))

    def _constraints(
        self,
        split: list[list[Part]],
        wanted: Sequence[TextConstraints] | None,
        glossary: Glossary | None,
    ) -> Constrained | None:
        """What the translation of each part has to be like, if that is anything at all."""
        if wanted is None and glossary is None:
            return None
        if wanted is None:
            wanted = [ANYTHING] * len(split)
        encoder = ConstraintEncoder(self._target_tokenizer, glossary)
        each = (
            constraints
            for parts, of_text in zip(split, wanted, strict=True)
            for constraints in encoder.of_parts(
                [part.text for part in parts],
                replace(of_text, prefix=parts[0].begun) if parts else of_text,
            )
        )
        return self._constrained(tuple(each))

    def _constrained(self, each: tuple[Constraints, ...]) -> Constrained:
        tokenizer = self._target_tokenizer
        return Constrained(each, tokenizer.goes_on, tokenizer.opens_word)

    def _found(
        self, split: list[list[Part]], options: SearchConfig, constrained: Constrained | None
    ) -> Iterator[list[Hypothesis]]:
        """The hypotheses of each part of each text, in order; none for one to be copied."""
        parts = [part for parts in split for part in parts]
        found = self._search([part.ids for part in parts], options, constrained)
        if options.sample or not options.robust:
            return iter(found)
        bounds = constrained.each if constrained else [Constraints()] * len(parts)
        again = {}
        for number, (part, hypotheses, bound) in enumerate(zip(parts, found, bounds, strict=True)):
            lost = [] if bound != Constraints() else self._lost(part, hypotheses)
            if lost or (hypotheses and self._fails(part, hypotheses[0])):
                again[number] = replace(bound, required=(*bound.required, *lost))
        if again:
            better = self._search_again([parts[i] for i in again], options, list(again.values()))
            for number, hypotheses in zip(again, better, strict=True):
                is_free = bounds[number] == Constraints()
                if hypotheses or (is_free and self._fails(parts[number], found[number][0])):
                    found[number] = hypotheses
        return iter(found)

    def _search_again(
        self, parts: list[Part], options: SearchConfig, bounds: list[Constraints]
    ) -> list[list[Hypothesis]]:
        """Those hypotheses of another search that have not failed."""
        no_repeat = min(options.no_repeat or NO_REPEAT, NO_REPEAT)
        careful = options.model_copy(
            update={"no_repeat": no_repeat, "diversity_groups": 1, "n_best": options.beam}
        )
        constrained = self._constrained(tuple(bounds))
        found = self._search([part.ids for part in parts], careful, constrained)
        return [
            [one for one in hypotheses if not self._fails(part, one)][: options.n_best]
            for part, hypotheses in zip(parts, found, strict=True)
        ]

    def _lost(self, part: Part, found: list[Hypothesis]) -> list[tuple[int, ...]]:
        """The subwords of the numbers of a part that its best hypothesis does not have."""
        if not found or not any(map(str.isdigit, part.reading.read)):
            return []
        translation = self._target_tokenizer.decode(found[0].tokens)
        numbers = lost_numbers(part.reading.read, translation)
        return [tuple(self._target_tokenizer.encode(number)) for number in numbers]

    def _fails(self, part: Part, hypothesis: Hypothesis) -> bool:
        """Whether a hypothesis is none: it is empty, or goes round in circles or for ever."""
        tokens = hypothesis.tokens
        if not hypothesis.is_complete or (has_loop(tokens) and not has_loop(part.ids)):
            return True
        return self._target_tokenizer.spells_nothing(tokens)

    def _search(
        self, parts: list[list[int]], options: SearchConfig, constrained: Constrained | None
    ) -> list[list[Hypothesis]]:
        """The hypotheses of each part, in order; none for one without subwords."""
        stepper = self._stepper if options.shortlist else self._whole
        found: list[list[Hypothesis]] = [[] for _ in parts]

        def fill(rows: list[int]) -> None:
            batch = _batch([parts[row] for row in rows])
            bound = None if constrained is None else constrained.only(rows)
            hypotheses = search(stepper, batch.source, batch.source_lengths, options, bound)
            for row, best in zip(rows, hypotheses, strict=True):
                found[row] = best

        rows = [row for row, part in enumerate(parts) if part]
        lengths = [len(parts[row]) + 1 for row in rows]
        batches = _batches(lengths, options, self._threads)
        self._run([[rows[i] for i in batch] for batch in batches], fill)
        return found

    def _run(self, batches: list[list[int]], fill: Callable[[list[int]], None]) -> None:
        """Call for each batch, for some at a time where there are threads."""
        if min(len(batches), self._threads) < 2:
            for rows in batches:
                fill(rows)
        else:
            # Imported here because it brings logging along, and a single sentence is for the quick.
            from concurrent.futures import ThreadPoolExecutor

            with ThreadPoolExecutor(self._threads) as pool:
                list(pool.map(fill, batches))

    def _translation(
        self,
        text: str,
        parts: list[Part],
        found: list[list[Hypothesis]],
        options: SearchConfig,
        align: bool,
    ) -> Translation:
        if not parts:
            nothing = TranslatedHypothesis("", 0.0, 0.0, (), None, True, join([]))
            return Translation(text, (), (nothing,))
        parts = [
            part if hypotheses else replace(part, ids=[])
            for part, hypotheses in zip(parts, found, strict=True)
        ]
        # The n-th best of a text in parts is made of the n-th best of each part.
        most = min((len(hypotheses) for hypotheses in found if hypotheses), default=1)
        ranked = zip(*(hypotheses[:most] or [COPY] * most for hypotheses in found), strict=True)
        hypotheses = [self._hypothesis(parts, list(best), options, align) for best in ranked]
        tokens = [token for part in parts for token in (*part.ids, EOS)]
        return Translation(text, tuple(self._source_tokenizer.pieces(tokens)), tuple(hypotheses))

    def _hypothesis(
        self, parts: list[Part], found: list[Hypothesis], options: SearchConfig, align: bool
    ) -> TranslatedHypothesis:
        tokens = [token for h in found for token in (*h.tokens, *[EOS] * h.is_complete)]
        texts = [self._text(part, h) for part, h in zip(parts, found, strict=True)]
        is_whole = len(parts) == 1
        has_attention = all(h.attention is not None for h in found if h is not COPY)
        penalised = sum(h.penalised for h in found) / len(tokens) ** options.length_penalty
        return TranslatedHypothesis(
            text=" ".join(text for text in texts if text),
            score=found[0].score if is_whole else penalised + sum(h.coverage for h in found),
            log_probability=sum(h.log_probability for h in found),
            pieces=tuple(self._target_tokenizer.pieces(tokens)),
            attention=found[0].attention if is_whole else None,
            is_complete=all(h.is_complete for h in found),
            alignment=join(list(map(self._alignment, parts, found)))
            if align and has_attention
            else None,
        )

    def _text(self, part: Part, hypothesis: Hypothesis) -> str:
        """The translation of a part."""
        if hypothesis is COPY:
            return part.text
        if not part.reading.changes:
            return self._target_tokenizer.decode(hypothesis.tokens)
        return spell(self._alignment(part, hypothesis).target_units)

    def _alignment(self, part: Part, hypothesis: Hypothesis) -> Alignment:
        """Which words of a part and of its translation belong together.

        Without attention no word does, but for those that are copied.
        """
        if hypothesis is COPY:
            return copied(part.text, part.begins_word)
        shape = len(hypothesis.tokens), len(part.ids)
        attention = np.zeros(shape, dtype=np.float32)
        if hypothesis.attention is not None:
            attention = hypothesis.attention[: shape[0], : shape[1]]
        source = units(self._source_tokenizer, part.ids, part.begins_word)
        target = units(self._target_tokenizer, hypothesis.tokens)
        alignment = align_units(source, target, attention)
        if not part.reading.changes:
            return alignment
        return restored(part.reading, alignment, part.begins_word, part.prefix)


def refuse_other_than_texts(texts: Sequence[str]) -> None:
    """Refuse a text in the place of several, whose letters it would be taken for, and no texts.

    Raises:
        TypeError: This is one text, or one of them is something else.
    """
    if isinstance(texts, str):
        raise TypeError("this is one text: put it into a list")
    for number, text in enumerate(texts):
        if not isinstance(text, str):
            raise TypeError(f"texts[{number}] is {text!r}: it has to be text (str)")


def _torch_stepper(
    run: RunDirectory, config: RunConfig, vocabulary_sizes: tuple[int, int]
) -> Stepper[Any]:
    """The weights of a run that is not exported."""
    import torch

    from nmt.model.seq2seq import build
    from nmt.model.weights import load_weights
    from nmt.search.torch_stepper import TorchStepper

    model = build(config.model, *vocabulary_sizes)
    load_weights(model, run.model_file)
    return TorchStepper(model.to("cuda" if torch.cuda.is_available() else "cpu").eval())


def cores() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _batch(parts: list[list[int]]) -> Batch:
    """Sources as the search takes them."""
    sources = [np.array(part, dtype=np.int64) for part in parts]
    return make_batch(sources, [source[:0] for source in sources])


def _batches(lengths: list[int], options: SearchConfig, threads: int) -> Iterator[list[int]]:
    """Rows of each batch, longest first, so that what does not fit shows at once.

    Args:
        lengths: Tokens of each sentence.
        options: How many hypotheses each sentence needs.
        threads: Batches that are translated at a time: few sentences are shared out among them.
    """
    width = options.n_best if options.sample else options.beam
    share = max(FEWEST_SENTENCES, -(-len(lengths) // threads))
    most = max(1, min(SENTENCES_PER_BATCH, ROWS_PER_BATCH // width, share))
    order = sorted(range(len(lengths)), key=lambda row: -lengths[row])
    start = 0
    while start < len(order):
        fitting = max(1, min(most, TOKENS_PER_BATCH // lengths[order[start]]))
        yield order[start : start + fitting]
        start += fitting
