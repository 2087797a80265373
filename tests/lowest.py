"""Prints the lowest versions that pyproject.toml allows, as constraints for pip."""

import re
import tomllib
from pathlib import Path

project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())["project"]
for needed in project["dependencies"] + project["optional-dependencies"]["serve"]:
    if found := re.match(r"([\w.-]+)[^>]*>=([\w.]+)", needed):
        print(f"{found[1]}=={found[2]}")
