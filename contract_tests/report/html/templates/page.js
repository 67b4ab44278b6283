// Copy buttons. The text stands in the button as JSON, so that each character of it survives HTML.
const notice = document.getElementById("notice");
let forget;

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Browsers that give a file no clipboard still copy what is selected.
    const box = document.createElement("textarea");
    box.value = text;
    document.body.append(box);
    box.select();
    const done = document.execCommand("copy");
    box.remove();
    return done;
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  const done = await copy(JSON.parse(button.dataset.copy));
  button.focus();
  button.textContent = done ? "Copied" : "Not copied";
  notice.textContent = done ? `Copied: ${button.dataset.what}` : "The browser did not allow copying";
  clearTimeout(forget);
  forget = setTimeout(() => { notice.textContent = ""; }, 2000);
  setTimeout(() => { button.textContent = "Copy"; }, 2000);
});

// Paper cannot be unfolded.
addEventListener("beforeprint", () => {
  document.querySelectorAll("details:not([open])").forEach((part) => { part.open = true; part.dataset.folded = ""; });
});
addEventListener("afterprint", () => {
  document.querySelectorAll("details[data-folded]").forEach((part) => { part.open = false; delete part.dataset.folded; });
});
