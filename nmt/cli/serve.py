"""``nmt serve``: models over HTTP."""

import os
from pathlib import Path
from typing import Annotated

import typer

from nmt.errors import ServerError

EXAMPLES = """\b
Examples:
  nmt serve
  nmt serve --model fr-en --model en-fr --port 8080
  nmt serve --host 0.0.0.0 --allowed-host translate.example.org
"""


def serve(
    models: Annotated[
        list[Path] | None,
        typer.Option(
            "--model",
            metavar="DIR",
            envvar="NMT_MODEL",
            show_default=False,
            help="The folder of an exported run. By default the one under checkpoints/ trained "
            "last. Repeat for more directions.",
        ),
    ] = None,
    host: Annotated[
        str,
        typer.Option(metavar="ADDRESS", help="Where to listen; 0.0.0.0 is for everybody."),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(metavar="N", min=0, max=65535, help="Likewise; 0 for any that is free.")
    ] = 5000,
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
) -> None:
    """Serve models over HTTP: a page to use them at /, LibreTranslate's API beside it.

    Needs the extra nmt[serve]. The models must be exported; torch is not used.
    """
    from nmt.run import chosen_runs

    runs = chosen_runs(models or [])
    # NumPy multiplies no matrices then, and its threads would be in the way.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        from nmt.server.running import serve as serve_runs
    except ModuleNotFoundError as error:
        raise ServerError(
            f"this needs {error.name}, which is not installed: pip install 'nmt[serve]'"
        ) from error
    from nmt.server.settings import Settings
    from nmt.translator import cores

    serve_runs(runs, Settings(host, port, tuple(allowed_hosts or ()), threads=cores()))
