"""What `nmt translate` can be asked for besides a translation."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from nmt.cli.options import option, refuse_misplaced
from nmt.errors import RunError, SearchError
from nmt.files import naming
from nmt.progress import counted, say
from nmt.text.lines import line_of

if TYPE_CHECKING:
    from nmt.translator.glossary import Glossary
    from nmt.translator.translator import Translation, Translator

    TranslateTexts = Callable[[list[str]], list[Translation]]


@dataclass(frozen=True)
class Extras:
    """These options, as they were given."""

    glossary_file: Path | None = option(
        "--glossary FILE",
        "Lines of SOURCE, a tab and TARGET: where a text has the words SOURCE, its translation has "
        "TARGET. Without capitals SOURCE is found in any case.",
    )
    required: list[str] = option(
        "--require WORD", "Have WORD, or a phrase, in each translation. Repeat for more.", list
    )
    forbidden: list[str] = option(
        "--forbid WORD", "Have WORD, or a phrase, in no translation. Repeat for more.", list
    )
    prefix: str | None = option(
        "--prefix TEXT", "Begin each translation with TEXT, best whole words."
    )
    alternatives: int | None = option(
        "--alternatives N",
        "Print the N likeliest words after --prefix instead of a translation, as PROBABILITY and "
        "WORD with a tab between; without a WORD it is the end.",
        min=1,
        max=100,
    )
    at: int | None = option(
        "--at K", "With --alternatives: after the first K words of the best translation.", min=0
    )
    markup: Literal["html", "xml"] | None = option(
        "--markup",
        "The text has tags, which go through and land around the right words. Standard input is a "
        "document or a part of one, or lines.",
    )
    alignments: Path | None = option(
        "--alignments FILE",
        "Write which words belong together to FILE, one line for each text: 0-0 2-1 is that the "
        "first word became the first, and the third the second.",
    )

    @property
    def has_words(self) -> bool:
        """Whether they name words of a translation, and so its language."""
        return bool(self.prefix or self.required or self.forbidden or self.glossary_file)

    def check(self, texts: list[str]) -> None:
        """Refuse what cannot be done, before anything takes long.

        Args:
            texts: What is to be translated, if it was given as TEXT.

        Raises:
            SearchError: What that is.
        """
        if self.alternatives is not None and len(texts) != 1:
            raise SearchError("--alternatives is for one TEXT: give one")
        if self.alignments is not None:
            refuse_misplaced("--alignments", self.alignments)

    def glossary(self) -> "Glossary | None":
        """The glossary, if one was named.

        Raises:
            NmtError: It cannot be read.
        """
        if self.glossary_file is None:
            return None
        from nmt.translator.glossary import Glossary

        return Glossary.load(self.glossary_file)

    def translate(
        self,
        translator: "Translator",
        glossary: "Glossary | None",
        texts: list[str],
        align: bool,
    ) -> "list[Translation]":
        """Translate texts under the constraints."""
        constraints = None
        if self.prefix or self.required or self.forbidden:
            from nmt.translator.translator import TextConstraints

            wanted = TextConstraints(self.prefix or "", tuple(self.required), tuple(self.forbidden))
            constraints = [wanted] * len(texts)
        return translator.translate(texts, None, constraints, glossary=glossary, align=align)

    def translate_markup(
        self, translator: "Translator", glossary: "Glossary | None", texts: list[str]
    ) -> list[str]:
        """Translate documents under the constraints."""
        assert self.markup is not None
        return translator.translate_markup(
            texts, self.markup, glossary=glossary, forbidden=self.forbidden
        )

    @contextmanager
    def alignments_noted(self) -> "Iterator[Callable[[Translation], None]]":
        """What to call with each translation: it writes the alignment, if that is asked for.

        Raises:
            RunError: On the call: the model has no attention.
        """
        if self.alignments is None:
            yield lambda translation: None
            return
        with naming(self.alignments), self.alignments.open("wb") as file:

            def note(translation: "Translation") -> None:
                alignment = translation.hypotheses[0].alignment
                if alignment is None:
                    raise RunError(
                        "this model has no attention, so nothing says which words belong together: "
                        "leave out --alignments, or use a model with attention"
                    )
                file.write(line_of(str(alignment)))

            yield note

    @property
    def belongs_to(self) -> dict[str, Any]:
        """What a translation depends on, for telling it from others; plain values of JSON."""
        file = self.glossary_file
        return {
            "prefix": self.prefix,
            "required": self.required,
            "forbidden": self.forbidden,
            "glossary": None if file is None else hashlib.sha256(file.read_bytes()).hexdigest(),
        }


@dataclass
class Shortage:
    """Counts texts for which a search has found fewer translations than were asked for."""

    wanted: int
    texts: int = 0

    def noting(self, translate: "TranslateTexts") -> "TranslateTexts":
        """The same translator, counted."""

        def noted(texts: list[str]) -> "list[Translation]":
            translations = translate(texts)
            self.texts += sum(
                len(found.hypotheses) < self.wanted and bool(found.source_pieces)
                for found in translations
            )
            return translations

        return noted

    def tell(self) -> None:
        """Say how many, if there are any."""
        if self.texts:
            has = "has" if self.texts == 1 else "have"
            say(
                f"{counted(self.texts, 'text')} {has} fewer than {self.wanted} translations: the "
                "search found no more that differ"
            )
