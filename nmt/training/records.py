"""What is kept of a training: its metrics, and events for TensorBoard."""

import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from typing_extensions import override

from nmt.errors import NmtError, TrainingError
from nmt.files import write_atomically
from nmt.training.progress import Progress, Reporter, Session, Validation
from nmt.translator.results import Translation


class MetricsFile(Reporter):
    """``metrics.jsonl``: one JSON object a line, ``"kind"`` being session, progress or validation.

    Each kind is told once for a step, and what is not finite is null: strict JSON has no NaN.

    Args:
        file: Where to.
        step: The step a training goes on from; what the file says of later ones is taken out,
            for they are about to be taken again, and of a session that came no further.
    """

    def __init__(self, file: Path, step: int) -> None:
        told: dict[tuple[str, int], bytes] = {}
        for line in file.read_bytes().splitlines(True) if file.exists() else ():
            subject = _subject(line)
            if subject and subject[1] <= step and subject != ("session", step):
                told.setdefault(subject, line)
        write_atomically(file, b"".join(told.values()))
        self._told = set(told)
        self._stream = file.open("ab")

    @override
    def session(self, session: Session) -> None:
        corpus = list(session.corpus.as_dict().values())
        self._add({"kind": "session", **asdict(session), "corpus": corpus})

    @override
    def progress(self, progress: Progress) -> None:
        self._add({"kind": "progress", **asdict(progress)})

    @override
    def validation(self, validation: Validation) -> None:
        fields = asdict(replace(validation, translation=None))
        del fields["translation"]
        self._add({"kind": "validation", **fields, "perplexity": validation.perplexity})

    @override
    def close(self) -> None:
        self._stream.close()

    def _add(self, fields: Mapping[str, Any]) -> None:
        subject = fields["kind"], fields["step"]
        if subject in self._told:  # killed after this was told and before the next checkpoint
            return
        self._told.add(subject)
        strict = {name: value if _is_json(value) else None for name, value in fields.items()}
        line = json.dumps(strict, ensure_ascii=False, allow_nan=False)
        self._stream.write(line.encode() + b"\n")
        self._stream.flush()


class TensorBoardEvents(Reporter):
    """The same scalars for TensorBoard, and what each sample looked at as a picture.

    Args:
        folder: Where the events go.
        step: The step a training goes on from; later events of a killed session are hidden.
        languages: Codes of the languages translated from and into: some are not drawn in words.

    Raises:
        TrainingError: TensorBoard is not installed.
    """

    def __init__(self, folder: Path, step: int, languages: Sequence[str] = ()) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise TrainingError(
                "training.tensorboard is true, but TensorBoard is not installed: "
                "pip install 'nmt-toolkit[tensorboard]', or leave it false"
            ) from error
        self._languages = languages
        self._writer = SummaryWriter(str(folder), purge_step=step + 1)

    @override
    def progress(self, progress: Progress) -> None:
        for name in ("loss", "rate", "gradient_norm", "tokens_per_s"):
            self._writer.add_scalar(f"training/{name}", getattr(progress, name), progress.step)

    @override
    def validation(self, validation: Validation) -> None:
        for name in ("loss", "bleu", "perplexity"):
            self._writer.add_scalar(f"dev/{name}", getattr(validation, name), validation.step)
        if validation.translation is not None:
            self._draw(validation.translation, validation.step)
        self._writer.flush()

    def _draw(self, translation: Translation, step: int) -> None:
        """Add a picture of the attention, or in its place why there is none."""
        from nmt.visualization import to_png
        from nmt.visualization.attention import readable_grid

        try:
            content = to_png(readable_grid(translation, self._languages))
        except NmtError as error:  # no attention, an empty translation, nothing to draw with
            self._writer.add_text("dev/attention", f"no picture: {error}", step)
            return
        from PIL import Image

        with Image.open(io.BytesIO(content)) as picture:
            pixels = np.asarray(picture.convert("RGB"))
        self._writer.add_image("dev/attention", pixels, step, dataformats="HWC")

    @override
    def close(self) -> None:
        self._writer.close()


def _is_json(value: object) -> bool:
    return not isinstance(value, float) or math.isfinite(value)


def _subject(line: bytes) -> tuple[str, int] | None:
    """Kind and step that a line is about; None for what was cut off by a kill."""
    if not line.endswith(b"\n"):
        return None
    try:
        fields = json.loads(line)
        return str(fields["kind"]), int(fields["step"])
    except (ValueError, KeyError, TypeError):
        return None
