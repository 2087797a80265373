"""Which language a text is in, and whether it is the wrong one to translate from."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nmt.config import TokenizerConfig
from nmt.export.shortlist import learn_lexicon
from nmt.text.language_id import Detector
from nmt.text.tokenizer import EOS, train_tokenizer
from nmt.translator.wrong_way import COMMONEST, WrongWay

FRENCH = ["je suis là", "le chat est dans la maison", "où est la gare ?", "il fait froid ce matin"]
ENGLISH = ["I am here", "the cat is in the house", "where is the station?", "it is cold today"]


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector(["en", "fr"])


def test_a_language_is_clear_where_the_other_has_hardly_a_chance(detector: Detector) -> None:
    for text in ("I am a student", "Good morning", "Where is the station?"):
        assert detector.is_clearly(text, "en", ["fr"]), text
        assert not detector.is_clearly(text, "fr", ["en"]), text
    for text in ("chat", "Paris", "table", "six", "Information", "", "12"):
        assert not detector.is_clearly(text, "en", ["fr"]), text
        assert not detector.is_clearly(text, "fr", ["en"]), text


def test_nothing_is_clear_of_a_language_that_is_not_known(detector: Detector) -> None:
    assert not detector.is_clearly("I am a student", "en", ["xx"])
    assert not detector.is_clearly("I am a student", "xx", ["fr"])
    assert not detector.is_clearly("I am a student", "en", ["en", "fr"])


@pytest.mark.parametrize("joint", [True, False])
def test_only_a_text_that_looks_strange_is_looked_at_by_the_detector(
    tmp_path: Path, joint: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = TokenizerConfig(vocabulary_size=340)
    texts = [*FRENCH, *ENGLISH] if joint else ENGLISH
    tokenizer = train_tokenizer(texts * 9, config, tmp_path / "target")
    french, english = ([tokenizer.encode(text) for text in of] for of in (FRENCH, ENGLISH))
    learned = learn_lexicon(french, english, (340, 340), joint)
    assert learned.is_untranslated(english[1][0]), "the"
    common = [token for text in (*ENGLISH[:2], "it") for token in tokenizer.encode(text)]
    of_both = [token for text in FRENCH for token in tokenizer.encode(text)]
    common += [EOS] * (COMMONEST - len(common)) + of_both  # these are not among the commonest
    lexicon = replace(learned, common=np.array(common))
    wrong_way = WrongWay(("fr", "en"), tokenizer, lexicon)
    looked_at = []
    monkeypatch.setattr(Detector, "__init__", lambda self, expected: None)
    monkeypatch.setattr(
        Detector, "is_clearly", lambda self, text, *codes: bool(looked_at.append(text)) or True
    )
    assert not any(map(wrong_way.is_noticed, ["", "12", *FRENCH]))
    assert looked_at == []
    assert all(map(wrong_way.is_noticed, ENGLISH))
    assert looked_at == ENGLISH


def test_without_shortlists_every_text_is_looked_at(tmp_path: Path) -> None:
    tokenizer = train_tokenizer(
        FRENCH * 3, TokenizerConfig(vocabulary_size=300), tmp_path / "joint"
    )
    wrong_way = WrongWay(("fr", "en"), tokenizer, None)
    assert wrong_way.is_noticed("Where is the station?")
    assert not wrong_way.is_noticed("Où est la gare ?")
    assert not wrong_way.is_noticed("12 + 3")
