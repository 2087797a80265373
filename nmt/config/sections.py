"""The sections of a run's configuration: the only place where a default exists.

The docstring under each field is its help text.
"""

import re
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

CellName = Literal["lstm", "gru", "gru-cho", "rnn", "sru", "ssru", "mingru", "minlstm"]
AttentionName = Literal["none", "dot", "general", "additive", "multihead"]
Format = Literal["auto", "text", "tsv", "jsonl", "parquet"]

# The upper bounds keep a stranger's model, or a slip of the finger, from taking all memory.
MANY = 1_000_000_000
Fraction = Annotated[float, Field(ge=0.0, lt=1.0)]
Count = Annotated[int, Field(ge=1, le=MANY)]
CountOrNone = Annotated[int, Field(ge=0, le=MANY)]
Layers = Annotated[int, Field(ge=1, le=100)]
Size = Annotated[int, Field(ge=1, le=16_384)]
Width = Annotated[int, Field(ge=1, le=1000)]  # of a search: the memory it takes grows with it
Seed = Annotated[int, Field(ge=0, lt=2**63)]
Name = Annotated[str, Field(min_length=1)]
Weight = Annotated[float, Field(gt=0.0, le=1000.0)]


class Section(BaseModel):
    """A frozen part of a configuration that refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)


class PairsConfig(Section):
    """Where sentence pairs to learn from are, and how often they are met."""

    path: str = ""
    """Folder with the splits, such as ``train.fr`` and ``train.en``; relative to the recipe it is
    in, or to the working directory in a ``--set``."""
    hub: str = ""
    """A Hugging Face data set instead of a folder, such as ``Helsinki-NLP/opus-100``."""
    hub_subset: str = ""
    """The subset (configuration) of the hub data set, such as ``en-fr``."""
    format: Format = "auto"
    """How the splits are stored in the folder; ``auto`` looks at the file names."""
    source_column: str = ""
    """Column or key of the source text where it is not named after the language."""
    target_column: str = ""
    """Column or key of the target text where it is not named after the language."""
    train: Name = "train"
    """Name of the split to learn from."""
    weight: Weight = 1.0
    """How often each training pair is met in an epoch, on average: 3 for three times, 0.5 for half
    of the pairs in one epoch and the other half in the next."""


class CorpusConfig(PairsConfig):
    """Where the sentence pairs come from and which of them are kept."""

    source: Name = "fr"
    """Language translated from: a file ending, or the name of a column or key."""
    target: Name = "en"
    """Language translated into."""
    dev: Name = "dev"
    """Name of the split that decides which weights are kept."""
    test: str = "test"
    """Name of the split that is reported; empty for none."""
    max_characters: Count = 1000
    """A training pair with a longer side than this is left out, and counted."""
    max_ratio: Annotated[float, Field(gt=1.0)] = 5.0
    """A training pair whose sides differ in length by more than this factor is left out."""
    drop_duplicates: bool = True
    """Keep only the first of identical training pairs."""
    drop_test_pairs: bool = True
    """Leave out training pairs that also occur in dev or test."""
    also: dict[str, PairsConfig] = {}
    """Further corpora to learn from, each a section with a name, such as [corpus.also.phrases],
    and with keys like the corpus's own: path, hub, hub_subset, format, source_column,
    target_column, train, weight."""

    def to_learn_from(self) -> "dict[str, CorpusConfig]":
        """Each corpus that has training pairs, by its section: this one, then the further ones."""
        corpora = {"corpus": self}
        for name, further in self.also.items():
            # What a further corpus does not have of its own is as it is here.
            own = {key: getattr(further, key) for key in PairsConfig.model_fields}
            corpora[f"corpus.also.{name}"] = self.model_copy(update={**own, "also": {}})
        return corpora

    @model_validator(mode="after")
    def _check(self) -> Self:
        for section, corpus in self.to_learn_from().items():
            if not re.fullmatch(r"[\w-]+", section.rpartition("corpus.also.")[2]):
                raise ValueError(
                    f"{section}: the name of a further corpus is of letters, digits, _ and -"
                )
            if corpus.path and corpus.hub:
                raise ValueError(f"{section}.path and {section}.hub are both set: keep one")
            if corpus.hub_subset and not corpus.hub:
                raise ValueError(
                    f"{section}.hub_subset is set but {section}.hub is not: name the hub set too"
                )
        if self.source == self.target:
            raise ValueError(f"corpus.source and corpus.target are both {self.source!r}")
        return self


class TokenizerConfig(Section):
    """How text becomes subwords (sentencepiece)."""

    kind: Literal["bpe", "unigram"] = "bpe"
    """BPE (Sennrich et al. 2016) or a unigram language model (Kudo 2018)."""
    vocabulary_size: Annotated[int, Field(ge=261, le=1_000_000)] = 8000
    """Number of subwords, of both languages together if joint, else of each, 260 marks included."""
    joint: bool = True
    """One vocabulary for both languages, or one for each."""
    character_coverage: Annotated[float, Field(gt=0.9, le=1.0)] = 1.0
    """Share of characters that get a symbol of their own; the others are spelt in bytes."""
    sampling: Fraction = 0.0
    """Subword sampling in training: BPE-dropout rate, or for unigram the smoothing; 0 for none."""


class ModelConfig(Section):
    """The encoder-decoder: cells, sizes, attention, dropout."""

    cell: CellName | Annotated[tuple[CellName, ...], Field(strict=False)] = "lstm"
    """Recurrent cell, or a list with one for each layer. Gates that look back: lstm; gru as torch
    has it, gru-cho as first published; rnn (Elman). Gates that do not, for faster training: sru
    (Lei et al. 2018), ssru (Kim et al. 2019), mingru and minlstm (Feng et al. 2024)."""
    encoder_layers: Layers = 1
    """Layers of the encoder."""
    decoder_layers: Layers = 1
    """Layers of the decoder."""
    bidirectional: bool = True
    """Read the source in both directions, with half of the hidden size for each."""
    hidden_size: Size = 512
    """Size of the recurrent states and of the encoder's memory."""
    embedding_size: Size = 256
    """Size of the subword embeddings."""
    attention: AttentionName = "general"
    """none; dot, general (Luong et al. 2015); additive (Bahdanau et al. 2015); multihead."""
    attention_heads: Size = 8
    """Heads of ``multihead`` attention."""
    attention_query: Literal["first", "last", "both"] = "last"
    """Which decoder layer attends: the first feeds its context to the layers above, the last to the
    output, both do so each with an attention of its own."""
    input_feeding: bool = False
    """Feed the last output vector back into the decoder (Luong et al. 2015, 3.3)."""
    context_every_step: bool = False
    """Without attention: feed the context vector at every step (Cho et al. 2014)."""
    bridge: Literal["mean", "final"] = "mean"
    """What starts the decoder: the mean of the encoder's states, or its final states."""
    residual: bool = False
    """Add each recurrent layer's input to its output where the sizes agree."""
    layer_norm: bool = False
    """Layer normalisation (Ba et al. 2016) of what each recurrent layer hands on, after the
    residual sum; dot and general attention are then divided by the root of the hidden size, as the
    scores of such vectors would be too far apart."""
    shared_embeddings: bool = True
    """One embedding table for both languages; needs a joint tokenizer."""
    tied_output: bool = False
    """Use the target embeddings as the output layer too (Press and Wolf 2017)."""
    dropout: Fraction = 0.3
    """Dropout between layers and before the output."""
    embedding_dropout: Fraction = 0.0
    """Dropout on the embeddings."""
    dropout_shared_over_time: bool = False
    """One dropout mask for a whole sentence (Gal and Ghahramani 2016) and not one each step."""
    initial_range: Annotated[float, Field(gt=0.0)] = 0.1
    """Weights start uniform in plus or minus this."""

    def cells(self, layers: int) -> tuple[CellName, ...]:
        """The cell of each layer, from the input up."""
        return (self.cell,) * layers if isinstance(self.cell, str) else self.cell

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not isinstance(self.cell, str):
            for key in ("encoder_layers", "decoder_layers"):
                if len(self.cell) != getattr(self, key):
                    raise ValueError(
                        f"model.cell lists {len(self.cell)} cells but model.{key} is "
                        f"{getattr(self, key)}: give one cell for each layer, or one name for all"
                    )
        if self.bidirectional and self.hidden_size % 2:
            raise ValueError(
                f"model.hidden_size is {self.hidden_size}: a bidirectional encoder halves it, "
                "so it must be even"
            )
        if self.attention == "multihead" and self.hidden_size % self.attention_heads:
            raise ValueError(
                f"model.hidden_size {self.hidden_size} is not a multiple of "
                f"model.attention_heads {self.attention_heads}"
            )
        if self.attention != "none" and self.context_every_step:
            raise ValueError(
                'model.context_every_step is for model.attention = "none": attention already '
                "gives a context at every step"
            )
        return self


class TrainingConfig(Section):
    """How the weights are learned."""

    epochs: Count = 10
    """Passes over the corpus (fewer with patience); of no meaning with steps or minutes."""
    steps: CountOrNone = 0
    """Steps of gradient descent (skipped ones count) to train for, and for the schedule to end in,
    whatever the epochs; 0 for none. Not together with minutes."""
    minutes: Annotated[float, Field(ge=0.0)] = 0.0
    """Time budget for training, all sessions together, that the schedule is planned to end in,
    whatever the epochs; 0 for none. It follows the clock, so two runs are not the same bits."""
    noise: Fraction = 0.0
    """Share of the training pairs that are altered each time they are met: small letters, missing
    accents, no full stop, unknown names; for a model that is to stand ordinary typing."""
    fragments: Fraction = 0.0
    """Share of the training pairs of which only some words are met, with what translates them; for
    a model that is to translate single words and phrases. For languages with spaces."""
    word_dropout: Fraction = 0.0
    """Share of the subwords that are replaced with <unk> each time they are read in training, in
    the source and in what the decoder reads of the target (Zhang et al. 2020)."""
    guided_attention: Annotated[float, Field(ge=0.0)] = 1.0
    """Weight of guided attention (Chen et al. 2016), falling to 0 in a quarter of the run: the
    attention weights learn to be on the source word that IBM Model 1 aligns a target subword with;
    0 for none."""
    tokens_per_batch: Annotated[int, Field(ge=16, le=MANY)] = 1024
    """Target tokens of a batch, padding included."""
    accumulate: Count = 1
    """Batches whose gradients are added up for one step."""
    max_tokens: Count = 150
    """Training pairs with more subwords than this on a side are left out, and counted."""
    learning_rate: Annotated[float, Field(gt=0.0)] = 4e-3
    """Highest rate of Adam (Kingma and Ba 2015)."""
    schedule: Literal["constant", "linear", "cosine", "inverse-sqrt"] = "cosine"
    """How the rate falls after the warm-up, to 0 at the end (but for constant, inverse-sqrt)."""
    warmup_steps: CountOrNone = 0
    """Steps in which the rate grows from 0."""
    adam_beta2: Fraction = 0.98
    """Adam's second decay rate."""
    weight_decay: Annotated[float, Field(ge=0.0)] = 0.0
    """Decoupled weight decay (Loshchilov and Hutter 2019)."""
    label_smoothing: Fraction = 0.1
    """Share of the target distribution spread over the vocabulary (Szegedy et al. 2016)."""
    r_drop: Annotated[float, Field(ge=0.0)] = 0.0
    """Learn from each batch with two dropouts at a time, which are to predict alike (R-Drop, Liang
    et al. 2021, alpha; 5 there): half as fast and less overfitted; 0 for not."""
    clip_norm: Annotated[float, Field(ge=0.0)] = 1.0
    """Largest norm of the gradient of a step; 0 for no clipping."""
    gradient_precision: Literal["fp32", "bf16"] = "fp32"
    """Number format in which several processes (torchrun) exchange gradients; bf16 moves half."""
    ema_decay: Fraction = 0.998
    """Decay of an exponential moving average of the weights, which is then what is evaluated and
    kept; 0 for none."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Number format of the matrix products; auto takes bf16 where the hardware has it."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to train."""
    processes: Annotated[int, Field(ge=0, le=64)] = 0
    """Processes that share each batch on a CPU; 0 for one a core, at most 8 (one where threads or
    OMP_NUM_THREADS is set, on a GPU, or not under Linux). The number stays with the run, whose last
    bits depend on it. Of no meaning under torchrun."""
    threads: CountOrNone = 0
    """CPU threads of each process; 0 for the cores that there are for each (or what OMP_NUM_THREADS
    says). On a busy machine threads wait for each other far more than processes do."""
    validate_every: CountOrNone = 0
    """Steps between validations; 0 for one an epoch, or ten in a time budget."""
    validation_sentences: CountOrNone = 500
    """Dev sentences that are translated for BLEU at a validation; 0 for all of them."""
    checkpoint_every: Count = 200
    """Steps between checkpoints to resume from."""
    patience: CountOrNone = 0
    """Stop after this many validations without better weights; 0 to never stop early."""
    max_skipped_steps: Count = 20
    """Stop after this many steps in a row whose loss or gradient is not finite."""
    tensorboard: bool = False
    """Write TensorBoard events too (needs the extra ``nmt-toolkit[tensorboard]``)."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.noise + self.fragments > 1.0:
            raise ValueError(
                f"training.noise {self.noise:g} and training.fragments {self.fragments:g} are more "
                "than all pairs together: lower one"
            )
        if self.steps and self.minutes:
            raise ValueError(
                f"training.steps is {self.steps} and training.minutes {self.minutes:g}: a training "
                "ends by one of them, so set the other to 0"
            )
        return self


class SearchConfig(Section):
    """How a translation is searched for."""

    beam: Width = 5
    """Hypotheses kept at each step; 1 is greedy search."""
    n_best: Width = 1
    """Translations returned for each sentence, best first."""
    length_penalty: Annotated[float, Field(ge=0.0)] = 1.0
    """Scores are divided by length to this power; 0 for plain log-probabilities."""
    coverage_penalty: Annotated[float, Field(ge=0.0)] = 0.0
    """Weight of the penalty for source subwords that were not attended to (Wu et al. 2016, equation
    14, beta); 0 for none."""
    diversity_groups: Width = 1
    """Divide the beam into this many groups that avoid each other's subwords (Vijayakumar et al.
    2018); 1 for ordinary beam search."""
    diversity_penalty: Annotated[float, Field(ge=0.0)] = 0.5
    """How much a group avoids a subword for each row before it that has just taken it."""
    max_length_factor: Annotated[float, Field(gt=0.0, le=100.0)] = 2.0
    """A translation has at most this many subwords for each of the source ..."""
    max_length_extra: Annotated[int, Field(ge=1, le=1000)] = 10
    """... and this many more."""
    stop: Literal["enough", "certain"] = "enough"
    """When a beam search ends: once as many translations have ended as the beam is wide, if not
    before; or only once it is certain that no better one can come. Nothing better is ever lost by
    ending when it is certain; it takes a third more steps."""
    no_repeat: CountOrNone = 0
    """Never produce the same run of this many subwords twice; 0 to allow it."""
    repetition_penalty: Annotated[float, Field(ge=1.0)] = 1.0
    """The log-probability of a subword that was produced before is multiplied by this (Keskar et
    al. 2019); 1 for no penalty."""
    sample: bool = False
    """Draw translations at random instead of searching for the best."""
    temperature: Annotated[float, Field(gt=0.0)] = 1.0
    """Above 1 samples are more varied, below 1 more likely."""
    top_k: CountOrNone = 0
    """Sample among this many likeliest subwords; 0 for all."""
    top_p: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    """Sample among the likeliest subwords that together have this probability."""
    typical_p: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    """Sample among the most typical subwords that together have this probability (Meister et al.
    2023)."""
    seed: Seed = 1
    """Seed of the sampling."""
    max_tokens: CountOrNone = 0
    """Source subwords that are read at a time: a longer sentence is divided, as a model loses most
    of one that is longer than what it learned from; 0 for as many as ``training.max_tokens``."""
    split_sentences: bool = True
    """Translate a line of several sentences one by one; a model that was trained on single ones
    loses the others."""
    robust: bool = True
    """Keep what no model knows (addresses, emoji, letters of other scripts) as it is, read capitals
    as small letters where the model would spell them one by one, and search again where a
    translation is empty, goes round in circles or loses a number; at worst the text is copied."""
    numbers: Literal["auto", "keep", "free"] = "auto"
    """Of robust: keep the numbers of the text (of three digits and more), or leave the model free;
    with auto a training decides by its pairs, and a model that says nothing keeps them."""
    shortlist: bool = True
    """Choose only among the commonest target subwords and those that the words of the sentence may
    call for, where the model was exported with such a list: two thirds of the time, no worse."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.sample and self.n_best > self.beam:
            raise ValueError(
                f"search.n_best is {self.n_best} but search.beam only keeps {self.beam}: "
                "raise the beam"
            )
        if self.sample and self.diversity_groups > 1:
            raise ValueError(
                f"search.diversity_groups is {self.diversity_groups} but search.sample is true: "
                "samples are independent of each other, so leave one of the two out"
            )
        if self.beam % self.diversity_groups:
            raise ValueError(
                f"search.beam is {self.beam} and cannot be divided into search.diversity_groups = "
                f"{self.diversity_groups} equal groups: make it a multiple"
            )
        return self


class ExportConfig(Section):
    """What the trained model becomes, to translate without torch."""

    precision: Literal["int8", "fp32"] = "int8"
    """Number format of the matrix products; int8 is a quarter of the size and 2.5 times as fast."""


class RunConfig(Section):
    """Everything that decides what a run becomes."""

    seed: Seed = 1
    """Seed of the weights, of the order of batches and of dropout."""
    corpus: CorpusConfig = CorpusConfig()
    tokenizer: TokenizerConfig = TokenizerConfig()
    model: ModelConfig = ModelConfig()
    training: TrainingConfig = TrainingConfig()
    search: SearchConfig = SearchConfig()
    export: ExportConfig = ExportConfig()

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.model.shared_embeddings and not self.tokenizer.joint:
            raise ValueError(
                "model.shared_embeddings needs tokenizer.joint = true: two vocabularies cannot "
                "share one table"
            )
        return self
