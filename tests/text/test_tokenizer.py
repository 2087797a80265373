import random
import re
import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import sentencepiece
from hypothesis import given
from hypothesis import strategies as st

from nmt.config import TokenizerConfig
from nmt.errors import TokenizerError
from nmt.text import tokenizer as module
from nmt.text.normalise import normalise
from nmt.text.tokenizer import BOS, EOS, PAD, UNK, Tokenizer, train_tokenizer

any_text = st.text(st.characters(exclude_categories=["Cs"]))
# What could be mistaken for the tokenizer's own marks.
marks = ["▁", "▅", "⁇", "<s>", "</s>", "<pad>", "<unk>", "<0x41>", "\x1f", "\0", "\ufffd", "▁▁ ▁"]


@given(any_text | st.lists(st.sampled_from([*marks, "a", " ", "été", "🎉", "语"])).map("".join))
def test_decoding_gives_back_every_text(tokenizer: Tokenizer, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text)) == normalise(text)


@given(any_text)
def test_no_text_becomes_a_special_token(tokenizer: Tokenizer, text: str) -> None:
    assert min(tokenizer.encode(text), default=EOS + 2) > UNK


def test_text_that_looks_like_marks_can_be_learned_from(tmp_path: Path) -> None:
    texts = ["<s> is </s> <pad><unk> <0x41> ▁ ▅▅ ▁a\0b the quick brown fox jumps"] * 50
    config = TokenizerConfig(vocabulary_size=300)
    tokenizer = train_tokenizer(texts, config, tmp_path / "a.model")
    for text in [texts[0], *marks]:
        ids = tokenizer.encode(text)
        assert tokenizer.decode(ids) == normalise(text)
        assert min(ids, default=EOS + 2) > UNK
    # The sentence was not skipped: its characters have symbols of their own.
    assert "<0xE2>" not in tokenizer.pieces(tokenizer.encode("▁ ▅"))


@given(st.lists(st.integers(0, 359)))
def test_decoding_any_ids_gives_one_line_of_text(tokenizer: Tokenizer, ids: list[int]) -> None:
    text = tokenizer.decode(ids)
    assert text == normalise(text)
    assert text.encode().decode() == text
    assert tokenizer.spells_nothing(ids) == (not text)
    assert all(
        tokenizer.spells_nothing([token]) == (not tokenizer.decode([token])) for token in ids
    )


def test_special_tokens_spell_nothing(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode("un chien")
    with_special = [BOS, *ids[:1], PAD, UNK, *ids[1:], EOS, PAD]
    assert tokenizer.decode(with_special) == tokenizer.decode(np.array(with_special)) == "un chien"
    assert tokenizer.decode([]) == ""
    assert tokenizer.encode("") == tokenizer.encode(" \t") == []


def test_text_is_normalised_first(tokenizer: Tokenizer) -> None:
    assert tokenizer.encode(" e\u0301te\u0301\u2028 chat\n") == tokenizer.encode("été chat")


def test_many_texts_are_encoded_as_each_by_itself(
    tokenizer: Tokenizer, sentences: list[str]
) -> None:
    texts = ["", *sentences[:1500], "语 🎉"]
    assert tokenizer.encode_batch(texts) == [tokenizer.encode(text) for text in texts]
    assert tokenizer.encode_batch([]) == []


def test_pieces_are_what_people_can_read(trained: Callable[[str], Tokenizer]) -> None:
    tokenizer = trained("bpe")
    ids = tokenizer.encode("le 语")
    assert tokenizer.pieces(ids) == ["▁le", "▁", "<0xE8>", "<0xAF>", "<0xAD>"]
    assert tokenizer.pieces([PAD, BOS, EOS, UNK]) == ["<pad>", "<s>", "</s>", "<unk>"]


@given(any_text)
def test_pieces_are_numbered_by_their_word(tokenizer: Tokenizer, text: str) -> None:
    ids = tokenizer.encode(text)
    words = tokenizer.words(ids)
    spelt = [
        tokenizer.decode([token for token, word in zip(ids, words, strict=True) if word == number])
        for number in range(max(words, default=-1) + 1)
    ]
    assert spelt == normalise(text).split()
    assert words == sorted(words)


def test_the_special_tokens_come_first_and_the_size_is_what_was_asked(
    tokenizer: Tokenizer,
) -> None:
    assert (PAD, BOS, EOS, UNK) == (0, 1, 2, 3)
    assert tokenizer.vocabulary_size == 360


TRAIN_SCRIPT = """
import sys
from pathlib import Path
from nmt.config import TokenizerConfig
from nmt.text.tokenizer import train_tokenizer
path = Path(sys.argv[1])
config = TokenizerConfig(kind=sys.argv[2], vocabulary_size=360)
train_tokenizer(path.with_suffix(".txt").read_text().split("\\n"), config, path)
"""


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_the_same_text_gives_the_same_bytes_in_another_process(
    tmp_path: Path, sentences: list[str], trained: Callable[[str], Tokenizer], kind: str
) -> None:
    (tmp_path / "a.txt").write_text("\n".join(sentences))
    path = tmp_path / "a.model"
    subprocess.run([sys.executable, "-c", TRAIN_SCRIPT, str(path), kind], check=True)
    assert Tokenizer.load(path).digest == trained(kind).digest
    assert [file.name for file in tmp_path.iterdir() if file.suffix != ".txt"][1:] == []


def test_training_says_nothing(
    tmp_path: Path, sentences: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    config = TokenizerConfig(vocabulary_size=360)
    train_tokenizer(sentences, config, tmp_path / "new" / "a.model")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_too_many_subwords_are_refused_with_how_many_there_can_be(
    tmp_path: Path, sentences: list[str], kind: str
) -> None:
    config = TokenizerConfig(kind=kind, vocabulary_size=50_000)  # type: ignore[arg-type]
    with pytest.raises(TokenizerError, match=r"vocabulary_size is 50000, but") as refusal:
        train_tokenizer(sentences, config, tmp_path / "a.model")
    assert not (tmp_path / "a.model").exists()
    found = re.search(r"set it to (\d+) or less, or add more text$", str(refusal.value))
    assert found is not None
    largest = config.model_copy(update={"vocabulary_size": int(found[1])})
    tokenizer = train_tokenizer(sentences, largest, tmp_path / "a.model")
    assert tokenizer.vocabulary_size == int(found[1])


def test_fewer_subwords_than_characters_are_refused(tmp_path: Path) -> None:
    texts = ["".join(chr(0x4E00 + i) for i in range(500))]
    # 500 characters, the space, 256 bytes and 4 special tokens.
    with pytest.raises(TokenizerError, match="the bytes need 761: set it to that or more"):
        train_tokenizer(texts, TokenizerConfig(vocabulary_size=300), tmp_path / "a.model")


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_a_small_alphabet_has_a_small_vocabulary(kind: str, tmp_path: Path) -> None:
    # 10 digits, the space, 256 bytes and 4 special tokens, which is what the least may be
    config = TokenizerConfig.model_validate({"kind": kind, "vocabulary_size": 271})
    tokenizer = train_tokenizer(["1 2 3", "4 5", "0 9 8 7 6"] * 50, config, tmp_path / "a.model")
    assert tokenizer.vocabulary_size == 271
    assert tokenizer.decode(tokenizer.encode("7 2 é")) == "7 2 é"


def test_text_that_is_too_little_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TokenizerError, match=r"only gives \d+ subwords: set it"):
        train_tokenizer(["un chien"] * 9, TokenizerConfig(), tmp_path / "a.model")


@pytest.mark.parametrize("texts", [[], ["", " \n"]])
def test_no_text_is_refused(tmp_path: Path, texts: list[str]) -> None:
    with pytest.raises(TokenizerError, match="no text to train a tokenizer on"):
        train_tokenizer(texts, TokenizerConfig(), tmp_path / "a.model")


def test_a_lone_surrogate_is_refused(tokenizer: Tokenizer, tmp_path: Path) -> None:
    said = r"a lone surrogate U\+D83D at character 3 of 'un\\ud83d'"
    with pytest.raises(TokenizerError, match=said):
        tokenizer.encode("un\ud83d")
    with pytest.raises(TokenizerError, match=said):
        tokenizer.encode_batch(["un", "un\ud83d"])
    with pytest.raises(TokenizerError, match=said):
        tokenizer.sample_batch(["un\ud83d"], 0.1, 1)
    with pytest.raises(TokenizerError, match=said):
        train_tokenizer(["un\ud83d"], TokenizerConfig(), tmp_path / "a.model")


def test_a_flipped_bit_in_a_piece_is_refused_when_the_file_is_read(
    sentences: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "a.model"
    train_tokenizer(sentences, TokenizerConfig(vocabulary_size=360), path)
    whole = path.read_bytes()
    path.write_bytes(whole.replace("▁".encode(), b"\xe2\xd6\x81"))
    with pytest.raises(TokenizerError, match=re.escape(f"{path}: the tokenizer is damaged")):
        Tokenizer.load(path)


@pytest.mark.parametrize("keep", [0, 10, 2000])
def test_a_damaged_file_is_refused_by_its_name(
    trained: Callable[[str], Tokenizer], sentences: list[str], tmp_path: Path, keep: int
) -> None:
    path = tmp_path / "a.model"
    train_tokenizer(sentences, TokenizerConfig(vocabulary_size=360), path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(TokenizerError, match=re.escape(f"{path}: the tokenizer is damaged")):
        Tokenizer.load(path)


def test_a_missing_file_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(TokenizerError, match=re.escape(f"{tmp_path / 'a.model'}: cannot read")):
        Tokenizer.load(tmp_path / "a.model")


@pytest.mark.parametrize("options", [{"byte_fallback": False}, {"pad_id": 3, "unk_id": 0}])
def test_a_sentencepiece_model_of_another_make_is_refused(
    tmp_path: Path, sentences: list[str], options: dict[str, object]
) -> None:
    model = BytesIO()
    settings = {"pad_id": 0, "bos_id": 1, "eos_id": 2, "unk_id": 3, "byte_fallback": True}
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences),
        model_writer=model,
        vocab_size=400,
        hard_vocab_limit=False,
        minloglevel=2,
        **settings | options,
    )
    (tmp_path / "a.model").write_bytes(model.getvalue())
    with pytest.raises(TokenizerError, match="not one made by `nmt tokenizer`"):
        Tokenizer.load(tmp_path / "a.model")


def test_a_large_corpus_is_learned_from_by_a_fair_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_TRAINING_SENTENCES", 500)
    texts = [str(i) for i in range(5000)]
    sample = module._sample_sentences(texts)
    assert sample == module._sample_sentences(iter(texts))
    numbers = [int(sentence) for sentence in sample]
    assert len(set(numbers)) == 500
    # A tenth of each fifth; the standard deviation of such a count is below 10.
    counts = np.histogram(numbers, bins=5, range=(0, 5000))[0]
    assert np.abs(counts - 100).max() < 40


# Subword sampling.


def test_sampled_ids_spell_the_same_text_in_other_pieces(
    tokenizer: Tokenizer, sentences: list[str]
) -> None:
    texts = [*sentences[:50], "语 🎉 ▁ <s>", ""]
    sampled = tokenizer.sample_batch(texts, 0.2, 1)
    assert [tokenizer.decode(ids) for ids in sampled] == texts
    assert sampled != tokenizer.encode_batch(texts)


def test_a_sample_is_a_function_of_its_arguments(
    tokenizer: Tokenizer, sentences: list[str]
) -> None:
    texts = sentences[:20]
    first = tokenizer.sample_batch(texts, 0.1, 5)
    others = [
        tokenizer.sample_batch(texts, 0.1, 6),
        tokenizer.sample_batch(texts, 0.3, 5),
        tokenizer.sample_batch(texts[1:], 0.1, 5),
    ]
    random.seed(3)
    assert tokenizer.sample_batch(texts, 0.1, 5) == first
    assert first not in others
    assert others[0] != others[1]


SAMPLE_SCRIPT = """
import sys
from pathlib import Path
from nmt.text.tokenizer import Tokenizer
tokenizer = Tokenizer.load(Path(sys.argv[1]))
texts = Path(sys.argv[2]).read_text().split("\\n")
tokenizer.sample_batch(texts[::-1], 0.1, 4)
print([tokenizer.sample_batch(texts, 0.1, seed) for seed in (8, 7, 2**70)])
"""


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_a_sample_is_the_same_in_another_process_and_order(
    sentences: list[str], tmp_path: Path, kind: str
) -> None:
    config = TokenizerConfig(kind=kind, vocabulary_size=360)  # type: ignore[arg-type]
    tokenizer = train_tokenizer(sentences, config, tmp_path / "a.model")
    texts = sentences[:30]
    (tmp_path / "a.txt").write_text("\n".join(texts))
    command = [sys.executable, "-c", SAMPLE_SCRIPT, tmp_path / "a.model", tmp_path / "a.txt"]
    elsewhere = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    samples = {seed: tokenizer.sample_batch(texts, 0.1, seed) for seed in (7, 2**70, 8)}
    assert elsewhere == f"{[samples[seed] for seed in (8, 7, 2**70)]}\n"


def test_sampling_at_rate_0_is_encoding(tokenizer: Tokenizer, sentences: list[str]) -> None:
    assert tokenizer.sample_batch(sentences[:99], 0, 1) == tokenizer.encode_batch(sentences[:99])


def test_sampling_hardly_at_all_is_sentencepieces_own_segmentation(
    trained: Callable[[str], Tokenizer], sentences: list[str]
) -> None:
    # No merge is dropped that often, and a large smoothing leaves the likeliest segmentation only.
    texts = [*sentences[:300], "語 été anticonstitutionnellement 🎉 ▁ ▅ xyz"]
    for kind, rate in (("bpe", 1e-12), ("unigram", 1e4)):
        tokenizer = trained(kind)
        assert tokenizer.sample_batch(texts, rate, 1) == tokenizer.encode_batch(texts)
