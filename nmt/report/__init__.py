"""A page about a run: how its training went, how good it is, and what it is made of.

1. ``history``    What the run kept of its training: ``metrics.jsonl``, read leniently.
2. ``scores``     A test set translated and scored, once for the same weights and search.
3. ``sentences``  The best and the worst of these translations, with their attention.
4. ``axes``       Round numbers along an axis, and curves with no more points than can be seen.
5. ``charts``     Curves and bars as SVG.
6. ``page``       All of it as one file that needs nothing else.
"""
