"""The ``nmt`` command: one file for each subcommand; each parses, calls one function, prints.

Nothing slow to import is imported before a subcommand needs it, so that ``nmt --help`` and any
error show up at once.
"""

from nmt.cli.command import app, main

__all__ = ["app", "main"]
