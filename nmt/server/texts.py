"""A beginning of the translation of a text as those of its sentences."""

from nmt.text.sentences import LINE_END, DividedText, sentences_of

SPACE = " "
"""What stands between two sentences of a prefix that go to one."""


def shares(prefix: str, of: DividedText) -> list[str]:
    """What the translation of each sentence begins with, where that of a text has a prefix.

    Lines of the prefix belong to lines of the text, and sentences to sentences; what a line of the
    prefix has too many goes to the last sentence of that line.

    Returns:
        For each sentence up to the one that the prefix ends in, which may be empty. Spaces at the
        end of the prefix are kept.
    """
    found: list[str] = []
    lines = LINE_END.split(prefix)[::2]
    last = max((sentence.line for sentence in of.sentences), default=0)
    lines[last:] = [SPACE.join(lines[last:])] if len(lines) > last else []
    for number, line in enumerate(lines):
        room = sum(sentence.line == number for sentence in of.sentences)
        # A letter at its end shows whether another sentence begins there.
        *whole, begun = sentences_of(line + "X")
        parts = [*whole, begun[:-1]]
        if len(parts) > room:
            parts = [*parts[: room - 1], SPACE.join(parts[room - 1 :])] if room else []
        is_last = number == len(lines) - 1
        found += parts if is_last else parts + [""] * (room - len(parts))
    return found
