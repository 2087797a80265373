"""``nmt diversify``: pairs out of the same corpus by two models, compared with `nmt translate`."""

import json
import re
import shutil
from pathlib import Path

import pytest

from nmt.progress import LineDisplay
from nmt.translator.results import Translation
from nmt.translator.translator import Translator
from tests.cli.conftest import Inside


@pytest.fixture
def back(trained: Path) -> Path:
    """A model for the other direction: the same one, told that it is."""
    path = trained.with_name("back")
    shutil.copytree(trained, path)
    config = (path / "config.toml").read_text()
    swapped = config.replace('source = "fr"', 'source = "en"').replace(
        'target = "en"', 'target = "fr"'
    )
    (path / "config.toml").write_text(swapped)
    return path


@pytest.fixture
def diversified(inside: Inside, folder: Path, trained: Path, back: Path) -> Path:
    """A folder with pairs of both models."""
    with (folder / "text" / "train.fr").open("a") as file:
        file.write("le chat\nle chat\n")
    with (folder / "text" / "train.en").open("a") as file:
        file.write("the cat\nthe pussycat\n")
    done = inside("diversify", trained, back, "--to", "more")
    assert (done.code, done.lines) == (0, ["more"]), done.errors
    return folder / "more"


def lines(file: Path) -> list[str]:
    return file.read_text().split("\n")[:-1]


def pairs(folder: Path, name: str) -> list[tuple[str, str]]:
    return list(zip(lines(folder / f"{name}.fr"), lines(folder / f"{name}.en"), strict=True))


def test_each_different_sentence_is_translated_once_as_nmt_translate_does(
    inside: Inside, folder: Path, trained: Path, back: Path, diversified: Path
) -> None:
    for given, made, model, drawn in (
        ("forward.fr", "forward.en", trained, []),
        (
            "backward.en",
            "backward.fr",
            back,
            ["--sample", "--top-k", "10", "--temperature", "0.5", "--seed", "1"],
        ),
    ):
        text = lines(folder / "text" / f"train.{given[-2:]}")
        assert lines(diversified / given) == list(dict.fromkeys(text))
        options = ("--model", model, "--input", f"more/{given}", *drawn)
        assert inside("translate", *options).lines == lines(diversified / made)


def test_the_pairs_are_those_that_are_new_whole_and_not_held_out(
    inside: Inside, folder: Path, trained: Path, back: Path, diversified: Path
) -> None:
    train, dev, test = (pairs(folder / "text", split) for split in ("train", "dev", "test"))
    made = lines(diversified / "forward.en")
    made[0], made[1], made[2], made[3] = train[0][1], dev[4][1], test[2][1], ""
    (diversified / "forward.en").write_text("".join(f"{line}\n" for line in made))
    drawn = lines(diversified / "backward.fr")
    drawn[5], drawn[6] = dev[0][0], dev[0][1]  # the second is in the other language
    (diversified / "backward.fr").write_text("".join(f"{line}\n" for line in drawn))
    done = inside("diversify", trained, back, "--to", "more")
    forward, backward = pairs(diversified, "forward"), pairs(diversified, "backward")
    held_out = {french for french, _ in dev + test}, {english for _, english in dev + test}
    expected = [
        *(p for p in forward if p[1] and p not in train and p[1] not in held_out[1]),
        *(p for p in backward if p[0] and p not in train and p[0] not in held_out[0]),
    ]
    assert pairs(diversified, "train") == expected
    assert done.errors[0] == (
        f"forward: {len(forward) - 4} pairs (left out: 1 pair that the corpus has, 2 pairs with a "
        "sentence of dev or test, 1 pair without a translation)"
    )
    assert done.errors[1].startswith(f"backward: {len(backward) - 1} pairs (left out: 1 pair with")
    assert (backward[6][0], backward[6][1]) in expected


def test_they_are_learned_from_beside_the_corpus(
    inside: Inside, folder: Path, diversified: Path
) -> None:
    done = inside("tokenizer", "toy.toml", "--run", "new", "--set", "corpus.also.more.path=more")
    assert done.code == 0, done.errors
    assert any(re.match(rf"more: {len(lines(diversified / 'train.fr'))} pairs", line)
               for line in done.errors)  # fmt: skip


def test_what_was_stopped_goes_on_to_the_same_bytes_and_what_is_done_is_not_done_again(
    inside: Inside, trained: Path, back: Path, diversified: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nmt.text.lines.LINES_PER_CHUNK", 50)
    calls = 0
    whole = Translator.translate

    def translate(self: Translator, texts: list[str]) -> list[Translation]:
        nonlocal calls
        calls += 1
        if calls == 5:  # the second of the backward model's three chunks
            raise KeyboardInterrupt
        return whole(self, texts)

    monkeypatch.setattr(Translator, "translate", translate)
    done = inside("diversify", trained, back, "--to", "again")
    assert done.errors[-1] == (
        "again/backward.fr.partial: what is translated is kept; the same command goes on"
    )
    done = inside("diversify", trained, back, "--to", "again")
    assert "again/backward.fr: translated already: 50 lines" in done.errors
    assert calls == 7, "nothing twice"
    again = diversified.with_name("again")
    names = {file.name for file in diversified.iterdir()}
    assert names == {file.name for file in again.iterdir()}
    for name in names:
        assert (diversified / name).read_bytes() == (again / name).read_bytes()


def test_a_corpus_may_have_another_name_for_its_split_and_further_corpora(
    inside: Inside, folder: Path, trained: Path, back: Path, diversified: Path
) -> None:
    (folder / "other").mkdir()
    for file in (folder / "text").iterdir():
        some = file.read_text().splitlines(keepends=True)[:30]
        (folder / "other" / file.name.replace("train", "learn")).write_text("".join(some))
    settings = ("corpus.path=other", "corpus.train=learn", "corpus.also.further.path=text")
    sets = [argument for setting in settings for argument in ("--set", setting)]
    done = inside("diversify", trained, back, "--to", "some", *sets)
    assert (done.code, done.lines) == (0, ["some"])
    for name in ("forward", "backward"):
        assert pairs(folder / "some", name) == pairs(diversified, name)[:30]
    assert lines(folder / "some" / "train.fr")


def test_where_nothing_new_comes_of_it_there_is_nothing_to_learn_from(
    inside: Inside, folder: Path, trained: Path, back: Path, diversified: Path
) -> None:
    for name, language in (("forward", "en"), ("backward", "fr")):
        file = diversified / f"{name}.{language}"
        file.write_text("\n" * len(lines(file)))
    done = inside("diversify", trained, back, "--to", "more")
    assert (done.code, done.lines) == (2, [])
    assert done.errors[-1].startswith("nmt: more: no new pair came of it")


def test_where_no_test_set_is_named_that_is_said(
    inside: Inside, trained: Path, back: Path, diversified: Path
) -> None:
    done = inside("diversify", trained, back, "--to", "more", "--set", "corpus.test=")
    assert done.errors[-2].startswith("no test set is named (--set corpus.test=NAME), so its")
    done = inside("diversify", trained, back, "--to", "more")
    assert not any("no test set" in line for line in done.errors)
    assert done.errors[-1] == (
        "learn from them too:  nmt train RECIPE --set corpus.also.more.path=more --run DIR"
    )


def test_a_folder_with_something_else_is_refused(
    inside: Inside, folder: Path, trained: Path, back: Path, diversified: Path
) -> None:
    done = inside("diversify", trained, back, "--to", "more", "--temperature", "0.7")
    assert (done.code, done.errors) == (
        2,
        [
            "nmt: more: begun with backward search.temperature 0.5, now 0.7: keep to it, or name "
            "another folder"
        ],
    )
    with (folder / "text" / "train.fr").open("a") as file:
        file.write("le chien\n")
    with (folder / "text" / "train.en").open("a") as file:
        file.write("the dog\n")
    done = inside("diversify", trained, back, "--to", "more")
    assert done.errors[-1].startswith("nmt: more: begun with another corpus: keep to it")
    with (trained / "config.toml").open("a") as file:
        file.write("# as good as another model\n")
    done = inside("diversify", trained, back, "--to", "more")
    assert "begun with another corpus, another forward model: keep to it" in done.errors[-1]
    (diversified / "made-of.json").write_text("{}")
    done = inside("diversify", trained, back, "--to", "more")
    assert done.errors == ["nmt: more/made-of.json: damaged: remove more and start again"]
    done = inside("diversify", trained, back, "--to", "text")
    assert done.errors == [
        "nmt: text: there is something else in this folder (dev.en): name another"
    ]
    assert not {".lock", "made-of.json"} & {file.name for file in (folder / "text").iterdir()}
    done = inside("diversify", trained, back, "--to", "a/b")
    assert done.errors == ["nmt: a/b: there is no folder a: make it first"]
    done = inside("diversify", trained, back, "--to", "toy.toml")
    assert done.errors == ["nmt: toy.toml: this is a file: name a folder"]


def test_what_cannot_be_made_is_refused_before_anything_is_written(
    inside: Inside, folder: Path, trained: Path, back: Path
) -> None:
    for arguments, message in (
        (
            (trained, trained),
            "nmt: checkpoints/toy translates from fr to en, and checkpoints/toy from fr to en: "
            "name one that translates from en to fr",
        ),
        (
            ("fr-en", "en-fr"),
            "nmt: no corpus is named: set corpus.path to a folder with sentence pairs, or "
            "corpus.hub to a Hugging Face data set",
        ),
        (
            ("fr-en", "en-fr", "--set", "model.cell=gru"),
            "nmt: --set model.cell: a trained model keeps this as it is; only keys of search and "
            "corpus can be set here",
        ),
        (
            (trained, back, "--set", "corpus.source=en", "--set", "corpus.target=fr"),
            "nmt: checkpoints/toy translates from fr to en, and the corpus would be read from en "
            "to fr: name the models the other way round",
        ),
        (("fr-en", "nowhere"), "nmt: nowhere: "),
    ):
        done = inside("diversify", *arguments, "--to", "more")
        assert (done.code, done.lines, len(done.errors)) == (2, [], 1)
        assert done.errors[0].replace(f"{folder}/", "").startswith(message)
        assert not (folder / "more").exists()


def test_models_that_came_with_nmt_make_pairs_of_a_corpus_that_is_named(
    inside: Inside, folder: Path
) -> None:
    for language in ("fr", "en"):
        for split in ("train", "dev"):
            file = folder / "text" / f"{split}.{language}"
            file.write_text("".join(file.read_text().splitlines(keepends=True)[:5]))
    done = inside("diversify", "fr-en", "en-fr", "--to", "more", "--set", "corpus.path=text")
    assert done.code == 0, done.errors
    made_of = json.loads((folder / "more" / "made-of.json").read_bytes())
    assert made_of["searches"]["backward"]["sample"]
    assert len(lines(folder / "more" / "forward.en")) == 5


def test_a_backward_model_that_searches_in_groups_draws_all_the_same_and_each_has_a_display(
    inside: Inside, trained: Path, back: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = (back / "config.toml").read_text()
    grouped = config.replace("diversity_groups = 1", "diversity_groups = 2")
    assert grouped != config
    (back / "config.toml").write_text(grouped.replace("n_best = 1", "n_best = 2"))
    shown: list[LineDisplay] = []
    monkeypatch.setattr(
        "nmt.progress.make_display", lambda is_terminal: shown.append(LineDisplay()) or shown[-1]
    )
    done = inside("diversify", trained, back, "--to", "more x")
    assert (done.code, done.lines) == (0, ["more x"])
    assert len(shown) == 2, "one for each model, whose time begins at 0"
    assert "nmt train RECIPE --set 'corpus.also.more.path=more x' --run DIR" in done.errors[-1]


def test_a_backward_model_that_is_damaged_is_noticed_before_the_forward_one_works(
    inside: Inside, folder: Path, trained: Path, back: Path
) -> None:
    (back / "joint.model").write_bytes(b"")
    done = inside("diversify", trained, back, "--to", "more")
    assert (done.code, done.lines) == (2, [])
    assert "joint.model" in done.errors[-1]
    assert not (folder / "more").exists()
