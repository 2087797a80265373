"""Word dropout: subwords that a model has to do without, others each time a batch is met.

A dropped subword is replaced with UNK and leaves its place behind (Zhang et al. 2020, "Token drop
mechanism for neural machine translation", without their further objectives; Bowman et al. 2016,
section 3.1, for the decoder alone). It is done on both sides: in the source, so that a translation
does not hang on a single subword, and in what the decoder reads, so that it asks the source rather
than the subword before. What the decoder should say stays as it is.
"""

import numpy as np
from numpy.typing import NDArray

from nmt.data.batches import Batch
from nmt.text.tokenizer import BOS, EOS, PAD, UNK


def drop_words(batch: Batch, share: float, seed: int) -> Batch:
    """Replace some of the subwords that are read.

    Args:
        batch: Pairs; it is left as it is.
        share: Probability for each subword of the source and of the decoder's input; BOS, EOS and
            PAD always stay.
        seed: Not negative; the batch returned is a pure function of the arguments.
    """
    if not share:
        return batch
    random = np.random.default_rng(seed)
    source, target_in = (_dropped(side, share, random) for side in (batch.source, batch.target_in))
    return batch._replace(source=source, target_in=target_in)


def _dropped(
    tokens: NDArray[np.int64], share: float, random: np.random.Generator
) -> NDArray[np.int64]:
    is_dropped = random.random(tokens.shape, np.float32) < share
    return np.where(is_dropped & ~np.isin(tokens, (PAD, BOS, EOS)), UNK, tokens)
