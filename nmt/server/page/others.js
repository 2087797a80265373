// The list of other translations of a sentence.

import { percent } from "./text.js";

/** The list below the panes. */
export class Others {
  /** @param {function} onChoose Gets the sentence and the number of the hypothesis. */
  constructor(onChoose) {
    this.box = document.getElementById("others");
    this.of = document.getElementById("others-of");
    this.list = document.getElementById("others-list");
    this.onChoose = onChoose;
    this.shown = null;
  }

  /** Show the hypotheses of one of the sentences. */
  show(sentence, isOnlyOne, language) {
    const { translation } = sentence ?? {};
    if (translation === this.shown && sentence?.text === this.of.textContent) return;
    this.shown = translation;
    this.box.hidden = !translation || translation.hypotheses.length < 2;
    this.of.textContent = sentence?.text ?? "";
    this.of.hidden = isOnlyOne;
    if (this.box.hidden) return;
    const focused = [...this.list.querySelectorAll("button")].indexOf(document.activeElement);
    this.list.lang = language;
    this.list.replaceChildren(...translation.hypotheses.map((hypothesis, number) =>
      this.makeItem(sentence, hypothesis, number)));
    this.list.querySelectorAll("button")[focused]?.focus({ preventScroll: true });
  }

  makeItem(sentence, { text, probability }, number) {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "other";
    button.ariaPressed = String(number === sentence.translation.shown);
    const label = document.createElement("span");
    label.dir = "auto";
    label.textContent = text;
    const share = document.createElement("span");
    share.className = "share";
    share.textContent = percent(probability);
    share.title = "How likely the model finds it";
    button.append(label, share);
    button.addEventListener("click", () => {
      if (number !== sentence.translation.shown) this.onChoose(sentence, number);
    });
    item.append(button);
    return item;
  }
}
