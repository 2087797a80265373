"""What is done to the vectors of a recurrent layer before they go on: nothing, or layer norm."""

from torch import nn

from nmt.config import ModelConfig


def normalisation(config: ModelConfig) -> nn.Module:
    """Layer normalisation (Ba et al. 2016, equation 4), if ``model.layer_norm`` asks for it.

    It is applied to what a layer hands on to the next one, to attention and to the output, after
    the residual sum: ``LayerNorm(x + layer(x))``, as Vaswani et al. 2017 (section 3.1) do, and Kim
    et al. 2019 around a recurrence. What goes on in time is the cell's own state. Within a cell,
    where Chen et al. 2018 have it, it would stand between the steps and no kernel could run over a
    whole sequence.
    """
    return nn.LayerNorm(config.hidden_size) if config.layer_norm else nn.Identity()
