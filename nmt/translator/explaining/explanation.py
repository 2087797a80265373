"""The values of an explanation, ready to be shown."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

Fate = Literal["goes on", "dropped", "ended", "cut off", "left"]
"""What became of a row of the beam: *left* is one that was still there when the search was over."""


@dataclass(frozen=True)
class RunnerUp:
    """What the model might have written in a place instead.

    Attributes:
        piece: A subword.
        probability: That it comes next.
    """

    piece: str
    probability: float


@dataclass(frozen=True)
class Step:
    """One step of the decoder: one subword of the translation.

    Attributes:
        piece: The subword that was written; the end of the sentence is one too.
        probability: That the model gave it, after those before.
        attention: What share of its looking each source subword got; None without attention.
        runners_up: The likeliest others, likeliest first.
    """

    piece: str
    probability: float
    attention: tuple[float, ...] | None
    runners_up: tuple[RunnerUp, ...]


@dataclass(frozen=True)
class Word:
    """A word of the translation, or the punctuation around one.

    Attributes:
        text: How it is spelt.
        probability: The product of those of its subwords.
        first_step: The step that wrote its first subword.
        end_step: The step after its last.
        source: What share of its looking each source word got, on the average of its subwords;
            None without attention.
    """

    text: str
    probability: float
    first_step: int
    end_step: int
    source: tuple[float, ...] | None


@dataclass(frozen=True)
class BeamRow:
    """A hypothesis in the beam, after one step.

    Attributes:
        parent: The row of the step before that it continues, from 0.
        piece: What it adds.
        text: What it says so far.
        log_probability: Of all its subwords, lowered by the repetition penalty if there is one.
        fate: What became of it.
        is_best: It is the translation, or the beginning of it.
    """

    parent: int
    piece: str
    text: str
    log_probability: float
    fate: Fate
    is_best: bool


@dataclass(frozen=True)
class Dropped:
    """A hypothesis that did not become the translation.

    Attributes:
        text: What it says.
        step: After how many steps it was pruned, or ended.
        log_probability: Of its subwords.
        score: The log-probability, normalised by length as the search ranks it.
        fate: Why it is none: *dropped* while it was unfinished, *ended* behind the best, *cut
            off* at the length limit, or *left* unfinished when the search was over.
    """

    text: str
    step: int
    log_probability: float
    score: float
    fate: Fate


@dataclass(frozen=True)
class EncoderStates:
    """What the encoder left of each source subword: the numbers that tell them apart most.

    Attributes:
        size: How many numbers a memory vector has.
        dimensions: Which of them these are: those that vary most over the sentence, ascending.
        values: For each source subword the numbers at these places.
        lengths: The Euclidean length of each whole vector.
    """

    size: int
    dimensions: tuple[int, ...]
    values: tuple[tuple[float, ...], ...]
    lengths: tuple[float, ...]


@dataclass(frozen=True)
class SentenceExplanation:
    """How one sentence was translated.

    Attributes:
        source: The sentence.
        target: Its translation.
        score: Of the translation, as the search ranks it.
        log_probability: Of the translation.
        has_attention: The model looks back at the source at every step.
        source_pieces: The subwords of the sentence, its end included.
        source_words: Its words, punctuation apart.
        encoder: What the encoder made of the subwords.
        words: Of the translation.
        steps: Of the decoder.
        beam: The rows after each step, those that ended behind the others.
        dropped: The pruned hypotheses, in the order in which they were pruned.
    """

    source: str
    target: str
    score: float
    log_probability: float
    has_attention: bool
    source_pieces: tuple[str, ...]
    source_words: tuple[str, ...]
    encoder: EncoderStates
    words: tuple[Word, ...]
    steps: tuple[Step, ...]
    beam: tuple[tuple[BeamRow, ...], ...]
    dropped: tuple[Dropped, ...]


@dataclass(frozen=True)
class Explanation:
    """How a text was translated.

    Attributes:
        source: The text, as it was given.
        target: Its translation, as it is given to a user.
        sentences: What was translated at a time, as the model first did it; what is copied is
            not among them.
    """

    source: str
    target: str
    sentences: tuple[SentenceExplanation, ...]

    @property
    def remark(self) -> str:
        """What becomes of what the model wrote of the sentences; empty where it is left so."""
        if self.target.split() == " ".join(one.target for one in self.sentences).split():
            return ""
        return (
            "What the model cannot know is kept as it is, and what went wrong is done again. "
            f"In the end the translation is: {self.target}"
        )

    def as_dict(self) -> dict[str, Any]:
        """The same, ready for JSON."""
        return asdict(self)
