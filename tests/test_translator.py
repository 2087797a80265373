"""Text in, text out, with a small model of random weights."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from nmt.config import RunConfig, SearchConfig, override
from nmt.corpus.text import normalise
from nmt.corpus.tokenizer import EOS, Tokenizer, train_tokenizer
from nmt.errors import RunError, SearchError
from nmt.model.seq2seq import build
from nmt.model.weights import named_weights, weights_bytes
from nmt.run import RunDirectory, write_atomically
from nmt.splitting import split_text
from nmt.translator import Translation, Translator

WORDS = "le la chat chien mange dort bien grand petit rouge dans sur maison rue avec sans il elle"
MAX_TOKENS = 30


def sentences(count: int) -> list[str]:
    random = np.random.default_rng(4)
    words = WORDS.split()
    return [" ".join(random.choice(words, random.integers(1, 9))) + "." for _ in range(count)]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    config = override(
        RunConfig(),
        [
            "tokenizer.vocabulary_size=320",
            "model.hidden_size=16",
            "model.embedding_size=8",
            "model.initial_range=2.0",
            f"training.max_tokens={MAX_TOKENS}",
            "search.beam=3",
        ],
    )
    run = RunDirectory.create(tmp_path_factory.mktemp("runs") / "small", config)
    train_tokenizer(sentences(200), config.tokenizer, run.joint_model)
    model = build(config.model, 320, 320, seed=6)
    with torch.no_grad():  # whole words rather than single bytes, and an end now and then
        model.vocabulary.bias[4:260] -= 20.0
        model.vocabulary.bias[EOS] += 2.0
    write_atomically(run.model_file, weights_bytes(named_weights(model)))
    return run


@pytest.fixture(scope="module")
def translator(run: RunDirectory) -> Translator:
    return Translator.load(run)


@pytest.fixture(scope="module")
def tokenizer(run: RunDirectory) -> Tokenizer:
    return Tokenizer.load(run.joint_model)


def texts(translations: list[Translation]) -> list[str]:
    return [translation.text for translation in translations]


@pytest.mark.parametrize(
    "options",
    [
        SearchConfig(beam=1, max_length_factor=1.0),
        SearchConfig(beam=5, max_length_factor=1.0),
        SearchConfig(sample=True, max_length_factor=1.0),
    ],
    ids=["greedy", "beam", "sample"],
)
def test_a_translation_does_not_depend_on_its_neighbours(
    translator: Translator, options: SearchConfig
) -> None:
    sources = sentences(64)
    alone = [translator.translate([source], options)[0] for source in sources]
    assert len(set(texts(alone))) > 20, "the test means nothing if all translations are alike"
    for size in (7, 64):
        for start in range(0, 64, size):
            group = slice(start, start + size)
            together = translator.translate(sources[group], options)
            assert texts(together) == texts(alone[group])
            for mine, other in zip(together, alone[group], strict=True):
                score = pytest.approx(other.hypotheses[0].score, abs=1e-5)
                assert mine.hypotheses[0].score == score


def test_the_options_are_the_runs_unless_others_are_given(run: RunDirectory) -> None:
    assert Translator.load(run).options.beam == 3
    greedy = SearchConfig(beam=1)
    assert Translator.load(run, greedy).options == greedy
    sources = sentences(20)
    assert texts(Translator.load(run).translate(sources, greedy)) == texts(
        Translator.load(run, greedy).translate(sources)
    )


def test_translations_come_in_the_order_of_the_texts(translator: Translator) -> None:
    sources = sentences(40)
    expected = dict(zip(sources, texts(translator.translate(sources)), strict=True))
    backwards = translator.translate(sources[::-1])
    assert [t.source for t in backwards] == sources[::-1]
    assert texts(backwards) == [expected[source] for source in sources[::-1]]


def test_an_empty_text_has_an_empty_translation(translator: Translator) -> None:
    found = translator.translate(["", "le chat.", " \t\u2028 ", "il dort."])
    assert [bool(text) for text in texts(found)] == [False, True, False, True]
    assert found[2].as_dict()["hypotheses"] == [
        {
            "text": "",
            "score": 0.0,
            "log_probability": 0.0,
            "is_complete": True,
            "tokens": [],
            "attention": None,
            "alignment": [],
        }
    ]
    assert translator.translate([]) == []


def test_a_text_is_normalised_as_in_training(translator: Translator) -> None:
    plain, odd = translator.translate(
        ["il dort à la maison.", " il\tdort  a\u0300\u2028la maison.\n"]
    )
    assert plain.text == odd.text
    assert plain.source_pieces == odd.source_pieces
    assert odd.source == " il\tdort  a\u0300\u2028la maison.\n"


def test_the_stream_gives_what_translating_at_once_gives(translator: Translator) -> None:
    sources = [*sentences(10), "", *sentences(13)]
    streamed = list(translator.stream(iter(sources), lines_per_chunk=5))
    assert texts(streamed) == texts(translator.translate(sources))


def test_the_stream_reads_no_more_than_it_needs(translator: Translator) -> None:
    read = 0

    def endless() -> Iterator[str]:
        nonlocal read
        while True:
            read += 1
            yield "le chat dort."

    stream = translator.stream(endless(), lines_per_chunk=4)
    for _ in range(6):
        next(stream)
    assert read == 8


def test_json_names_every_piece_and_where_it_looked(translator: Translator) -> None:
    options = SearchConfig(beam=4, n_best=4)
    (translation,) = translator.translate(["le chat mange."], options)
    data = json.loads(json.dumps(translation.as_dict()))
    assert data["source"] == "le chat mange."
    assert data["source_tokens"][-1] == "</s>"
    assert "".join(data["source_tokens"][:-1]).replace("▁", " ").strip() == "le chat mange."
    assert len(data["hypotheses"]) == 4
    assert data["hypotheses"][0]["text"] == translation.text
    scores = [h["score"] for h in data["hypotheses"] if h["is_complete"]]
    assert scores == sorted(scores, reverse=True)
    for hypothesis in data["hypotheses"]:
        assert (hypothesis["tokens"][-1] == "</s>") == hypothesis["is_complete"]
        attention = np.array(hypothesis["attention"])
        assert attention.shape == (len(hypothesis["tokens"]), len(data["source_tokens"]))
        np.testing.assert_allclose(attention.sum(axis=1), 1.0, atol=1e-3)
        length = len(hypothesis["tokens"])
        assert hypothesis["score"] == pytest.approx(hypothesis["log_probability"] / length)


@pytest.mark.parametrize(
    ("text", "complaint"), [("le\0chat", "NUL"), ("le \ud800 chat", "surrogate .character 4.")]
)
def test_what_is_not_text_is_refused(translator: Translator, text: str, complaint: str) -> None:
    with pytest.raises(SearchError, match=complaint) as error:
        translator.translate(["il dort.", text])
    assert "\n" not in str(error.value)
    str(error.value).encode()


def test_a_page_is_translated_sentence_by_sentence(translator: Translator) -> None:
    # The third is itself longer than the model may read.
    page = ["Le chat mange.", "Il dort !", "Elle mange, " + "le grand chien, " * 20 + "bien."]
    (whole,) = translator.translate([" ".join(page)])
    first, second = translator.translate(page[:2])
    assert whole.text.startswith(f"{first.text} {second.text} ")
    best = whole.hypotheses[0]
    assert len(best.pieces) > len(first.hypotheses[0].pieces + second.hypotheses[0].pieces)
    assert best.attention is None
    assert best.score == pytest.approx(best.log_probability / len(best.pieces))


def test_a_text_that_is_just_short_enough_is_left_in_one_piece(
    translator: Translator, tokenizer: Tokenizer
) -> None:
    text = "Il dort. Elle mange."
    text += " le" * (MAX_TOKENS - len(tokenizer.encode(text)))
    assert len(tokenizer.encode(text)) == MAX_TOKENS
    fits, too_long = translator.translate([text, text + " le"])
    assert fits.source_pieces.count("</s>") == 1
    assert too_long.source_pieces.count("</s>") == 2


def test_sentences_are_cut_where_a_reader_would(tokenizer: Tokenizer) -> None:
    text = (
        "Il a dit : « Bonjour. » Elle dort ! (Le chat mange.) Que fait M. le chien ? "
        "我们走吧。好\uff01"
    )
    assert split_text(text, tokenizer, 38) == [
        "Il a dit : « Bonjour. »",
        "Elle dort !",
        "(Le chat mange.)",
        "Que fait M. le chien ?",
        "我们走吧。",
        "好\uff01",
    ]


def test_a_long_sentence_is_cut_at_its_commas(tokenizer: Tokenizer) -> None:
    clause = "le chat mange, le chien dort,"
    room = len(tokenizer.encode(clause))
    assert split_text(" ".join([clause] * 6), tokenizer, room) == [clause] * 6


@settings(max_examples=50, deadline=None)
@given(
    text=st.lists(
        st.one_of(
            st.sampled_from([*WORDS.split(), ".", ", ", "! ", "。", "\uff0c"]), st.text(max_size=9)
        ),
        max_size=60,
    ).map(" ".join),
    max_tokens=st.integers(1, 40),
)
def test_no_part_is_too_long_and_nothing_is_lost(
    text: str, max_tokens: int, tokenizer: Tokenizer
) -> None:
    text = normalise(text)
    parts = split_text(text, tokenizer, max_tokens)
    assert "".join(parts).replace(" ", "") == text.replace(" ", "")
    for part in parts:
        assert part.strip()
        assert len(part) == 1 or len(tokenizer.encode(part)) <= max_tokens


@pytest.mark.parametrize("unit", ["a", "🙂", "le chat mange. ", "我", ", ", "e\u0301\u0302"])
def test_a_pasted_page_of_anything_is_translated(translator: Translator, unit: str) -> None:
    options = SearchConfig(beam=1, max_length_factor=1.0)
    (translation,) = translator.translate([unit * 400], options)
    assert 0 < len(translation.text) < 20_000


def test_a_damaged_model_is_refused(run: RunDirectory, tmp_path: Path) -> None:
    copy = RunDirectory(tmp_path / "copy")
    copy.path.mkdir()
    for file in (run.config_file, run.joint_model, run.model_file):
        (copy.path / file.name).write_bytes(file.read_bytes())
    assert Translator.load(copy).translate(["le chat."])[0].text

    whole = run.model_file.read_bytes()
    for damaged in (b"", whole[: len(whole) // 2], b"\xff" * 100):
        copy.model_file.write_bytes(damaged)
        with pytest.raises(RunError, match=r"model\.safetensors"):
            Translator.load(copy)

    save_file({"weight": np.zeros((2, 2), dtype=np.float32)}, copy.model_file)
    with pytest.raises(RunError, match=r"model\.safetensors.*config\.toml"):
        Translator.load(copy)
