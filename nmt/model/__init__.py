"""The encoder-decoder, from the inside out.

``cells`` are one step of a recurrence, written as their equations; ``recurrence`` runs a cell over
a sequence; ``attention`` looks from the decoder into the encoder's memory; ``encoder`` and
``decoder`` stack layers, with ``normalisation`` and ``dropout`` between them; ``seq2seq`` puts them
together. Modules hold weights and nothing else: states are values that go in and come out.
"""
