"""Prepares a corpus a few pairs at a time, with help, and kills itself on the way if asked to."""

import os
import signal
import sys
from pathlib import Path

from nmt.config import CorpusConfig
from nmt.data import encoded, readers
from nmt.data import processes as pool
from nmt.data.encoded import EncodedPairs, encode_pairs
from nmt.data.filtering import load_corpus
from nmt.text.tokenizer import Tokenizer


def prepare(folder: Path, killed_at: tuple[str, int] | None = None) -> EncodedPairs:
    """The pairs of the folder in subwords.

    Args:
        folder: Holds the splits, and the tokenizer of both sides, ``joint.model``.
        killed_at: The stage and the number of pairs after which this process is killed.
    """

    def tell(work: str, pairs: int, total: int | None) -> None:
        if (work, pairs) == killed_at:
            os.kill(os.getpid(), signal.SIGKILL)

    config = CorpusConfig(path=str(folder), test="")
    corpus = load_corpus(config, tell)
    tokenizer = Tokenizer.load(folder / "joint.model")
    return encode_pairs(corpus.train, tokenizer, tokenizer, None, corpus.content, tell)


if __name__ == "__main__":
    pool.ALONE, readers.CHUNK_PAIRS, encoded.CHUNK_PAIRS = 1, 50, 50
    prepare(Path(sys.argv[1]), (sys.argv[2], int(sys.argv[3])))
