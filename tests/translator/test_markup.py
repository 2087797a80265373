"""Tags that go through a translation, with translators that only shuffle words."""

import html
import re
from collections import Counter
from collections.abc import Callable, Sequence
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmt.errors import MarkupError, RunError, SearchError
from nmt.search.alignment import Alignment, Unit
from nmt.text.normalise import normalise
from nmt.translator.markup import translate_markup
from nmt.translator.markup.reading import read_markup
from nmt.translator.results import TranslatedHypothesis, Translation

Translate = Callable[[list[str]], list[Translation]]


def units_of(text: str) -> list[Unit]:
    found: list[Unit] = []
    for word in normalise(text).split():
        for number, part in enumerate(re.findall(r"\w+|[^\w]+", word)):
            found.append(Unit(part, number == 0, len(found)))
    return found


def translation(text: str, target: Sequence[Unit], looks: np.ndarray | None) -> Translation:
    alignment = None
    if looks is not None:
        pieces = (1,) * len(target)
        source = tuple(units_of(text))
        alignment = Alignment(source, tuple(target), looks.astype(np.float32), pieces)
    spelt = "".join(" " * unit.opens_word + unit.text for unit in target).strip()
    hypothesis = TranslatedHypothesis(spelt, 0.0, 0.0, (), None, True, alignment)
    return Translation(text, (), (hypothesis,))


def echo(texts: list[str]) -> list[Translation]:
    """Translates every word by itself."""
    return [translation(text, units_of(text), np.eye(len(units_of(text)))) for text in texts]


def scripted(target: str, pairs: str) -> Translate:
    """One translation, aligned by pairs of unit numbers, source first."""

    def translate(texts: list[str]) -> list[Translation]:
        [text] = texts
        found = units_of(target)
        looks = np.zeros((len(found), len(units_of(text))))
        for pair in pairs.split():
            s, t = map(int, pair.split("-"))
            looks[t, s] += 1.0
        return [translation(text, found, looks)]

    return translate


def shuffler(seed: int) -> Translate:
    """Any words at all, that look anywhere."""

    def translate(texts: list[str]) -> list[Translation]:
        found = []
        for text in texts:
            random = np.random.default_rng([seed, len(text)])
            words = random.choice(["un", "mot", "a&b", "fin."], random.integers(0, 7))
            target = units_of(" ".join(words))
            looks = random.random((len(target), len(units_of(text))))
            found.append(translation(text, target, looks * random.choice([0.0, 1.0])))
        return found

    return translate


@pytest.mark.parametrize(
    ("source", "target", "pairs", "expected"),
    [
        # Le chat noir dort. -> The black cat sleeps.
        (
            "Le <b>chat</b> noir dort.",
            "The black cat sleeps.",
            "0-0 2-1 1-2 3-3 4-4",
            "The black <b>cat</b> sleeps.",
        ),
        (
            "Le <b>chat noir</b> dort.",
            "The black cat sleeps.",
            "0-0 2-1 1-2 3-3 4-4",
            "The <b>black cat</b> sleeps.",
        ),
        (
            "Le <b>chat <i>noir</i></b> dort.",
            "The black cat sleeps.",
            "0-0 2-1 1-2 3-3 4-4",
            "The <b><i>black</i> cat</b> sleeps.",
        ),
        # The words of two neighbours are swapped, each with its tag.
        (
            "Le <b>chat</b> <i>noir</i> dort.",
            "The black cat sleeps.",
            "0-0 2-1 1-2 3-3 4-4",
            "The <i>black</i> <b>cat</b> sleeps.",
        ),
        # ne ... pas -> not
        (
            "Il <b>ne dort pas</b>.",
            "He is not asleep.",
            "0-0 2-1 1-2 2-3 4-4",
            "He <b>is not asleep</b>.",
        ),
        # What stands alone goes before what the next word became.
        (
            "Le chat<img src=x> noir dort",
            "The black cat sleeps",
            "0-0 2-1 1-2 3-3",
            "The<img src=x> black cat sleeps",
        ),
        (
            "Le chat <code>a < b</code> dort.",
            "The cat sleeps.",
            "0-0 1-1 2-2 3-3",
            "The cat <code>a < b</code> sleeps.",
        ),
        ("Utilisez <code>x</code>.", "Use.", "0-0 1-1", "Use <code>x</code>."),
        # At the edges tags stay at the edges.
        ("<p> <b>Il dort.</b></p>\n", "He sleeps.", "0-0 1-1 2-2", "<p> <b>He sleeps.</b></p>\n"),
        ("<img> Il dort<br>", "sleeping he", "1-0 0-1", "<img> sleeping he<br>"),
        # A tag in the middle of a word takes the word.
        ("Il <b>d</b>ort", "He sleeps", "0-0 1-1", "He <b>sleeps</b>"),
        # Two tags whose words are mixed up: each keeps the stretch with most of its words.
        (
            "<b>a b c</b> <i>d</i>",
            "A B D C",
            "0-0 1-1 3-2 2-3",
            "<b>A B</b> <i>D</i> C",
        ),
        # No word of the tag became anything: it is still there.
        ("Le <b>chat</b> dort", "The sleeps", "0-0 2-1", "The <b></b> sleeps"),
        ("Le <b id=1></b>chat", "The cat", "0-0 1-1", "The <b id=1></b>cat"),
        # Entities are text, and become entities where they have to.
        (
            "&eacute;t&#233; &amp; <i>a&lt;b</i>",
            "é & a<b",
            "0-0 1-1 2-2 3-3 4-4",
            "é &amp; <i>a&lt;b</i>",
        ),
    ],
)
def test_tags_land_around_the_right_words(
    source: str, target: str, pairs: str, expected: str
) -> None:
    assert translate_markup(scripted(target, pairs), [source], "html") == [expected]


def test_a_tag_takes_the_word_that_looked_at_its_words_more_than_others_did() -> None:
    def translate(texts: list[str]) -> list[Translation]:
        # Nothing looks most at "chat".
        looks = np.array([[0.6, 0.1, 0.3], [0.3, 0.3, 0.4]])
        return [translation(texts[0], units_of("The sleeper"), looks)]

    [found] = translate_markup(translate, ["Le <b>chat</b> dort"], "html")
    assert found == "The <b>sleeper</b>"


def test_a_page_keeps_all_but_its_text() -> None:
    page = """<!DOCTYPE html>
<html lang=fr><head><title>Le titre</title>
<style>p { color: red }</style><script>if (a < b) { "le chat" }</script></head>
<body>
<!-- le commentaire -->
<p class="un deux">Le   chat<br>dort &amp; mange. <a href="le chat">Ici</a>
<ul><li>un<li translate=no>deux trois<li>quatre</ul>
<table><tr><td>1 a</td><td></td><td>***</td></table>
<pre>
  le   chat
</pre>
</body>"""
    seen: list[str] = []

    def upper(texts: list[str]) -> list[Translation]:
        seen.extend(texts)
        return [
            translation(text, units_of(text.upper()), np.eye(len(units_of(text)))) for text in texts
        ]

    [found] = translate_markup(upper, [page], "html")
    assert seen == ["Le titre", "Le chat", "dort & mange. Ici", "un", "quatre", "1 a"]
    expected = page.replace("Le titre", "LE TITRE").replace("Le   chat<", "LE CHAT<")
    expected = expected.replace("dort &amp; mange.", "DORT &amp; MANGE.").replace("Ici", "ICI")
    expected = expected.replace(">un<", ">UN<").replace("quatre", "QUATRE").replace("1 a", "1 A")
    assert found == expected


def test_lines_outside_of_elements_are_sentences_of_their_own() -> None:
    seen: list[str] = []

    def note(texts: list[str]) -> list[Translation]:
        seen.extend(texts)
        return echo(texts)

    text = "un <b>deux</b>\r\n\n trois\n<p>quatre\ncinq</p>\n"
    for language in ("html", "xml"):
        seen.clear()
        [found] = translate_markup(note, [text], language)
        assert seen == ["un deux", "trois", "quatre cinq"]
        assert found == text.replace("quatre\ncinq", "quatre cinq")


def test_elements_of_xml_separate_where_they_have_no_text_beside_them() -> None:
    seen: list[str] = []

    def note(texts: list[str]) -> list[Translation]:
        seen.extend(texts)
        return echo(texts)

    text = (
        '<?xml version="1.0"?>\n<!DOCTYPE doc [<!ENTITY me "<b>moi</b>">]>\n<doc>'
        "<title>Un titre</title><para>Le <b>chat <i>noir</i></b> et &me; <br/>ici.</para>"
        '<para its:translate="no">Rien <b>du</b> tout</para><?pi un deux?>'
        "<para><![CDATA[a <b> c]]> dort</para></doc>\n"
    )
    [found] = translate_markup(note, [text], "xml")
    assert seen == ["Un titre", "Le chat noir et ici.", "dort"]
    assert found == text


@pytest.mark.parametrize(
    ("text", "language", "sentences", "expected"),
    [
        (
            "<span>Un.</span><span>Deux.</span>",
            "html",
            ["Un. Deux."],
            "<span>Un.</span> <span>Deux.</span>",
        ),
        ("<b><i>Un !</i><i>Deux</i></b>", "html", ["Un ! Deux"], "<b><i>Un !</i> <i>Deux</i></b>"),
        ("<b>Un.</b>deux", "html", ["Un.deux"], "<b>Un.</b>deux"),
        ("<b>Un</b>Deux", "html", ["UnDeux"], "<b>UnDeux</b>"),
    ],
)
def test_sentences_that_only_tags_are_between_are_kept_apart(
    text: str, language: Any, sentences: list[str], expected: str
) -> None:
    seen: list[str] = []

    def note(texts: list[str]) -> list[Translation]:
        seen.extend(texts)
        return echo(texts)

    assert translate_markup(note, [text], language) == [expected]
    assert seen == sentences


def test_a_paragraph_of_xml_is_one_whatever_is_beside_it() -> None:
    seen: list[str] = []

    def note(texts: list[str]) -> list[Translation]:
        seen.extend(texts)
        return echo(texts)

    text = "<doc>titre<p>un <b>deux</b></p><x:p xmlns:x='x'>trois</x:p><q>quatre</q> cinq</doc>"
    assert translate_markup(note, [text], "xml") == [text]
    assert seen == ["titre", "un deux", "trois", "quatre cinq"]


@pytest.mark.parametrize("end", ["</p", "<b", "<a href='x", "</", "<"])
def test_a_tag_that_breaks_off_is_not_lost(end: str) -> None:
    [found] = translate_markup(echo, [f"<p>un deux{end}"], "html")
    assert html.unescape(found) == f"<p>un deux{end}"


def test_documents_are_translated_together_and_apart() -> None:
    texts = ["<b>un</b>", "", "deux <i>trois</i>", "\n"]
    assert translate_markup(echo, texts, "html") == texts
    assert translate_markup(echo, [], "xml") == []


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("Le <b>chat", "line 1, column 11: not well-formed XML (mismatched tag)"),
        ("Le\n<b>été</b> </i>", "line 2, column 14: not well-formed XML (mismatched tag)"),
        ("<b>&nbsp;</b>", "line 1, column 4: not well-formed XML (undefined entity)"),
        ("a & b", "line 1, column 4: not well-formed XML"),
        ('<?xml version="1.0"?><a>', "line 1, column 25: not well-formed XML (no element found)"),
        ("</nmt-fragment><nmt-fragment>", "line 1, column 16: not well-formed XML (junk after"),
        ("<nmt-fragment/>", "<nmt-fragment> is an element that nmt needs"),
    ],
)
def test_xml_that_is_not_well_formed_is_refused_with_its_place(text: str, place: str) -> None:
    with pytest.raises(MarkupError) as error:
        translate_markup(echo, ["<p/>", text], "xml")
    assert place in str(error.value)


def test_what_is_not_text_is_refused() -> None:
    for text in ("<b>\0</b>", "<b>\ud800</b>"):
        with pytest.raises(SearchError):
            translate_markup(echo, [text], "html")


def test_a_model_without_attention_is_refused() -> None:
    with pytest.raises(RunError, match="has no attention"):
        translate_markup(
            lambda texts: [translation(texts[0], [], None)], ["le <b>chat</b>"], "html"
        )


WORD = st.sampled_from(["le", "chat", "été", "a&amp;b", "&lt;", "l'ami,", "."])
SPACES = st.sampled_from([" ", "", "\n", "  "])


@st.composite
def xml(draw: st.DrawFn, depth: int = 3) -> str:
    """Well-formed content, every tag of it different."""
    parts = []
    for _ in range(draw(st.integers(0, 4))):
        kind = draw(st.integers(0, 3 if depth else 1))
        if kind <= 1:
            parts.append(draw(WORD))
        elif kind == 2:
            parts.append(draw(st.sampled_from(["<x@/>", "<!--@ c-->", "<?p @?>", "<y@></y@>"])))
        else:
            parts.append(f"<e@>{draw(xml(depth=depth - 1))}</e@>")
        parts.append(draw(SPACES))
    return "".join(parts)


def numbered(text: str) -> str:
    """Each element with a number of its own."""
    count = 0
    open_numbers: list[int] = []

    def number(match: re.Match[str]) -> str:
        nonlocal count
        tag = match[0]
        if tag.startswith("</"):
            return tag.replace("@", str(open_numbers.pop()))
        count += 1
        if tag[1] in "ey" and not tag.endswith("/>"):
            open_numbers.append(count)
        return tag.replace("@", str(count))

    return re.sub(r"<[^<>]*>", number, text)


def shape(element: ElementTree.Element) -> dict[str, str]:
    """The parent of each element."""
    return {child.tag: parent.tag for parent in element.iter() for child in parent}


@settings(max_examples=200)
@given(text=xml().map(numbered), seed=st.integers(0, 1000))
def test_whatever_the_alignment_no_tag_is_lost_and_xml_stays_well_formed(
    text: str, seed: int
) -> None:
    [found] = translate_markup(shuffler(seed), [text], "xml")
    tags = re.compile(r"<[^<>]*>")
    assert Counter(tags.findall(found)) == Counter(tags.findall(text))
    before = ElementTree.fromstring(f"<root>{text}</root>")
    after = ElementTree.fromstring(f"<root>{found}</root>")
    assert shape(after) == shape(before)


@settings(max_examples=200)
@given(text=xml().map(numbered))
def test_a_translation_word_by_word_leaves_a_document_as_it_was(text: str) -> None:
    text = re.sub(r"(<[^<>]*>)", r" \1 ", text)  # a tag does not cut a word in two
    [found] = translate_markup(echo, [text], "xml")

    def plain(markup: str) -> str:
        return re.sub(r"\s", "", markup)

    assert plain(found) == plain(text)


class Tags(HTMLParser):
    """All tags that the standard library sees."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: Counter[str] = Counter()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen[self.get_starttag_text() or ""] += 1

    def handle_endtag(self, tag: str) -> None:
        self.seen["/" + tag] += 1


@settings(max_examples=200)
@given(
    text=st.lists(
        st.one_of(
            st.sampled_from(
                "<b> </b> <i> </i> <p> </p> <br> <a/> <code> </code> </ < > & &amp; &nbsp &#65; "
                '<!-- --> <![CDATA[ ]]> <script> </script> <textarea> <? ?> <!doctype> <x <b/ = " '
                "<p\xa0translate=no> </title> <title> \n".replace("\xa0", "\x1f").split(" ")
            ).map(lambda piece: piece.replace("\x1f", " ")),
            st.sampled_from(["le ", "chat", "é", " "]),
        ),
        max_size=14,
    ).map("".join),
    seed=st.integers(0, 1000),
)
def test_html_of_any_quality_goes_through_with_all_its_tags(text: str, seed: int) -> None:
    for translate in (shuffler(seed), echo):
        [found] = translate_markup(translate, [text], "html")
        assert not Tags(text).seen - Tags(found).seen


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('<i class="a notranslate b">nom</i> x', '<i class="a notranslate b">nom</i>'),
        ("<i class=notranslate>nom</i> x", "<i class=notranslate>nom</i>"),
        ("<i TRANSLATE='no'>nom</i> x", "<i TRANSLATE='no'>nom</i>"),
        ("<a title='a>b' translate=no>nom</a> x", "<a title='a>b' translate=no>nom</a>"),
        ("<script>if (a<b) '</b>'</script>x", "<script>if (a<b) '</b>'</script>"),
    ],
)
def test_what_is_not_to_be_translated_is_one_token(text: str, kept: str) -> None:
    tokens = read_markup(text, "html")
    assert "".join(token.raw for token in tokens) == text
    assert (tokens[0].raw, tokens[0].kind) == (kept, "alone")


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ('<i class="a notranslated">nom</i>', ['<i class="a notranslated">', "nom", "</i>"]),
        ("a < b <c", ["a < b ", "<c"]),
        ("a <b c <d>e", ["a ", "<b c <d>", "e"]),
        ('<a "x> <b>y', ['<a "x>', " ", "<b>", "y"]),
        ("<a t='x> y", ["<a t='x>", " y"]),
        ("a <!-- b <i> c", ["a ", "<!-- b <i> c"]),
        ("<![CDATA[ <x> ]]>y", ["<![CDATA[ <x> ]]>", "y"]),
        ("<![CDATA[<script><b>", ["<![CDATA[<script>", "<b>"]),
        ("<![CDAT", ["<![CDAT"]),
        ("", [""]),
    ],
)
def test_html_is_taken_apart_as_browsers_do(text: str, pieces: list[str]) -> None:
    assert [token.raw for token in read_markup(text, "html")] == pieces
