"""The description of the API is true: of its routes, of its answers, and whatever it is sent."""

import re
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from nmt.server.documentation import documentation_page
from nmt.server.settings import Limits
from nmt.server.spec import make_spec

from .conftest import Served

pytestmark = pytest.mark.slow

PAGES = {"/", "/docs"}
SPEC = make_spec(Limits())
FUZZING = SchemathesisConfig.from_dict(
    {
        "phases": {"coverage": {"enabled": False}},
        # No schema says which directions there are, and that html has no details.
        "checks": {"positive_data_acceptance": {"enabled": False}},
    }
)
API = schemathesis.openapi.from_dict(SPEC, config=FUZZING)


def test_every_route_is_described_and_every_description_has_a_route(client: TestClient) -> None:
    app: Any = client.app
    routes = [route for route in app._app.routes if not isinstance(route, Mount)]
    assert all(isinstance(route, Route) for route in routes)
    there = {(r.path, m.lower()) for r in routes for m in r.methods - {"HEAD"}}
    described = {(path, method) for path, methods in SPEC["paths"].items() for method in methods}
    assert {(path, method) for path, method in there if path not in PAGES} == described


def test_the_description_is_served(client: TestClient) -> None:
    assert client.get("/spec").json() == SPEC


def test_the_page_shows_every_endpoint_and_field(client: TestClient) -> None:
    page = client.get("/docs").text
    for path, methods in SPEC["paths"].items():
        for method, operation in methods.items():
            assert f"<h2>{method.upper()} {path}</h2>" in page
            assert operation["summary"] in page
    for field in SPEC["components"]["schemas"]["TranslateRequest"]["properties"]:
        assert f"<code>{field}</code>" in page
    assert "curl http://localhost:5000/translate --json " in page
    assert client.get("/docs/docs.css").status_code == 200
    assert client.get("/docs/docs.js").headers["content-type"].startswith("text/javascript")


def test_the_description_has_the_limits_of_this_server_and_says_what_may_be_null() -> None:
    limits = Limits(text_characters=7, texts=3, prefix_characters=5, alternatives=2)
    schemas = make_spec(limits)["components"]["schemas"]
    fields = schemas["TranslateRequest"]["properties"]
    text, texts = fields["q"]["oneOf"]
    assert (text["maxLength"], texts["maxItems"], texts["items"]["maxLength"]) == (7, 3, 7)
    assert fields["prefix"]["maxLength"] == 5
    assert fields["alternatives"]["maximum"] == 2
    assert fields["alternatives"]["type"] == ["integer", "string", "null"]
    assert fields["format"]["enum"] == ["text", "html", None]
    assert fields["source"]["type"] == "string", "it has to be given"
    assert schemas["NextRequest"]["properties"]["count"]["maximum"] == 2


def test_what_the_page_shows_is_escaped() -> None:
    spec = make_spec(Limits())
    spec["paths"]["/detect"]["post"]["summary"] = "<b>&"
    spec["paths"]["/detect"]["post"]["requestBody"]["content"]["application/json"]["example"] = {
        "q": "</textarea><script>'"
    }
    page = documentation_page(spec, "http://<i>")
    assert "&lt;b&gt;&amp;" in page
    assert len(re.findall("<script", page)) == 1
    assert "<i>" not in page


@API.parametrize()
@settings(
    max_examples=20,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_whatever_is_sent_the_answer_is_as_described(case: Any, lasting_server: Served) -> None:
    case.call_and_validate(base_url=lasting_server.url, timeout=120)
