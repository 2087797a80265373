"""The command line, `nmt.load` and the API give the same text for the same input."""

import json
import subprocess
import sys
from pathlib import Path

from starlette.testclient import TestClient

import nmt
from nmt.runs.finding import shipped_models
from nmt.server.app import make_app
from nmt.server.models import Models
from nmt.server.settings import Settings
from nmt.text.language_id import Detector

ORDINARY = (Path(__file__).parents[1] / "data" / "ordinary.fr").read_text("utf-8").splitlines()
PARAGRAPHS = [
    "\n".join(ORDINARY[:4]),
    "  Un chat.  Deux chats !\r\n\r\n\tTrois chats.\n",
    " \n",
    "\n\n" + " ".join(ORDINARY[4:8]) + "\r- " + ORDINARY[8],
]


def test_each_way_to_translate_gives_the_same_text(detector: Detector) -> None:
    texts = [*ORDINARY[:40], *PARAGRAPHS]
    run = shipped_models()[0]
    loaded = [found.text for found in nmt.load(run.path).translate(texts)]
    assert len(set(loaded)) > 40, "the test means nothing if all translations are alike"
    app = make_app(Models.load([run]), detector, Settings(threads=1))
    with TestClient(app, "http://localhost:5000") as client:
        answer = client.post("/translate", json={"q": texts, "source": "fr", "target": "en"})
    assert answer.json()["translatedText"] == loaded
    command = [
        sys.executable,
        "-m",
        "nmt",
        "translate",
        "--json",
        "--model",
        run.path,
        "--",
        *texts,
    ]
    printed = subprocess.run(command, capture_output=True, check=True).stdout.splitlines()
    assert [json.loads(line)["hypotheses"][0]["text"] for line in printed] == loaded
