"""Text in, text out: divide, encode, batch by length, search, decode, restore order."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Self

from nmt.config import SearchConfig
from nmt.errors import RunError, SearchError
from nmt.runs.directory import RunDirectory
from nmt.search.constraints import Constraints
from nmt.text.languages import sets_words_apart
from nmt.text.normalise import check_text, normalise
from nmt.translator.assembly import Assembler
from nmt.translator.batched_search import BatchedSearch
from nmt.translator.constraints import ANYTHING, ConstraintEncoder, TextConstraints
from nmt.translator.glossary import Glossary
from nmt.translator.loading import LoadedModel, load_models
from nmt.translator.restoring import without_spans
from nmt.translator.results import ScoredPair, TranslatedHypothesis, Translation
from nmt.translator.segments import Segmenter, Segments

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


class Translator:
    """A model with its tokenizers, ready to translate text.

    A text is translated sentence by sentence; where ``split_sentences`` is off, line by line; and
    where a word is required of it, in one piece. A sentence of more subwords than the model was
    trained on is cut after a comma or the like, else between words, else anywhere. What stands
    around sentences, such as line breaks, is kept; see `nmt.text.sentences`.

    Args:
        model: What it translates with.
        options: How to search, where a call does not say.
    """

    def __init__(self, model: LoadedModel, options: SearchConfig) -> None:
        self.options = options
        self._model = model
        self._segmenter = Segmenter(model.tokenizers.source, model.max_tokens, self.into_spaced)

    @property
    def into_spaced(self) -> bool:
        """Whether the language translated into puts spaces between words."""
        return sets_words_apart(self._model.languages[1])

    @classmethod
    def load(
        cls, run: RunDirectory, options: SearchConfig | None = None, threads: int | None = None
    ) -> Self:
        """Load a trained model; see `load_ensemble`."""
        return cls.load_ensemble([run], options, threads)

    @classmethod
    def load_ensemble(
        cls,
        runs: Sequence[RunDirectory],
        options: SearchConfig | None = None,
        threads: int | None = None,
    ) -> Self:
        """Load one trained model, or several that translate together.

        Args:
            runs: See `load_models`, as for `threads` and what is raised.
            options: How to search; None for what the recipe of the first says.
            threads: Batches that are translated at a time.
        """
        model = load_models(runs, threads)
        return cls(model, runs[0].config().search if options is None else options)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the folders of the model, not the model, which is loaded from them again."""
        if not self._model.runs:
            raise RunError("this translator was not loaded from a folder, and cannot be pickled")
        runs = [RunDirectory(run.path.resolve()) for run in self._model.runs]
        return type(self).load_ensemble, (runs, self.options, self._model.threads)

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
            self._segmenter.begun_segments(
                text, each, options, bool(glossary and glossary.targets(text))
            )
            for text, each in zip(texts, wanted, strict=True)
        ]
        is_free = constraints is None and glossary is None
        encoder = ConstraintEncoder(self._model.tokenizers.target, glossary)
        bounds = None if is_free else _bounds(encoder, split, wanted)
        parts = [part for segments in split for part in segments.parts]
        found = iter(BatchedSearch(self._model, options).find(parts, bounds))
        assembler = Assembler(self._model.tokenizers, options, align)
        return [
            assembler.translation(text, segments, list(islice(found, len(segments.parts))))
            for text, segments in zip(texts, split, strict=True)
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
        return self._model.wrong_way is not None and self._model.wrong_way.is_noticed(text)

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
        read = self._segmenter.reader(options, is_free=True)
        readings = [read(normalise(source)) for source in sources]
        tokenizers = self._model.tokenizers
        source_ids = [tokenizers.source.encode(reading.read) for reading in readings]
        target_ids = [
            tokenizers.target.encode(without_spans(reading, target))
            for reading, target in zip(readings, targets, strict=True)
        ]
        scored = BatchedSearch(self._model, options).score(source_ids, target_ids)
        assembler = Assembler(tokenizers, options, aligns=False)
        return [
            assembler.scored(source, target, dictated)
            if source_ids[row] or target_ids[row]
            else ScoredPair(source, target, 0.0, 0.0, (), ())
            for row, (source, target, dictated) in enumerate(
                zip(sources, targets, scored, strict=True)
            )
        ]

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
        parts = self._segmenter.begun_segments(text, TextConstraints(prefix), options).parts
        if len(parts) != 1:
            problem = "too long for the model: give one sentence" if parts else "empty"
            raise SearchError(f"{text[:40]!r}: this text is {problem}")
        from nmt.translator.next_words import NextWord, NextWords

        if parts[0].prefix != prefix:  # it ends within what is copied
            return [NextWord(parts[0].prefix.split(" ")[-1], 1.0)]
        words = NextWords(self._model.without_shortlist, self._model.tokenizers.target)
        return words.after(parts[0].ids, parts[0].begun, count)

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
        from nmt.translator.explaining import Explanation, explain_sentence

        options = self.options if options is None else options
        stepper = self._model.stepper_for(options)
        sentences = [
            explain_sentence(stepper, self._model.tokenizers, part.ids, options, runners_up)
            for part in self._segmenter.segments(text, options).parts
            if part.ids
        ]
        (translation,) = self.translate([text], options)
        return Explanation(text, translation.text, tuple(sentences))


def _bounds(
    encoder: ConstraintEncoder, split: Sequence[Segments], wanted: Sequence[TextConstraints]
) -> list[Constraints]:
    """What the translation of each part of each text has to be like."""
    return [
        constraints
        for segments, of_text in zip(split, wanted, strict=True)
        for constraints in encoder.of_parts(
            [part.text for part in segments.parts],
            replace(of_text, prefix=segments.parts[0].begun) if segments.parts else of_text,
        )
    ]


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
