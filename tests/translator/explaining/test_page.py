"""The page: nothing breaks out of it, nothing is fetched, and it plays in a real browser."""

import base64
import hashlib
import html
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmt.translator.explaining import (
    BeamRow,
    Dropped,
    EncoderStates,
    Explanation,
    RunnerUp,
    SentenceExplanation,
    Step,
    Word,
)
from nmt.translator.translator import Translator
from nmt.visualization.explanation_page import to_page
from nmt.visualization.explanation_text import as_text, spelt

pytestmark = pytest.mark.slow

TEXT = "Le chien avec sur il rouge dans. Rouge sur rue il grand grand petit."
ATTACKS = [
    "</script><script>document.title='broken'</script>",
    "</script x ",
    "<!--<script>",
    "<img src=x onerror=\"document.title='broken'\">",
    "</style></svg></noscript><script>document.title='broken'</script>",
    "'\"&<>\u2028\u2029\\",
]
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")


class Elements(HTMLParser):
    """The elements of a page, and what is in its scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.contents: dict[str, list[str]] = {"script": [], "style": []}
        self.inside = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))
        self.inside = tag
        if tag in self.contents:
            self.contents[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside in self.contents:
            self.contents[self.inside][-1] += data


def parsed(page: str) -> Elements:
    elements = Elements()
    elements.feed(page)
    elements.close()
    return elements


def explanation_of(text: str) -> Explanation:
    """An explanation with a text in every place that has one."""
    sentence = SentenceExplanation(
        source=text,
        target=text,
        score=-0.5,
        log_probability=-1.0,
        has_attention=True,
        source_pieces=(text, "</s>"),
        source_words=(text,),
        encoder=EncoderStates(2, (0, 1), ((0.5, -0.25), (0.0, 1.0)), (0.56, 1.0)),
        words=(Word(text, 0.5, 0, 1, (0.75,)),),
        steps=(
            Step(text, 0.5, (0.75, 0.25), (RunnerUp(text, 0.25),)),
            Step("</s>", 0.9, (0.1, 0.9), ()),
        ),
        beam=(
            (BeamRow(0, text, text, -0.7, "goes on", True),),
            (BeamRow(0, "</s>", text, -1.0, "ended", True),),
        ),
        dropped=(Dropped(text, 1, -2.0, -2.0, "dropped"),),
    )
    return Explanation(text, text, (sentence,))


def rendered(page: str, folder: Path, fragment: str, wait_ms: int = 0) -> str:
    """What is in a page once a browser has run it, for some time of the page's own clock."""
    if BROWSER is None:
        pytest.skip("there is no Chromium")
    file = folder / "page.html"
    file.write_text(page, encoding="utf-8")
    done = subprocess.run(
        [
            *(BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"),
            *[f"--virtual-time-budget={wait_ms}"] * (wait_ms > 0),
            *(f"--user-data-dir={folder / 'profile'}", f"{file.as_uri()}#{fragment}"),
        ],
        capture_output=True,
        timeout=300,
        check=True,
    )
    return done.stdout.decode()


@settings(max_examples=150)
@given(st.one_of(st.sampled_from(ATTACKS), st.text(min_size=1, max_size=20)))
def test_no_text_breaks_out_of_the_page(text: str) -> None:
    explanation = explanation_of(text)
    written = to_page(explanation)
    data = written.partition('type="application/json">')[2].partition("</script>\n<script>")[0]
    assert not set("<>&") & set(data), "browsers end a script at less than Python's parser does"
    page = parsed(written)
    assert [attributes.get("type") for tag, attributes in page.elements if tag == "script"] == [
        "application/json",
        None,
    ]
    assert not {"img", "iframe", "link", "object"} & {tag for tag, _ in page.elements}
    assert not [n for _, attributes in page.elements for n in attributes if n.startswith("on")]
    assert json.loads(data) == json.loads(json.dumps(explanation.as_dict()))


def test_the_policy_lets_through_just_what_is_in_the_page(translator: Translator) -> None:
    text = to_page(translator.explain(TEXT))
    page = parsed(text)
    policy = next(
        attributes["content"] or ""
        for tag, attributes in page.elements
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    )
    parts = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert parts["default-src"] == "'none'"
    assert "unsafe" not in policy
    code = page.contents["script"][1]
    for directive, contents in (("script-src", [code]), ("style-src", page.contents["style"])):
        digests = {
            f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
            for content in contents
        }
        assert set(parts[directive].split()) == digests
    assert not [attributes for _, attributes in page.elements if "style" in attributes]
    assert set(re.findall(r"https?://[^\"\s<]+", text)) == {"http://www.w3.org/2000/svg"}


def test_the_page_without_scripts_has_the_explanation_as_text(translator: Translator) -> None:
    explanation = translator.explain("le chat.")
    said = re.search(r"<noscript><pre>(.*?)</pre></noscript>", to_page(explanation), re.DOTALL)
    assert said is not None
    assert html.unescape(said[1]).split() == as_text(explanation, is_terminal=False).split()


def test_a_browser_shows_the_step_that_is_asked_for(translator: Translator, tmp_path: Path) -> None:
    explanation = translator.explain(TEXT)
    sentence = explanation.sentences[1]
    shown = rendered(to_page(explanation), tmp_path, "2.2")
    step = sentence.steps[1]
    said = re.search(r'<p id="says"[^>]*>([^<]*)</p>', shown)
    assert said is not None
    assert said[1].startswith(f"Step 2: {spelt(step.piece)}, ")
    assert f"step 2 of {len(sentence.steps)}" in shown
    assert shown.count('class="column') == len(sentence.source_pieces)
    assert shown.count('class="choice') == 1 + len(step.runners_up)
    rows = re.search(r'<table id="beam">.*?<tbody>(.*?)</tbody>', shown, re.DOTALL)
    assert rows is not None
    assert rows[1].count("<tr") == len(sentence.beam[1])


def test_a_browser_says_what_it_means_to_have_no_attention(
    blind: Translator, tmp_path: Path
) -> None:
    shown = rendered(to_page(blind.explain("le chat.")), tmp_path, "1.1")
    assert re.search(r'id="one-vector" class="notice">This model has no attention: the enc', shown)
    assert 'class="bar"' not in shown


def test_a_browser_runs_nothing_that_was_in_a_text(tmp_path: Path) -> None:
    shown = rendered(to_page(explanation_of("".join(ATTACKS))), tmp_path, "1.1")
    assert "<title>broken</title>" not in shown
    assert "Step 1: " in shown, "the page itself runs"


DRIVE = """
<script>
const log = [];
const note = () => log.push(document.getElementById("counter").textContent);
const press = (key, on = document.body) => {
  on.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  note();
};
note();
["ArrowRight", "ArrowRight", "ArrowLeft", "End", "ArrowRight", "Home", "ArrowLeft"].forEach((key) =>
  press(key));
document.querySelectorAll("nav button")[1].click();
note();
document.getElementById("forward").click();
note();
press(" ");
log.push(document.getElementById("play").textContent);
setTimeout(() => {
  note();
  press(" ");
  log.push(document.getElementById("play").textContent);
  document.title = log.join("|");
}, 1500);
</script>
"""


def test_a_browser_plays_pauses_and_steps_with_keys_and_buttons(
    translator: Translator, tmp_path: Path
) -> None:
    explanation = translator.explain(TEXT)
    first, second = (len(sentence.steps) for sentence in explanation.sentences)
    assert first > 3 and second > 3, "the test means nothing with so few steps"
    page = re.sub(r"<meta http-equiv[^>]*>", "", to_page(explanation))
    shown = rendered(page.replace("</body>", DRIVE + "</body>"), tmp_path, "1", wait_ms=5000)
    title = re.search(r"<title>([^<]*)</title>", shown)
    assert title is not None
    of_first = [f"step {step} of {first}" for step in (0, 1, 2, 1, first, first, 0, 0)]
    of_second = [f"step {step} of {second}" for step in (0, 1, 2)]
    played = [f"step 3 of {second}", f"step 3 of {second}", "Play"]
    assert title[1].split("|") == [*of_first, *of_second, "Pause", *played]
