"""The run that the command has trained, once for all test processes."""

from tests.cli.conftest import shared_run

__all__ = ["shared_run"]
