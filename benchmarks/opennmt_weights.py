"""Put the weights of a run of nmt into a checkpoint of OpenNMT-py; `opennmt.py train` runs it.

    python benchmarks/opennmt_weights.py CHECKPOINT RUN

The run must have the reference shape, with one attention and no input feeding. All goes over but
for two things that OpenNMT-py has not: the layers that start the decoder (it starts from the
encoder's last states) and the bias of the output vector; and the other way round the weights of
input feeding start at 0. So the checkpoint is not worth much as it is: it needs a few hundred
steps of training, instead of thousands.
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import sentencepiece
import torch
from safetensors.torch import load_file
from torch import Tensor

NAMES = {"<blank>": "<pad>"}  # of the pieces that the two call differently
LAYERS = range(2)


def main() -> None:
    file, run = (Path(word) for word in sys.argv[1:])
    checkpoint = torch.load(file, map_location="cpu", weights_only=False)
    weights = load_file(run / "model.safetensors")
    pieces = sentencepiece.SentencePieceProcessor(str(run / "joint.model"))
    tokens = checkpoint["vocab"]["src"]
    ids = torch.tensor([pieces.piece_to_id(NAMES.get(token, token)) for token in tokens])
    replace(checkpoint["model"], {**encoder(weights, ids), **decoder(weights)}, run)
    output = {name: weights[f"vocabulary.{name}"][ids] for name in ("weight", "bias")}
    replace(checkpoint["generator"], output, run)
    torch.save(checkpoint, file)


def replace(old: dict[str, Tensor], new: Mapping[str, Tensor], run: Path) -> None:
    if {k: v.shape for k, v in old.items()} != {k: v.shape for k, v in new.items()}:
        raise SystemExit(f"{run} does not have the reference shape")
    old.update({name: tensor.clone() for name, tensor in new.items()})


def encoder(weights: Mapping[str, Tensor], ids: Tensor) -> dict[str, Tensor]:
    embeddings = weights["source_embedding.weight"][ids]
    side = "embeddings.make_embedding.emb_luts.0.weight"
    found = {f"encoder.{side}": embeddings, f"decoder.{side}": embeddings}
    for layer in LAYERS:
        for direction, suffix in enumerate(("", "_reverse")):
            cell = f"encoder.layers.{layer}.directions.{direction}"
            for name, tensor in lstm(weights, cell):
                found[f"encoder.rnn.{name}_l{layer}{suffix}"] = tensor
    return found


def decoder(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    found = {}
    for layer in LAYERS:
        for name, tensor in lstm(weights, f"decoder.layers.{layer}"):
            found[f"decoder.rnn.layers.{layer}.{name}"] = tensor
    first = "decoder.rnn.layers.0.weight_ih"
    state, context = weights["decoder.output.weight"].chunk(2, dim=1)
    # (4 H, E), (4 H, H) = (4 H, E + H): what is fed comes behind the embedding
    found[first] = torch.cat([found[first], torch.zeros(4 * len(state), len(state))], dim=1)
    # query . (W memory) = (W' query) . memory
    found["decoder.attn.linear_in.weight"] = weights["decoder.last_attention.key.weight"].T
    found["decoder.attn.linear_out.weight"] = torch.cat([context, state], dim=1)
    return found


def lstm(weights: Mapping[str, Tensor], cell: str) -> Iterator[tuple[str, Tensor]]:
    """The weights of an LSTM as torch names them; it has a second bias."""
    yield "weight_ih", weights[f"{cell}.weight_input"]
    yield "weight_hh", weights[f"{cell}.weight_hidden"]
    yield "bias_ih", weights[f"{cell}.bias"]
    yield "bias_hh", torch.zeros_like(weights[f"{cell}.bias"])


if __name__ == "__main__":
    main()
