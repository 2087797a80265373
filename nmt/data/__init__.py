"""From files of sentence pairs to batches of token ids: the first stages of the chain, in order.

1. ``splits``        Where a split is: text, TSV, JSON Lines or Parquet files, or a hub data set.
2. ``readers``       Its rows, strictly: what is misaligned or not text is refused by file and line.
3. ``bitext``        ``read_split``: those rows, normalised, as a memory-mapped data set that is
                     kept in the ``cache``.
4. ``filtering``     ``load_corpus``: train without the pairs that would teach nothing, which are
                     counted and reported; dev and test with every pair they came with. Pairs of
                     further corpora come after; the ``mixture`` says how often those of each are
                     met in an epoch.
5. ``encoded``       ``encode_pairs``: the ids of all pairs on disk, a batch of them in a
                     millisecond.
6. ``batches``       ``plan_epoch`` decides which rows go together; ``make_batch`` pads them.
7. ``augmentation``  Alters some pairs and drops some subwords for training, with ``phrases``.
8. ``guided_alignment``  Where attention should be in a batch, by what ``ibm1`` learns.

Each hands plain values to the next. Of many pairs, stages 3 and 5 share the work among
``processes``. Import from the module that owns the name.
"""
