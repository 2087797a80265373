"""``nmt eval`` as a user calls it."""

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import sacrebleu
import torch

from nmt.config import load_recipe
from nmt.model.seq2seq import build
from nmt.model.weights import load_weights
from nmt.text.tokenizer import BOS, EOS, PAD, UNK, Tokenizer
from tests.cli.conftest import Inside


def test_a_model_is_scored_on_its_own_test_set_and_its_translations_kept(
    inside: Inside, trained: Path, folder: Path
) -> None:
    done = inside("eval")
    assert done.code == 0
    assert done.errors == [
        "translating 10 sentences with checkpoints/toy",
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
            outputs, _ = model(read, torch.tensor([read.shape[1]]), torch.tensor([[BOS, *written]]))
            logits = outputs[0] @ model.vocabulary.weight.T + model.vocabulary.bias
        table = logits.double().numpy()
        table[:, [PAD, BOS, UNK]] = -np.inf  # which no translation has
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
    scored = inside("score", "--json", "--set", "search.shortlist=false",
                    "--source", "text/test.fr", "--target", "text/test.en").lines  # fmt: skip
    logs = [log for line in scored for log in json.loads(line)["log_probabilities"]]
    assert found["perplexity"] == pytest.approx(math.exp(-float(np.mean(logs))))
    shutil.rmtree(trained / "export")  # so that the weights themselves translate
    found = json.loads(inside("eval", "--json", "--beam", "1").lines[0])
    assert found["perplexity"] == pytest.approx(perplexity(trained, *text), rel=1e-5)


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


def test_several_references_are_all_right(inside: Inside, trained: Path, folder: Path) -> None:
    references = references_of(folder)
    (folder / "reversed.en").write_text("\n".join(references[::-1]) + "\n")
    files = ["--source", "text/test.fr", "--reference", "reversed.en"]
    done = inside("eval", "--json", *files, "--reference", "text/test.en")
    found = json.loads(done.lines[0])
    hypotheses = (trained / "hypotheses.test.fr.txt").read_text().splitlines()
    both = [references[::-1], references]
    assert found["bleu"]["score"] == pytest.approx(sacrebleu.corpus_bleu(hypotheses, both).score)
    assert found["chrf"]["score"] == pytest.approx(sacrebleu.corpus_chrf(hypotheses, both).score)
    done = inside("eval", "reversed.en", *files[2:], "--reference", "text/test.en", "--json")
    assert json.loads(done.lines[0])["bleu"]["score"] == pytest.approx(100.0)
    (folder / "short.en").write_text("the cat\n")
    done = inside("eval", *files, "--reference", "short.en")
    assert (done.code, done.lines) == (2, [])
    assert "reversed.en has 10 lines but short.en has 1" in done.errors[-1]


def test_a_model_without_a_test_set_says_which_settings_name_one(
    inside: Inside, trained: Path
) -> None:
    done = inside("eval", "--set", "corpus.test=")
    assert done.code == 2
    assert "--set corpus.test=dev" in done.errors[-1]
    done = inside("eval", "--json", "--set", "corpus.test=dev")
    assert json.loads(done.lines[0])["test_set"] == "dev"


def test_a_model_that_came_with_nmt_has_no_other_split_to_offer(inside: Inside) -> None:
    done = inside("eval", "fr-en")
    assert (done.code, done.lines) == (2, [])
    assert done.errors == [
        "nmt: this run has no test set (corpus.test is empty): name two files with --source and "
        "--reference"
    ]


def test_a_corpus_that_has_moved_is_named(inside: Inside, trained: Path, folder: Path) -> None:
    (folder / "text").rename(folder / "moved")
    done = inside("eval")
    assert done.code == 2
    assert str(folder / "text") in done.errors[-1]
    assert inside("eval", "--set", "corpus.path=moved").code == 0


def references_of(folder: Path) -> list[str]:
    return (folder / "text" / "test.en").read_text().splitlines()


def test_a_run_is_compared_with_a_file_of_translations(
    inside: Inside, trained: Path, folder: Path
) -> None:
    (folder / "perfect.en").write_text((folder / "text" / "test.en").read_text())
    done = inside("eval", "checkpoints/toy", "perfect.en", "--sentences", "2", "--json")
    assert done.code == 0
    found = json.loads(done.lines[0])
    ours, perfect = found["rows"]
    assert (ours["name"], perfect["name"], found["test_set"]) == ("toy", "perfect.en", "test")
    translated = inside("translate", input=(folder / "text" / "test.fr").read_bytes()).lines
    expected = sacrebleu.corpus_chrf(translated, [references_of(folder)]).score
    assert ours["figures"][1]["score"] == pytest.approx(expected)
    assert perfect["figures"][0]["score"] == pytest.approx(100.0)
    assert perfect["figures"][0]["is_significant"]
    assert len(found["most_different"]) == 2
    assert (trained / "hypotheses.test.txt").read_text().splitlines() == translated


def test_files_alone_are_compared_without_a_run(inside: Inside, folder: Path) -> None:
    references = references_of(folder)
    (folder / "reversed.en").write_text("\n".join(references[::-1]) + "\n")
    files = ["text/test.en", "reversed.en", "--reference", "text/test.en"]
    done = inside("eval", *files, "--paired", "ar")
    assert (done.code, done.errors) == (0, [])
    assert any(line.startswith("reversed.en is worse than test.en by ") for line in done.lines)
    assert not any("source" in line for line in done.lines)
    done = inside("eval", *files[1:], "--json")
    expected = sacrebleu.corpus_bleu(references[::-1], [references]).score
    assert json.loads(done.lines[0])["bleu"]["score"] == pytest.approx(expected)
    assert json.loads(done.lines[0])["perplexity"] is None


def test_several_models_named_with_model_are_scored_as_they_translate_together(
    inside: Inside, trained: Path, folder: Path
) -> None:
    shutil.copytree(trained, folder / "other")
    spoil_weights(folder / "other")
    together = ["--model", "checkpoints/toy", "--model", "other"]
    source = (folder / "text" / "test.fr").read_bytes()
    translated = inside("translate", *together, input=source).lines
    alone = inside("translate", "--model", "other", input=source).lines
    assert translated != alone
    done = inside("eval", *together, "--json")
    found = json.loads(done.lines[0])
    expected = sacrebleu.corpus_chrf(translated, [references_of(folder)]).score
    assert found["chrf"]["score"] == pytest.approx(expected)
    assert found["model"] == "checkpoints/toy+other"
    assert (trained / "hypotheses.test.other.txt").read_text().splitlines() == translated
    pairs = inside("score", *together, "--json", "--set", "search.shortlist=false",
                   "--source", "text/test.fr", "--target", "text/test.en").lines  # fmt: skip
    logs = [log for line in pairs for log in json.loads(line)["log_probabilities"]]
    assert found["perplexity"] == pytest.approx(math.exp(-float(np.mean(logs))))
    row = json.loads(inside("eval", "other", "checkpoints/toy+other", "--json").lines[0])["rows"][1]
    assert row["figures"][1]["score"] == pytest.approx(expected)


def spoil_weights(run: Path) -> None:
    """Have a run translate otherwise than its twin."""
    from safetensors.torch import load_file, save_file

    weights = load_file(run / "model.safetensors")
    save_file({name: tensor * 0.7 for name, tensor in weights.items()}, run / "model.safetensors")
    shutil.rmtree(run / "export")


def test_the_seeds_of_a_recipe_are_one_row(inside: Inside, trained: Path, folder: Path) -> None:
    shutil.copytree(trained, folder / "other")
    spoil_weights(folder / "other")
    done = inside("eval", "toy=checkpoints/toy", "both=checkpoints/toy,other", "--json")
    one, both = json.loads(done.lines[0])["rows"]
    scores = both["figures"][1]["scores"]
    assert (one["members"], both["members"], len(scores)) == (1, 2, 2)
    assert scores[0] == one["figures"][1]["score"] != scores[1]
    assert sum("sentences with checkpoints/toy" in line for line in done.errors) == 1
    done = inside("eval", "both=checkpoints/toy,other")
    assert any(line.startswith("  deviation of 2") for line in done.lines)
    assert not any("differs from" in line for line in done.lines), "there is nothing to differ from"


def test_what_cannot_be_compared_is_refused_in_one_line(
    inside: Inside, trained: Path, folder: Path
) -> None:
    (folder / "short.en").write_text("the cat\n")
    shutil.copytree(trained, folder / "back")
    config = (folder / "back" / "config.toml").read_text()
    turned = config.replace('source = "fr"', 'source = "en"').replace(
        'target = "en"', 'target = "fr"'
    )
    (folder / "back" / "config.toml").write_text(turned)
    for words, said in (
        ("checkpoints/toy short.en", "short.en has 1 line but the test set test has 10"),
        ("checkpoints/toy back", "back translates from en to fr, and checkpoints/toy from fr to"),
        ("checkpoints/toy missing", "missing: there is no such run and no such file"),
        ("checkpoints/toy x=", "x=: write several runs as one system NAME=RUN,RUN"),
        ("short.en checkpoints/toy+short.en", "short.en: this is a file"),
        ("short.en", "add --reference"),
        ("short.en --source text/test.fr", "--source and --reference belong together"),
        ("checkpoints/toy --reference text/test.en", "--source and --reference belong together"),
        ("checkpoints/toy --model back", "SYSTEM and --model do not go together"),
        ("checkpoints/toy back --paired t", "'bs', 'ar'"),
    ):
        done = inside("eval", *words.split())
        assert (done.code, done.lines) == (2, []), words
        assert said in done.errors[-1]


def test_a_run_with_another_test_set_is_tried_on_that_of_the_first_and_that_is_said(
    inside: Inside, trained: Path, folder: Path
) -> None:
    shutil.copytree(trained, folder / "other")
    config = (folder / "other" / "config.toml").read_text()
    (folder / "other" / "config.toml").write_text(config.replace('test = "test"', 'test = "dev"'))
    done = inside("eval", "other", "checkpoints/toy", "--json")
    assert done.errors[0] == (
        "checkpoints/toy has another test set of its own; tried is that of other"
    )
    assert json.loads(done.lines[0])["test_set"] == "dev"


def test_translations_that_cannot_be_kept_are_scored_all_the_same(
    inside: Inside, trained: Path
) -> None:
    (trained / "hypotheses.test.txt").mkdir()  # stands for a folder that is read-only
    done = inside("eval", "--json")
    assert (done.code, len(done.lines)) == (0, 1)
    assert done.errors[-1].startswith("translations not kept: ")


def test_a_wrong_file_is_refused_before_a_model_is_loaded(
    inside: Inside, trained: Path, folder: Path
) -> None:
    (folder / "short.en").write_text("the cat\n")
    done = inside("eval", "checkpoints/toy", "short.en")
    assert len(done.errors) == 1


def test_the_environment_names_the_model_only_where_no_system_is_named(
    inside: Inside, trained: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NMT_MODEL", "checkpoints/toy")
    assert json.loads(inside("eval", "--json").lines[0])["model"] == "checkpoints/toy"
    (folder / "perfect.en").write_text((folder / "text" / "test.en").read_text())
    done = inside("eval", "perfect.en", "--reference", "text/test.en", "--json")
    assert json.loads(done.lines[0])["model"] == "perfect.en"
