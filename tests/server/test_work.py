"""What models are asked for: how a search has to be for what is wanted of it."""

from unittest.mock import Mock

import pytest

from nmt.config import SearchConfig
from nmt.server.models import Model
from nmt.server.work import Piece, TranslateSentences
from nmt.translator.translator import Translator


@pytest.mark.parametrize(
    ("alternatives", "beam", "groups", "expected"),
    [(0, 5, 1, 5), (4, 5, 1, 5), (7, 5, 1, 8), (3, 6, 3, 6), (6, 6, 3, 9), (20, 4, 2, 22)],
)
def test_the_beam_is_as_wide_as_needed_and_can_be_divided_into_its_groups(
    alternatives: int, beam: int, groups: int, expected: int
) -> None:
    translator = Mock(spec=Translator)
    translator.options = SearchConfig(beam=beam, diversity_groups=groups)
    work = TranslateSentences(Model("fr", "en", translator), alternatives)
    work([Piece("le chat")])
    _, used, _ = translator.translate.call_args.args
    assert (used.beam, used.n_best) == (expected, alternatives + 1)
    SearchConfig(**used.model_dump())  # refuses what contradicts itself
