"""Learning: a loop, and what it needs.

``trainer`` is the loop; ``loss`` and ``schedule`` are its arithmetic; ``validation`` asks how good
the weights are; ``checkpoint`` makes it survive anything; ``progress`` tells people about it.
"""
