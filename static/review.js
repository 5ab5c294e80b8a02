// The review pages: keys, the hold on a card, drafts of what is being typed. Everything also works without this file.
"use strict";

const IDLE_AFTER = 5 * 60 * 1000; // ms without a key, click or scroll: the annotator has left
const HEARTBEAT_EVERY = 60 * 1000; // ms
const SHORT = 3 * 60; // s: with more left than that the hold is not worth a word
const typing = (element) => element?.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");

// --- keys: declared in the markup as data-shortcut; a key clicks what the mouse would click -----------------------------
const keysOn = () => localStorage.getItem("single-keys") !== "off";

function press(element) {
  const box = element.tagName === "SUMMARY" ? element.parentElement : null;
  if (!box?.open) element.click();
  box?.querySelector("textarea")?.focus();
}

document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.repeat || event.altKey) return;
  const dialog = document.getElementById("shortcuts");
  const within = event.target.closest?.(".verdicts details");
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && within) {
    event.preventDefault();
    if (!document.querySelector("[data-decision].htmx-request")) within.querySelector("button[name=verdict]").click();
  } else if (event.key === "Escape" && within?.open && !dialog.open) {
    within.open = false;
    within.querySelector("summary").focus();
  }
  if (event.ctrlKey || event.metaKey || event.defaultPrevented || dialog.open) return;
  if (typing(event.target) || document.querySelector(".htmx-request:not(#lease)")) return;
  if (event.key === "?") return showKeys(dialog);
  if (!keysOn()) return;
  // A draft that has the focus answers first: "e" edits that one.
  const key = `[data-shortcut="${CSS.escape(event.key)}"]`;
  const target = event.target.closest?.("[data-shortcut-scope]")?.querySelector(key) ?? document.querySelector(key);
  if (!target) return;
  event.preventDefault();
  const unsent = [...document.querySelectorAll("[data-draft]")].find((area) => area.value !== area.defaultValue);
  if (unsent && target.matches("button")) return say("You have typed something: send it, or empty it first.", { bad: true });
  press(target);
});

function showKeys(dialog) {
  const first = new Map([...document.querySelectorAll("[data-shortcut]")].reverse().map((each) => [each.dataset.shortcut, each]));
  const rows = [...first.values()].reverse().flatMap((element) => {
    const [term, description, key] = ["dt", "dd", "kbd"].map((name) => document.createElement(name));
    key.textContent = element.dataset.shortcut;
    term.append(key);
    description.textContent = element.dataset.shortcutLabel;
    return [term, description];
  });
  dialog.querySelector("[data-shortcut-list]").replaceChildren(...rows);
  dialog.querySelector("[data-shortcuts-on]").checked = keysOn();
  dialog.showModal();
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-shortcuts-open]")) showKeys(document.getElementById("shortcuts"));
});
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-shortcuts-on]")) localStorage.setItem("single-keys", event.target.checked ? "on" : "off");
});
// One box is open at a time. (The name attribute would do it, but closes the box of a card that comes back with 422.)
document.addEventListener("toggle", (event) => {
  if (!event.target.open || !event.target.closest(".verdicts")) return;
  for (const box of document.querySelectorAll(".verdicts details")) box.open = box === event.target;
  const area = event.target.querySelector("textarea");
  if (document.activeElement !== area) area.focus();
}, true);

// --- the hold: renewed while somebody is at work here -------------------------------------------------------------------
let lastActive = performance.now();
let heldUntil = 0;
let beaten = performance.now();
for (const name of ["keydown", "pointerdown", "pointermove", "scroll"]) {
  document.addEventListener(name, () => { lastActive = performance.now(); }, { passive: true, capture: true });
}

function countDown() {
  const lease = document.getElementById("lease");
  const left = lease?.querySelector("[data-countdown]");
  if (!left) return;
  const seconds = Math.max(0, Math.round((heldUntil - performance.now()) / 1000));
  left.textContent = seconds > 90 ? ` (${Math.round(seconds / 60)} min left)` : ` (${seconds} s left)`;
  lease.classList.toggle("is-short", seconds < SHORT);
}

function readLease() {
  heldUntil = performance.now() + 1000 * Number(document.getElementById("lease")?.dataset.secondsLeft ?? 0);
  countDown();
}

setInterval(() => {
  countDown();
  const now = performance.now();
  const working = !document.hidden && now - lastActive < IDLE_AFTER;
  if (!working || now - beaten < HEARTBEAT_EVERY || !document.querySelector("#lease [data-countdown]")) return;
  beaten = now;
  htmx.trigger("#lease", "heartbeat");
}, 5000);

// --- drafts: what is typed survives a reload and a new sign-in in this tab ------------------------------------------------
const draftOf = (area) => {
  const card = area.closest("[data-review]");
  return `draft:${card.dataset.review}:${card.dataset.version}:${area.id}`;
};

document.addEventListener("input", (event) => {
  if (event.target.matches("[data-draft]")) sessionStorage.setItem(draftOf(event.target), event.target.value);
});

function restoreDrafts() {
  for (const area of document.querySelectorAll("[data-draft]")) {
    const draft = sessionStorage.getItem(draftOf(area));
    if (draft === null || draft === area.value || area.value !== area.defaultValue) continue;
    area.value = draft;
    area.closest("details").open = true;
    say("What you had typed here before is back.");
  }
}

function forgetDrafts(start = "draft:") {
  for (const key of Object.keys(sessionStorage)) if (key.startsWith(start)) sessionStorage.removeItem(key);
}

document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.elt.matches("[data-decision]") && event.detail.successful) {
    forgetDrafts(`draft:${event.detail.elt.closest("[data-review]").dataset.review}:`);
  }
});
document.addEventListener("submit", (event) => { if (event.target.matches("[data-sign-out]")) forgetDrafts(); });
document.addEventListener("htmx:afterSwap", () => { readLease(); restoreDrafts(); });
document.addEventListener("DOMContentLoaded", () => { readLease(); restoreDrafts(); });
