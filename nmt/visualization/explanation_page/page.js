"use strict";
(() => {
  const PAUSE_MS = 1300;
  const END = "</s>";
  const SPACE = "\u2581";
  const WHY = {
    "goes on": "goes on",
    "dropped": "falls out",
    "ended": "ends here",
    "cut off": "is cut off: too long",
    "left": "unfinished when the search was over",
  };
  const sentences = JSON.parse(document.getElementById("data").textContent).sentences;
  const at = (id) => document.getElementById(id);
  let current = 0;
  let step = 0;
  let timer = 0;

  function make(name, className, text) {
    const element = document.createElement(name);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  }

  function spelt(piece) {
    if (piece === END) return "(end)";
    if (piece.startsWith(SPACE)) return piece.slice(1) || "_";
    return "\u00b7" + piece;
  }

  function percent(share) {
    if (share > 0 && share < 0.001) return "<0.1%";
    return share < 0.0995 ? (100 * share).toFixed(1) + "%" : Math.round(100 * share) + "%";
  }

  function showEncoder(sentence) {
    const encoder = sentence.encoder;
    const most = Math.max(1e-9, ...encoder.values.flat().map(Math.abs));
    const columns = sentence.source_pieces.map((piece, i) => {
      const column = make("div", "column");
      if (sentence.has_attention) {
        column.append(make("div", "share"), make("div", "bar"));
        column.children[1].append(make("i"));
      }
      column.append(make("div", "name", spelt(piece)));
      const strip = make("div", "strip");
      encoder.values[i].forEach((value, k) => {
        const cell = make("i");
        const ink = make("b", value < 0 ? "minus" : "");
        ink.style.opacity = Math.abs(value) / most;
        cell.title = "number " + encoder.dimensions[k] + ": " + value.toFixed(3);
        cell.append(ink);
        strip.append(cell);
      });
      strip.setAttribute("role", "img");
      strip.setAttribute("aria-label", "memory vector of length " + encoder.lengths[i].toFixed(2));
      column.append(strip);
      return column;
    });
    at("encoder").replaceChildren(...columns);
    at("one-vector").hidden = sentence.has_attention;
    at("encoder-note").textContent =
      "Under each source subword: the " + encoder.dimensions.length + " of its " + encoder.size +
      " memory numbers that vary most in this sentence; blue is positive, orange negative." +
      (sentence.has_attention
        ? " Over it: how much of its looking the decoder gave it in this step."
        : " The decoder gets only what they come to together.");
  }

  function showTarget(sentence) {
    const pieces = sentence.steps.flatMap((each) => {
      const text = each.piece === END ? "" : each.piece.replace(SPACE, "");
      return [each.piece.startsWith(SPACE) ? " " : "", make("span", "piece", text)];
    });
    at("target").replaceChildren(...pieces);
  }

  function showDropped(sentence) {
    const rows = sentence.dropped.map((each) => {
      const row = make("tr");
      row.append(
        make("td", "number", String(each.step)),
        make("td", "number", each.score.toFixed(3)),
        make("td", "", each.text || "(nothing)"),
        make("td", "", each.fate === "ended" ? "ends, but is not the best" : WHY[each.fate]),
      );
      return row;
    });
    at("dropped").tBodies[0].replaceChildren(...rows);
  }

  function showLooks(sentence, looks) {
    [...at("encoder").children].forEach((column, i) => {
      const share = looks ? looks[i] : 0;
      column.classList.toggle("most", Boolean(looks) && share === Math.max(...looks));
      if (!sentence.has_attention) return;
      column.children[0].textContent = share >= 0.005 ? percent(share) : "";
      column.children[1].firstChild.style.height = 100 * share + "%";
    });
    const best = document.querySelector(".column.most");
    if (!best) return;
    const scroll = best.closest(".scroll");
    scroll.scrollLeft = best.offsetLeft - scroll.offsetLeft - scroll.clientWidth / 2;
  }

  function showChoices(now) {
    const choices = now ? [now, ...now.runners_up] : [];
    const rows = choices.map((choice, i) => {
      const row = make("div", i ? "choice" : "choice chosen");
      const track = make("div", "track");
      const bar = make("i");
      bar.style.width = 100 * choice.probability + "%";
      track.append(bar);
      row.append(
        make("span", "", spelt(choice.piece)),
        make("span", "number", percent(choice.probability)),
        track,
      );
      return row;
    });
    if (!rows.length) rows.push(make("p", "note", "Nothing yet."));
    at("choices").replaceChildren(...rows);
  }

  function showBeam(beam) {
    const rows = beam.map((each) => {
      const row = make("tr", each.fate.replace(" ", "-") + (each.is_best ? " best" : ""));
      row.append(
        make("td", "number", each.log_probability.toFixed(2)),
        make("td", "", each.text || "(nothing)"),
        make("td", "", WHY[each.fate] + (each.is_best && each.fate === "ended" ? ": the translation" : "")),
      );
      return row;
    });
    if (!rows.length) {
      const row = make("tr");
      row.append(make("td"), make("td", "", "(one empty row)"), make("td"));
      rows.push(row);
    }
    at("beam").tBodies[0].replaceChildren(...rows);
  }

  function saying(sentence, now) {
    if (!now) return "The encoder has read " + sentence.source_pieces.length + " subwords. Nothing is written yet.";
    let text = "Step " + step + ": " + spelt(now.piece) + ", " + percent(now.probability) + " sure";
    if (now.attention) {
      const best = now.attention.indexOf(Math.max(...now.attention));
      text += "; looked most at " + spelt(sentence.source_pieces[best]) + ", " + percent(now.attention[best]);
    }
    return text + ".";
  }

  function show() {
    const sentence = sentences[current];
    const now = step ? sentence.steps[step - 1] : null;
    [...at("target").children].forEach((piece, i) => {
      piece.className = "piece" + (i + 1 === step ? " now" : i + 1 > step ? " later" : "");
    });
    showLooks(sentence, now && now.attention);
    showChoices(now);
    showBeam(step ? sentence.beam[step - 1] || [] : []);
    at("says").textContent = saying(sentence, now);
    at("slider").max = sentence.steps.length;
    at("slider").value = step;
    at("counter").textContent = "step " + step + " of " + sentence.steps.length;
    at("back").disabled = at("first").disabled = step === 0;
    at("forward").disabled = step === sentence.steps.length;
  }

  function pause() {
    clearInterval(timer);
    timer = 0;
    at("play").textContent = "Play";
  }

  function goTo(wanted) {
    step = Math.max(0, Math.min(sentences[current].steps.length, wanted));
    show();
  }

  function play() {
    if (timer) return pause();
    const last = sentences[current].steps.length;
    goTo(step === last ? 0 : step + 1);
    at("play").textContent = "Pause";
    timer = setInterval(() => {
      goTo(step + 1);
      if (step === last) pause();
    }, PAUSE_MS);
  }

  function choose(number, wanted) {
    pause();
    current = number;
    const sentence = sentences[current];
    at("source").textContent = sentence.source;
    [...at("sentences").children].forEach((button, i) => {
      button.setAttribute("aria-current", String(i === current));
    });
    [...document.querySelectorAll(".grid")].forEach((grid, i) => {
      grid.hidden = i !== current;
    });
    at("grids").parentElement.hidden = !sentence.has_attention;
    showEncoder(sentence);
    showTarget(sentence);
    showDropped(sentence);
    goTo(wanted);
  }

  function manual(wanted) {
    pause();
    goTo(wanted);
  }

  const KEYS = {
    " ": play,
    ArrowLeft: () => manual(step - 1),
    ArrowRight: () => manual(step + 1),
    Home: () => manual(0),
    End: () => manual(sentences[current].steps.length),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || !(event.key in KEYS)) return;
    if (event.target.closest("summary, input, .scroll, button") && event.key !== "Home" && event.key !== "End") {
      if (event.key === " " || !event.target.closest("button")) return;
    }
    event.preventDefault();
    KEYS[event.key]();
  });
  at("first").addEventListener("click", () => manual(0));
  at("back").addEventListener("click", () => manual(step - 1));
  at("forward").addEventListener("click", () => manual(step + 1));
  at("play").addEventListener("click", play);
  at("slider").addEventListener("input", () => manual(Number(at("slider").value)));

  if (sentences.length > 1) {
    at("sentences").append(...sentences.map((sentence, i) => {
      const button = make("button", "", "Sentence " + (i + 1));
      button.type = "button";
      button.addEventListener("click", () => choose(i, 0));
      return button;
    }));
    at("sentences").hidden = false;
  }
  at("player").hidden = false;
  // #2.5 opens the second sentence at its fifth step.
  const [wanted, first] = location.hash.slice(1).split(".").map(Number);
  choose(Math.max(0, Math.min(sentences.length - 1, (wanted || 1) - 1)), first || 0);
})();
