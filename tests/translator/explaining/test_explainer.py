"""What an explanation says, against the translation, the scorer and the model itself."""

import json

import numpy as np
import pytest
import torch

from nmt.config import SearchConfig
from nmt.errors import SearchError
from nmt.model.seq2seq import build
from nmt.model.weights import load_weights
from nmt.runs.directory import RunDirectory
from nmt.text.tokenizer import BOS, EOS, Tokenizer
from nmt.translator.explaining import Explanation, SentenceExplanation
from nmt.translator.translator import Translator

TEXT = "le petit chat mange dans la maison rouge."


def sentence_of(explanation: Explanation) -> SentenceExplanation:
    (sentence,) = explanation.sentences
    return sentence


@pytest.mark.parametrize("name", ["translator", "exported", "blind"])
@pytest.mark.parametrize("beam", [1, 4])
def test_an_explanation_is_of_the_translation_and_its_score(
    request: pytest.FixtureRequest, name: str, beam: int
) -> None:
    translator: Translator = request.getfixturevalue(name)
    options = translator.options.model_copy(update={"beam": beam})
    explanation = translator.explain(TEXT, options)
    (translation,) = translator.translate([TEXT], options, align=True)
    best, found = translation.hypotheses[0], sentence_of(explanation)
    assert explanation.target == found.target == best.text
    assert (found.score, found.log_probability) == (best.score, best.log_probability)
    assert found.source_pieces == translation.source_pieces
    assert tuple(step.piece for step in found.steps) == best.pieces
    # by another way: the scorer reads the translation that it is given
    (scored,) = translator.score([TEXT], [best.text], options)
    if scored.pieces == best.pieces:
        likely = [np.log(step.probability) for step in found.steps]
        np.testing.assert_allclose(likely, scored.log_probabilities, atol=1e-5)
    product = np.sum(np.log([step.probability for step in found.steps]))
    assert product == pytest.approx(best.log_probability, abs=1e-4)
    if name == "blind":
        assert not found.has_attention
        assert {step.attention for step in found.steps} == {None}
        assert {word.source for word in found.words} == {None}
    else:
        assert best.attention is not None and best.alignment is not None
        looks = [step.attention for step in found.steps]
        np.testing.assert_array_equal(np.array(looks, np.float32), best.attention)
        shares = [word.source for word in found.words]
        np.testing.assert_allclose(np.array(shares), best.alignment.shares, atol=1e-6)
        assert max(map(sum, np.array(shares))) <= 1 + 1e-5


def test_words_hold_their_subwords_and_the_product_of_their_probabilities(
    translator: Translator,
) -> None:
    found = sentence_of(translator.explain(TEXT))
    bounds = [(word.first_step, word.end_step) for word in found.words]
    assert bounds[0][0] == 0
    assert [end for _, end in bounds[:-1]] == [first for first, _ in bounds[1:]]
    for word in found.words:
        product = 1.0
        spelling = ""
        for step in found.steps[word.first_step : word.end_step]:
            product *= step.probability
            spelling += step.piece
        assert word.probability == pytest.approx(product)
        assert spelling.replace("▁", "").startswith(word.text[:1])


def test_runners_up_and_memory_are_those_of_the_model_read_in_one_go(
    run: RunDirectory, translator: Translator, exported: Translator
) -> None:
    config = run.config()
    tokenizer = Tokenizer.load(run.joint_model)
    model = build(config.model, 320, 320)
    load_weights(model, run.model_file)
    model.eval()
    source = torch.tensor([[*tokenizer.encode(TEXT), EOS]])
    lengths = torch.tensor([source.shape[1]])
    for translate in (translator, exported):
        found = sentence_of(translate.explain(TEXT, runners_up=6))
        pieces = tokenizer.pieces(range(320))
        written = [pieces.index(step.piece) for step in found.steps]
        with torch.inference_mode():
            read = torch.tensor([[BOS, *written[:-1]]])
            logits = model.vocabulary(model(source, lengths, read)[0])[0]
            memory = model.encode(source, lengths).states[0].numpy()
            logits[:, [0, BOS, 3]] = -torch.inf  # what is never written
        probabilities = logits.softmax(dim=1)
        for step, token, row in zip(found.steps, written, probabilities, strict=True):
            assert step.probability == pytest.approx(float(row[token]), abs=1e-4)
            order = [i for i in row.argsort(descending=True).tolist() if i != token][:6]
            expected = [float(row[i]) for i in order]
            given = [other.probability for other in step.runners_up]
            np.testing.assert_allclose(given, expected, atol=1e-4)
            assert step.piece not in [other.piece for other in step.runners_up]
        encoder = found.encoder
        shown = memory[:, list(encoder.dimensions)]
        np.testing.assert_allclose(encoder.values, shown, atol=1e-3)
        np.testing.assert_allclose(encoder.lengths, np.sqrt((memory**2).sum(axis=1)), atol=1e-2)
        left_out = np.delete(memory, encoder.dimensions, axis=1)
        assert shown.var(axis=0).min() >= left_out.var(axis=0).max() - 1e-6
        assert encoder.size == 32


def test_every_row_of_the_beam_has_one_fate(translator: Translator) -> None:
    found = sentence_of(translator.explain(TEXT, SearchConfig(beam=4, max_length_factor=1.0)))
    let_go = [(each.step, each.text, each.fate) for each in found.dropped]
    seen = [
        (step, row.text, row.fate)
        for step, rows in enumerate(found.beam, 1)
        for row in rows
        if row.fate != "goes on" and not (row.is_best and row.fate in ("ended", "cut off"))
    ]
    assert sorted(let_go) == sorted(seen)
    best = [row for rows in found.beam for row in rows if row.is_best]
    assert [row.piece for row in best] == [step.piece for step in found.steps]
    assert best[-1].text == found.target
    assert best[-1].log_probability == pytest.approx(found.log_probability, abs=1e-5)
    finished = [each for each in found.dropped if each.fate == "ended"]
    assert finished, "the test means nothing if nothing was finished but the best"
    assert all(each.score <= found.score for each in finished)


def test_what_is_cut_off_at_the_length_limit_is_explained_too(translator: Translator) -> None:
    short = SearchConfig(beam=2, max_length_factor=0.2, max_length_extra=1, robust=False)
    found = sentence_of(translator.explain("le " * 7 + "le", short))
    (translation,) = translator.translate(["le " * 7 + "le"], short)
    assert found.target == translation.text
    if not translation.hypotheses[0].is_complete:
        assert found.beam[-1][0].fate == "cut off" and found.beam[-1][0].is_best


def test_sentences_are_explained_one_by_one_and_nothing_needs_no_explanation(
    translator: Translator,
) -> None:
    text = "Il mange bien. Elle dort sur le chien."
    explanation = translator.explain(text)
    assert [sentence.source for sentence in explanation.sentences] == [
        "Il mange bien.",
        "Elle dort sur le chien.",
    ]
    assert explanation.target == translator.translate([text])[0].text
    assert translator.explain(" ") == Explanation(" ", " ", ())
    with pytest.raises(SearchError):
        translator.explain("a\0")


def test_an_explanation_is_plain_values_for_json(exported: Translator) -> None:
    data = json.loads(json.dumps(exported.explain(TEXT).as_dict(), allow_nan=False))
    (sentence,) = data["sentences"]
    assert data["target"] == sentence["target"]
    assert len(sentence["beam"]) >= len(sentence["steps"])
    assert set(sentence["beam"][0][0]) == {
        "parent", "piece", "text", "log_probability", "fate", "is_best",
    }  # fmt: skip
