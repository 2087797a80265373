"""From a trained run to its export."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from datasets import Dataset
from safetensors.numpy import load_file, save

from nmt.config import RunConfig, override
from nmt.data.encoded import encode_pairs
from nmt.errors import RunError
from nmt.export import shortlist as lexicon_module
from nmt.export.folder import load_lexicon, load_stepper
from nmt.export.normaliser import NO_REMAINDER
from nmt.export.run import export_run, lexicon_of
from nmt.model.seq2seq import build
from nmt.model.weights import named_weights, weights_bytes
from nmt.runs.directory import RunDirectory
from nmt.runs.starting import create_run
from nmt.text.tokenizer import BOS, EOS, Tokenizer, Tokenizers, train_tokenizer
from nmt.translator.translator import Translator
from tests.search.scripted import batch

SENTENCES = ["le chat dort", "le chien mange bien", "la maison est grande"] * 20


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    config = override(
        RunConfig(),
        [
            "tokenizer.vocabulary_size=300",
            "model.hidden_size=16",
            "model.embedding_size=8",
            "search.robust=false",  # of random weights no translation is any good
        ],
    )
    run = create_run(tmp_path / "run", config)
    train_tokenizer(SENTENCES, config.tokenizer, run.joint_model)
    run.keep_weights(weights_bytes(named_weights(build(config.model, 300, 300, seed=2))))
    return run


def test_a_run_translates_alike_before_and_after_it_is_exported_in_fp32(run: RunDirectory) -> None:
    config = override(run.config(), ["export.precision=fp32"])
    before = Translator.load(run).translate(SENTENCES[:3])
    assert not run.is_exported
    export_run(run, run, config, None)
    assert run.is_exported
    after = Translator.load(run).translate(SENTENCES[:3])
    assert [t.text for t in after] == [t.text for t in before]
    for ours, theirs in zip(after, before, strict=True):
        assert ours.hypotheses[0].score == pytest.approx(theirs.hypotheses[0].score, abs=1e-5)


def test_a_folder_with_an_export_translates_alone(run: RunDirectory, tmp_path: Path) -> None:
    copy = run.copy_to(tmp_path / "copy")
    export_run(run, copy, run.config(), None)
    files = {file.name for file in copy.path.iterdir()}
    assert files == {"config.toml", "joint.model", "export"}
    assert not run.is_exported
    export_run(run, run, run.config(), None)
    expected = Translator.load(run).translate(SENTENCES[:3])
    assert Translator.load(copy).translate(SENTENCES[:3]) == expected


def test_a_lexicon_is_learned_from_the_pairs_of_a_training(run: RunDirectory) -> None:
    tokenizer = Tokenizer.load(run.joint_model)
    pairs = [("chat", "dort"), ("chien", "mange")] * 30
    columns = {"source": [s for s, _ in pairs], "target": [t for _, t in pairs]}
    encoded = encode_pairs(Dataset.from_dict(columns), tokenizer, tokenizer, None)
    lexicon = lexicon_of(run, encoded, Tokenizers(tokenizer, tokenizer), run.config())
    assert (lexicon.vocabulary_size, lexicon.is_joint) == (300, True)
    assert len(lexicon.translations) == 300
    source, target = tokenizer.encode_batch(["chat", "dort"])
    of_chat = lexicon.translations[source[-1]]
    # the likeliest ones: all of the target, which never stands beside anything else
    assert set(target) <= set(of_chat[: len(target)].tolist()) | {EOS}
    assert set(of_chat.tolist()).isdisjoint(set(tokenizer.encode("mange")) - set(target))
    export_run(run, run, run.config(), lexicon)
    kept = load_lexicon(run.export)
    assert kept is not None
    np.testing.assert_array_equal(kept.translations, lexicon.translations)


def test_what_is_not_in_a_shortlist_still_counts(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Log-probabilities with it are nearer to those of the whole vocabulary than without."""
    monkeypatch.setattr(lexicon_module, "TRANSLATIONS", 2)
    monkeypatch.setattr(lexicon_module, "COMMON", 3)
    tokenizer = Tokenizer.load(run.joint_model)
    columns = {"source": SENTENCES, "target": SENTENCES[::-1]}
    encoded = encode_pairs(Dataset.from_dict(columns), tokenizer, tokenizer, None)
    config = override(run.config(), ["export.precision=fp32"])
    lexicon = lexicon_of(run, encoded, Tokenizers(tokenizer, tokenizer), config)
    assert lexicon.remainder.shape == (17,)
    source, lengths = batch([list(ids) for ids in tokenizer.encode_batch(SENTENCES[:3])])
    errors = []
    for used in (lexicon, replace(lexicon, remainder=NO_REMAINDER)):
        export_run(run, run, config, used)
        digests = (tokenizer.digest, tokenizer.digest)
        listed = load_stepper(run.export, digests)
        whole = listed.without_shortlist()
        ours, theirs = (
            stepper.distribution(stepper.start(source, lengths), np.full(3, BOS))[0]
            for stepper in (listed, whole)
        )
        is_listed = np.isfinite(ours.log_probabilities)
        lost = ours.log_probabilities[is_listed] - theirs.log_probabilities[is_listed]
        errors.append(np.abs(lost).max())
    assert errors[0] < 0.02 < 1.0 < errors[1]


def test_better_weights_drop_the_export_of_worse_ones(run: RunDirectory) -> None:
    export_run(run, run, run.config(), None)
    worse = Translator.load(run).translate(SENTENCES[:1])
    run.keep_weights(weights_bytes(named_weights(build(run.config().model, 300, 300, seed=9))))
    assert not run.is_exported
    assert Translator.load(run).translate(SENTENCES[:1]) != worse


def test_weights_that_are_not_the_runs_are_refused(run: RunDirectory) -> None:
    weights = load_file(run.model_file)
    name = "vocabulary.bias"
    for bad in (
        b"",
        save({name: weights[name]}),
        save({**weights, name: weights[name][:-1]}),
        save({**weights, name: weights[name] * np.float32(np.nan)}),
        None,
    ):
        if bad is None:
            run.model_file.unlink()
        else:
            run.model_file.write_bytes(bad)
        with pytest.raises(RunError, match=r"model\.safetensors: "):
            export_run(run, run, run.config(), None)
        assert not run.is_exported
