"""The API, in LibreTranslate's shapes and beyond, by a client within this process."""

import json
import unicodedata
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from starlette.testclient import TestClient

from nmt.config import SearchConfig
from nmt.server.models import Model, Models
from nmt.server.settings import Limits
from nmt.translator.constraints import TextConstraints

from .conftest import MakeClient

TEXT = "le chat dort"
DIRECTION = {"source": "fr", "target": "en"}
MULTIPART = b'--x\r\nContent-Disposition: form-data; name="q"\r\n\r\n%b\r\n--x--\r\n'


def translated(models: Models, text: str, **options: Any) -> list[str]:
    """What the translator itself makes of a sentence."""
    model = models.find("fr", "en")
    assert model is not None
    search = SearchConfig(**model.translator.options.model_dump() | options)
    return [h.text for h in model.translator.translate([text], search)[0].hypotheses]


def answer(client: TestClient, path: str = "/translate", **body: Any) -> Any:
    response = client.post(path, json={"q": TEXT, **DIRECTION} | body)
    assert response.status_code == 200, response.text
    return response.json()


def refusal(client: TestClient, path: str = "/translate", **body: Any) -> tuple[int, str]:
    body = {"q": TEXT, **DIRECTION} | body
    response = client.post(path, json={k: v for k, v in body.items() if v is not Ellipsis})
    assert list(response.json()) == ["error"]
    assert "\n" not in response.json()["error"]
    return response.status_code, response.json()["error"]


def test_a_text_is_translated_as_the_translator_does(
    client: TestClient, served_models: Models
) -> None:
    assert answer(client) == {"translatedText": translated(served_models, TEXT)[0]}


def test_a_list_is_answered_with_a_list(client: TestClient, served_models: Models) -> None:
    texts = [TEXT, "", "la maison", TEXT]
    expected = [translated(served_models, text)[0] for text in texts]
    assert answer(client, q=texts) == {"translatedText": expected}
    assert answer(client, q=[]) == {"translatedText": []}


def test_lines_and_what_is_around_them_stay(client: TestClient, served_models: Models) -> None:
    first, second = (translated(served_models, text)[0] for text in ("le chat.", "la maison"))
    assert answer(client, q="\n  le chat.\r\n\tla maison \n\n") == {
        "translatedText": f"\n  {first}\r\n\t{second} \n\n"
    }


def test_alternatives_are_those_of_a_search_for_so_many(
    client: TestClient, served_models: Models
) -> None:
    best, *others = translated(served_models, TEXT, n_best=4)
    assert answer(client, alternatives=3) == {"translatedText": best, "alternatives": others}
    wide = translated(served_models, TEXT, n_best=8, beam=8)
    assert answer(client, q=[TEXT], alternatives=7)["alternatives"] == [wide[1:]]
    assert answer(client, alternatives=0)["alternatives"] == []


def test_html_keeps_its_tags_and_has_no_alternatives(client: TestClient) -> None:
    found = answer(client, q=["<p>le <b>chat</b></p>", "x &lt; y"], format="html", alternatives=2)
    assert found["translatedText"][0].startswith("<p>")
    assert "<b>" in found["translatedText"][0]
    assert found["alternatives"] == [[], []]


def test_a_language_is_found_where_that_is_asked_for(client: TestClient) -> None:
    text = "Where is the station? I would like to go home."
    found = answer(client, q=text, source="auto", target="fr")
    assert found["detectedLanguage"]["language"] == "en"
    assert 90 < found["detectedLanguage"]["confidence"] <= 100
    listed = answer(client, q=[text, "x"], source="auto", target="fr")["detectedLanguage"]
    assert [each["language"] for each in listed] == ["en", "en"], "only en goes into fr"


def test_a_text_that_is_in_the_language_wanted_is_left_as_it_is(client: TestClient) -> None:
    english, french = "Where is the  station?\nI would like\tto go home. Now!", "Où est la gare ?"
    found = answer(client, q=[english, french], source="auto", target="en", details=True)
    assert found["translatedText"][0] == english
    assert [each["language"] for each in found["detectedLanguage"]] == ["en", "fr"]
    alone = answer(client, q=french, source="fr", target="en")
    assert found["translatedText"][1] == alone["translatedText"]
    [hypothesis] = found["details"][0]["hypotheses"]
    words = [english[word["start"] : word["end"]] for word in hypothesis["words"]]
    assert words == english.split()
    assert [word["text"] for word in hypothesis["words"]] == words
    html = answer(client, q=f"<p>{english}</p>", source="auto", target="en", format="html")
    assert html["translatedText"] == f"<p>{english}</p>"


def test_detect_names_languages_that_are_served_and_others(client: TestClient) -> None:
    for text, language in (
        ("Je voudrais aller à la gare.", "fr"),
        ("I would like to go home.", "en"),
        ("Ich möchte nach Hause gehen.", "de"),
        ("Hello", "en"),
        ("merci", "fr"),
    ):
        best, *_ = client.post("/detect", data={"q": text}).json()
        assert best["language"] == language, text


def test_details_tell_words_and_where_they_are(client: TestClient, served_models: Models) -> None:
    text = "le chat.\n L\u2019e\u0301te\u0301 !"
    details = answer(client, q=text, details=True, alternatives=2)["details"]
    assert "".join(word["text"] for word in details["source"]) == "lechat.L\u2019été!"
    for word in details["source"]:
        at = text[word["start"] : word["end"]]
        assert unicodedata.normalize("NFC", at) == word["text"]
    assert len(details["hypotheses"]) == 3
    for hypothesis in details["hypotheses"]:
        for word in hypothesis["words"]:
            assert hypothesis["text"][word["start"] : word["end"]] == word["text"]
            assert len(word["source"]) == len(details["source"])
            assert 0 < sum(word["source"]) <= 1.001


def test_details_of_one_sentence_are_those_of_its_translation(
    client: TestClient, served_models: Models
) -> None:
    model = served_models.find("fr", "en")
    assert model is not None
    [translation] = model.translator.translate([TEXT], align=True)
    best = translation.hypotheses[0]
    assert best.alignment is not None
    details = answer(client, details=True)["details"]["hypotheses"][0]
    assert details["score"] == round(best.score, 4)
    assert details["log_probability"] == round(best.log_probability, 4)
    assert [word["text"] for word in details["words"]] == [
        unit.text for unit in best.alignment.target_units
    ]
    weights = [word["source"] for word in details["words"]]
    np.testing.assert_allclose(weights, best.alignment.shares, atol=1e-4)


def test_details_of_what_is_put_back_say_where_it_is(sensible_client: TestClient) -> None:
    text = "Le chat \U0001f389\u00a0\U0001f389  voit http://x.org le chien."
    details = answer(sensible_client, q=text, details=True, alternatives=1)["details"]
    assert len(details["hypotheses"]) == 2
    assert (
        details["hypotheses"][0]["text"]
        == "The cat \U0001f389 \U0001f389 sees http://x.org the dog."
    )
    for word in details["source"]:
        assert text[word["start"] : word["end"]].split() == word["text"].split()
    own = [word["text"] == "http://x.org" for word in details["source"]]
    for hypothesis in details["hypotheses"]:
        for word in hypothesis["words"]:
            assert hypothesis["text"][word["start"] : word["end"]] == word["text"]
            assert sum(word["source"]) <= 1.001
        [looks] = [word["source"] for word in hypothesis["words"] if word["text"] == "http://x.org"]
        assert looks == own


def test_a_sentence_that_is_copied_takes_no_alternatives_from_the_others(
    sensible_client: TestClient,
) -> None:
    alone = answer(sensible_client, q="Le chat.", alternatives=3)
    assert len(alone["alternatives"]) == 3
    found = answer(sensible_client, q="Le chat.\nwww.x.org", alternatives=3, details=True)
    assert found["translatedText"] == alone["translatedText"] + "\nwww.x.org"
    assert found["alternatives"] == [f"{text}\nwww.x.org" for text in alone["alternatives"]]
    for hypothesis in found["details"]["hypotheses"]:
        copied = hypothesis["words"][-1]
        assert hypothesis["text"][copied["start"] : copied["end"]] == copied["text"] == "www.x.org"


def test_words_look_only_at_their_own_sentence(client: TestClient) -> None:
    details = answer(client, q="le chat. La maison.", details=True)["details"]
    first = sum(word["start"] < len("le chat.") for word in details["source"])
    assert 0 < first < len(details["source"])
    lines = [word["source"] for word in details["hypotheses"][0]["words"]]
    assert any(line[:first] != [0] * first for line in lines)
    assert all(not any(line[:first]) or not any(line[first:]) for line in lines)


def test_details_come_as_a_list_for_a_list(client: TestClient) -> None:
    assert len(answer(client, q=["le", "la"], details=True)["details"]) == 2
    [empty] = answer(client, q=[" \n"], details=True)["details"]
    assert empty["hypotheses"][0] == {"text": " \n", "score": 0, "log_probability": 0, "words": []}


def test_a_translation_begins_with_the_prefix(client: TestClient, served_models: Models) -> None:
    model = served_models.find("fr", "en")
    assert model is not None
    [expected] = model.translator.translate([TEXT], None, [TextConstraints(prefix="the ca")])
    found = answer(client, prefix="the ca")["translatedText"]
    assert found == expected.text
    assert found.startswith("the ca")
    whole = answer(client, q="le chat. La maison.", prefix="the cat. the ho")["translatedText"]
    assert whole.startswith("the cat.")
    assert " the ho" in whole


def test_next_words_are_those_of_the_translator(client: TestClient, served_models: Models) -> None:
    model = served_models.find("fr", "en")
    assert model is not None
    expected = model.translator.alternatives(TEXT, "the ", 4)
    found = answer(client, "/next", prefix="the ", count=4)["next"]
    assert [word["word"] for word in found] == [word.text for word in expected]
    assert found[0]["probability"] == pytest.approx(expected[0].probability, abs=1e-6)
    first = answer(client, "/next", q="Le chat", prefix="The ")
    second = answer(client, "/next", q="Un chien. Le chat", prefix="A dog. The ")
    assert second == first, "those of the sentence that the prefix ends in"
    assert answer(client, "/next", count=0)["next"] == []


@pytest.mark.parametrize(
    "how",
    [
        {"data": {"q": TEXT, **DIRECTION, "alternatives": "2", "details": "true"}},
        {"params": {"q": TEXT, **DIRECTION, "alternatives": "2", "details": "true"}},
        {
            "files": {
                name: (None, value)
                for name, value in {
                    "q": TEXT,
                    **DIRECTION,
                    "alternatives": "2",
                    "details": "True",
                }.items()
            }
        },
    ],
    ids=["form", "query", "multipart"],
)
def test_forms_say_the_same_as_json(client: TestClient, how: Any) -> None:
    response = client.post("/translate", **how)
    assert response.json() == answer(client, alternatives=2, details=True)


def test_a_form_may_hold_letters_as_they_are(client: TestClient) -> None:
    # as `curl -d q="le café"` sends them
    typed = {"content-type": "application/x-www-form-urlencoded"}
    body = "q=café&source=fr&target=en".encode()
    response = client.post("/translate", content=body, headers=typed)
    assert response.json() == answer(client, q="café")


def test_a_form_with_several_texts_is_a_list(client: TestClient) -> None:
    found = client.post("/translate", data={"q": [TEXT, "la"], **DIRECTION, "api_key": "x"})
    assert found.json() == answer(client, q=[TEXT, "la"])


def test_languages_and_settings_are_those_of_the_models(client: TestClient) -> None:
    assert client.get("/languages").json() == [
        {"code": "en", "name": "English", "targets": ["fr"]},
        {"code": "fr", "name": "French", "targets": ["en"]},
    ]
    settings = client.get("/frontend/settings").json()
    assert settings["language"]["source"] == {"code": "fr", "name": "French"}
    limits = Limits()
    assert settings["charLimit"] == limits.text_characters
    assert settings["detailsLimit"] == limits.details_characters
    assert settings["textsLimit"] == limits.texts
    assert settings["alternativesLimit"] == limits.alternatives


def test_health_is_told(client: TestClient) -> None:
    for path in ("/health", "/live", "/ready"):
        assert client.get(path).json() == {"status": "ok"}


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"q": ...}, 400, "q is missing"),
        ({"q": None}, 400, "q is missing"),
        ({"q": 1}, 400, "q is not a text"),
        ({"q": {"a": "b"}}, 400, "q is not a text"),
        ({"q": ["a", 1]}, 400, "q[1] is not a text"),
        ({"q": ["a", ["b"]]}, 400, "q[1] is not a text"),
        ({"q": "a" * 21}, 400, "21 characters: give at most 20"),
        ({"q": ["a"] * 4}, 400, "give at most 3"),
        ({"q": "\0"}, 400, "not text"),
        ({"source": ...}, 400, "source is missing"),
        ({"source": 7}, 400, "source is not a text"),
        ({"source": "<b>"}, 400, "source is not the code"),
        ({"source": "zz"}, 400, "no model here translates from zz to en, only fr to en, en to fr"),
        ({"source": "auto", "target": "zz"}, 400, "no model here translates into zz"),
        ({"source": "en"}, 400, "from en to en"),
        ({"target": ...}, 400, "target is missing"),
        ({"target": ["en"]}, 400, "target is not a text"),
        ({"format": "xml"}, 400, "format is neither text nor html"),
        ({"format": ["text"]}, 400, "format is neither"),
        ({"alternatives": "two"}, 400, "alternatives is not a whole number"),
        ({"alternatives": "21"}, 400, "alternatives is too large: ask for at most 20"),
        ({"alternatives": 2.0}, 400, "alternatives is not a whole number"),
        ({"alternatives": True}, 400, "alternatives is not a whole number"),
        ({"alternatives": -1}, 400, "alternatives is not a whole number"),
        ({"alternatives": 10**400}, 400, "alternatives is too large: ask for at most 20"),
        ({"details": "yes"}, 400, "details is neither true nor false"),
        ({"details": True, "format": "html", "q": "a"}, 400, "not for html"),
        ({"details": True, "q": ["a" * 6] * 2}, 400, "at most 10"),
        ({"prefix": "a", "format": "html"}, 400, "not for html"),
        ({"prefix": "a", "q": ["b", "c"]}, 400, "a prefix is for one text"),
        ({"prefix": 3}, 400, "prefix is not a text"),
        ({"prefix": "a" * 6}, 400, "prefix has 6 characters"),
    ],
)
def test_what_is_wrong_or_too_much_is_refused_in_one_line(
    make_client: MakeClient, body: dict[str, Any], status: int, words: str
) -> None:
    client = make_client(text_characters=20, texts=3, details_characters=10, prefix_characters=5)
    found, reason = refusal(client, **body)
    assert (found, words in reason) == (status, True), reason


def test_what_is_wrong_with_the_other_requests_is_refused(client: TestClient) -> None:
    assert refusal(client, "/detect", q=["a"]) == (400, "q is not a text")
    assert refusal(client, "/next", q=["a"]) == (400, "q is not a text")
    assert refusal(client, "/next", q=" \n") == (400, "q is empty: there is nothing to translate")
    assert refusal(client, "/next", count=99)[0] == 400


def test_numbers_and_flags_may_be_spelt_out_in_json_as_they_are_in_forms(
    client: TestClient,
) -> None:
    expected = answer(client, alternatives=2, details=True)
    assert answer(client, alternatives="2", details="True") == expected
    assert answer(client, "/next", count="2") == answer(client, "/next", count=2)


def test_null_is_as_good_as_nothing(client: TestClient) -> None:
    null = {"alternatives": None, "details": None, "format": None, "prefix": None}
    assert answer(client, **null) == answer(client)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[]", "not a JSON object"),
        (b'"q"', "not a JSON object"),
        (b"\xff", "not UTF-8 (byte 1)"),
        (b'{"q": NaN}', "NaN is no number"),
        (b'{"q": -Infinity}', "-Infinity is no number"),
        (b'{"q": "a", "q": "b"}', "a key twice"),
        (b'{"q": {"a": 1, "a": 2}}', "a key twice"),
        (b'{"q": "\\ud800", "source": "fr", "target": "en"}', "half a character"),
        (b'{"\\ud800": 1}', "q is missing"),
        (b"[" * 50_000 + b"]" * 50_000, "nested too deeply"),
        (b'{"q":' * 25_000 + b"1" + b"}" * 25_000, "nested too deeply"),
        (b'{"alternatives": ' + b"9" * 5_000 + b"}", "a number that is too long"),
        (b'{"q": "a", "source": "fr", "target": "en", "alternatives": 1e999}', "whole number"),
        (b"\xef\xbb\xbf{}", "not JSON"),
    ],
)
def test_what_is_no_strict_json_is_refused(client: TestClient, body: bytes, words: str) -> None:
    response = client.post("/translate", content=body, headers={"content-type": "application/json"})
    assert response.status_code == 400
    assert words in response.json()["error"]


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("text/plain", b"{}", 415),
        ("", b"{}", 415),
        ("application/x-www-form-urlencoded", b"q=%ff&source=fr&target=en", 400),
        ("application/x-www-form-urlencoded", b"q=\xff", 400),
        ("application/x-www-form-urlencoded", b"a&" * 2_000, 400),
        ("application/x-www-form-urlencoded", b"q=a&source=fr&source=fr&target=en", 400),
        ("multipart/form-data", b"--x", 400),
        ("multipart/form-data; boundary=x", b"--y\r\n", 400),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="q"; filename="a"\r\n\r\nb\r\n--x--\r\n',
            400,
        ),
        ("multipart/form-data; boundary=x", MULTIPART % b"\xff", 400),
        ("multipart/form-data; boundary=x; charset=undefined", MULTIPART % b"le", 400),
        ("multipart/form-data; boundary=x; charset=punycode", MULTIPART % b"a-\xff", 400),
        ("multipart/form-data; boundary=x; charset=unicode_escape", MULTIPART % b"\\ud800", 400),
    ],
)
def test_what_is_no_form_is_refused(
    client: TestClient, kind: str, body: bytes, status: int
) -> None:
    response = client.post("/detect", content=body, headers={"content-type": kind} if kind else {})
    assert response.status_code == status
    assert response.json()["error"]


def test_a_body_that_is_too_large_is_refused(make_client: MakeClient) -> None:
    client = make_client(body_bytes=100)
    for body in (b"x" * 101, b"x" * 10_000, iter([b"x" * 60, b"x" * 60])):
        response = client.post("/translate", content=body)
        assert response.status_code == 413
        assert response.headers["connection"] == "close"
    assert client.post("/translate", content=b"x" * 100).status_code == 415


def test_what_is_not_there_is_said_in_json(client: TestClient) -> None:
    response = client.get("/no<b>where")
    assert (response.status_code, list(response.json())) == (404, ["error"])
    response = client.get("/translate")
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert list(response.json()) == ["error"]
    assert client.get("/page/../app.py").status_code == 404
    assert client.get("/page/%2e%2e/app.py").status_code == 404
    assert client.get("/page/..%2fapp.py").status_code == 404


def test_what_is_translated_is_counted(client: TestClient) -> None:
    answer(client, q=["le chat", "la"])
    refusal(client, source="zz")
    client.get("/nowhere")
    lines = client.get("/metrics").text.splitlines()
    assert 'nmt_requests_total{method="POST",path="/translate",status="200"} 1' in lines
    assert 'nmt_requests_total{method="POST",path="/translate",status="400"} 1' in lines
    assert 'nmt_requests_total{method="GET",path="other",status="404"} 1' in lines
    assert 'nmt_request_seconds_count{path="/translate"} 2' in lines
    assert 'nmt_request_seconds_bucket{path="/translate",le="+Inf"} 2' in lines
    assert "nmt_batch_sentences_sum 2.0" in lines
    assert "nmt_characters_total 9" in lines
    assert "nmt_sentences_waiting 0" in lines
    assert "nmt_requests_in_progress 1" in lines


def test_codes_may_be_in_capitals_and_name_a_country(client: TestClient) -> None:
    expected = answer(client)
    for source, target in (("FR", "EN"), ("fr-FR", "en_GB"), ("fr_CA", "En-us"), ("fr", "en")):
        assert answer(client, source=source, target=target) == expected
    found = answer(client, q="Where is the station?", source="auto", target="EN-us")
    assert found["translatedText"] == "Where is the station?"
    assert refusal(client, source="fr-Cyrl")[0] == 400


def test_a_code_stands_for_the_language_that_is_written_so() -> None:
    translator = Mock()
    models = Models([Model("zh", "pt-BR", translator), Model("pt-BR", "zh", translator)])
    for code in ("zh", "ZH", "zh-Hans", "zh_CN", "zh-hans-SG"):
        assert models.code_of(code) == "zh"
    for code in ("zh-Hant", "zh-TW", "zh-hant-hk", "ja", "cmn"):
        assert models.code_of(code) == code
    assert [models.code_of(code) for code in ("pt", "PT-br", "pt-PT")] == ["pt-BR"] * 3
    both = Models([Model("pt", "en", translator), Model("pt-BR", "en", translator)])
    assert [both.code_of(code) for code in ("pt", "pt-br", "pt-AO")] == ["pt", "pt-BR", "pt"]


def test_slashes_too_many_are_passed_over(client: TestClient) -> None:
    response = client.post("http://localhost:5000//translate", json={"q": TEXT, **DIRECTION})
    assert response.json() == answer(client)
    assert 'path="/translate",status="200"} 2' in client.get("http://localhost:5000//metrics").text


def test_a_text_that_waits_too_long_is_given_up(make_client: MakeClient) -> None:
    response = make_client(deadline_s=0.0).post("/translate", json={"q": TEXT, **DIRECTION})
    assert response.status_code == 503
    assert response.headers["retry-after"] == "1"
    assert "not done within 0 seconds" in response.json()["error"]


def test_more_requests_than_may_wait_are_refused(make_client: MakeClient) -> None:
    client = make_client(waiting=0)
    response = client.post("/translate", json={"q": TEXT, **DIRECTION})
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) >= 1
    assert json.loads(response.text)["error"] == "too much is waiting to be translated"


def test_a_text_of_too_many_sentences_is_refused(make_client: MakeClient) -> None:
    client = make_client(sentences=3)
    assert refusal(client, q="a\nb\nc\nd") == (400, "q has 4 sentences: give at most 3 at a time")
    assert refusal(client, q=["a\nb", "c\nd"])[0] == 400
    assert answer(client, q=["a\nb", "c"])
