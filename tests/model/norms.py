"""Layer normalisation as some learning leaves it: fresh, it would not show its weights at all."""

import torch

from nmt.model.seq2seq import Seq2Seq


def draw_norms(model: Seq2Seq) -> Seq2Seq:
    """Draw the gains from 0.5 to 1.5 and the biases from -0.5 to 0.5; the same each time."""
    generator = torch.Generator().manual_seed(8)
    for name, parameter in model.named_parameters():
        if ".norms." in name:
            parameter.data.uniform_(-0.5, 0.5, generator=generator)
            parameter.data += name.endswith("weight")
    return model
