"""What is taken out of a text and put back, with an alignment that is made by hand."""

import re
import signal
import string
import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmt.config import TokenizerConfig
from nmt.search.alignment import Alignment, Unit, align_units, spell, units
from nmt.text.normalise import normalise
from nmt.text.tokenizer import Tokenizer, train_tokenizer
from nmt.translator.protected import FORMULA, as_it_is, lost_numbers, reading_of
from nmt.translator.restoring import copied, restored, without_spans

ALPHABET = string.ascii_letters + string.digits + "àâçéèêîôœÀÇÉÊ«» .,;:!?'\"()-#"
FRENCH = "Je suis étudiant. Où est la gare ? Tom est à Paris. Il l'a vu hier. Bonjour, Marie !"


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    """It knows the letters of French, but for some capitals, and no other apostrophe."""
    config = TokenizerConfig(vocabulary_size=450)
    text = [FRENCH] * 9 + [" ".join(ALPHABET)] * 3
    return train_tokenizer(text, config, tmp_path_factory.mktemp("tokenizer") / "joint.model")


def test_the_characters_of_a_tokenizer_are_those_that_it_does_not_spell_in_bytes(
    tokenizer: Tokenizer,
) -> None:
    for character in ALPHABET + "ÈŒ\u2019▁😀語":
        ids = tokenizer.encode(f"a{character}b")
        is_known = not any(tokenizer.is_byte[token] for token in ids)
        assert (character in tokenizer.characters) == is_known, character


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Va sur https://x.org/a?b=c.", "Va sur."),
        ("Voir www.x.org/a_(b)!", "Voir)!"),
        ("Écris à a.b+c@x.co.uk, Tom.", "Écris à, Tom."),
        ("#bonjour à tous @marie", "à tous"),
        ("Le prix est de 12 #1", "Le prix est de 12 #1"),
        ("Le train part à 18:45.", "Le train part à."),
        ("Le 12/05/2024, 12,50 € ou 3", "Le, ou 3"),
        ("Il a 3 = 4 ans", "Il a ans"),
        ("2 + 3,5 = 5,5, oui", "oui"),
        ("Si x < 3 et y >= 10*n", "Si et"),
        ("Il y a > 3 ici", "Il y a ici"),
        ("note [1] ~ 20 | 30 fois", "note fois"),
        ("Il fait -5 °C ici", "Il fait ici"),
        ("Il a 3 😀 4 ans", "Il a 3 4 ans"),
        ("a 5-6 = ici 7, 8", "a ici 7, 8"),
        ("La R&D et file_name en C++ ou C#", "La et en ou"),
        ("le *bon* ami", "le bon ami"),
        ("Le 01 23 45 67 89 ou 1 234 567 $ ?", "Le ou ?"),
        ("de 12 à 34, en 1984, v2.0, 1,x", "de 12 à 34, en 1984, v2.0, 1,x"),
        ("Je dis 日本語 tous les jours.", "Je dis tous les jours."),
        ("Je dis «日本語» ici.", "Je dis ici."),
        ("Va (https://x.org) !", "Va !"),
        ("😀, bonjour", "bonjour"),
        ("bien😀merci", "bien merci"),
        ("👨\u200d👩\u200d👧 Voici", "Voici"),
        ("le Dvořák-Müller joue", "le joue"),
        ("a " + "x" * 50, "a"),
        ("a " + "x" * 49, "a " + "x" * 49),
        ("Il l\u2019a vu", "Il l'a vu"),
        ("Ève et \ufb01n", "ève et fin"),
        ("co\u00adop", "coop"),
        ("m² ici", "ici"),
        ("JE SUIS ÉTUDIANT. TOM EST À PARIS", "Je suis étudiant. Tom est à Paris"),
        ("OK", "OK"),
        ("12,5 % !", ""),
        ("日本語を話します。", ""),
        ("???", ""),
        ("Je suis là.", "Je suis là."),
        ("", ""),
    ],
)
def test_what_a_model_cannot_know_is_not_read(tokenizer: Tokenizer, text: str, read: str) -> None:
    assert reading_of(normalise(text), tokenizer).read == read


@pytest.mark.parametrize("row", ["1,", "1.1", "a ", "a + ", "= "])
def test_a_row_without_end_is_read_in_time_that_grows_with_it(row: str) -> None:
    def give_up(*_: object) -> None:
        raise AssertionError("a hundred times as long as it takes")

    before = signal.signal(signal.SIGVTALRM, give_up)
    signal.setitimer(signal.ITIMER_VIRTUAL, 60)  # of CPU time
    try:
        for _ in FORMULA.finditer(row * (300_000 // len(row))):
            pass
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def test_only_characters_are_replaced_where_a_translation_is_asked_for_more(
    tokenizer: Tokenizer,
) -> None:
    for text in ("Va sur https://x.org 😀", "JE SUIS ÉTUDIANT", "???", "Je suis là."):
        assert reading_of(text, tokenizer, is_free=False).read == text
    assert reading_of("Il l\u2019a 😀", tokenizer, is_free=False).read == "Il l'a 😀"


@settings(max_examples=200)
@given(text=st.text(ALPHABET.replace("#", ""), max_size=40).map(normalise))
def test_plain_text_is_read_as_it_is(tokenizer: Tokenizer, text: str) -> None:
    if text.isupper() or not any(map(str.isalpha, text)):
        return
    if re.search(r"\d[ .,:/-]\d", text):  # a number of several parts, perhaps
        return
    assert reading_of(text, tokenizer) == as_it_is(text)


PIECES = [
    "https://x.org/a",
    "a@x.org",
    "😀",
    "日本語",
    "É",
    "TU",
    "est",
    "l\u2019a",
    ",",
    ".",
    " ",
    "(",
    ")",
]
ANY_TEXT = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=4)), max_size=12).map(
    "".join
)


def diagonal(tokenizer: Tokenizer, read: str) -> Alignment:
    """What a model that says its source again would be aligned as."""
    ids = tokenizer.encode(read)
    same = units(tokenizer, ids)
    return align_units(same, same, np.eye(len(ids), dtype=np.float32))


@settings(max_examples=500)
@given(text=ANY_TEXT)
def test_nothing_that_was_taken_out_is_lost_and_the_units_spell_the_text(
    tokenizer: Tokenizer, text: str
) -> None:
    text = normalise(re.sub("[\0\ud800-\udfff]", "", text))
    reading = reading_of(text, tokenizer)
    assert normalise(reading.read) == reading.read
    if not reading.read:
        assert not text or reading.spans == ((0, len(text)),)
        return
    alignment = restored(reading, diagonal(tokenizer, reading.read))
    assert spell(alignment.source_units) == text
    assert alignment.weights.shape == (len(alignment.target_units), len(alignment.source_units))
    assert (alignment.shares.sum(axis=1) <= 1.001).all()
    translation = spell(alignment.target_units)
    for start, end in reading.spans:
        assert text[start:end] in translation
    # which of two that are alike was taken out cannot be known
    is_clear = all(translation.count(text[start:end]) == 1 for start, end in reading.spans)
    if is_clear and not reading.is_shouted:
        left = normalise(without_spans(reading, translation))
        assert left.replace(" ", "") == reading.read.replace(" ", "")


def units_of(text: str) -> list[Unit]:
    return [Unit(word, True, number) for number, word in enumerate(text.split())]


def test_a_span_goes_before_what_the_next_word_became(tokenizer: Tokenizer) -> None:
    reading = reading_of("Je dis 日本語 tous les jours.", tokenizer)
    source = [*units_of("Je dis tous les jours"), Unit(".", False, 5)]
    target = [*units_of("Every day I say"), Unit(".", False, 4)]
    weights = np.zeros((5, 6), dtype=np.float32)
    weights[[0, 1, 2, 3, 4], [2, 4, 0, 1, 5]] = 1.0
    found = restored(reading, Alignment(tuple(source), tuple(target), weights, (1,) * 5))
    assert spell(found.target_units) == "日本語 Every day I say."
    assert spell(found.source_units) == "Je dis 日本語 tous les jours."
    assert found.pairs == ((2, 0), (3, 1), (5, 2), (0, 3), (1, 4))
    # without attention what is in the middle goes to the end, before the punctuation
    blind = Alignment(tuple(source), tuple(target), np.zeros_like(weights), (1,) * 5)
    assert spell(restored(reading, blind).target_units) == "Every day I say 日本語."


def test_capitals_come_back_but_not_into_addresses(tokenizer: Tokenizer) -> None:
    reading = reading_of("JE SUIS ÉTUDIANT http://x.org", tokenizer)
    source = units_of("Je suis étudiant")
    target = units_of("I am")
    alignment = Alignment(tuple(source), tuple(target), np.eye(2, 3, dtype=np.float32), (1, 1))
    assert spell(restored(reading, alignment).target_units) == "I AM http://x.org"


def test_a_copy_is_aligned_with_itself() -> None:
    assert copied("12 % !").pairs == ((0, 0), (1, 1), (2, 2))
    np.testing.assert_array_equal(copied("12 % !").shares, np.eye(3))


def test_what_was_put_back_looked_at_itself_and_nothing_else(tokenizer: Tokenizer) -> None:
    reading = reading_of("je vois 日本語", tokenizer)
    source = units_of("je vois")
    # "sea" has two subwords, which looked at "vois" with 0.6 and 0.4
    weights = np.array([[0.9, 0.1], [0.0, 1.0]], dtype=np.float32)
    alignment = Alignment(tuple(source), tuple(units_of("I sea")), weights, (1, 2))
    found = restored(reading, alignment)
    assert spell(found.target_units) == "I sea 日本語"
    expected = [[0.9, 0.1, 0.0], [0.0, 0.5, 0.0], [0.0, 0.0, 1.0]]
    np.testing.assert_allclose(found.shares, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("text", "translation", "lost"),
    [
        ("en 1984", "in 1984", []),
        ("en 1984", "in 1985", ["1984"]),
        ("3 487 euros", "3,487 euros", []),
        ("3 487 euros", "3487 euros", []),
        ("le 12/05/2024", "05/12/2024", []),
        ("12 ans", "twelve years", []),
        ("à 18:45", "at 6:45", ["18:45"]),
        ("1-800-828-6322", "none", ["1-800-828-6322"]),
        ("119 et 118", "119", ["118"]),
        ("J'ai 123 pommes", "मला १२३ सफरचंद पाहिजे.", []),
        ("J'ai 123 pommes", "أحتاج ١٢٤ تفاحة", ["123"]),
        ("10000 personnes", "有1万人", []),
        ("12 345 personnes", "一万二千三百四十五人", []),
        ("en 1979", "一九七九年", []),
        ("en 1979", "一九七八年", ["1979"]),
        ("350 chats", "three hundred and fifty cats", []),
        ("350 chats", "three hundred fifty-one cats", ["350"]),
        ("en 1984", "in nineteen eighty-four", []),
        ("2 500 et 118", "two thousand five hundred, and 119", ["118"]),
        ("100 chats", "the tenth of hundreds", ["100"]),
    ],
)
def test_numbers_are_lost_if_their_digits_are(text: str, translation: str, lost: list[str]) -> None:
    assert lost_numbers(text, translation) == lost


@settings(max_examples=200)
@given(text=ANY_TEXT, data=st.data())
def test_a_text_is_cut_where_what_is_read_of_it_is(
    tokenizer: Tokenizer, text: str, data: st.DataObject
) -> None:
    text = normalise(unicodedata.normalize("NFC", re.sub("[\0\ud800-\udfff]", "", text)))
    reading = reading_of(text, tokenizer)
    if not reading.read:
        return
    at = data.draw(st.integers(0, len(reading.read) - 1))
    pieces = [piece for piece in (reading.read[:at].strip(), reading.read[at:].strip()) if piece]
    parts = reading.cut(pieces)
    assert len(parts) == len(pieces)
    assert all(parts)
    assert "".join(parts).replace(" ", "") == text.replace(" ", "")
