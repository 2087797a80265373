"""What no model can know is taken out of a sentence, and put back into its translation as it is.

Addresses, numbers of several parts, emoji and letters that its tokenizer has no subword for are
strings of digits or bytes to a model, of which it makes something else. So they are left out of
what it reads, and go back to where the words after them came to stand. Of what is left, characters
that the tokenizer does not know are replaced by what the training text has in their place, and a
sentence in capitals that the model would spell letter by letter is read in small letters. All other
text is read as it stands. Other numbers are read as well, but looked for in the translation.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from nmt.text.normalise import normalise
from nmt.text.numerals import plain_digits, spelled_numbers
from nmt.text.tokenizer import Tokenizer
from nmt.text.words import UNSPACED, is_word_character

Span = tuple[int, int]
"""Where a stretch of a text begins and where it ends."""

LONGEST_WORD = 50
_UNSPACED = "".join(f"{first}-{last}" for first, last in UNSPACED)
_NOT_IN_ADDRESSES = r"\s<>«»“”\""
ADDRESS = re.compile(
    # Of the web, without the punctuation behind it,
    rf"(?:https?://|www\.)[^{_NOT_IN_ADDRESSES}]*[^{_NOT_IN_ADDRESSES}'\u2019.,;:!?…)\]}}]"
    r"|(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+"  # of mail,
    r"|(?<!\w)[@#]\w*[^\W\d_]\w*"  # names and topics of social networks,
    r"|(?<!\w)[0-9]+(?:[.,:/-][0-9]+)+(?!\w)(?: ?[$€£%])?"  # times, dates, prices,
    r"|(?<!\w)[0-9]{1,3}(?: [0-9]{2,3})+(?!\w)(?: ?[$€£%])?"  # thousands and telephone numbers,
    r"|(?<!\w)[^\W_]+(?:[&_][^\W_]+)+|(?<!\w)[A-Z](?:\+\+|\#)(?!\w)"  # R&D, file_name, C++
    rf"|[^\s{_UNSPACED}]{{{LONGEST_WORD},}}"  # and what is no word of any language.
)
UNSPACED_CHARACTER = re.compile(f"[{_UNSPACED}]")
MAY_BE_ADDRESS = re.compile(
    rf"www\.|[@#]|://|[0-9][ .,:/-][0-9]|\w[&_]\w|[A-Z]\+\+|[^\s{_UNSPACED}]{{{LONGEST_WORD}}}"
)
_OPERATOR = r"(?:[^\w\s.,;:!?…'\u2018\u2019\"“”«»()]|_)+"
_NUMBER_OR_LETTER = (
    r"(?:(?<![0-9])(?<![0-9][.,])(?>[0-9]+(?:[.,][0-9]+)*)|(?<!\w)[^\W\d_])(?![^\W_])"
)
FORMULA = re.compile(
    # but for a first letter that is a word, as in "il y a > 3"
    rf"(?:(?![aà]){_NUMBER_OR_LETTER} ?)?{_OPERATOR}"
    rf"(?: ?{_NUMBER_OR_LETTER}(?: ?{_OPERATOR}(?= ?{_NUMBER_OR_LETTER})|{_OPERATOR})?)*"
)
"""Numbers and single letters with symbols before, between and right behind them."""
NUMBER = re.compile(r"[0-9]+(?:[.,:/-][0-9]+| [0-9]{3}(?![0-9]))*")
BETWEEN_DIGITS = re.compile(r"(?<=[0-9])[ .,:/-](?=[0-9])")
FEWEST_DIGITS = 3
"""Of a number that a translation has to hold; shorter ones may become words."""
JOINERS = "\u200d\ufe0e\ufe0f"
"""What makes one emoji of several characters."""
BRACKETS = {"(": ")", "[": "]", "{": "}", "<": ">", "«": "»", "“": "”", '"': '"'}
VARIANTS = {
    **dict.fromkeys(
        "\u2019\u2018\u02bc\u201b\u00b4`\u2032\u2039\u203a", "'"
    ),  # apostrophes, single quotes, primes
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"'),
    **dict.fromkeys(
        "\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"
    ),  # hyphens, dashes, the minus
    **dict.fromkeys("\ufe0e\ufe0f", ""),  # ask for black and white, or for colours
    "œ": "oe",
    "æ": "ae",
}
"""What the same is written as elsewhere."""


@dataclass(frozen=True)
class Reading:
    """How a sentence is read.

    Attributes:
        text: The sentence, normalised.
        read: What the model reads, normalised; empty where there is nothing that it can know.
        places: Where in the text each character of that is from.
        spans: What was taken out of the text.
        is_shouted: The text is in capitals, and what the model reads is not.
    """

    text: str
    read: str
    places: Sequence[int]
    spans: tuple[Span, ...] = ()
    is_shouted: bool = False

    @property
    def changes(self) -> bool:
        """Whether the text is read otherwise than it stands."""
        return self.read != self.text

    def cut(self, pieces: Sequence[str]) -> list[str]:
        """The parts of the text that pieces of what is read are from, together the text.

        Args:
            pieces: Together what is read, but for spaces; not empty.
        """
        starts = [self.places[start] for start in starts_of(self.read, pieces)]
        bounds = pairwise([0, *starts[1:], len(self.text)])
        return [self.text[start:end].strip() for start, end in bounds]


def as_it_is(text: str) -> Reading:
    """A reading that changes nothing.

    Args:
        text: Normalised.
    """
    return Reading(text, text, range(len(text)))


def reading_of(text: str, tokenizer: Tokenizer, is_free: bool = True) -> Reading:
    """How a sentence is best read.

    Args:
        text: Normalised.
        tokenizer: Of the model.
        is_free: Take out what the model cannot know, and read capitals as small letters; False
            to replace single characters and no more.
    """
    known = tokenizer.characters
    is_known = known.issuperset(text)
    if is_known and not (is_free and text):
        return as_it_is(text)
    is_plain = any(map(str.isalpha, text)) and not text.isupper()
    if is_known and is_plain and not MAY_BE_ADDRESS.search(text):
        return as_it_is(text)
    spans = tuple(_spans(text, known)) if is_free else ()
    characters = list(_characters(text, spans, known))
    read = "".join(character for _, character in characters)
    if is_free and not any(map(str.isalpha, read)):
        return Reading(text, "", (), ((0, len(text)),))
    is_shouted = False
    if is_free and "".join(text[place] for place, _ in characters).isupper():
        small = list(_in_small_letters(characters, tokenizer))
        softly = "".join(character for _, character in small)
        is_shouted = 2 * len(tokenizer.encode(softly)) <= len(tokenizer.encode(read))
        if is_shouted:
            characters, read = small, softly
    if read != normalise(read):
        return as_it_is(text)  # an accent that has nothing to stand on any more
    places = [place for place, _ in characters]
    return Reading(text, read, places, spans, is_shouted)


def lost_numbers(text: str, translation: str) -> list[str]:
    """The numbers of a text that its translation does not have, whatever separates their digits.

    Digits of any script are digits, and a number may be spelled; see `spelled_numbers`.
    """
    written = plain_digits(translation)
    digits = BETWEEN_DIGITS.sub("", written)
    groups = set(re.findall("[0-9]+", written))
    lost = [
        number
        for number in NUMBER.findall(text)
        if sum(map(str.isdigit, number)) >= FEWEST_DIGITS
        and BETWEEN_DIGITS.sub("", number) not in digits
        and not groups.issuperset(re.findall("[0-9]+", number))
    ]
    spelled = spelled_numbers(translation) if lost else set()
    return [number for number in lost if BETWEEN_DIGITS.sub("", number) not in spelled]


def _spans(text: str, known: Collection[str]) -> Iterator[Span]:
    """What a model cannot know, no two of the spans side by side."""
    found = [match.span() for match in ADDRESS.finditer(text)]
    found += [m.span() for m in FORMULA.finditer(text) if _is_unknown_formula(m[0], known)]
    end = 0
    for place, character in enumerate(text):
        if place >= end and not character.isspace() and _read_as(character, known) is None:
            found.append(_around(text, place))
            end = found[-1][1]
    merged: list[Span] = []
    for start, end in sorted(found):
        if merged and all(c.isspace() or c in JOINERS for c in text[merged[-1][1] : start]):
            start, end = merged[-1][0], max(end, merged.pop()[1])
        merged.append((start, end))
    for start, end in merged:
        yield _widened(text, start, end)


def _is_unknown_formula(text: str, known: Collection[str]) -> bool:
    """Whether a formula has a number, and a symbol that a model cannot know and is no picture."""
    return any(map(str.isdigit, text)) and any(
        (unicodedata.category(character) != "So" or character == "°")
        and _read_as(character, known) is None
        for character in text
    )


def _around(text: str, place: int) -> Span:
    """The word that a character is in, or the character with what makes it another emoji."""
    start, end = place, place + 1
    character = text[place]
    if is_word_character(character) and not UNSPACED_CHARACTER.match(character):
        while start and _is_in_word(text[start - 1]):
            start -= 1
        while end < len(text) and _is_in_word(text[end]):
            end += 1
    while end < len(text) and text[end] in JOINERS:
        end += 1
    return start, end


def _is_in_word(character: str) -> bool:
    return character == "-" or is_word_character(character)


def _widened(text: str, start: int, end: int) -> Span:
    """A span with the brackets around it, and at the start of a text with the comma after it."""
    before, after = _without_spaces_around(text, start, end)
    while before and after < len(text) and BRACKETS.get(text[before - 1]) == text[after]:
        start, end = before - 1, after + 1
        before, after = _without_spaces_around(text, start, end)
    if not before and after < len(text) - 1 and text[after] in ",;:":
        end = after + 1
    return start, end


def _without_spaces_around(text: str, start: int, end: int) -> Span:
    """A span with the spaces around it."""
    while start and text[start - 1].isspace():
        start -= 1
    while end < len(text) and text[end].isspace():
        end += 1
    return start, end


def _characters(
    text: str, spans: Sequence[Span], known: Collection[str]
) -> Iterator[tuple[int, str]]:
    """What of a text is read: the place in it that each character is from, and the character."""
    ends = dict(spans)
    place = 0
    space = -1  # where there is one to be read before the next character, if anywhere
    is_first, is_after_span = True, False
    while place < len(text):
        if place in ends:
            space, is_after_span, place = place, True, ends[place]
            continue
        variant = _read_as(text[place], known)
        read = text[place] if variant is None else variant
        if read == " ":
            space, is_after_span = place, False
        elif read:
            joins = is_after_span and not is_word_character(read[0])
            if space >= 0 and not is_first and not joins:
                yield space, " "
            space, is_first, is_after_span = -1, False, False
            for character in read:
                yield place, character
        place += 1


def _read_as(character: str, known: Collection[str]) -> str | None:
    """What a character is read as: itself, a variant that is known, or None if there is none."""
    if character in known:
        return character
    if unicodedata.category(character) == "Cf":
        return ""  # invisible, such as a soft hyphen
    variants = [VARIANTS.get(character), character.lower()]
    if not unicodedata.decomposition(character).startswith(("<super>", "<sub>", "<fraction>")):
        variants.append(unicodedata.normalize("NFKC", character))
    return next((v for v in variants if v is not None and all(c in known for c in v)), None)


def _in_small_letters(
    characters: Sequence[tuple[int, str]], tokenizer: Tokenizer
) -> Iterator[tuple[int, str]]:
    """A text in capitals, each word in the letters in which it has the fewest subwords."""
    for is_space, group in groupby(characters, key=lambda placed: placed[1] == " "):
        word = list(group)
        if is_space:
            yield from word
            continue
        small = [(place, one) for place, letter in word for one in letter.lower()]
        title = [word[0], *((place, one) for place, letter in word[1:] for one in letter.lower())]
        is_start = word[0] == characters[0]
        ways = [title] if is_start else [small, title, word]
        ids = [tokenizer.encode("".join(letter for _, letter in way)) for way in ways]
        # Among single letters the commoner, which was learned first: I, but not A.
        costs = [each if len(word) == 1 else [len(each)] for each in ids]
        yield from ways[costs.index(min(costs))]


def starts_of(text: str, pieces: Sequence[str]) -> Iterator[int]:
    """Where each piece of a text begins, in order."""
    end = 0
    for piece in pieces:
        start = text.index(piece, end)
        end = start + len(piece)
        yield start
