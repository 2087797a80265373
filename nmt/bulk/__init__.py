"""Translating much: files of any size, and data sets that come as many files.

``file`` translates one file of lines, to be gone on with after a kill. ``batches`` is the function
over batches of rows that `datasets` and Ray Data take; ``shards`` puts it to work on files of rows,
which ``formats`` reads and writes, with the library that one of the ``engines`` drives.
"""

from nmt.bulk.batches import BatchTranslator
from nmt.bulk.file import Input, Output, translate_file

__all__ = ["BatchTranslator", "Input", "Output", "translate_file"]
