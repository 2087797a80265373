"""Small tokenizers that are trained once."""

import random
from collections.abc import Callable

import pytest

from nmt.config import TokenizerConfig
from nmt.text.tokenizer import Tokenizer, train_tokenizer

TEXT = """
    le la les un une des chien chat maison rouge grand grande petit petite mange dort court voit
    l'enfant l'homme aujourd'hui demain peut-être ça été naïve sœur garçon où à très
    the a an dog cat house red big small eats sleeps runs sees child man today tomorrow maybe
    don't isn't walking walked sleeping slept houses children 12 345 1998 , . ! ?
"""


@pytest.fixture(scope="session")
def sentences() -> list[str]:
    """Two thousand sentences of everyday words, in no sensible order."""
    draw = random.Random(7)
    return [" ".join(draw.choices(TEXT.split(), k=draw.randint(3, 12))) for _ in range(2000)]


@pytest.fixture(scope="session")
def trained(
    sentences: list[str], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Tokenizer]:
    """Gives the tokenizer of a kind, trained on ``sentences``."""
    folder = tmp_path_factory.mktemp("tokenizers")
    tokenizers: dict[str, Tokenizer] = {}

    def get(kind: str) -> Tokenizer:
        if kind not in tokenizers:
            config = TokenizerConfig(kind=kind, vocabulary_size=360)  # type: ignore[arg-type]
            tokenizers[kind] = train_tokenizer(sentences, config, folder / f"{kind}.model")
        return tokenizers[kind]

    return get


@pytest.fixture(scope="session", params=["bpe", "unigram"])
def tokenizer(request: pytest.FixtureRequest, trained: Callable[[str], Tokenizer]) -> Tokenizer:
    """A tokenizer of each kind in turn."""
    return trained(request.param)
