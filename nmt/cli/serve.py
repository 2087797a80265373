"""``nmt serve``: models over HTTP."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nmt.cli.model_choice import spare_threads
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

LIMITS = Limits()


def serve(
    models: Annotated[
        list[Path] | None,
        typer.Option(
            "--model",
            metavar="DIR",
            envvar="NMT_MODEL",
            show_default=False,
            help="The folder of an exported run. By default the one under checkpoints/ trained "
            "last, and for other directions what came with nmt. Repeat for more directions.",
        ),
    ] = None,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Where to listen; 0.0.0.0 is for everybody.")
    ] = Settings.host,
    port: Annotated[
        int, typer.Option(metavar="N", min=0, max=65535, help="Likewise; 0 for any that is free.")
    ] = Settings.port,
    allowed_hosts: Annotated[
        list[str] | None,
        typer.Option(
            "--allowed-host",
            metavar="NAME",
            show_default=False,
            help="A name by which requests may call the server, besides localhost and addresses. "
            "Repeat for more.",
        ),
    ] = None,
    proxies: Annotated[
        list[str] | None,
        typer.Option(
            "--trusted-proxy",
            metavar="ADDRESS",
            show_default=False,
            help="An address or network of a proxy whose X-Forwarded-For is believed, so that each "
            "client behind it gets its own share. Repeat for more.",
        ),
    ] = None,
    max_body: Annotated[
        int, typer.Option(metavar="BYTES", min=1, help="Size of the body of a request, at most.")
    ] = LIMITS.body_bytes,
    max_text: Annotated[
        int, typer.Option(metavar="N", min=1, help="Characters of a text, at most.")
    ] = LIMITS.text_characters,
    max_list: Annotated[
        int, typer.Option(metavar="N", min=1, help="Texts of a request, at most.")
    ] = LIMITS.texts,
    max_alternatives: Annotated[
        int,
        typer.Option(metavar="N", min=0, help="Translations besides the best, at most."),
    ] = LIMITS.alternatives,
    max_waiting: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=1,
            help="Requests that wait for a model, at most; more are refused (503).",
        ),
    ] = LIMITS.waiting,
    max_connections: Annotated[
        int,
        typer.Option(metavar="N", min=1, help="Open at a time, at most; more are refused (503)."),
    ] = LIMITS.connections,
    deadline: Annotated[
        float,
        typer.Option(metavar="SECONDS", min=0.1, help="When a request is given up (503)."),
    ] = LIMITS.deadline_s,
    client_timeout: Annotated[
        float,
        typer.Option(
            metavar="SECONDS", min=0.1, help="In which a request's head must come, then its body."
        ),
    ] = LIMITS.client_s,
    threads: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            show_default=False,
            help="Batches that are translated at a time, by default one for each core.",
        ),
    ] = None,
    log: Annotated[
        bool,
        typer.Option("--log", help="Write a line for each request; never the texts."),
    ] = False,
) -> None:
    """Serve models over HTTP: a page to use them at /, LibreTranslate's API beside it.

    Needs the extra nmt[serve]. The models must be exported; torch is not used.
    """
    runs = _runs(models or [])
    spare_threads(runs)
    limits = Limits(
        body_bytes=max_body,
        text_characters=max_text,
        texts=max_list,
        alternatives=max_alternatives,
        waiting=max_waiting,
        deadline_s=deadline,
        client_s=client_timeout,
        connections=max_connections,
    )
    try:
        from nmt.server.running import serve as serve_runs
    except ModuleNotFoundError as error:
        raise ServerError(
            f"this needs {error.name}, which is not installed: pip install 'nmt[serve]'"
        ) from error
    settings = Settings(host, port, allowed_hosts or (), proxies or (), limits, threads, log)
    serve_runs(runs, settings)


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
