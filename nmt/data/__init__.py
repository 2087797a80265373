"""From files of sentence pairs to batches of token ids: the first stages of the chain, in order.

1. ``origins``    Where a split is: text, TSV, JSON Lines or Parquet files, or a hub data set.
2. ``readers``    Its rows, strictly: what is misaligned or not text is refused by file and line.
3. ``text``       ``normalise``: Unicode NFC, one space between words. The same for every stage.
4. ``pairs``      ``read_split``: those rows as a memory-mapped data set, kept in the ``cache``.
5. ``checks``     ``load_corpus``: train without the pairs that would teach nothing, which are
                  counted and reported; dev and test with every pair they came with.
                  With further corpora their pairs come after, and the ``mixture`` says how often
                  those of each are met in an epoch.
6. ``tokenizer``  ``train_tokenizer``, ``Tokenizer``: text to subword ids and back, losing nothing;
                  ``sampling`` draws other segmentations for training.
7. ``encoded``    ``encode_pairs``: the ids of all pairs on disk, a batch of them in a millisecond.
8. ``batches``    ``plan_epoch`` decides which rows go together; ``make_batch`` pads them;
                  ``word_dropout`` blanks some of the subwords for training, and the ``guide`` says
                  where an attention would look in it, by what ``lexical`` learns.

Each hands plain values to the next. Of many pairs, stages 4 and 7 share out the work in a ``pool``
of processes. Import from the module that owns the name.
"""
