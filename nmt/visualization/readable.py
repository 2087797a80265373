"""Words or subwords: whichever shows more of what was looked at."""

from collections.abc import Sequence

from nmt.text.languages import sets_words_apart
from nmt.translator.results import Translation
from nmt.visualization.attention import AttentionGrid, subword_grid, word_grid


def readable_grid(translation: Translation, languages: Sequence[str]) -> AttentionGrid:
    """What was looked at in words, or in subwords where a whole sentence would be one word.

    Args:
        translation: Made with ``align=True``.
        languages: Codes of the languages translated from and into, such as ``zh``.

    Raises:
        PictureError: There are no words.
        RunError: The model has no attention.
    """
    is_whole = translation.hypotheses[0].attention is not None  # not translated in parts
    if is_whole and not all(map(sets_words_apart, languages)):
        return subword_grid(translation)
    return word_grid(translation)
