"""The page at /, as somebody uses it."""

import json
import re
import threading
import time
from itertools import pairwise
from typing import Any

import pytest

from nmt.text.normalise import normalise
from nmt.text.sentences import sentences_of
from tests.server.page.conftest import PAIR, Api, Open, until

pytestmark = pytest.mark.slow

FIRST = "Le petit chat voit le vieux chien."
SECOND = "Le cheval aime le chat."
BOTH = f"{FIRST}\n{SECOND}"


def write(page: Any, text: str) -> None:
    """Put a text into the field and wait until all of it is translated."""
    page.fill("#source-text", text)
    wait(page)


def wait(page: Any) -> None:
    until(
        page,
        """document.querySelector("#translation").ariaBusy === "false" &&
          !document.querySelector(".stale")""",
    )


def translation(page: Any) -> str:
    return str(page.text_content("#translation"))


def heats(page: Any, words: str) -> list[float]:
    """How strongly each word is lit."""
    found: list[float] = page.eval_on_selector_all(
        words, "all => all.map(each => Number(each.style.getPropertyValue('--heat')))"
    )
    return found


def focused(page: Any) -> str:
    return str(page.evaluate("document.activeElement.textContent"))


def asked(request: Any) -> Any:
    return json.loads(request.post_data)


def sent(page: Any) -> list[list[str]]:
    """The texts of each request for translations from now on."""
    found: list[list[str]] = []
    page.on(
        "request",
        lambda request: found.append(asked(request)["q"]) if request.method == "POST" else None,
    )
    return found


# Translating


def test_the_translation_is_there_as_one_types(page: Any, api: Api) -> None:
    page.locator("#source-text").press_sequentially(FIRST, delay=5)
    wait(page)
    assert translation(page) == api.best(FIRST)


def test_typing_is_one_request_and_only_for_the_sentence_that_changed(page: Any) -> None:
    write(page, BOTH)
    requests = sent(page)
    page.evaluate(
        """typed => {
          const field = document.querySelector("#source-text");
          for (const character of typed) {
            field.value += character;
            field.dispatchEvent(new Event("input"));
          }
        }""",
        " Le chat",
    )
    wait(page)
    assert requests == [["Le chat"]]


def test_lines_stay_lines_and_sentences_are_translated_one_by_one(page: Any, api: Api) -> None:
    write(page, f"{FIRST}\n\n{SECOND} {FIRST}")
    assert translation(page) == f"{api.best(FIRST)}\n\n{api.best(SECOND)} {api.best(FIRST)}"


def until_held(page: Any, held: list[Any]) -> None:
    """Wait for a request that is not answered yet."""
    while not held:
        page.wait_for_timeout(10)


def test_a_request_is_given_up_with_its_text_and_never_shown(open_page: Open, api: Api) -> None:
    held: list[Any] = []

    def hold_first(route: Any) -> None:
        if not held:
            held.append(route)
        else:
            route.continue_()

    page = open_page(routes={"translate": hold_first})
    page.fill("#source-text", FIRST)
    until_held(page, held)
    write(page, SECOND)
    assert held[0].request.failure == "net::ERR_ABORTED"
    held[0].abort()
    assert translation(page) == api.best(SECOND)


def test_the_old_translation_stays_while_the_new_one_is_on_its_way(
    open_page: Open, api: Api
) -> None:
    held: list[Any] = []
    page = open_page(
        routes={
            "translate": lambda route: (
                held.append(route) if SECOND in asked(route.request)["q"] else route.continue_()
            )
        }
    )
    write(page, FIRST)
    page.fill("#source-text", SECOND)
    until_held(page, held)
    assert translation(page) == api.best(FIRST)
    assert page.get_attribute("#translation", "aria-busy") == "true"
    assert page.locator(".word").count() == 0  # of a translation that belongs to another text
    held[0].continue_()
    wait(page)
    assert translation(page) == api.best(SECOND)


def test_the_page_comes_back_when_a_busy_server_says(open_page: Open, api: Api) -> None:
    times: list[float] = []

    def busy_twice(route: Any) -> None:
        times.append(time.monotonic())
        if len(times) > 2:
            route.continue_()
        else:
            status = 429 if len(times) == 1 else 503
            seconds = "2" if len(times) == 1 else "1"
            route.fulfill(status=status, headers={"Retry-After": seconds}, json={"error": "busy"})

    page = open_page(routes={"translate": busy_twice}, expected=("429", "503"))
    page.fill("#source-text", FIRST)
    page.wait_for_selector("text=The server is busy. Trying again in 2 s.")
    page.wait_for_selector(".word")
    assert translation(page) == api.best(FIRST)
    assert page.is_hidden("#problem")
    first, second = (later - earlier for earlier, later in pairwise(times))
    assert first > 1.9 and second > 0.9


def test_a_server_that_is_gone_is_tried_again_at_the_press_of_a_button(
    open_page: Open, api: Api
) -> None:
    is_gone = threading.Event()
    is_gone.set()
    page = open_page(
        routes={
            "translate": lambda route: route.abort() if is_gone.is_set() else route.continue_()
        },
        expected=("ERR_FAILED",),
    )
    page.fill("#source-text", FIRST)
    page.wait_for_selector("text=The server does not answer.")
    assert page.text_content("#announcement") == "The server does not answer."
    is_gone.clear()
    page.click("text=Try now")
    page.wait_for_selector(".word")
    assert page.is_hidden("#problem")


def test_what_the_server_refuses_is_said_in_its_words(open_page: Open) -> None:
    page = open_page(
        routes={"translate": lambda route: route.fulfill(status=400, json={"error": "not <b>so"})},
        expected=("400",),
    )
    page.fill("#source-text", FIRST)
    page.wait_for_selector("text=not <b>so")


def test_a_text_that_is_too_long_is_not_sent(open_page: Open) -> None:
    requests: list[Any] = []
    page = open_page(
        routes={
            "frontend/settings": lambda route: route.fulfill(json={"charLimit": 20}),
            "translate": lambda route: requests.append(route),
        }
    )
    page.fill("#source-text", "😀" * 20)
    assert page.text_content("#count") == "20 / 20"
    assert page.is_hidden("#problem")
    page.fill("#source-text", "😀" * 23)
    page.wait_for_selector("text=The text is too long by 3 characters.")
    sent_before = len(requests)
    page.wait_for_timeout(300)
    assert len(requests) == sent_before
    assert page.get_attribute("#source-text", "aria-invalid") == "true"


def test_five_hundred_words_are_translated_a_few_sentences_at_a_time(page: Any, api: Api) -> None:
    sentences = [f"Le petit chat voit le vieux chien {number}." for number in range(63)]
    requests = sent(page)
    write(page, " ".join(sentences))
    translated = api.post("translate", q=sentences, **PAIR)["translatedText"]
    assert translation(page) == " ".join(translated)
    assert [text for texts in requests for text in texts] == sentences
    assert max(map(len, requests)) <= 8


def test_sentences_end_where_the_server_has_them_end(page: Any) -> None:
    texts = [
        "Oui. Non! Vraiment ? « Oui. » Et alors… Bien.",
        "M. dupont dit: il pleut. il neige. 3.5 pour cent.",
        '(Il dort.) "Bon." Il sort.  Deux espaces.   trois',
        "我是学生。你好\uff01好\uff1f再见",
        "😀 Oui. 😀 Non. ",
        "M. Dupont et Mme. Durand. Le Dr. House. ÉM. Non. (Mr. Bean) Ici M. Non. St. Malo",
        "",
        " . ",
    ]
    found = page.evaluate(
        """async (texts) => {
          const { sentencesOf } = await import("/page/text.js");
          return texts.map((text) => sentencesOf(text).map(({ text }) => text));
        }""",
        texts,
    )
    normal = [[normalise(sentence) for sentence in sentences] for sentences in found]
    assert normal == [sentences_of(normalise(text)) for text in texts]


def test_the_page_asks_for_no_more_than_the_server_allows(open_page: Open) -> None:
    requests: list[Any] = []

    def note(route: Any) -> None:
        requests.append(asked(route.request))
        route.continue_()

    limits = {"charLimit": 5_000, "detailsLimit": 2_000, "textsLimit": 3, "alternativesLimit": 2}
    page = open_page(
        routes={
            "frontend/settings": lambda route: route.fulfill(json=limits),
            "translate": note,
            "next": note,
        }
    )
    write(page, " ".join(f"Le chat voit le chien {number}." for number in range(7)))
    assert [(len(each["q"]), each["alternatives"]) for each in requests] == [(3, 2), (3, 2), (1, 2)]
    page.locator(".word").first.click()
    page.wait_for_selector("[role=menuitemradio]")
    assert requests[-1]["count"] == 2


def test_a_next_word_goes_where_it_belongs(page: Any) -> None:
    wanted = [
        ("", "I", "I"),
        ("I am a ", "student", "I am a student"),
        ("I am a student", ".", "I am a student."),
        ("I am a student", "students", "I am a students"),
        ("I am a student", "of", "I am a student of"),
        ("他是", "学生", "他是学生"),
    ]
    found = page.evaluate(
        """async (cases) => {
          const { withNextWord } = await import("/page/text.js");
          return cases.map(([before, word]) => withNextWord(before, word));
        }""",
        wanted,
    )
    assert found == [after for _, _, after in wanted]


# What looked at what


def test_a_word_lights_up_what_it_looked_at_as_strongly_as_it_did(page: Any, api: Api) -> None:
    write(page, FIRST)
    words = api.details(FIRST)["hypotheses"][0]["words"]
    for number in (1, len(words) - 1):
        page.locator(".word").nth(number).hover()
        assert heats(page, ".seen") == pytest.approx(words[number]["source"], abs=1e-3)
        assert words[number]["text"] in page.text_content("#gaze")
    page.hover("h1")
    assert set(heats(page, ".seen")) == {0.0}


def test_a_word_of_the_text_lights_up_what_looked_at_it(page: Any, api: Api) -> None:
    write(page, FIRST)
    words = api.details(FIRST)["hypotheses"][0]["words"]
    box = page.locator(".seen").nth(2).bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    until(page, "document.querySelector('#gaze b')?.textContent === 'chat'")
    assert heats(page, ".word") == pytest.approx([w["source"][2] for w in words], abs=1e-3)


def test_the_cursor_lights_up_what_looked_at_its_word(page: Any, api: Api) -> None:
    write(page, f"{SECOND} 😀 {FIRST}")
    page.focus("#source-text")
    page.keyboard.press("Control+End")
    page.keyboard.press("Control+ArrowLeft")
    page.keyboard.press("Control+ArrowLeft")
    assert page.text_content("#gaze b >> nth=0") == "chien"


def test_words_after_wide_characters_are_marked_where_they_are(page: Any) -> None:
    text = f"😀 \U0001d4b3 {FIRST}"
    write(page, text)
    marked = page.locator(".seen").all_text_contents()
    assert marked[-3:] == ["vieux", "chien", "."]
    assert page.text_content("#mirror").rstrip("\u200b") == text


def test_marks_lie_on_their_words_however_lines_break(open_page: Open) -> None:
    page = open_page(viewport={"width": 700, "height": 2_000})
    write(page, f"{FIRST}\n\n  {SECOND} {'m' * 90} " * 6 + "\n")
    found = page.evaluate(
        """() => [...document.querySelectorAll(".seen")].map((mark) => {
          const before = document.createRange();
          before.setStart(document.querySelector("#mirror"), 0);
          before.setEndBefore(mark);
          const start = before.toString().length;
          const box = mark.getClientRects()[0];
          // where the cursor would go in the field, which lies above the mark
          const { offsetNode, offset } = document.caretPositionFromPoint(
            (box.left + box.right) / 2, (box.top + box.bottom) / 2);
          return [mark.textContent, offset - start, offsetNode.id];
        })"""
    )
    assert len(found) == 6 * 15
    assert {field for *_, field in found} == {"source-text"}
    assert [each for each in found if not 0 <= each[1] <= len(each[0])] == []


def test_without_attention_nothing_lights_up_and_the_page_says_why(open_page: Open) -> None:
    def without_attention(route: Any) -> None:
        answer = route.fetch().json()
        for details in answer["details"]:
            for hypothesis in details["hypotheses"]:
                for word in hypothesis["words"]:
                    word["source"] = None
        route.fulfill(json=answer)

    page = open_page(routes={"translate": without_attention})
    write(page, FIRST)
    page.locator(".word").first.hover()
    assert set(heats(page, ".seen")) <= {0.0}
    assert "no attention" in page.text_content("#gaze")


# Other words and other translations


def test_another_word_is_picked_and_the_rest_translated_again(page: Any, api: Api) -> None:
    write(page, BOTH)
    best, after = api.best(FIRST), api.best(SECOND)
    start = best.index(best.split()[1])
    likely = api.post("next", q=FIRST, **PAIR, prefix=best[:start], count=8)["next"]
    page.locator(".word").nth(1).click()
    page.wait_for_selector("[role=menuitemradio]")
    offered = page.locator(".option-word").all_text_contents()
    assert offered == [each["word"] or "end here" for each in likely]
    other = next(word for word in offered if word != best.split()[1])
    page.locator(".option", has=page.get_by_text(other, exact=True)).click()
    page.wait_for_selector(f".word.chosen:text-is('{other}')")
    prefix = best[:start] + other
    wanted = [each["text"] for each in api.details(FIRST, prefix)["hypotheses"]]
    changed, unchanged = translation(page).split("\n")
    assert changed.startswith(prefix)
    assert changed in wanted
    assert unchanged == after
    page.click("#undo")
    assert translation(page) == f"{best}\n{after}"
    assert page.is_hidden("#undo")


def test_everything_goes_without_a_mouse(page: Any, api: Api) -> None:
    page.keyboard.type(FIRST)  # the cursor is in the field from the start
    page.keyboard.press("Control+Enter")
    wait(page)
    best = translation(page)
    page.keyboard.press("Control+Enter")
    assert focused(page) == best.split()[0]
    page.keyboard.press("ArrowRight")
    assert focused(page) == best.split()[1]
    assert page.text_content("#gaze b >> nth=0") == best.split()[1]
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=menu]")
    assert page.evaluate("document.activeElement.role") == "menuitemradio"
    page.keyboard.press("Escape")
    assert focused(page) == best.split()[1]
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=menu]")
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    until(page, "best => document.querySelector('#translation').innerText !== best", best)
    wait(page)
    page.keyboard.press("Control+z")
    assert translation(page) == best
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.id") == "source-text"
    page.keyboard.press("Control+/")
    assert page.is_visible("#shortcuts")
    page.keyboard.press("Escape")
    assert page.is_hidden("#shortcuts")


def test_a_menu_that_is_still_empty_closes_when_one_goes_on(open_page: Open) -> None:
    held: list[Any] = []
    page = open_page(routes={"next": lambda route: held.append(route)})
    write(page, FIRST)
    page.locator(".word").nth(1).click()
    until(page, "!document.querySelector('#choices').hidden")
    page.keyboard.press("ArrowRight")
    assert page.is_hidden("#choices")
    assert focused(page) == page.locator(".word").nth(2).text_content()


def test_arrows_lead_from_line_to_line(open_page: Open) -> None:
    page = open_page(viewport={"width": 360, "height": 740})
    write(page, f"{FIRST} {SECOND}")
    page.locator(".word").nth(1).focus()
    top = page.evaluate("document.activeElement.getBoundingClientRect().top")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.getBoundingClientRect().top") > top
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.getBoundingClientRect().top") == top


def test_the_translation_is_one_stop_of_the_tab_key(page: Any) -> None:
    write(page, BOTH)
    page.locator(".word").nth(2).focus()
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("document.activeElement.id") == "clear"
    page.keyboard.press("Tab")
    assert page.locator(".word").nth(2).evaluate("word => word === document.activeElement")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "share"


def test_another_translation_is_shown_when_it_is_picked(page: Any, api: Api) -> None:
    write(page, FIRST)
    wanted = [each["text"] for each in api.details(FIRST)["hypotheses"]]
    assert page.locator(".other span[dir]").all_text_contents() == wanted
    page.locator(".other").nth(1).click()
    assert translation(page) == wanted[1]
    assert page.locator(".other").nth(1).get_attribute("aria-pressed") == "true"
    page.click("#undo")
    assert translation(page) == wanted[0]


def test_the_list_is_of_the_sentence_that_one_turns_to_not_of_one_passed_over(page: Any) -> None:
    write(page, BOTH)
    assert page.text_content("#others-of") == FIRST
    page.locator(".word").last.hover()
    assert page.text_content("#others-of") == FIRST
    page.locator(".word").last.focus()
    assert page.text_content("#others-of") == SECOND


# Languages, links, looks


def both_ways(route: Any) -> None:
    """The languages of a server that translates both ways."""
    route.fulfill(
        json=[
            {"code": "en", "name": "English", "targets": ["fr"]},
            {"code": "fr", "name": "French", "targets": ["en"]},
        ]
    )


def as_if_backwards(route: Any) -> None:
    """An answer of the only model, whatever is asked."""
    route.continue_(post_data=json.dumps(asked(route.request) | PAIR))


def test_languages_are_swapped_with_their_texts(open_page: Open, api: Api) -> None:
    page = open_page(routes={"languages": both_ways, "translate": as_if_backwards})
    page.select_option("#source-language", "fr")
    write(page, FIRST)
    page.keyboard.press("Alt+Shift+S")
    assert page.input_value("#source-text") == api.best(FIRST)
    assert page.input_value("#source-language") == "en"
    assert page.input_value("#target-language") == "fr"


def test_without_a_model_for_the_way_back_there_is_no_swapping(page: Any) -> None:
    assert page.is_disabled("#swap")
    assert page.get_attribute("#swap", "title") == "There is no model here from English to French"


def test_the_language_of_a_text_is_found(open_page: Open, api: Api) -> None:
    page = open_page(routes={"languages": both_ways})
    page.select_option("#source-language", "auto")
    text = "Je ne sais pas pourquoi il est parti hier soir."
    page.select_option("#target-language", "en")
    write(page, text)
    assert page.text_content("#detected") == "French detected"
    assert translation(page) == api.best(text)


def test_what_was_translated_from_another_language_is_translated_again(open_page: Open) -> None:
    requests: list[Any] = []

    def translate(route: Any) -> None:
        requests.append(asked(route.request))
        as_if_backwards(route)

    def detect(route: Any) -> None:
        language = "de" if "Hund" in asked(route.request)["q"] else "fr"
        route.fulfill(json=[{"language": language, "confidence": 90}])

    codes = {"de": ["en"], "en": [], "fr": ["en"]}
    languages = [{"code": code, "name": code, "targets": codes[code]} for code in codes]
    page = open_page(
        routes={
            "languages": lambda route: route.fulfill(json=languages),
            "translate": translate,
            "detect": detect,
        }
    )
    page.select_option("#source-language", "auto")
    write(page, "Le chat. Le chien.")
    write(page, "Le chat. Ein Hund.")
    write(page, "Le chat. Ein Hund. Le chat.")
    write(page, "Le chat. Le chien.")
    assert [(each["source"], each["q"]) for each in requests] == [
        ("fr", ["Le chat.", "Le chien."]),
        ("de", ["Le chat.", "Ein Hund."]),
    ], "and what there is already is not asked for again"
    write(page, "")
    assert page.text_content("#detected") == ""
    write(page, "Le chat. Le chien.")
    assert page.text_content("#detected") == "fr detected"


def test_a_copy_is_on_the_clipboard(open_page: Open, api: Api) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    write(page, BOTH)
    page.click("#copy")
    page.wait_for_selector("#copy:has-text('Copied')")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == f"{api.best(FIRST)}\n{api.best(SECOND)}"


def test_a_link_carries_text_and_languages_past_the_server(open_page: Open, api: Api) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    text = "le chat & le chien #1 50% 😀\nle livre"
    write(page, text)
    page.click("#share")
    page.wait_for_selector("#share:has-text('Copied')")
    link = page.evaluate("navigator.clipboard.readText()")
    other = open_page(link.removeprefix(api.url))
    assert "#" in link and "chat" not in link.partition("#")[0]
    assert other.input_value("#source-text") == text
    wait(other)
    assert translation(other) == translation(page)


def test_without_languages_there_is_no_link_to_copy(page: Any) -> None:
    page.route("**/languages", lambda route: route.fulfill(json=[]))
    page.reload()
    page.fill("#source-text", FIRST)
    assert page.is_disabled("#share")
    page.keyboard.press("Alt+Shift+L")  # a mistake of the page would be noted
    assert page.text_content("#announcement") == ""


def test_dark_is_what_the_system_says_until_it_is_chosen(open_page: Open) -> None:
    page = open_page(color_scheme="dark")
    background = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(background)
    assert page.get_attribute("#theme", "aria-pressed") == "true"
    page.click("#theme")
    light = page.evaluate(background)
    assert light != dark
    page.reload()
    assert page.evaluate(background) == light


def test_a_phone_has_room_for_everything(open_page: Open) -> None:
    page = open_page(viewport={"width": 360, "height": 740})
    write(page, f"{'m' * 200} {BOTH}")
    page.locator(".word").last.click()
    page.wait_for_selector("#choices")
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_text_from_right_to_left_begins_at_the_right(page: Any) -> None:
    write(page, "שלום לך.")
    middle = page.evaluate("innerWidth / 4")
    box = page.locator(".seen").first.bounding_box()
    assert box["x"] > middle
    assert (
        page.evaluate("getComputedStyle(document.querySelector('#source-text')).direction") == "rtl"
    )


def test_a_screen_reader_hears_of_a_translation_once(page: Any, api: Api) -> None:
    page.evaluate(
        """() => {
          window.heard = [];
          const region = document.querySelector("#announcement");
          new MutationObserver(() => heard.push(region.textContent))
            .observe(region, { childList: true, characterData: true, subtree: true });
        }"""
    )
    write(page, "Le petit chat")
    write(page, "Le petit chat voit")
    write(page, FIRST)
    until(page, "heard.length")
    page.locator(".word").nth(1).hover()
    page.wait_for_timeout(300)
    assert page.evaluate("heard") == [api.best(FIRST)]


def test_nothing_there_yet_says_what_will_be(page: Any, api: Api) -> None:
    assert page.is_visible("text=The translation appears here as you type.")
    page.click("#example")
    wait(page)
    assert page.input_value("#source-text") == "Je suis étudiant."
    page.click("#clear")
    assert page.is_visible("#empty")
    assert translation(page) == ""


# What anybody can look at


@pytest.mark.parametrize("width", [1200, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(open_page: Open, scheme: str, width: int) -> None:
    from axe_playwright_python.base import AXE_SCRIPT

    page = open_page(
        color_scheme=scheme,
        reduced_motion="reduce",
        viewport={"width": width, "height": 740},
    )
    page.evaluate(AXE_SCRIPT)

    def violations() -> list[str]:
        found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
        assert found["passes"]
        return [
            f"{each['id']}: {node['html']} {node['failureSummary']}"
            for each in found["violations"]
            for node in each["nodes"]
        ]

    assert violations() == []
    write(page, BOTH)
    page.focus("#source-text")
    page.keyboard.press("Control+Home")
    assert page.locator(".word.lit").count()
    assert violations() == []
    page.locator(".word").nth(1).focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=menu]")
    assert violations() == []
    page.keyboard.press("Escape")
    page.click("#shortcuts-button")
    assert violations() == []
    page.keyboard.press("Escape")
    page.fill("#source-text", "a" * 5_001)
    page.wait_for_selector("#problem")
    assert violations() == []


def test_every_stop_of_the_tab_key_can_be_seen(page: Any) -> None:
    write(page, FIRST)
    page.evaluate("document.querySelector('.skip').focus()")
    stops = []
    for _ in range(25):
        stops.append(
            page.evaluate(
                """() => {
                  const at = document.activeElement;
                  const { outlineStyle, outlineWidth } = getComputedStyle(at);
                  const { boxShadow } = getComputedStyle(at.parentElement);
                  const seen = outlineStyle !== "none" && outlineWidth !== "0px" ||
                    at.id === "source-text" && boxShadow !== "none";
                  return [at.id || at.className || at.tagName, seen];
                }"""
            )
        )
        page.keyboard.press("Tab")
    names = [name for name, _ in stops]
    assert {"source-language", "source-text", "word", "copy", "theme"} <= set(names)
    assert [name for name, is_seen in stops if not is_seen and name != "BODY"] == []


def test_shortcuts_that_are_listed_are_those_that_there_are(page: Any) -> None:
    listed = page.eval_on_selector_all(
        "#shortcuts dt",
        "all => all.map(each => [...each.querySelectorAll('kbd')].map(key => key.textContent))",
    )
    letters = {keys[-1] for keys in listed if keys[:2] == ["Alt", "Shift"]}
    code = page.evaluate("fetch('/page/main.js').then(answer => answer.text())")
    assert letters == set(re.findall(r"\bKey([A-Z])\b", code))
