// Sends what is in a box to the endpoint above it, and shows what comes back.

for (const form of document.querySelectorAll("form")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const output = form.querySelector("output");
    output.textContent = "…";
    const box = form.querySelector("textarea");
    const options = box ? {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: box.value,
    } : {};
    try {
      const response = await fetch(form.dataset.path, options);
      const text = await response.text();
      output.textContent = `${response.status}\n${pretty(text)}`;
    } catch {
      output.textContent = "The server does not answer.";
    }
  });
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 1);
  } catch {
    return text;
  }
}
