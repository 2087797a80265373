// Which languages there are, and which two are chosen.

import { Refusal } from "./api.js";

/** The two lists of languages and the button between them. */
export class Languages {
  /** @param {function} onChange When another pair is chosen. */
  constructor(onChange) {
    this.source = document.getElementById("source-language");
    this.target = document.getElementById("target-language");
    this.swapButton = document.getElementById("swap");
    this.note = document.getElementById("detected");
    this.all = [];
    this.found = null; // the code of the language that was detected
    this.source.addEventListener("change", () => {
      this.found = null;
      this.offerTargets();
      onChange();
    });
    this.target.addEventListener("change", () => {
      this.refresh();
      onChange();
    });
  }

  /** Offer these languages, and choose two of them. */
  fill(all, { source, target } = {}) {
    this.all = all;
    const sources = all.filter((language) => targetsOf(language).length);
    const options = sources.map(({ code, name }) => new Option(name, code));
    if (sources.length > 1) options.unshift(new Option("Detect language", "auto"));
    this.source.replaceChildren(...options);
    this.choose(source ?? sources[0]?.code, target);
  }

  /** Choose two languages. Those that there are not are passed over. */
  choose(source, target) {
    if (has(this.source, source)) this.source.value = source;
    this.found = null;
    this.offerTargets(target);
  }

  get isReady() {
    return this.source.value !== "" && this.target.value !== "";
  }

  /** What is chosen; null while there is nothing to choose. */
  get pair() {
    return this.isReady ? { source: this.source.value, target: this.target.value } : null;
  }

  /** The language that the text is in, as far as that is known. */
  get actualSource() {
    return this.source.value === "auto" ? this.found ?? "" : this.source.value;
  }

  /**
   * Take the likeliest language of a text that there is a model for.
   * @param {string[]} likely The codes, likeliest first.
   * @throws {Refusal} There is none.
   */
  detected(likely) {
    const canBe = ({ code, targets }) => likely.includes(code) && targets.includes(this.target.value);
    const codes = this.all.filter(canBe).map(({ code }) => code);
    this.found = likely.find((code) => codes.includes(code)) ?? null;
    this.refresh();
    if (this.found) return this.found;
    const into = this.nameOf(this.target.value);
    throw new Refusal(`This looks like ${this.nameOf(likely[0])}, which no model here translates ` +
      `into ${into}. If it is not, choose its language.`);
  }

  /** There is no text any more whose language was detected. */
  forget() {
    this.found = null;
    this.refresh();
  }

  get canSwap() {
    const target = this.all.find(({ code }) => code === this.target.value);
    return this.actualSource !== "" && Boolean(target?.targets.includes(this.actualSource));
  }

  swap() {
    this.choose(this.target.value, this.actualSource);
  }

  nameOf(code) {
    return this.all.find((language) => language.code === code)?.name ?? code;
  }

  offerTargets(wanted = this.target.value) {
    const { value } = this.source;
    const chosen = this.all.filter(({ code }) => code === value || value === "auto");
    const codes = new Set(chosen.flatMap(targetsOf));
    const offered = this.all.filter(({ code }) => codes.has(code));
    this.target.replaceChildren(...offered.map(({ code, name }) => new Option(name, code)));
    if (has(this.target, wanted)) this.target.value = wanted;
    this.refresh();
  }

  refresh() {
    this.swapButton.disabled = !this.canSwap;
    const from = this.nameOf(this.target.value);
    const into = this.nameOf(this.actualSource);
    this.swapButton.title = this.canSwap || !this.actualSource
      ? "Swap the languages (Alt Shift S)"
      : `There is no model here from ${from} to ${into}`;
    const isDetected = this.source.value === "auto" && this.found;
    this.note.textContent = isDetected ? `${this.nameOf(this.found)} detected` : "";
  }
}

function targetsOf({ code, targets }) {
  return targets.filter((target) => target !== code);
}

function has(select, value) {
  return [...select.options].some((option) => option.value === value);
}
