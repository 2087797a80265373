"""What the search found, put together to the translations of texts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from nmt.config import SearchConfig
from nmt.search.alignment import Alignment, align_units, join, spell, units
from nmt.search.forced import Dictated
from nmt.search.search import Hypothesis
from nmt.text.sentences import DividedText
from nmt.text.tokenizer import EOS, Tokenizers
from nmt.translator.restoring import copied, restored
from nmt.translator.results import ScoredPair, TranslatedHypothesis, Translation
from nmt.translator.segments import Part, Segments

COPY = Hypothesis((), 0.0, 0.0, 0.0, 0.0, None, is_complete=True)
"""What stands for a copy of the text: it is certain, as an empty translation of an empty text."""


@dataclass(frozen=True)
class Assembler:
    """Puts together the translations of texts.

    Attributes:
        tokenizers: Of the languages translated from and into.
        options: How was searched.
        aligns: Whether to say which words belong together, where the model has attention.
    """

    tokenizers: Tokenizers
    options: SearchConfig
    aligns: bool

    def translation(
        self, text: str, segments: Segments, found: Sequence[list[Hypothesis]]
    ) -> Translation:
        """The translation of a text.

        Args:
            text: As it was given.
            segments: Of the text.
            found: The hypotheses of each part; none for one that is copied.
        """
        parts = segments.parts
        if not parts:
            blank = segments.layout.after
            nothing = TranslatedHypothesis(blank, 0.0, 0.0, (), None, True, join([]))
            return Translation(text, (), (nothing,))
        parts = [
            part if hypotheses else replace(part, ids=[])
            for part, hypotheses in zip(parts, found, strict=True)
        ]
        # The n-th best of a text in parts is made of the n-th best of each part.
        most = min((len(hypotheses) for hypotheses in found if hypotheses), default=1)
        ranked = zip(*(hypotheses[:most] or [COPY] * most for hypotheses in found), strict=True)
        hypotheses = tuple(self._hypothesis(parts, segments.layout, best) for best in ranked)
        tokens = [token for part in parts for token in (*part.ids, EOS)]
        return Translation(
            text,
            tuple(self.tokenizers.source.pieces(tokens)),
            hypotheses,
            segments.sentences.sentences,
            was_searched_again=any(one.is_second for each in found for one in each[:1]),
            is_copied=not all(found),
        )

    def _hypothesis(
        self, parts: Sequence[Part], layout: DividedText, found: Sequence[Hypothesis]
    ) -> TranslatedHypothesis:
        tokens = [token for h in found for token in (*h.tokens, *[EOS] * h.is_complete)]
        texts = [self._text(part, h) for part, h in zip(parts, found, strict=True)]
        is_whole = len(parts) == 1
        has_attention = all(h.attention is not None for h in found if h is not COPY)
        penalised = sum(h.penalised for h in found) / len(tokens) ** self.options.length_penalty
        return TranslatedHypothesis(
            text=layout.joined(texts)[0],
            score=found[0].score if is_whole else penalised + sum(h.coverage for h in found),
            log_probability=sum(h.log_probability for h in found),
            pieces=tuple(self.tokenizers.target.pieces(tokens)),
            attention=found[0].attention if is_whole else None,
            is_complete=all(h.is_complete for h in found),
            alignment=join(list(map(self._alignment, parts, found)))
            if self.aligns and has_attention
            else None,
        )

    def _text(self, part: Part, hypothesis: Hypothesis) -> str:
        """The translation of a part."""
        if hypothesis is COPY:
            return part.text
        if not part.reading.changes:
            return self.tokenizers.target.decode(hypothesis.tokens)
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
        source = units(self.tokenizers.source, part.ids, part.begins_word)
        target = units(self.tokenizers.target, hypothesis.tokens)
        alignment = align_units(source, target, attention)
        if not part.reading.changes:
            return alignment
        return restored(part.reading, alignment, part.begins_word, part.prefix)

    def scored(self, source: str, target: str, dictated: Dictated) -> ScoredPair:
        """A text and a given translation with their score, as the model gave it."""
        hypothesis = dictated.hypothesis
        return ScoredPair(
            source=source,
            target=target,
            score=hypothesis.score,
            log_probability=hypothesis.log_probability,
            pieces=tuple(self.tokenizers.target.pieces([*hypothesis.tokens, EOS])),
            log_probabilities=dictated.log_probabilities,
        )
