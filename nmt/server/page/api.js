// The server: one function for each thing that is asked of it. What fails for now is tried again.

const FIRST_WAIT_S = 1;
const LONGEST_WAIT_S = 30;

/** The server refused, and will refuse this again. */
export class Refusal extends Error {}

/**
 * Asks, and waits and asks again while the server is busy or gone.
 * @param {string} path Of the endpoint, without a slash at its start.
 * @param {object|undefined} body What is asked; undefined to get.
 * @param {{signal: AbortSignal, onWait: function}} how `onWait` gets what is wrong, the seconds
 *   and a function that ends the wait; and null when there is an answer.
 */
async function ask(path, body, { signal, onWait = () => {} } = {}) {
  for (let attempt = 0; ; attempt += 1) {
    const { response, answer } = await send(path, body, signal);
    if (answer !== undefined && response.ok) {
      onWait(null);
      return answer;
    }
    const problem = problemWith(response);
    if (!problem) throw new Refusal(answer?.error ?? `The server refused this (${response.status}).`);
    const seconds = retryAfter(response) ?? Math.min(FIRST_WAIT_S * 2 ** attempt, LONGEST_WAIT_S);
    await wait(seconds, signal, (end) => onWait(problem, seconds, end));
  }
}

/** What is wrong for now; nothing where it is wrong for good. */
function problemWith(response) {
  if (!response) return "The server does not answer.";
  if (response.status === 429 || response.status === 503) return "The server is busy.";
  return response.ok || response.status >= 500 ? "The server has failed." : "";
}

async function send(path, body, signal) {
  const options = body === undefined ? { signal } : {
    signal,
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  };
  let response = null;
  try {
    response = await fetch(path, options);
    return { response, answer: await response.json() };
  } catch (error) {
    signal?.throwIfAborted();
    // A TypeError is a connection that failed, a SyntaxError a proxy's page in place of an answer.
    if (!(error instanceof TypeError || error instanceof SyntaxError)) throw error;
    return { response: error instanceof TypeError ? null : response };
  }
}

/** The seconds that the server asks to wait, from a number or a date. */
function retryAfter(response) {
  const value = response?.headers.get("Retry-After");
  if (!value) return null;
  const seconds = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, Math.min(seconds, 600)) : null;
}

function wait(seconds, signal, onStart) {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
      window.removeEventListener("online", end);
      resolve();
    };
    const stop = () => {
      end();
      reject(signal.reason);
    };
    const timer = setTimeout(end, seconds * 1000);
    signal?.addEventListener("abort", stop);
    window.addEventListener("online", end);
    onStart(end);
  });
}

export const languages = (how) => ask("languages", undefined, how);

export const settings = (how) => ask("frontend/settings", undefined, how);

/** The codes of the languages that a text may be in, likeliest first. */
export async function detect(text, how) {
  return (await ask("detect", { q: text }, how)).map(({ language }) => language);
}

/**
 * Translates sentences of one pair of languages, with the words of each.
 * @param {{source: string, target: string}} pair
 * @returns {object[]} The details of each: its hypotheses, and the words of the sentence.
 */
export async function translate(sentences, pair, alternatives, how) {
  const body = { q: sentences, ...pair, format: "text", alternatives, details: true };
  return (await ask("translate", body, how)).details;
}

/** The details of a translation that begins with given words. */
export async function translateFrom(sentence, prefix, pair, alternatives, how) {
  const body = { q: sentence, ...pair, format: "text", alternatives, details: true, prefix };
  return (await ask("translate", body, how)).details;
}

/** What could come next after the beginning of a translation, likeliest first. */
export async function nextWords(sentence, prefix, pair, count, how) {
  return (await ask("next", { q: sentence, ...pair, prefix, count }, how)).next;
}
