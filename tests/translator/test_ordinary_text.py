"""Text as people write it: by models that do as a script says, and by those that come with nmt."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from nmt.config import SearchConfig, TokenizerConfig
from nmt.errors import PictureError
from nmt.runs.directory import RunDirectory
from nmt.runs.finding import shipped_models
from nmt.search import Candidates, Distribution
from nmt.search.repetition import has_loop
from nmt.text.normalise import normalise
from nmt.text.sentences import sentences_of
from nmt.text.tokenizer import EOS, Tokenizer, Tokenizers, train_tokenizer
from nmt.translator.glossary import Glossary
from nmt.translator.loading import LoadedModel
from nmt.translator.protected import ADDRESS, MAY_BE_ADDRESS, lost_numbers
from nmt.translator.translator import TextConstraints, Translator
from nmt.visualization import subword_grid, word_grid
from nmt.visualization.explanation_page import to_page
from nmt.visualization.explanation_text import as_text
from nmt.visualization.html import escaped
from tests.translator.test_protected import ALPHABET, FRENCH

DATA = Path(__file__).parents[1] / "data"
RARE = -9.0
OPTIONS = SearchConfig(beam=3)


@dataclass(frozen=True)
class State:
    """The sources of the sentences, and how many tokens their rows have."""

    sources: np.ndarray
    step: int


Script = Callable[[Sequence[int], int], Sequence[int]]
"""The next token of a sentence at a step, and what else may come, likeliest first."""


@dataclass
class Scripted:
    """A model that goes by a script, and looks where it is."""

    vocabulary: int
    script: Script
    has_attention: bool = True
    steps: int = 0

    def start(self, source: np.ndarray, source_lengths: np.ndarray, needed: object = ()) -> State:
        return State(source, 0)

    def step(self, state: State, tokens: np.ndarray, k: int) -> tuple[Candidates, State]:
        distribution, state = self.distribution(state, tokens)
        return distribution.candidates(k), state

    def distribution(self, state: State, tokens: np.ndarray) -> tuple[Distribution, State]:
        self.steps += 1
        width = len(tokens) // len(state.sources)
        values = np.full((len(state.sources), self.vocabulary), RARE, dtype=np.float32)
        values[:, [0, 1, 3]] = -np.inf
        sentences, length = state.sources.shape
        looks = np.zeros((sentences, length), dtype=np.float32)
        looks[:, min(state.step, length - 1)] = 1.0
        for row, source in zip(values, state.sources.tolist(), strict=True):
            for rank, token in enumerate(self.script(source[: source.index(EOS)], state.step)):
                row[token] = -0.1 - rank
        distribution = Distribution(
            np.repeat(values, width, axis=0),
            np.repeat(looks, width, axis=0) if self.has_attention else None,
        )
        return distribution, replace(state, step=state.step + 1)

    def memory(self, state: State) -> np.ndarray:
        return np.ones((*state.sources.shape, 4), dtype=np.float32)

    def select(self, state: State, rows: np.ndarray) -> State:
        width = rows.max() // len(state.sources) + 1
        return replace(state, sources=state.sources[rows[:, 0] // max(1, width)])


def echo(source: Sequence[int], step: int) -> Sequence[int]:
    """Say it again."""
    return [source[step] if step < len(source) else EOS]


def silent(source: Sequence[int], step: int) -> Sequence[int]:
    """Say nothing."""
    return [EOS]


def circling(source: Sequence[int], step: int) -> Sequence[int]:
    """Say the first word for ever, or else what comes next."""
    return [source[0], *echo(source, step)]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    config = TokenizerConfig(vocabulary_size=450)
    text = [FRENCH] * 9 + [" ".join(ALPHABET)] * 3
    return train_tokenizer(text, config, tmp_path_factory.mktemp("tokenizer") / "joint.model")


def translator_of(model: Scripted, tokenizer: Tokenizer, max_tokens: int) -> Translator:
    return Translator(LoadedModel(model, Tokenizers(tokenizer, tokenizer), max_tokens), OPTIONS)


@pytest.fixture
def make(tokenizer: Tokenizer) -> Callable[..., Translator]:
    def make(script: Script, has_attention: bool = True, max_tokens: int = 40) -> Translator:
        model = Scripted(tokenizer.vocabulary_size, script, has_attention)
        return translator_of(model, tokenizer, max_tokens)

    return make


AWKWARD = [
    "Va sur https://x.org/a?b=c. Tom est là 😀 !",
    "Je dis 日本語 tous les jours. مرحبا بالعالم",
    "Écris à a.b@x.org avant lundi, ou à @tom.",
    "12,5 % ! Je suis étudiant.",
    "...",
    "a" * 300,
    "JE SUIS ÉTUDIANT. OÙ EST LA GARE ? http://x.org",
    "Tom est à Paris" + " Tom est à Paris" * 29,
    "x" * 60 + " Tom " + "😀" * 100 + " Il l'a vu",
]


@pytest.mark.parametrize("text", AWKWARD)
def test_what_a_model_says_again_comes_back_as_it_was(
    make: Callable[..., Translator], text: str
) -> None:
    [found] = make(echo).translate([text], align=True)
    assert found.text == normalise(text)
    alignment = found.hypotheses[0].alignment
    assert alignment is not None
    assert all(source == target for source, target in alignment.pairs)
    blind = make(echo, has_attention=False).translate([text], align=True)[0]
    assert sorted(blind.text.replace(" ", "")) == sorted(found.text.replace(" ", ""))


@pytest.mark.parametrize("text", AWKWARD)
def test_a_picture_of_any_text_shows_what_its_words_looked_at(
    make: Callable[..., Translator], text: str
) -> None:
    [found] = make(echo).translate([text], align=True)
    grid = word_grid(found)
    np.testing.assert_allclose(grid.weights.sum(axis=1), 1.0, atol=1e-6)
    looked_at = [grid.source[column] for column in grid.weights.argmax(axis=1)]
    assert tuple(looked_at) == grid.target
    if found.hypotheses[0].attention is not None:
        looks = found.hypotheses[0].attention
        assert subword_grid(found).weights.shape == looks.shape
    else:
        with pytest.raises(PictureError, match=r"copied|in parts"):
            subword_grid(found)


@pytest.mark.parametrize("script", [silent, circling])
@pytest.mark.parametrize("text", [*AWKWARD, "Tom est à Paris et Marie est à la gare, je suis là."])
def test_no_line_becomes_empty_or_a_loop(
    make: Callable[..., Translator], script: Script, text: str
) -> None:
    for options in (OPTIONS, SearchConfig(beam=1), SearchConfig(beam=4, diversity_groups=2)):
        [found] = make(script).translate([text], options)
        assert found.text
        words = found.text.split()
        assert not has_loop(list(map(hash, words))) or has_loop(list(map(hash, text.split())))


def test_a_second_search_goes_before_a_copy(make: Callable[..., Translator]) -> None:
    text = "Tom est à Paris et Marie est là."
    [found] = make(circling).translate([text])
    best = found.hypotheses[0]
    assert best.is_complete
    assert best.pieces[0] == best.pieces[1], "it began to circle"
    assert found.text != text
    off = OPTIONS.model_copy(update={"robust": False})
    [still] = make(circling).translate([text], off)
    assert has_loop(still.hypotheses[0].pieces)
    assert make(silent).translate([text], off)[0].text == ""


def test_a_copy_counts_as_certain_and_has_as_many_translations_as_the_rest(
    make: Callable[..., Translator],
) -> None:
    options = SearchConfig(beam=3, n_best=3)
    copy, both = make(echo).translate(["😀", "Je suis là. 12 !"], options)
    assert [h.as_dict() for h in copy.hypotheses] == [
        {
            "text": "😀",
            "score": 0.0,
            "log_probability": 0.0,
            "is_complete": True,
            "tokens": ["</s>"],
            "attention": None,
            "alignment": None,
        }
    ]
    assert copy.source_pieces == ("</s>",)
    assert len(both.hypotheses) == 3
    assert all(hypothesis.text.endswith(" 12 !") for hypothesis in both.hypotheses)


@pytest.mark.parametrize("text", [AWKWARD[0].split(". ")[0] + ".", "Je dis 日本語 ici.", "😀 !"])
def test_a_translation_is_scored_as_the_search_scored_it(
    make: Callable[..., Translator], text: str
) -> None:
    translator = make(echo)
    best = translator.translate([text])[0].hypotheses[0]
    [scored] = translator.score([text], [best.text])
    assert scored.log_probability == pytest.approx(best.log_probability, abs=1e-5)
    assert scored.score == pytest.approx(best.score, abs=1e-5)


def forgetful(tokenizer: Tokenizer) -> Script:
    """Say it again, but every digit as a 1."""
    ones = {}
    for token, piece in enumerate(tokenizer.pieces(range(tokenizer.vocabulary_size))):
        wrong = re.sub(r"\d", "1", piece).replace("▁", " ")
        ones[token] = tokenizer.encode(wrong) if re.search(r"\d", piece) else [token]

    def script(source: Sequence[int], step: int) -> Sequence[int]:
        said = [one for token in source for one in ones[token]]
        return [said[step] if step < len(said) else EOS]

    return script


def test_a_number_that_was_lost_is_looked_for(
    make: Callable[..., Translator], tokenizer: Tokenizer
) -> None:
    [found] = make(forgetful(tokenizer)).translate(["Tom est là en 2047."])
    assert "2047" in found.text
    off = OPTIONS.model_copy(update={"robust": False})
    [lost] = make(forgetful(tokenizer)).translate(["Tom est là en 2047."], off)
    assert "2047" not in lost.text


def test_looking_again_keeps_to_what_a_user_forbids(
    make: Callable[..., Translator], tokenizer: Tokenizer
) -> None:
    options = OPTIONS.model_copy(update={"no_repeat": 2})
    text = "Tom est à Paris, Tom est là en 2047"
    [found] = make(forgetful(tokenizer)).translate([text], options)
    assert "2047" in found.text
    pairs = list(pairwise(found.hypotheses[0].pieces))
    assert len(pairs) == len(set(pairs))


@pytest.mark.parametrize("text", [*AWKWARD, "Tom est là.", "Tom est là en 2047.", ""])
@pytest.mark.parametrize("script", [echo, silent, circling, "forgetful"])
def test_an_explanation_ends_in_the_translation_that_is_given(
    make: Callable[..., Translator], tokenizer: Tokenizer, text: str, script: Script | str
) -> None:
    translator = make(forgetful(tokenizer) if isinstance(script, str) else script)
    explanation = translator.explain(text)
    assert explanation.target == translator.translate([text])[0].text
    told = " ".join(one.target for one in explanation.sentences if one.target)
    assert bool(explanation.remark) == (told != explanation.target)
    if explanation.remark:
        assert explanation.remark.endswith(explanation.target)
    if explanation.sentences:
        shown = as_text(explanation, is_terminal=False)
        assert explanation.remark.replace(" ", "") in re.sub(r"\s", "", shown)
        assert escaped(explanation.remark) in to_page(explanation)


def test_what_is_asked_of_a_translation_goes_before_all_that(
    make: Callable[..., Translator],
) -> None:
    translator = make(echo)
    text = "TOM EST À PARIS"
    wanted = [TextConstraints(required=("Marie",))]
    assert "Marie" in translator.translate([text], None, wanted)[0].text.split()
    glossary = Glossary.of({"12": "Tom"})
    assert "Tom" in translator.translate(["12 !"], glossary=glossary)[0].text
    assert translator.translate(["13 !"], glossary=glossary)[0].text == "13 !"
    forbidden = [TextConstraints(forbidden=("12",))]
    assert "12" not in translator.translate(["12 !"], None, forbidden)[0].text.split()


@settings(max_examples=60)
@given(text=st.text(ALPHABET, max_size=40))
def test_plain_text_takes_no_other_way(tokenizer: Tokenizer, text: str) -> None:
    text = normalise(text.replace("#", ""))
    off = OPTIONS.model_copy(update={"robust": False})
    translator = translator_of(Scripted(tokenizer.vocabulary_size, echo), tokenizer, 100)
    sentences = sentences_of(text)
    assume(all(any(map(str.isalpha, each)) and not each.isupper() for each in sentences))
    [plainly], [found] = (translator.translate([text], each) for each in (off, OPTIONS))
    numbers = re.findall("[0-9]+(?:[.,:-][0-9]+)*", text)
    if any(map(MAY_BE_ADDRESS.search, sentences)):  # a price or the like, which is copied
        assert all(number in found.text for number in numbers)
    else:
        assert found.as_dict() == plainly.as_dict()


@pytest.fixture(scope="module", params=["fr-en", "en-fr"])
def shipped(request: pytest.FixtureRequest) -> RunDirectory:
    """A model that comes with nmt."""
    for run in shipped_models():
        if run.path.name == request.param:
            return run
    pytest.skip(f"{request.param} is not here")


EMOJI = re.compile("[\u2600-\u27bf\U0001f300-\U0001faff\ufe0f\u200d]+")
QUESTION = re.compile(r"\?[\s»”\")]*$")


def test_shipped_models_hold_up_on_ordinary_text(shipped: RunDirectory) -> None:
    source, _ = shipped.path.name.split("-")
    lines = (DATA / f"ordinary.{source}").read_text("utf-8").splitlines()
    problems = []
    for line, found in zip(lines, Translator.load(shipped).translate(lines), strict=True):
        words = found.text.split()
        kept = [*ADDRESS.findall(line), *EMOJI.findall(line)]
        checks = {
            "empty": not found.text,
            "a loop": has_loop(list(map(hash, words)))
            and not has_loop(list(map(hash, line.split()))),
            "cut off": not found.hypotheses[0].is_complete,
            "too long": len(found.text) > 3 * len(line) + 40,
            "lost": [piece for piece in kept if piece not in found.text],
            "a number": lost_numbers(line, found.text),
            "no question": QUESTION.search(line) and "?" not in found.text,
            "bad bytes": "\ufffd" in found.text,
            "no capitals": line.isupper() and len(line) > 3 and not found.text.isupper(),
        }
        problems += [f"{what}: {line} -> {found.text}" for what, is_so in checks.items() if is_so]
    assert not problems


def test_a_paragraph_of_500_words_is_translated_whole(shipped: RunDirectory) -> None:
    source, _ = shipped.path.name.split("-")
    lines = (DATA / f"ordinary.{source}").read_text("utf-8").splitlines()
    sentences = [line for line in lines if re.fullmatch(r"[\w' ]+[.?!]", line)]
    paragraph = " ".join(" ".join(sentences * 99).split()[:500])
    translator = Translator.load(shipped)
    [found] = translator.translate([paragraph])
    assert 250 < len(found.text.split()) < 1000
    without_marks = " ".join(paragraph.replace(".", "").replace("?", "").split())
    [found] = translator.translate([without_marks])
    assert 100 < len(found.text.split()) < 1500
    assert found.hypotheses[0].is_complete


ADDRESSED = "Regarde https://example.org/a?b=1 ce soir 😀."


@pytest.mark.skipif(not shipped_models(), reason="without the models that come with nmt")
def test_what_is_kept_verbatim_stays_so_where_a_translation_is_begun() -> None:
    translator = Translator.load(shipped_models()[0])

    def begun(text: str, prefix: str) -> str:
        return translator.translate([text], None, [TextConstraints(prefix=prefix)])[0].text

    whole = begun(ADDRESSED, "Look at")
    address = " https://example.org/a?b=1"
    for more in ("", " ", address, f"{address} ", address[:7]):
        assert begun(ADDRESSED, f"Look at{more}") == whole
    assert whole.startswith("Look at https://example.org/a?b=1 ")
    assert whole.count("https") == whole.count("😀") == 1
    assert begun("😀 Il fait froid.", "😀 It ").startswith("😀 It is ")
    early = begun("Le train part à 18:45 pour Paris.", "At 18:45 the train")
    assert early.startswith("At 18:45 the train ")
    assert early.count("18:45") == 1
    late = begun("Le train part à 18:45 pour Paris.", "The train ")
    assert late.startswith("The train ")
    assert late.count("18:45") == 1
    assert begun("https://example.org", "See").startswith("See")
    [cut] = translator.alternatives(ADDRESSED, "Look at https://exam")
    assert (cut.text, cut.probability) == ("https://example.org/a?b=1", 1.0)
    after, without = (
        [word.text for word in translator.alternatives(ADDRESSED, prefix)]
        for prefix in ("Look at https://example.org/a?b=1 ", "Look at ")
    )
    assert after == without


@pytest.mark.skipif(not shipped_models(), reason="without the models that come with nmt")
def test_after_a_prefix_with_a_space_at_its_end_a_word_begins() -> None:
    translator = Translator.load(shipped_models()[0])
    goes_on, begins = translator.translate(
        ["Il fait froid."] * 2, None, [TextConstraints(prefix=prefix) for prefix in ("It", "It ")]
    )
    assert goes_on.text == "It's cold."
    assert begins.text == "It is cold."
