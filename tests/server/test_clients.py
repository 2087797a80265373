"""Clients made for LibreTranslate work unchanged, against the real command."""

from typing import Any

import pytest
from deep_translator import LibreTranslator
from libretranslatepy import LibreTranslateAPI

from nmt.server.models import Models

from .conftest import Served

TEXT = "le chat dort dans la maison"


@pytest.fixture
def expected(served_models: Models) -> str:
    """What the translator itself makes of the text."""
    model = served_models.find("fr", "en")
    assert model is not None
    return model.translator.translate([TEXT])[0].text


def test_libretranslatepy_works_unchanged(lasting_server: Served, expected: str) -> None:
    api = LibreTranslateAPI(lasting_server.url, api_key="any")
    assert api.translate(TEXT, "fr", "en") == expected
    assert api.detect("Je voudrais aller à la gare.")[0]["language"] == "fr"
    languages: list[dict[str, Any]] = api.languages()
    assert [language["code"] for language in languages] == ["en", "fr"]


def test_deep_translator_works_unchanged(lasting_server: Served, expected: str) -> None:
    translator = LibreTranslator(
        source="fr", target="en", api_key="any", custom_url=f"{lasting_server.url}/"
    )
    assert translator.translate(TEXT) == expected
    assert translator.translate_batch([TEXT, TEXT]) == [expected, expected]
