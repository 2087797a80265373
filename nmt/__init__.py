"""Neural machine translation with recurrent networks: from sentence pairs to a translator."""

__version__ = "0.1.0"
