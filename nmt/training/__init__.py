"""Training: a loop, and what it needs.

``trainer`` sets it up and finishes it; ``loop`` is the loop; ``learner`` takes its steps; ``loss``
and ``schedule`` are its arithmetic; ``validation`` measures how good the weights are;
``checkpoint`` makes it survive a kill; ``progress`` and ``records`` report it; ``distributed``
trains with several processes.
"""
