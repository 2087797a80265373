"""A trained model with what belongs to it, read from the folder of its run, or of several."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from nmt.config import RunConfig, SearchConfig
from nmt.errors import RunError
from nmt.runs.directory import RunDirectory
from nmt.runs.finding import open_run
from nmt.search.ensemble import EnsembleStepper
from nmt.search.stepper import Stepper
from nmt.text.tokenizer import Tokenizer, Tokenizers
from nmt.translator.wrong_way import WrongWay


@dataclass(frozen=True)
class LoadedModel:
    """A model with what belongs to it, as `Translator` takes it.

    Attributes:
        stepper: The model.
        tokenizers: Of the languages translated from and into.
        max_tokens: Source subwords above which a text is split, where the options do not say; None
            to never split.
        languages: The codes of the languages translated from and into; empty where unknown.
        threads: Batches that are translated at a time.
        full: The same model without its shortlist, where it has one.
        wrong_way: What notices texts in the wrong language, if anything does.
        runs: The folders that it was loaded from.
    """

    stepper: Stepper[Any]
    tokenizers: Tokenizers
    max_tokens: int | None = None
    languages: tuple[str, str] = ("", "")
    threads: int = 1
    full: Stepper[Any] | None = None
    wrong_way: WrongWay | None = None
    runs: tuple[RunDirectory, ...] = ()

    @property
    def without_shortlist(self) -> Stepper[Any]:
        """The model with its whole vocabulary."""
        return self.stepper if self.full is None else self.full

    def stepper_for(self, options: SearchConfig) -> Stepper[Any]:
        """The model with its shortlist or without, as the options say."""
        return self.stepper if options.shortlist else self.without_shortlist


def cores() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def load_models(runs: Sequence[RunDirectory], threads: int | None = None) -> LoadedModel:
    """Load a trained model, or several that translate together by the mean of their probabilities.

    Args:
        runs: Where they are, at least one. They have the same tokenizers.
        threads: Batches that an exported model translates at a time; None for as many as there are
            cores. Torch, where it is not exported, has threads of its own.

    Raises:
        RunError: A run is unfinished or damaged, or its files do not belong together; or the
            directions or the tokenizers of several differ.
        TokenizerError: A tokenizer is damaged.
    """
    models = [_load_model(run, threads) for run in runs]
    first, *others = models
    if not others:
        return first
    for run, model in zip(runs, models, strict=True):
        if model.languages != first.languages:
            raise RunError(
                f"{run.path} translates {_direction(model)}, and {runs[0].path} "
                f"{_direction(first)}: an ensemble needs models of one direction"
            )
    for run, model in zip(runs, models, strict=True):
        if _digests(model) != _digests(first):
            raise RunError(
                f"{run.path} has another tokenizer than {runs[0].path}: an ensemble needs "
                "models that were trained with the same tokenizer files"
            )
    lengths = [model.max_tokens for model in models if model.max_tokens is not None]
    return replace(
        first,
        stepper=EnsembleStepper([model.stepper for model in models]),
        full=EnsembleStepper([model.without_shortlist for model in models]),
        max_tokens=min(lengths, default=None),
        threads=min(model.threads for model in models),
        runs=tuple(runs),
    )


def _load_model(run: RunDirectory, threads: int | None) -> LoadedModel:
    config = open_run(run.path).config()
    source_file, target_file = run.tokenizer_files(config.tokenizer.joint)
    source = Tokenizer.load(source_file)
    target = source if target_file == source_file else Tokenizer.load(target_file)
    tokenizers = Tokenizers(source, target)
    longest = config.training.max_tokens
    languages = config.corpus.source, config.corpus.target
    if not run.is_exported:
        return LoadedModel(
            _torch_stepper(run, config, tokenizers),
            tokenizers,
            longest,
            languages,
            wrong_way=WrongWay(languages, target, None),
            runs=(run,),
        )
    from nmt.export.folder import load_stepper

    exported = load_stepper(run.export, (source.digest, target.digest))
    return LoadedModel(
        exported,
        tokenizers,
        longest,
        languages,
        cores() if threads is None else threads,
        exported.without_shortlist(),
        WrongWay(languages, target, exported.lexicon),
        (run,),
    )


def _torch_stepper(run: RunDirectory, config: RunConfig, tokenizers: Tokenizers) -> Stepper[Any]:
    """The weights of a run that is not exported."""
    import torch

    from nmt.model.weights import load_model
    from nmt.search.torch_stepper import TorchStepper

    source, target = (tokenizer.vocabulary_size for tokenizer in tokenizers)
    model = load_model(config.model, source, target, run.model_file)
    return TorchStepper(model.to("cuda" if torch.cuda.is_available() else "cpu").eval())


def _direction(model: LoadedModel) -> str:
    source, target = model.languages
    return f"from {source} to {target}"


def _digests(model: LoadedModel) -> tuple[str, ...]:
    return tuple(tokenizer.digest for tokenizer in model.tokenizers)
