"""The whole model: embeddings, encoder, decoder, output layer."""

import torch
from torch import Tensor, nn

from nmt.config import ModelConfig
from nmt.model.cells import State
from nmt.model.decoder import Decoder, Memory
from nmt.model.dropout import Dropout
from nmt.model.encoder import Encoder


class Seq2Seq(nn.Module):
    """Sequence to sequence with a recurrent encoder and decoder (Sutskever et al. 2014).

    Args:
        config: Everything about the model.
        source_vocabulary: Number of source subwords.
        target_vocabulary: Number of target subwords.
    """

    def __init__(self, config: ModelConfig, source_vocabulary: int, target_vocabulary: int) -> None:
        super().__init__()
        self.config = config
        self.source_embedding = nn.Embedding(source_vocabulary, config.embedding_size)
        self.target_embedding = (
            self.source_embedding
            if config.shared_embeddings
            else nn.Embedding(target_vocabulary, config.embedding_size)
        )
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        self.vocabulary = nn.Linear(self.decoder.output_size, target_vocabulary)
        if config.tied_output:
            self.vocabulary.weight = self.target_embedding.weight
        self.dropout = Dropout(config.embedding_dropout, config.dropout_shared_over_time)

    def encode(self, source: Tensor, lengths: Tensor) -> Memory:
        """Read the source.

        Args:
            source: Token ids, shape (sentences, source length), padded behind each sentence.
            lengths: Tokens of each sentence, shape (sentences,).

        Returns:
            The memory, with all that does not depend on the target computed.
        """
        embedded = self.dropout(self.source_embedding(source))
        states = self.encoder(embedded, lengths)
        mask = torch.arange(source.shape[1], device=source.device) < lengths[:, None]
        return Memory(
            states=states,
            first_keys=self.decoder.first_attention.keys(states),
            last_keys=self.decoder.last_attention.keys(states),
            mask=mask,
            summary=self._summary(states, mask, lengths),
        )

    def _summary(self, states: Tensor, mask: Tensor, lengths: Tensor) -> Tensor:
        """The context vector of each sentence, shape (sentences, hidden size)."""
        if self.config.bridge == "mean":
            # (N, S, H) * (N, S, 1), summed over S, / (N, 1) = (N, H)
            return (states * mask[:, :, None]).sum(dim=1) / lengths[:, None].to(states.dtype)
        final = states[torch.arange(len(states), device=states.device), lengths - 1]
        if not self.config.bidirectional:
            return final
        forward, _ = final.chunk(2, dim=-1)
        _, backward = states[:, 0].chunk(2, dim=-1)
        return torch.cat([forward, backward], dim=-1)

    def start(self, memory: Memory) -> State:
        """The decoder's state before the first token."""
        return self.decoder.start(memory)

    def advance(
        self, tokens: Tensor, state: State, memory: Memory
    ) -> tuple[Tensor, State, Tensor | None]:
        """Go on by any number of target tokens, up to the output vectors; see ``Decoder``."""
        return self.decoder(self.dropout(self.target_embedding(tokens)), state, memory)  # type: ignore[no-any-return]

    def decode(
        self, tokens: Tensor, state: State, memory: Memory
    ) -> tuple[Tensor, State, Tensor | None]:
        """Go on by any number of target tokens.

        Args:
            tokens: Ids of the tokens read, shape (rows, steps); ``rows`` is the number of
                sentences, or a multiple of it with the rows of a sentence together.
            state: The state before, each tensor of shape (rows, size).
            memory: What ``encode`` gave.

        Returns:
            Logits of the tokens that follow, shape (rows, steps, target vocabulary); the state
            after; attention weights, shape (rows, steps, source length), or None.
        """
        outputs, state, weights = self.advance(tokens, state, memory)
        return self.vocabulary(outputs), state, weights

    def forward(
        self, source: Tensor, lengths: Tensor, target_in: Tensor
    ) -> tuple[Tensor, Tensor | None]:
        """Read a batch; the output layer is left to the loss.

        Returns:
            Output vectors, shape (sentences, target length, output size); attention weights, shape
            (sentences, target length, source length), or None.
        """
        memory = self.encode(source, lengths)
        outputs, _, weights = self.advance(target_in, self.start(memory), memory)
        return outputs, weights


def build(
    config: ModelConfig, source_vocabulary: int, target_vocabulary: int, seed: int = 0
) -> Seq2Seq:
    """A model with fresh weights, uniform in plus or minus ``model.initial_range``.

    Layer normalisation alone starts with a gain of 1 and a bias of 0: as a normalisation only.
    The weights are a pure function of the arguments; the global random state is left alone.
    """
    with torch.random.fork_rng(devices=[]):  # torch draws first weights of its own
        model = Seq2Seq(config, source_vocabulary, target_vocabulary)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.uniform_(-config.initial_range, config.initial_range, generator=generator)
    for module in model.modules():
        if isinstance(module, nn.LayerNorm):
            module.reset_parameters()
    return model
