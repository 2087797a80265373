"""The model card: what a run is, for whoever finds it."""

import nmt
from nmt.config import RunConfig, to_toml
from nmt.data.filtering import Corpus
from nmt.progress import clock, counted
from nmt.training.checkpoint import TrainState


def model_card(config: RunConfig, corpus: Corpus, state: TrainState) -> str:
    """The card as Markdown.

    Args:
        config: What was trained.
        corpus: On what.
        state: How it went.
    """
    source, target = config.corpus.source, config.corpus.target
    attention = config.model.attention
    looks = "no attention" if attention == "none" else f"{attention} attention"
    data = config.corpus.hub or config.corpus.path
    limit = config.training.validation_sentences
    sentences = counted(min(limit or len(corpus.dev), len(corpus.dev)), "sentence")
    findings = "\n".join(f"- {line}" for line in corpus.report.lines())
    return f"""# {source} to {target}

A recurrent encoder-decoder with {looks}, trained by nmt {nmt.__version__}.

    nmt translate --model DIR "..."

| | |
|---|---|
| dev BLEU (greedy, cased, detokenised; {sentences}) | {state.best_bleu:.1f} |
| dev loss (nats a token) | {state.best_loss:.3f} |
| weights from step | {state.best_step:,} of {state.step:,} |
| target tokens learned from | {state.target_tokens:,} |
| time | {clock(state.elapsed_s)} |
| steps skipped (not finite) | {state.skipped} |

`nmt eval` measures it on a test set. It knows what its corpus says and no more.

## Corpus

`{data}`

{findings}

## Settings

```toml
{to_toml(config).strip()}
```
"""
