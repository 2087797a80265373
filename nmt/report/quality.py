"""The part of the page about how good the translations are: scores, lengths, sentences."""

from nmt.errors import NmtError
from nmt.evaluation.metrics import Evaluation, LengthBucket
from nmt.progress import counted
from nmt.report.sentences import Judged, Scores
from nmt.report.subject import Subject
from nmt.text.languages import sets_words_apart
from nmt.visualization.charts import Bar, bar_chart
from nmt.visualization.html import Markup, element, join, table


def quality(subject: Subject) -> Markup:
    """Scores with their signatures and interval, and BLEU by the length of the source."""
    scores = subject.scores
    if scores is None:
        return element("p", f"No scores: {subject.scores_problem}.", class_="problem")
    return join([element("p", _what(scores)), _figures(scores.evaluation), _by_length(scores)])


def _what(scores: Scores) -> Markup:
    """Which sentences were translated, and what that is worth."""
    sentences = f"{counted(scores.evaluation.sentences, 'sentence')} of "
    split = element("strong", scores.split)
    if scores.is_test:
        return join(["On the ", sentences, split, ", the test set."])
    warning = (
        ", the dev set, for this run has no test set. The dev set decided which weights were kept, "
        "so that these scores are a little too good."
    )
    return join(["On the ", sentences, split, warning])


def _figures(evaluation: Evaluation) -> Markup:
    bleu, margin = evaluation.bleu, evaluation.bleu_margin
    interval = f"{evaluation.bleu_mean:.2f} \u00b1 {margin:.2f}" if margin else ""
    rows = [
        [f"{metric.score:.2f}", metric.name, remark, element("code", metric.signature)]
        for metric, remark in (
            (bleu, interval),
            (evaluation.chrf, ""),
            (evaluation.ter, "less is better"),
        )
    ]
    if evaluation.perplexity is not None:
        said = "of a subword of the reference; less is better"
        rows.append([f"{evaluation.perplexity:.2f}", "perplexity", said, ""])
    return table(("score", "metric", "95% of resamples", "signature (sacrebleu)"), rows, numbers=1)


def _by_length(scores: Scores) -> Markup:
    language = scores.languages[0]
    if not sets_words_apart(language):
        said = f"There is no BLEU by length, for {language} does not set its words apart."
        return element("p", said, class_="faint")
    bars = [
        Bar(_span(bucket), bucket.bleu, f"{bucket.sentences:,}")
        for bucket in scores.evaluation.by_source_length
    ]
    note = "by words of the source; below, how many sentences"
    return element("div", bar_chart("BLEU by length", note, bars), class_="charts")


def _span(bucket: LengthBucket) -> str:
    if bucket.longest is None:
        return f"{bucket.shortest}+"
    return (
        f"{bucket.shortest}\u2013{bucket.longest}" if bucket.shortest else f"\u2264{bucket.longest}"
    )


def sentences(subject: Subject) -> Markup:
    """The best and the worst sentences with pictures of their attention."""
    chosen, scores = subject.sentences, subject.scores
    if scores is None or not (chosen.best or chosen.worst):
        return element("p", "No sentences to show.", class_="faint")
    said = (
        "Ordered by chrF2 of the single sentence, of those as good the longest first. In a picture "
        "a row is a word of the translation; the stronger the colour of a cell, the more the model "
        "attended to the source word above it while it wrote that word."
    )
    parts = [element("p", said, class_="faint")]
    for name, judged in (("Best", chosen.best), ("Worst", chosen.worst)):
        if judged:
            cards = (_card(one, scores.languages) for one in judged)
            parts += [element("h3", name), *cards]
    return join(parts)


def _card(judged: Judged, languages: tuple[str, str]) -> Markup:
    source, target = languages
    rows = [
        element("dt", "source"),
        element("dd", judged.source, lang=source, dir="auto"),
        element("dt", "translation"),
        element("dd", element("strong", judged.hypothesis), lang=target, dir="auto"),
        element("dt", "reference"),
        element("dd", judged.reference, lang=target, dir="auto"),
        element("dt", "chrF2"),
        element("dd", f"{judged.chrf:.1f}, line {judged.number:,}"),
    ]
    return element("article", element("dl", *rows), _picture(judged, languages), class_="sentence")


def _picture(judged: Judged, languages: tuple[str, str]) -> Markup:
    if judged.translation is None:
        return Markup()
    from nmt.visualization import to_svg
    from nmt.visualization.attention import readable_grid

    try:
        picture = Markup(to_svg(readable_grid(judged.translation, languages)))
    except NmtError as error:  # no attention, or no words
        return element("p", f"No picture: {error}.", class_="faint")
    return element("div", picture, class_="picture")
