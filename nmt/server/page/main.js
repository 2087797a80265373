// The page: what belongs together is joined here.

import * as api from "./api.js";
import { Choices } from "./choices.js";
import { Draft, shownText, shownWords } from "./draft.js";
import { Languages } from "./languages.js";
import { Others } from "./others.js";
import { copy, fromLink, linkTo } from "./sharing.js";
import { SourcePane } from "./source_pane.js";
import { TargetPane } from "./target_pane.js";
import { percent } from "./text.js";
import { Threads } from "./threads.js";

const CHOICES = 8;
const QUIET_MS = 1200; // after the last change, before a screen reader hears of it
const LONGEST_ANNOUNCEMENT = 300;
const COPIED_MS = 1600;
const LEAST_NAMED = 0.05; // the weight below which a word is lit but not named
const MOST_NAMED = 3;
const EXAMPLES = {
  de: "Ich bin Student.",
  en: "I am a student.",
  es: "Soy estudiante.",
  fr: "Je suis étudiant.",
  zh: "我是学生。",
};
const HINT = "Point at a word to see what it looked at. Click one to put another in its place.";
const NO_ATTENTION =
  "This model has no attention: there is nothing that its words looked at, and so none light up.";

const find = (id) => document.getElementById(id);

const source = new SourcePane({ onInput: translateSoon, onWord: pointAtSource, onTurn: turnTo });
const target = new TargetPane({ onWord: pointAtTarget, onTurn: turnTo, onOpen: openChoices });
const languages = new Languages(translateSoon);
const others = new Others((sentence, number) => draft.choose(sentence, number));
const choices = new Choices();
const threads = new Threads();
const draft = new Draft({
  onChange: show,
  onSettled: announceSoon,
  onProblem: showProblem,
  onDetected: (likely) => {
    source.language = languages.detected(likely);
    return languages.actualSource;
  },
});

let current = null; // the sentence whose other translations are listed
let pointed = null; // the sentence that has words lit
let announcing = 0;
let counting = 0;
let mostChoices = CHOICES;

// What is shown

function translateSoon() {
  choices.close();
  source.language = languages.actualSource;
  target.language = languages.pair?.target ?? "";
  const wanted = languages.pair;
  if (!source.field.value.trim() && wanted?.source === "auto") languages.forget();
  draft.update(source.field.value, wanted);
}

function show() {
  const { sentences } = draft;
  if (!sentences.includes(current)) current = sentences[0] ?? null;
  putOut();
  showGaze(hint());
  source.show(draft.text, sentences, shownWords);
  target.show(sentences, (number) => draft.spaceBefore(number));
  others.show(current, sentences.length === 1, languages.pair?.target ?? "");
  const isEmpty = sentences.length === 0;
  find("empty").hidden = !isEmpty;
  find("clear").hidden = draft.text === "";
  find("copy").disabled = !sentences.some(shownText);
  find("share").disabled = isEmpty || !languages.isReady;
  find("undo").hidden = !draft.canUndo;
  find("progress").classList.toggle("busy", draft.isWaiting);
  target.box.ariaBusy = String(draft.isWaiting);
  showCount();
}

function showCount() {
  const { length, limit, isTooLong } = draft;
  const count = length.toLocaleString("en");
  find("count").textContent = limit === Infinity ? count : `${count} / ${limit.toLocaleString("en")}`;
  find("count").classList.toggle("over", isTooLong);
  source.field.ariaInvalid = String(isTooLong);
  if (isTooLong) {
    const excess = (length - limit).toLocaleString("en");
    showProblem({ text: `The text is too long by ${excess} characters.` });
  }
}

function showProblem(problem) {
  clearInterval(counting);
  find("problem").hidden = !problem;
  find("problem-text").textContent = problem?.text ?? "";
  find("countdown").textContent = "";
  find("retry").hidden = !problem?.retry;
  if (!problem) return;
  announce(problem.text);
  if (!problem.retry) return;
  find("retry").onclick = problem.retry;
  const end = Date.now() + problem.seconds * 1000;
  const count = () => {
    const left = Math.max(0, Math.ceil((end - Date.now()) / 1000));
    find("countdown").textContent = `Trying again in ${left} s.`;
  };
  count();
  counting = setInterval(count, 1000);
}

function announce(text) {
  clearTimeout(announcing);
  if (find("announcement").textContent !== text) find("announcement").textContent = text;
}

function announceSoon() {
  clearTimeout(announcing);
  const text = draft.translated;
  if (!text.trim() || draft.isTooLong || !find("problem").hidden) return;
  const isShort = text.length <= LONGEST_ANNOUNCEMENT;
  const said = isShort ? text : `Translated: ${draft.sentences.length} sentences.`;
  announcing = setTimeout(() => announce(said), QUIET_MS);
}

// What looked at what

function pointAtTarget(word) {
  putOut();
  word ??= choices.word; // which stays lit while its menu is open
  if (!word) return;
  const words = shownWords(word.sentence);
  const { text, weights } = words.target[word.number];
  pointed = word.sentence;
  if (weights) {
    source.light(word.sentence, weights);
    threads.draw(target.elementOf(word), source.elementsOf(word.sentence), weights);
  }
  showGaze(weights ? gaze(text, "looked at", words.source, weights) : NO_ATTENTION);
}

function pointAtSource(word) {
  putOut();
  const words = word && shownWords(word.sentence);
  if (!words) return;
  const weights = words.target.map((each) => each.weights?.[word.number] ?? 0);
  pointed = word.sentence;
  source.mark(word);
  target.light(word.sentence, weights);
  threads.draw(source.elementOf(word), target.elementsOf(word.sentence), weights);
  const { text } = words.source[word.number];
  const has = words.target.some((each) => each.weights);
  showGaze(has ? gaze(text, "was looked at by", words.target, weights) : NO_ATTENTION);
}

function putOut() {
  if (!pointed) return;
  source.light(pointed, null);
  target.light(pointed, null);
  source.mark(null);
  pointed = null;
  threads.clear();
  showGaze(hint());
}

function turnTo(sentence) {
  current = sentence;
  others.show(sentence, draft.sentences.length === 1, languages.pair?.target ?? "");
}

function hint() {
  const words = draft.sentences.map(shownWords).find((each) => each?.target.length);
  if (!words) return "";
  return words.target[0].weights ? HINT : NO_ATTENTION;
}

/** Which words another looked at, the most first. */
function gaze(word, verb, words, weights) {
  const named = words
    .map(({ text }, number) => ({ text, weight: weights[number] }))
    .filter(({ weight }) => weight >= LEAST_NAMED)
    .sort((one, other) => other.weight - one.weight)
    .slice(0, MOST_NAMED);
  if (!named.length) return [strong(word), ` ${verb} no word in particular`];
  return [strong(word), ` ${verb} `, ...named.flatMap(({ text, weight }, number) =>
    [number ? ", " : "", strong(text), ` ${percent(weight)}`])];
}

function strong(text) {
  const element = document.createElement("b");
  element.dir = "auto";
  element.textContent = text;
  return element;
}

function showGaze(said) {
  find("gaze").replaceChildren(...[said].flat());
}

// What is done

function openChoices({ sentence, number }, element) {
  const word = shownWords(sentence).target[number];
  const ask = (signal) => draft.alternatives(sentence, word, mostChoices, signal);
  choices.open(element, { sentence, number }, word.text, ask, async (other) => {
    await draft.substitute(sentence, word, other);
    // Who has gone elsewhere meanwhile is left there.
    if (target.focused || document.activeElement === document.body) {
      target.focus(sentence, word.start);
    }
  });
}

function undo() {
  if (!draft.canUndo) return;
  choices.close();
  const hadFocus = target.focused || document.activeElement === find("undo");
  const sentence = draft.undo();
  if (hadFocus) target.focus(sentence);
}

function swap() {
  if (!languages.canSwap) return;
  const text = draft.translated;
  languages.swap();
  if (text.trim()) source.text = text;
  translateSoon();
}

async function copyFrom(button, text) {
  if (button.disabled) return;
  const isCopied = await copy(text);
  const label = button.querySelector("span");
  const before = (button.dataset.label ??= label.textContent);
  label.textContent = isCopied ? "Copied" : "Not copied";
  button.classList.toggle("done", isCopied);
  announce(isCopied ? "Copied" : "The browser does not let this page copy");
  setTimeout(() => {
    label.textContent = before;
    button.classList.remove("done");
  }, COPIED_MS);
}

const copyTranslation = () => copyFrom(find("copy"), draft.translated);
const copyLink = () =>
  languages.isReady && copyFrom(find("share"), linkTo(draft.text, languages.pair));

function take({ text, source: from, target: into }) {
  if (from || into) languages.choose(from, into);
  if (text !== null) source.text = text;
  translateSoon();
}

function startAfresh(text) {
  source.text = text;
  source.field.focus();
  translateSoon();
}

function isDark() {
  const { theme } = document.documentElement.dataset;
  return theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  find("theme").ariaPressed = String(theme === "dark");
  try {
    localStorage.setItem("theme", theme);
  } catch {
    // Storage is switched off: the choice lasts as long as the page.
  }
}

const SHORTCUTS = { KeyC: copyTranslation, KeyL: copyLink, KeyS: swap };

function onKey(event) {
  const { key, code, altKey, shiftKey, target: at } = event;
  const isCommand = event.ctrlKey || event.metaKey;
  const isInText = at === source.field;
  if (altKey && shiftKey && !isCommand && code in SHORTCUTS) {
    SHORTCUTS[code]();
  } else if (isCommand && key === "Enter" && isInText) {
    draft.hurry();
    target.focus(current);
  } else if (isCommand && key.toLowerCase() === "z" && !shiftKey && !isInText) {
    undo();
  } else if (key === "Escape" && choices.isOpen) {
    choices.close();
  } else if (key === "Escape" && target.focused) {
    source.field.focus();
  } else if (isCommand && key === "/" && !find("shortcuts").open) {
    find("shortcuts").showModal();
  } else {
    return;
  }
  event.preventDefault();
}

async function start() {
  find("shortcuts-button").addEventListener("click", () => find("shortcuts").showModal());
  find("shortcuts-close").addEventListener("click", () => find("shortcuts").close());
  find("shortcuts").addEventListener("click", ({ target: at }) => {
    if (at === find("shortcuts")) find("shortcuts").close(); // beside it
  });
  find("theme").ariaPressed = String(isDark());
  find("theme").addEventListener("click", () => setTheme(isDark() ? "light" : "dark"));
  find("swap").addEventListener("click", swap);
  find("clear").addEventListener("click", () => startAfresh(""));
  find("undo").addEventListener("click", undo);
  find("copy").addEventListener("click", copyTranslation);
  find("share").addEventListener("click", copyLink);
  document.addEventListener("keydown", onKey);
  const onWait = (text, seconds, retry) => showProblem(text && { text, seconds, retry });
  const [all, settings] = await Promise.all([api.languages({ onWait }), api.settings({ onWait })]);
  draft.limit = settings.charLimit > 0 ? settings.charLimit : Infinity;
  const { source: from, target: into } = settings.language ?? {};
  draft.requestLimit = settings.detailsLimit ?? Infinity;
  draft.textsPerRequest = Math.min(draft.textsPerRequest, settings.textsLimit ?? Infinity);
  const mostOthers = settings.alternativesLimit ?? Infinity;
  draft.alternativesPerText = Math.min(draft.alternativesPerText, mostOthers);
  mostChoices = Math.min(mostChoices, mostOthers);
  languages.fill(all, { source: from?.code, target: into?.code });
  const example = EXAMPLES[languages.actualSource];
  find("example").hidden = !example;
  find("example").textContent = example ?? "";
  find("example").lang = languages.actualSource;
  find("example").addEventListener("click", () => startAfresh(example));
  window.addEventListener("hashchange", () => take(fromLink()));
  take(fromLink());
}

start();
