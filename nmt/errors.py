"""What a user can fix.

Every error here is shown as one line on stderr with exit code 2; anything else is a bug of ours
and shows its traceback. A message says what is wrong, where (file and line, or the full key), the
value, and what to do.
"""


class NmtError(Exception):
    """Something the user can put right. The message is the whole explanation, in one line."""


class ConfigError(NmtError):
    """A recipe or a ``--set`` names an unknown key, a wrong value or a contradiction."""


class CorpusError(NmtError):
    """A corpus cannot be read, or its two sides do not belong together."""


class TokenizerError(NmtError):
    """A tokenizer cannot be trained on this text, or its file is damaged."""


class RunError(NmtError):
    """A run directory is missing, unfinished, damaged, or does not fit what is asked of it."""


class TrainingError(NmtError):
    """Training cannot go on: numbers are no longer finite, or there is nothing to learn from."""


class SearchError(NmtError):
    """Decoding options contradict each other or the text to translate is not text."""


class BulkError(NmtError):
    """A bulk translation would overwrite what is there, or go on with what is not its own."""


class GlossaryError(NmtError):
    """A glossary has a line that is no entry, or contradicts itself."""


class MarkupError(NmtError):
    """Text that is to be XML is not well formed."""


class PictureError(NmtError):
    """There is nothing to draw, or no way to draw it here."""


class ServerError(NmtError):
    """The server cannot listen where it is to, or a model is not one that it can serve."""
