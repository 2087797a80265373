"""``nmt eval`` as a user calls it."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import sacrebleu
import torch

from nmt.config import load_recipe
from nmt.corpus.tokenizer import BOS, EOS, Tokenizer
from nmt.model.seq2seq import build
from nmt.model.weights import load_weights
from tests.cli.conftest import Inside


def test_a_model_is_scored_on_its_own_test_set_and_its_translations_kept(
    inside: Inside, trained: Path, folder: Path
) -> None:
    done = inside("eval")
    assert done.code == 0
    assert done.errors == [
        "translating with checkpoints/toy",
        "translations kept in checkpoints/toy/hypotheses.test.txt",
    ]
    hypotheses = (trained / "hypotheses.test.txt").read_text().split("\n")[:-1]
    references = (folder / "text" / "test.en").read_text().split("\n")[:-1]
    chrf = sacrebleu.corpus_chrf(hypotheses, [references]).score
    assert chrf > 0.0
    assert done.lines[1].split() == ["chrF2", f"{chrf:.2f}"]
    bleu = sacrebleu.corpus_bleu(hypotheses, [references]).score
    assert done.lines[0].split()[:2] == ["BLEU", f"{bleu:.2f}"]
    assert any("nrefs:1|" in line for line in done.lines)
    lines = inside("translate", input=(folder / "text" / "test.fr").read_bytes()).lines
    assert lines == hypotheses


def perplexity(trained: Path, sources: list[str], references: list[str]) -> float:
    """exp of the mean negative log-probability of a subword, a sentence at a time."""
    config = load_recipe(trained / "config.toml")
    tokenizer = Tokenizer.load(trained / "joint.model")
    size = tokenizer.vocabulary_size
    model = build(config.model, size, size)
    load_weights(model, trained / "model.safetensors")
    model.eval()
    logs: list[float] = []
    for source, reference in zip(sources, references, strict=True):
        read = torch.tensor([[*tokenizer.encode(source), EOS]])
        written = tokenizer.encode(reference)
        with torch.inference_mode():
            outputs = model(read, torch.tensor([read.shape[1]]), torch.tensor([[BOS, *written]]))
            logits = outputs[0] @ model.vocabulary.weight.T + model.vocabulary.bias
        table = logits.double().numpy()
        table -= np.log(np.exp(table).sum(axis=1, keepdims=True))
        logs += [table[step, token] for step, token in enumerate([*written, EOS])]
    return math.exp(-float(np.mean(logs)))


def test_json_holds_every_number_and_perplexity_is_exact_whatever_the_training_was(
    inside: Inside, trained: Path, folder: Path
) -> None:
    config = trained / "config.toml"
    config.write_text(config.read_text().replace('precision = "fp32"', 'precision = "bf16"'))
    done = inside("eval", "--json", "--beam", "1")
    assert done.code == 0
    (line,) = done.lines
    found = json.loads(line)
    assert (found["model"], found["test_set"], found["sentences"]) == (
        "checkpoints/toy",
        "test",
        10,
    )
    assert {"bleu", "chrf", "ter", "by_source_length"} <= found.keys()
    text = [(folder / "text" / f"test.{side}").read_text().splitlines() for side in ("fr", "en")]
    assert found["perplexity"] == pytest.approx(perplexity(trained, *text), rel=1e-6)


def test_a_model_is_scored_on_other_files(inside: Inside, trained: Path, folder: Path) -> None:
    (folder / "my letters.fr").write_text("le chat\u2028voit\r\nle petit chien.\n")
    (folder / "letters.en").write_text("the cat sees\nthe small dog.\n")
    files = ["--source", "my letters.fr", "--reference", "letters.en"]
    done = inside("eval", "--json", *files)
    assert done.code == 0
    assert json.loads(done.lines[0])["sentences"] == 2
    assert (trained / "hypotheses.my_letters.fr.txt").read_text().count("\n") == 2
    with (folder / "letters.en").open("a") as file:
        file.write("one too many\n")
    done = inside("eval", *files)
    assert (done.code, done.lines) == (2, [])
    assert "my letters.fr has 2 lines but letters.en has 3" in done.errors[-1]


def test_a_model_without_a_test_set_says_which_settings_name_one(
    inside: Inside, trained: Path
) -> None:
    done = inside("eval", "--set", "corpus.test=")
    assert done.code == 2
    assert "--set corpus.test=dev" in done.errors[-1]
    done = inside("eval", "--json", "--set", "corpus.test=dev")
    assert json.loads(done.lines[0])["test_set"] == "dev"


def test_a_corpus_that_has_moved_is_named(inside: Inside, trained: Path, folder: Path) -> None:
    (folder / "text").rename(folder / "moved")
    done = inside("eval")
    assert done.code == 2
    assert str(folder / "text") in done.errors[-1]
    assert inside("eval", "--set", "corpus.path=moved").code == 0
