"""Text in, text out, with a small model of random weights."""

import html
import json
import math
import os
import pickle
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

import nmt
import nmt.bulk
from nmt.config import RunConfig, SearchConfig, override, to_toml
from nmt.errors import RunError, SearchError
from nmt.export.run import export_run
from nmt.export.shortlist import learn_lexicon
from nmt.files import write_atomically
from nmt.model.seq2seq import build
from nmt.model.weights import named_weights, weights_bytes
from nmt.runs.directory import RunDirectory
from nmt.runs.starting import create_run
from nmt.search.constraints import Automaton, Constraints
from nmt.text.normalise import normalise
from nmt.text.sentences import begin_words, split_text
from nmt.text.tokenizer import EOS, Tokenizer, train_tokenizer
from nmt.translator.glossary import Glossary
from nmt.translator.translator import TextConstraints, Translation, Translator

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
            "search.robust=false",  # of random weights no translation is any good
        ],
    )
    run = create_run(tmp_path_factory.mktemp("runs") / "small", config)
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
    assert [bool(text.strip()) for text in texts(found)] == [False, True, False, True]
    assert found[2].as_dict()["hypotheses"] == [
        {
            "text": " \t\u2028 ",
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
    assert odd.text == f" {plain.text}\n"
    assert plain.source_pieces == odd.source_pieces
    assert odd.source == " il\tdort  a\u0300\u2028la maison.\n"


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


@pytest.mark.parametrize(
    "penalty", [{"repetition_penalty": 1.5}, {"coverage_penalty": 0.3}], ids=lambda p: next(iter(p))
)
def test_the_score_of_a_page_knows_the_penalties_of_its_sentences(
    translator: Translator, penalty: dict[str, float]
) -> None:
    page = ["Le petit chien mange bien dans la rue.", "Elle dort sur le grand chat rouge !"]
    options = SearchConfig(
        beam=4, length_penalty=0.7, max_length_factor=2.0, robust=False, **penalty
    )
    repeated = TextConstraints(prefix="le le")  # of the first sentence
    (whole,) = translator.translate([" ".join(page)], options, [repeated])
    alone = translator.translate(page, options, [repeated, TextConstraints()])
    assert whole.source_pieces == sum((each.source_pieces for each in alone), ())
    parts = [each.hypotheses[0] for each in alone]
    lengths = [len(part.pieces) ** 0.7 for part in parts]
    length = sum(len(part.pieces) for part in parts) ** 0.7
    if "coverage_penalty" in penalty:  # added to the score of each
        plain = [part.log_probability / n for part, n in zip(parts, lengths, strict=True)]
        expected = sum(part.log_probability for part in parts) / length
        expected += sum(part.score - other for part, other in zip(parts, plain, strict=True))
    else:  # in what is divided by the length
        expected = sum(part.score * n for part, n in zip(parts, lengths, strict=True)) / length
    best = whole.hypotheses[0]
    assert best.score == pytest.approx(expected, abs=1e-5)
    assert best.score < best.log_probability / length - 0.01, "the test means nothing without it"


def test_a_text_that_is_just_short_enough_is_left_in_one_piece(
    translator: Translator, tokenizer: Tokenizer
) -> None:
    text = "Il dort. Elle mange."
    text += " le" * (MAX_TOKENS - len(tokenizer.encode(text)))
    assert len(tokenizer.encode(text)) == MAX_TOKENS
    options = translator.options.model_copy(update={"split_sentences": False})
    fits, too_long = translator.translate([text, text + " le"], options)
    assert fits.source_pieces.count("</s>") == 1
    assert too_long.source_pieces.count("</s>") == 2


def test_several_sentences_are_translated_one_by_one(translator: Translator) -> None:
    sentences = ["Il dort.", "Elle mange ?", "« Le chat voit. »"]
    whole = translator.translate([" ".join(sentences)])[0]
    alone = [translation.text for translation in translator.translate(sentences)]
    assert whole.text == " ".join(text for text in alone if text)
    assert whole.source_pieces.count("</s>") == 3
    # a required word could be in any of them, so the text stays in one piece
    wanted = [TextConstraints(required=("cat",))]
    (held,) = translator.translate([" ".join(sentences)], None, wanted)
    assert held.source_pieces.count("</s>") == 1
    with pytest.raises(TypeError, match=r"texts\[1\] is None: it has to be text"):
        translator.translate(["a", None])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="put it into a list"):
        translator.translate("Il dort.")


def test_sentences_are_cut_where_a_reader_would(tokenizer: Tokenizer) -> None:
    text = (
        "Il a dit : « Bonjour. » Elle dort ! (Le chat mange.) Que fait M. le chien ? "
        "Voici M. Dupont. "
        "我们走吧。好\uff01"
    )
    assert split_text(text, tokenizer, 38) == [
        "Il a dit : « Bonjour. »",
        "Elle dort !",
        "(Le chat mange.)",
        "Que fait M. le chien ?",
        "Voici M. Dupont.",
        "我们走吧。",
        "好\uff01",
    ]


def test_a_long_sentence_is_cut_at_its_commas(tokenizer: Tokenizer) -> None:
    clause = "le chat mange, le chien dort,"
    room = len(tokenizer.encode(clause))
    assert split_text(" ".join([clause] * 6), tokenizer, room) == [clause] * 6


def test_the_options_say_how_much_is_read_at_a_time(
    translator: Translator, tokenizer: Tokenizer
) -> None:
    options = SearchConfig(beam=2, split_sentences=False, robust=False)
    text = tokenizer.decode(tokenizer.encode(" ".join(sentences(20)))[: MAX_TOKENS - 2])
    parts = split_text(text, tokenizer, 8)
    assert len(parts) > 2
    [whole] = translator.translate([text], options)
    [found] = translator.translate([text], options.model_copy(update={"max_tokens": 8}))
    assert whole.source_pieces.count("</s>") == 1
    assert found.source_pieces.count("</s>") == len(parts)
    assert found.text == " ".join(filter(None, texts(translator.translate(parts, options))))


@settings(max_examples=50)
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
    begins = begin_words(text, parts)
    spaced = (" " * begins_word + part for part, begins_word in zip(parts, begins, strict=True))
    assert "".join(spaced).strip() == text
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


REQUIRED = ("rouge", "petit chat")
FORBIDDEN = tuple(WORDS.split()[:9])
SHORT = SearchConfig(beam=4, max_length_factor=1.0, robust=False)


def holds(text: str, phrase: str) -> bool:
    """Whether words stand in a text after a space or at its start, and end there."""
    return bool(re.search(rf"(?<!\S){re.escape(phrase)}(?!\w)", text))


def test_translations_are_as_the_constraints_say(translator: Translator) -> None:
    sources = sentences(12)
    wanted = [TextConstraints("elle dort", REQUIRED, FORBIDDEN[6:7])] * 12
    for found in texts(translator.translate(sources, SHORT, wanted)):
        assert found.startswith("elle dort")
        assert all(holds(found, phrase) for phrase in REQUIRED)
        assert not holds(found, FORBIDDEN[6])
    free = " ".join(texts(translator.translate(sources, SHORT)))
    assert any(holds(free, word) for word in FORBIDDEN), "the test means nothing without them"
    banned = [TextConstraints(forbidden=FORBIDDEN)] * 12
    for found in texts(translator.translate(sources, SHORT, banned)):
        assert not any(holds(found, word) for word in FORBIDDEN)


def test_the_batches_of_a_call_share_what_is_made_of_their_constraints(
    translator: Translator, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    class Counted(Automaton):
        def __init__(self, constraints: Constraints, *arrays: np.ndarray) -> None:
            super().__init__(constraints, *arrays)
            made.append(constraints)

    monkeypatch.setattr("nmt.search.constraints.Automaton", Counted)
    monkeypatch.setattr("nmt.translator.batched_search.SENTENCES_PER_BATCH", 3)
    wanted = [TextConstraints(forbidden=FORBIDDEN[:2]), TextConstraints(forbidden=FORBIDDEN[2:4])]
    translator.translate(sentences(12), SHORT, wanted * 6)
    assert len(made) == 2


def test_constraints_do_not_depend_on_neighbours_and_no_constraints_change_nothing(
    translator: Translator,
) -> None:
    sources = sentences(10)
    wanted = [TextConstraints(required=REQUIRED[i % 2 :]) for i in range(5)]
    wanted += [TextConstraints()] * 5
    together = texts(translator.translate(sources, SHORT, wanted))
    alone = [
        translator.translate([s], SHORT, [w])[0].text for s, w in zip(sources, wanted, strict=True)
    ]
    assert together == alone
    assert together[5:] == texts(translator.translate(sources[5:], SHORT))
    assert translator.translate([""], SHORT, [TextConstraints("le")])[0].text == ""
    for too_few in (wanted[1:], []):
        with pytest.raises(ValueError):
            translator.translate(sources, SHORT, too_few)


def test_a_glossary_is_honoured_in_each_part_of_a_long_text(translator: Translator) -> None:
    glossary = Glossary.of({"chien": "maison", "grand chat": "rue"})
    page = "Le chien mange bien. Il dort dans la maison. Un grand chat avec un chien. Il dort bien."
    assert len(translator.translate([page])[0].source_pieces) > MAX_TOKENS
    found, plain = translator.translate([page, "Il dort."], SHORT, glossary=glossary)
    words = found.text.split()
    assert sum(holds(word, "maison") for word in words) >= 2
    assert sum(holds(word, "rue") for word in words) >= 1
    assert plain.text == translator.translate(["Il dort."], SHORT)[0].text
    with pytest.raises(SearchError, match="too long for the model, and so translated in"):
        translator.translate([page], SHORT, [TextConstraints(required=("rue",))])


def test_every_word_is_aligned_as_its_attention_says(translator: Translator) -> None:
    for translation in translator.translate(sentences(20), SHORT, align=True):
        best = translation.hypotheses[0]
        assert best.alignment is not None and best.attention is not None
        # in plain loops
        source_words = [
            sum(piece.startswith("▁") for piece in translation.source_pieces[: i + 1]) - 1
            for i in range(len(translation.source_pieces) - 1)
        ]
        by_pair: dict[tuple[int, int], float] = {}
        is_first = True
        word = -1
        for piece, row in zip(best.pieces, best.attention, strict=True):
            if piece == "</s>":
                continue
            word += piece.startswith("▁") or is_first
            is_first = False
            for source_word, weight in zip(source_words, row, strict=False):
                pair = (source_word, word)
                by_pair[pair] = by_pair.get(pair, 0.0) + float(weight)
        expected = []
        for target in range(len(best.text.split())):
            weights = {s: w for (s, t), w in by_pair.items() if t == target}
            expected.append((max(weights, key=weights.__getitem__), target))
        if best.text and "▁ " not in " ".join(best.pieces) + " ":
            assert list(best.alignment.pairs) == expected
            assert best.as_dict()["alignment"] == [list(pair) for pair in expected]


def test_a_text_in_parts_is_aligned_with_the_numbers_of_all_its_words(
    translator: Translator,
) -> None:
    page = ["Le chat mange.", "Il dort !", "Elle mange, " + "le grand chien, " * 20 + "bien."]
    text = " ".join(page)
    (whole,) = translator.translate([text], SHORT, align=True)
    parts = translator.translate(page[:2], SHORT, align=True)
    assert whole.hypotheses[0].alignment is not None
    pairs = whole.hypotheses[0].alignment.pairs
    shift = (0, 0)
    expected = []
    for part, words in zip(parts, (3, 2), strict=True):
        assert part.hypotheses[0].alignment is not None
        expected += [(s + shift[0], t + shift[1]) for s, t in part.hypotheses[0].alignment.pairs]
        shift = (shift[0] + words, shift[1] + len(part.text.split()))
    assert list(pairs[: len(expected)]) == expected
    assert {t for _, t in pairs} == set(range(len(whole.text.split())))
    assert max(s for s, _ in pairs) < len(text.split())


def test_a_given_translation_gets_the_score_of_the_search(
    translator: Translator, tokenizer: Tokenizer
) -> None:
    options = SearchConfig(beam=4, n_best=4, length_penalty=0.7, max_length_factor=1.0)
    sources, targets, expected = [], [], []
    for translation in translator.translate(sentences(30), options):
        for hypothesis in translation.hypotheses:
            ids = tokenizer.encode(hypothesis.text)
            # not all that the model spells is spelt as the tokenizer would
            if (*tokenizer.pieces(ids), "</s>") == hypothesis.pieces:
                sources.append(translation.source)
                targets.append(hypothesis.text)
                expected.append(hypothesis)
    assert len(expected) > 10
    for pair, hypothesis in zip(translator.score(sources, targets, options), expected, strict=True):
        assert pair.score == pytest.approx(hypothesis.score, abs=1e-5)
        assert pair.log_probability == pytest.approx(hypothesis.log_probability, abs=1e-4)
        assert pair.pieces == hypothesis.pieces
        assert sum(pair.log_probabilities) == pytest.approx(pair.log_probability, abs=1e-4)


def test_scores_come_in_order_and_do_not_depend_on_neighbours(translator: Translator) -> None:
    sources, targets = [*sentences(30), "", "", "le chat."], [*sentences(31)[1:], "", "le", ""]
    together = translator.score(sources, targets)
    assert [(pair.source, pair.target) for pair in together] == list(
        zip(sources, targets, strict=True)
    )
    for pair in together:
        (alone,) = translator.score([pair.source], [pair.target])
        assert alone.log_probabilities == pytest.approx(pair.log_probabilities, abs=1e-4)
    assert (together[30].score, together[30].pieces) == (0.0, ())
    assert together[31].score < 0.0 and together[32].pieces == ("</s>",)
    assert json.loads(json.dumps(together[0].as_dict()))["tokens"] == list(together[0].pieces)
    assert translator.score([], []) == []
    with pytest.raises(ValueError):
        translator.score(["a"], [])
    with pytest.raises(SearchError, match="NUL"):
        translator.score(["a"], ["b\0"])


def test_the_end_is_an_alternative_with_the_probability_that_its_score_has(
    translator: Translator,
) -> None:
    compared = 0
    for translation in translator.translate(sentences(20), SHORT):
        source, target = translation.source, translation.text
        (pair,) = translator.score([source], [target])
        for word in translator.alternatives(source, target, 20):
            if not word.text:
                score = pytest.approx(pair.log_probabilities[-1], abs=1e-4)
                assert math.log(word.probability) == score
                compared += 1
    assert compared > 5
    assert len(translator.alternatives("le chat.", count=3)) == 3


@pytest.mark.parametrize(
    ("text", "problem"), [(" ", "is empty"), ("le chat. " * 20, "too long"), ("a\0", "NUL")]
)
def test_alternatives_are_for_one_sentence(translator: Translator, text: str, problem: str) -> None:
    with pytest.raises(SearchError, match=problem):
        translator.alternatives(text)


def another_run(run: RunDirectory, folder: Path, seed: int) -> RunDirectory:
    """A run with the same tokenizer and other weights."""
    other = RunDirectory(folder)
    folder.mkdir()
    for file in (run.config_file, run.joint_model):
        (folder / file.name).write_bytes(file.read_bytes())
    model = build(run.config().model, 320, 320, seed=seed)
    write_atomically(other.model_file, weights_bytes(named_weights(model)))
    return other


def test_an_ensemble_takes_the_mean_of_the_probabilities(run: RunDirectory, tmp_path: Path) -> None:
    other = another_run(run, tmp_path / "other", seed=9)
    sources, targets = sentences(6), sentences(12)[6:]
    each = [Translator.load(member).score(sources, targets) for member in (run, other)]
    ensemble = Translator.load_ensemble([run, other])
    for found, one, two in zip(ensemble.score(sources, targets), *each, strict=True):
        mean = np.mean(np.exp([one.log_probabilities, two.log_probabilities]), axis=0)
        np.testing.assert_allclose(np.exp(found.log_probabilities), mean, rtol=1e-4)
    twice = nmt.load(run.path, str(run.path))
    assert texts(twice.translate(sources, SHORT)) == texts(
        Translator.load(run).translate(sources, SHORT)
    )


def test_an_ensemble_needs_the_same_tokenizer(run: RunDirectory, tmp_path: Path) -> None:
    other = another_run(run, tmp_path / "other", seed=9)
    other.joint_model.unlink()
    train_tokenizer(sentences(150), run.config().tokenizer, other.joint_model)
    with pytest.raises(RunError, match=r"other has another tokenizer than .*small"):
        nmt.load(run.path, other.path)


def test_an_ensemble_needs_one_direction(run: RunDirectory, tmp_path: Path) -> None:
    other = another_run(run, tmp_path / "other", seed=9)
    back = override(run.config(), ["corpus.source=en", "corpus.target=fr"])
    other.config_file.write_text(to_toml(back))
    with pytest.raises(RunError, match=r"other translates from en to fr, and .* from fr to en"):
        nmt.load(run.path, other.path)


def test_a_target_for_each_source_is_needed(translator: Translator) -> None:
    with pytest.raises(ValueError, match="1 sources, but 2 targets"):
        translator.score(["le chat"], ["the cat", "the dog"])
    with pytest.raises(ValueError, match="2 texts, but constraints of 1"):
        translator.translate(["un", "deux"], constraints=[TextConstraints()])
    with pytest.raises(TypeError, match="list"):
        translator.translate_markup("<p>un</p>", "html")


def test_a_model_is_loaded_by_its_folder_the_environment_or_as_the_last(
    run: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = sentences(3)
    expected = texts(Translator.load(run).translate(sources, SHORT))
    other = another_run(run, tmp_path / "other", seed=9)
    assert texts(nmt.load(run.path, options=SHORT).translate(sources)) == expected
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("nmt.runs.finding._PACKAGE", tmp_path)
    with pytest.raises(RunError, match="no trained model under checkpoints/"):
        nmt.load()
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "last").symlink_to(run.path)
    assert texts(nmt.load(options=SHORT).translate(sources)) == expected
    assert texts(nmt.load(to="en", from_="fr", options=SHORT).translate(sources)) == expected
    with pytest.raises(RunError, match="no model translates to fr"):
        nmt.load(to="fr")
    monkeypatch.setenv("NMT_MODEL", str(other.path))
    assert texts(nmt.load(options=SHORT).translate(sources)) != expected
    monkeypatch.setenv("NMT_MODEL", os.pathsep.join([str(run.path), str(run.path)]))
    assert texts(nmt.load(options=SHORT).translate(sources)) == expected


def test_markup_is_translated_with_its_tags(translator: Translator) -> None:
    page = "<p>Le <b>chat</b> mange.</p><p>Il <i>dort</i> !</p>"
    [found] = translator.translate_markup([page], "xml", SHORT, forbidden=("le",))
    assert re.sub(r"[^<>]*(<[^<>]*>)[^<>]*", r"\1", found) == "<p><b></b></p><p><i></i></p>"
    plain = translator.translate(
        ["Le chat mange.", "Il dort !"], SHORT, [TextConstraints(forbidden=("le",))] * 2
    )
    stripped = [re.sub(r"<[^<>]*>", "", part) for part in found.split("</p><p>")]
    assert [html.unescape(part) for part in stripped] == texts(plain)


@pytest.fixture(scope="module")
def exported(run: RunDirectory, tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """The run as a folder to deploy, int8 with a shortlist of what its sentences are made of."""
    copy = run.copy_to(tmp_path_factory.mktemp("runs") / "exported")
    tokenizer = Tokenizer.load(run.joint_model)
    ids = [np.array(ids) for ids in tokenizer.encode_batch(sentences(50))]
    lexicon = learn_lexicon(ids, ids[::-1], (320, 320), is_joint=False)
    few = replace(lexicon, translations=lexicon.translations[:, :4], common=lexicon.common[:20])
    export_run(run, copy, run.config(), few)
    return copy


@pytest.mark.parametrize("shortlist", [True, False])
def test_an_exported_model_translates_a_text_alike_whatever_is_beside_it(
    exported: RunDirectory, shortlist: bool
) -> None:
    translator = Translator.load(exported)
    options = SearchConfig(beam=4, max_length_factor=1.0, shortlist=shortlist, robust=False)
    sources = sentences(40)
    alone = [translator.translate([source], options)[0] for source in sources]
    assert len(set(texts(alone))) > 15, "the test means nothing if all translations are alike"
    order = np.random.default_rng(1).permutation(40)
    for size in (7, 40):
        for rows in np.split(order, range(size, 40, size)):
            together = translator.translate([sources[row] for row in rows], options)
            for row, found in zip(rows, together, strict=True):
                assert found.text == alone[row].text
                score = pytest.approx(alone[row].hypotheses[0].score, abs=1e-4)
                assert found.hypotheses[0].score == score


def test_the_shortlist_of_an_exported_model_can_be_left_unused(exported: RunDirectory) -> None:
    translator = Translator.load(exported)
    pieces = {}
    for shortlist in (True, False):
        options = SearchConfig(beam=2, max_length_factor=1.0, shortlist=shortlist, robust=False)
        found = translator.translate(sentences(20), options)
        pieces[shortlist] = {piece for t in found for piece in t.hypotheses[0].pieces}
    assert len(pieces[True]) < len(pieces[False])


def test_threads_change_nothing(exported: RunDirectory) -> None:
    sources = sentences(64)
    one, three = (Translator.load(exported, threads=n).translate(sources) for n in (1, 3))
    for alone, found in zip(one, three, strict=True):
        assert alone.text == found.text
        score = pytest.approx(found.hypotheses[0].score, abs=1e-4)
        assert alone.hypotheses[0].score == score


def test_a_model_has_the_threads_that_are_asked_for_or_one_for_each_core(
    exported: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    pools: list[int] = []

    class Pool(ThreadPoolExecutor):
        def __init__(self, threads: int) -> None:
            pools.append(threads)
            super().__init__(threads)

    monkeypatch.setattr("concurrent.futures.ThreadPoolExecutor", Pool)
    monkeypatch.setattr("nmt.translator.loading.cores", lambda: 4)
    for threads in (1, 2, None):
        nmt.load(exported.path, threads=threads).translate(sentences(64))
        nmt.load(exported.path, exported.path, threads=threads).translate(sentences(64))
    assert pools == [2, 2, 4, 4]


def test_an_export_with_another_tokenizer_is_refused(
    exported: RunDirectory, tmp_path: Path
) -> None:
    copy = RunDirectory(tmp_path / "copy")
    shutil.copytree(exported.path, copy.path)
    copy.joint_model.unlink()
    config = override(exported.config(), ["tokenizer.vocabulary_size=310"])
    train_tokenizer(sentences(200), config.tokenizer, copy.joint_model)
    with pytest.raises(RunError, match="export: the export of another run: it was made for other"):
        Translator.load(copy)


def test_a_translator_is_pickled_by_the_folder_of_its_model(
    exported: RunDirectory, translator: Translator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(exported.path.parent)
    pickled = pickle.dumps(nmt.load(exported.path.name, options=SHORT, threads=1))
    monkeypatch.chdir("/")
    assert len(pickled) < 2_000, "the place of the model, not its weights"
    found = pickle.loads(pickled).translate(sentences(5))
    assert texts(found) == texts(Translator.load(exported, SHORT).translate(sentences(5)))
    without_folder = Translator(replace(translator._model, runs=()), SHORT)
    with pytest.raises(RunError, match="not loaded from a folder"):
        pickle.dumps(without_folder)


def test_the_public_names_of_the_package_are_those_of_its_rooms() -> None:
    assert nmt.Translator is Translator
    assert nmt.SearchConfig is SearchConfig
    assert (nmt.Glossary, nmt.TextConstraints) == (Glossary, TextConstraints)
    assert nmt.BatchTranslator is nmt.bulk.BatchTranslator
    with pytest.raises(AttributeError, match="has no attribute 'Beam'"):
        nmt.Beam  # noqa: B018


def test_the_line_breaks_of_a_text_are_kept(translator: Translator) -> None:
    first, second, third = texts(translator.translate(["Il dort.", "Elle mange !", "Le chat."]))
    assert min(map(len, (first, second, third))) > 0
    text = "  Il dort.  Elle mange !\r\n\r\n\tLe chat.\n"
    [found] = translator.translate([text])
    assert found.text == f"  {first}  {second}\r\n\r\n\t{third}\n"
    assert [text[s.start :][: len(s.text)] for s in found.sentences] == [
        "Il dort.",
        "Elle mange !",
        "Le chat.",
    ]


def test_sentences_of_a_language_without_spaces_are_joined_without(
    translator: Translator,
) -> None:
    chinese = Translator(replace(translator._model, languages=("fr", "zh")), translator.options)
    first, second = texts(chinese.translate(["Il dort.", "Elle mange !"]))
    [found] = chinese.translate(["Il dort. Elle mange !\nIl dort."])
    assert found.text == f"{first}{second}\n{first}"
