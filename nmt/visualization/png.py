"""SVG to PNG, by resvg, with the fonts of this machine.

resvg tells on standard output which characters it found no font for, and draws boxes. So it runs
in a process of its own, whose output says whether the picture is good.
"""

import re
import subprocess
import sys

from nmt.errors import PictureError

ZOOM = 2.0
"""Pixels of the PNG for each of the SVG, so that it is sharp on paper and on fine screens."""
LARGEST = 8000
"""Pixels of the longer side of the PNG, at most: 256 MB while it is drawn."""
SIGNATURE = b"\x89PNG\r\n\x1a\n"
MISSING_CHARACTER = re.compile(r"No fonts with a (.+?)/U\+([0-9A-F]+) character")
MISSING_FAMILY = "No match for"
RENDER = """
import sys
import resvg_py
svg = sys.stdin.buffer.read().decode()
zoom = float(sys.argv[1])
png = resvg_py.svg_to_bytes(
    svg_string=svg, zoom=zoom, background="white", log_information=True
)
sys.stdout.buffer.write(bytes(png))
"""
REMEDY = (
    "install one that has (such as Noto Sans CJK for Chinese; Debian's package is fonts-noto-cjk), "
    "or write .svg or .html, for which a browser finds fonts"
)


def rasterised(svg: str, longer_side: int) -> bytes:
    """A picture as PNG, on white.

    Args:
        svg: The picture.
        longer_side: Its width or its height, in pixels of the SVG.

    Raises:
        PictureError: The extra ``nmt-toolkit[pictures]`` is not installed; or no font of this
            machine has a character of the picture.
    """
    refuse_without_resvg()
    zoom = min(ZOOM, LARGEST / longer_side)
    done = subprocess.run(
        [sys.executable, "-P", "-c", RENDER, str(zoom)],
        input=svg.encode(),
        capture_output=True,
        check=True,
    )
    log, signature, content = done.stdout.partition(SIGNATURE)
    _refuse_boxes(log.decode(errors="replace"))
    return signature + content


def refuse_without_resvg() -> None:
    """Make sure that pictures can become PNG here.

    Raises:
        PictureError: The extra ``nmt-toolkit[pictures]`` is not installed.
    """
    from importlib.util import find_spec

    if find_spec("resvg_py") is None:
        raise PictureError(
            "PNG needs resvg_py, which is not installed: pip install 'nmt-toolkit[pictures]', "
            "or write .svg or .html"
        )


def _refuse_boxes(log: str) -> None:
    """Refuse a picture that lacks text, by what resvg wrote of it."""
    missing = {chr(int(code, 16)) for _, code in MISSING_CHARACTER.findall(log)}
    if missing:
        characters = " ".join(sorted(missing))
        raise PictureError(f"no font on this machine has {characters}: {REMEDY}")
    if MISSING_FAMILY in log:
        raise PictureError(f"there is no font on this machine: {REMEDY}")
