"""``nmt serve``: models over HTTP."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from nmt.cli.model_choice import spare_threads
from nmt.cli.options import option, takes
from nmt.errors import ServerError
from nmt.server.settings import Limits, Settings

if TYPE_CHECKING:
    from nmt.runs.directory import RunDirectory

EXAMPLES = """\b
Examples:
  nmt serve
  nmt serve --model fr-en --model en-fr --port 8080
  nmt serve --host 0.0.0.0 --allowed-host translate.example.org
"""


@dataclass(frozen=True)
class LimitOptions(Limits):
    """The limits that can be changed."""

    body_bytes: int = option(
        "--max-body BYTES", "Size of the body of a request, at most.", Limits.body_bytes, min=1
    )
    text_characters: int = option(
        "--max-text N", "Characters of a text, at most.", Limits.text_characters, min=1
    )
    texts: int = option("--max-list N", "Texts of a request, at most.", Limits.texts, min=1)
    alternatives: int = option(
        "--max-alternatives N",
        "Translations besides the best, at most.",
        Limits.alternatives,
        min=0,
    )
    waiting: int = option(
        "--max-waiting N",
        "Requests that wait for a model, at most; more are refused (503).",
        Limits.waiting,
        min=1,
    )
    connections: int = option(
        "--max-connections N",
        "Open at a time, at most; more are refused (503).",
        Limits.connections,
        min=1,
    )
    deadline_s: float = option(
        "--deadline SECONDS", "When a request is given up (503).", Limits.deadline_s, min=0.1
    )
    client_s: float = option(
        "--client-timeout SECONDS",
        "In which a request's head must come, then its body.",
        Limits.client_s,
        min=0.1,
    )


@dataclass(frozen=True)
class ServerOptions(Settings):
    """How the server is run, but for its limits."""

    host: str = option(
        "--host ADDRESS", "Where to listen; 0.0.0.0 is for everybody.", Settings.host
    )
    port: int = option(
        "--port N", "Likewise; 0 for any that is free.", Settings.port, min=0, max=65535
    )
    hosts: list[str] = option(
        "--allowed-host NAME",
        "A name by which requests may call the server, besides localhost and addresses. Repeat for "
        "more.",
        list,
    )
    proxies: list[str] = option(
        "--trusted-proxy ADDRESS",
        "An address or network of a proxy whose X-Forwarded-For is believed, so that each client "
        "behind it gets its own share. Repeat for more.",
        list,
    )
    threads: int | None = option(
        "--threads N",
        "Batches that are translated at a time, by default one for each core.",
        min=1,
    )
    logs_requests: bool = option("--log", "Write a line for each request; never the texts.", False)


@takes
def serve(
    *,
    models: list[Path] = option(
        "--model DIR",
        "The folder of an exported run. By default the one under checkpoints/ trained last, and "
        "for other directions what came with nmt. Repeat for more directions.",
        list,
        envvar="NMT_MODEL",
    ),
    settings: ServerOptions,
    limits: LimitOptions,
) -> None:
    """Serve models over HTTP: a page to use them at /, LibreTranslate's API beside it.

    Needs the extra nmt-toolkit[serve]. The models must be exported; torch is not used.
    """
    runs = _runs(models)
    spare_threads(runs)
    try:
        from nmt.server.running import serve as serve_runs
    except ModuleNotFoundError as error:
        raise ServerError(
            f"this needs {error.name}, which is not installed: pip install 'nmt-toolkit[serve]'"
        ) from error
    serve_runs(runs, replace(settings, limits=limits))


def _runs(models: list[Path]) -> "list[RunDirectory]":
    """The runs that are named; if none are, the usual one and those that came with nmt beside it.

    Of these only what translates in another direction. A run whose training is not finished is no
    usual one.
    """
    from nmt.runs.finding import Direction, chosen_runs, shipped_models

    runs = chosen_runs(models, without_torch=True)
    if not models:
        usual = Direction.of(runs[0])
        runs += [run for run in shipped_models() if Direction.of(run) != usual]
    return runs
