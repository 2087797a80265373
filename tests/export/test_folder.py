"""The files of an exported model: whole, of this version, of this run, and without pickle."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from nmt.config import ModelConfig, SearchConfig
from nmt.errors import RunError
from nmt.export.folder import FORMAT, exported_files, load_lexicon, load_stepper
from nmt.export.shortlist import Lexicon
from nmt.files import replace_folder
from nmt.search import search
from tests.export.models import (
    EOS,
    PAD,
    SIZES,
    VOCABULARY,
    exported,
    onnx_stepper,
    random_model,
    random_sources,
)
from tests.search.scripted import batch

BOTH = ("one", "other")
MODEL = random_model(ModelConfig(**SIZES, encoder_layers=2, decoder_layers=2))
FILES = {"settings.json", "encoder.onnx", "step.onnx", "source_embeddings.npy"}
SHORTLIST = {"translations.npy", "common.npy", "remainder.npy"}


def lexicon() -> Lexicon:
    random = np.random.default_rng(4)
    translations = random.integers(4, VOCABULARY, (VOCABULARY, 5)).astype(np.uint16)
    translations[PAD] = EOS
    remainder = random.normal(size=SIZES["hidden_size"] + 1).astype(np.float32)
    common = np.array([5, 6, 7], np.uint16)
    return Lexicon(translations, common, VOCABULARY, True, remainder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An export, int8 with a shortlist."""
    folder = tmp_path / "export"
    replace_folder(folder, exported_files(exported(MODEL, "int8"), "int8", lexicon(), BOTH))
    return folder


def rewrite(folder: Path, **files: bytes | None) -> None:
    """Put other files there (None for none at all), with a manifest that agrees."""
    kept = {file.name: file.read_bytes() for file in folder.iterdir()}
    del kept["manifest.json"]
    changed = {name.replace("__", "."): content for name, content in files.items()}
    merged = {**kept, **changed}
    replace_folder(folder, {name: data for name, data in merged.items() if data is not None})


@pytest.mark.parametrize("precision", ["int8", "fp32"])
@pytest.mark.parametrize("shortlist", [lexicon(), None], ids=["shortlist", "no shortlist"])
def test_what_is_loaded_translates_as_what_was_exported(
    precision: str, shortlist: Lexicon | None, tmp_path: Path
) -> None:
    folder = tmp_path / "export"
    files = exported_files(exported(MODEL, precision), precision, shortlist, BOTH)
    assert files.keys() == FILES | (SHORTLIST if shortlist else set())
    replace_folder(folder, files)
    stepper, sources = load_stepper(folder, BOTH), batch(random_sources([5, 0, 9]))
    options = SearchConfig(beam=3, n_best=3)
    for used, expected in (
        (stepper, onnx_stepper(MODEL, precision, shortlist)),
        (stepper.without_shortlist(), onnx_stepper(MODEL, precision)),
    ):
        found = search(used, *sources, options)
        theirs = search(expected, *sources, options)
        assert [[(h.tokens, h.score) for h in ranked] for ranked in found] == [
            [(h.tokens, h.score) for h in ranked] for ranked in theirs
        ]


def test_embeddings_that_are_not_shared_are_two_files(tmp_path: Path) -> None:
    model = random_model(ModelConfig(**SIZES, shared_embeddings=False))
    files = exported_files(exported(model, "int8"), "int8", None, BOTH)
    assert files.keys() == FILES | {"target_embeddings.npy"}
    replace_folder(tmp_path / "export", files)
    sources = batch(random_sources([5, 0, 9]))
    loaded = load_stepper(tmp_path / "export", BOTH)
    found = search(loaded, *sources, SearchConfig())
    expected = search(onnx_stepper(model, "int8"), *sources, SearchConfig())
    assert [r[0].tokens for r in found] == [r[0].tokens for r in expected]


def test_int8_is_smaller_than_fp32() -> None:
    # large enough that it is the weights that count
    config = ModelConfig(hidden_size=256, embedding_size=128)
    model = random_model(config)
    sizes = {
        precision: sum(
            map(len, exported_files(exported(model, precision), precision, None, BOTH).values())
        )
        for precision in ("int8", "fp32")
    }
    assert sizes["int8"] < 0.3 * sizes["fp32"]


def test_a_lexicon_comes_back_as_it_was(folder: Path) -> None:
    loaded, expected = load_lexicon(folder), lexicon()
    assert loaded is not None
    np.testing.assert_array_equal(loaded.translations, expected.translations)
    np.testing.assert_array_equal(loaded.common, expected.common)
    np.testing.assert_array_equal(loaded.remainder, expected.remainder)
    assert (loaded.vocabulary_size, loaded.is_joint) == (VOCABULARY, True)
    rewrite(folder, translations__npy=None, common__npy=None)
    assert load_lexicon(folder) is None


@pytest.mark.parametrize("name", [*sorted(FILES | SHORTLIST), "manifest.json"])
def test_a_file_that_is_missing_or_damaged_is_named(folder: Path, name: str) -> None:
    file = folder / name
    content = file.read_bytes()
    for damaged in (content[:-1], b"\0" + content[1:], None):
        if damaged is None:
            file.unlink()
        else:
            file.write_bytes(damaged)
        for load in (lambda: load_stepper(folder, BOTH), lambda: load_lexicon(folder)):
            with pytest.raises(RunError, match=name) as error:
                load()
            assert "\n" not in str(error.value)


def test_there_is_no_export_where_there_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="export: there is no such folder"):
        load_stepper(tmp_path / "export", BOTH)


@pytest.mark.parametrize("settings", [{"format": 99}, {}, None], ids=["newer", "older", "none"])
def test_an_export_of_another_version_is_refused(folder: Path, settings: object) -> None:
    content = None if settings is None else json.dumps(settings).encode()
    rewrite(folder, settings__json=content)
    with pytest.raises(RunError, match=r"settings\.json: an export of another .* `nmt export`"):
        load_stepper(folder, BOTH)


@pytest.mark.parametrize("tokenizers", [("another", "other"), ("one", "another")])
def test_the_export_of_another_run_is_refused(folder: Path, tokenizers: tuple[str, str]) -> None:
    with pytest.raises(RunError, match="export: the export of another run: it was made for other"):
        load_stepper(folder, tokenizers)


def test_what_is_no_graph_is_refused_by_its_name(folder: Path) -> None:
    rewrite(folder, step__onnx=b"no graph")
    with pytest.raises(RunError, match=r"step\.onnx: this is no graph that nmt wrote"):
        load_stepper(folder, BOTH)


@pytest.mark.parametrize(
    ("file", "other", "problem"),
    [
        ("encoder.onnx", "step.onnx", "encoder.onnx: this is another graph, it has no lengths"),
        ("step.onnx", "encoder.onnx", "step.onnx: this is another graph, it has no shape"),
        ("source_embeddings.npy", "translations.npy", "encoder.onnx: it reads other embeddings"),
        (
            "source_embeddings.npy",
            "common.npy",
            "source_embeddings.npy: this is an array of another",
        ),
    ],
)
def test_files_in_each_others_place_are_refused(
    folder: Path, file: str, other: str, problem: str
) -> None:
    rewrite(folder, **{file.replace(".", "__"): (folder / other).read_bytes()})
    with pytest.raises(RunError, match=problem.replace(".", r"\.")):
        load_stepper(folder, BOTH)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"xx", "settings.json: this is no JSON"),
        (b"[]", "settings.json: an export of another version"),
        (json.dumps({"format": FORMAT}).encode(), "settings.json: tokenizers is missing"),
    ],
)
def test_settings_that_are_none_are_refused(folder: Path, content: bytes, problem: str) -> None:
    rewrite(folder, settings__json=content)
    with pytest.raises(RunError, match=problem.replace(".", r"\.")):
        load_stepper(folder, BOTH)


class Burglar:
    """Opens the door when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (Path("burgled"),)


@pytest.mark.parametrize("is_array", [True, False])
def test_nothing_is_unpickled(
    folder: Path, tmp_path: Path, is_array: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if is_array:
        np.save(tmp_path / "bad.npy", np.array([Burglar()], object), allow_pickle=True)
    else:
        (tmp_path / "bad.npy").write_bytes(pickle.dumps(Burglar()))
    rewrite(folder, source_embeddings__npy=(tmp_path / "bad.npy").read_bytes())
    with pytest.raises(RunError, match=r"source_embeddings\.npy: this is no array"):
        load_stepper(folder, BOTH)
    assert not (tmp_path / "burgled").exists()
