// The review pages: keys, the hold on a card, what is being typed, what a decision was made with. All works without it.
"use strict";

const IDLE_AFTER = 5 * 60 * 1000; // ms without a key, click or scroll: the annotator has left
const THINKING = 30 * 1000; // ms without one: they still read
const HEARTBEAT_EVERY = 60 * 1000; // ms
const SHORT = 3 * 60; // s: with more left than that the hold is not worth a word
const DEAF = 600; // ms after a card came up: a second press was meant for the one before
const SAVE_AFTER = 700; // ms without typing
const typing = (element) => element?.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
const decision = () => document.getElementById("decision");

// --- keys: declared in the markup as data-shortcut; a key clicks what the mouse would click -----------------------------
const keysOn = () => localStorage.getItem("single-keys") !== "off";

/** The key as it is printed in the markup. Caps Lock changes nothing; where a layout has other letters, the place counts. */
function keyOf(event) {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (/^[a-z0-9?]$/.test(key)) return key;
  return /^(?:Key|Digit|Numpad)([A-Z0-9])$/.exec(event.code)?.[1].toLowerCase() ?? key;
}

function press(element) {
  pressed = "key";
  const box = element.tagName === "SUMMARY" ? element.parentElement : null;
  if (!box?.open) element.click();
  box?.querySelector("textarea")?.focus();
}

document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.repeat || event.altKey) return;
  const dialog = document.querySelector("dialog[open]");
  const within = event.target.closest?.(".verdicts details, .add");
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && within) {
    event.preventDefault();
    pressed = "key";
    if (!document.querySelector("#decision.htmx-request")) within.querySelector("[data-verdict], [data-send]").click();
  } else if (event.key === "Escape" && within?.open && !dialog) {
    within.open = false;
    within.querySelector("summary").focus();
  }
  if (event.ctrlKey || event.metaKey || event.defaultPrevented || dialog) return;
  if (typing(event.target) || document.querySelector(".htmx-request:not(#lease)")) return;
  if (event.key === "?") return showKeys();
  if (!keysOn()) return;
  // A draft that has the focus answers first: "e" edits that one.
  const key = `[data-shortcut="${CSS.escape(keyOf(event))}"]`;
  const target = event.target.closest?.("[data-shortcut-scope]")?.querySelector(key) ?? document.querySelector(key);
  if (!target) return;
  event.preventDefault();
  press(target);
});

function showKeys() {
  const dialog = document.getElementById("shortcuts");
  const first = new Map([...document.querySelectorAll("[data-shortcut]")].reverse().map((each) => [each.dataset.shortcut, each]));
  const keys = [...first.values()].reverse().map((each) => [each.dataset.shortcut, each.dataset.shortcutLabel]);
  if (document.querySelector(".statement")) keys.push(["j k", "The next point, the one before; in the evidence the next row"]);
  if (decision()) keys.push(["Ctrl ⏎", "Send what is in the box"], ["Esc", "Close the box; what you typed stays"]);
  const rows = [...keys, ["?", "Show these keys"]].flatMap(([pressed, label]) => {
    const [term, description, key] = ["dt", "dd", "kbd"].map((name) => document.createElement(name));
    key.textContent = pressed;
    term.append(key);
    description.textContent = label;
    return [term, description];
  });
  dialog.querySelector("[data-shortcut-list]").replaceChildren(...rows);
  dialog.querySelector("[data-shortcuts-on]").checked = keysOn();
  dialog.showModal();
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-shortcuts-open]")) showKeys();
});
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-shortcuts-on]")) localStorage.setItem("single-keys", event.target.checked ? "on" : "off");
});
document.addEventListener("htmx:afterSettle", (event) => {
  const dialog = document.getElementById("guidelines");
  if (dialog?.contains(event.target) && !dialog.open) dialog.showModal();
});
// One box is open at a time. (The name attribute would do it, but closes the box of a card that comes back with 422.)
function openAlone(box) {
  for (const each of document.querySelectorAll(".verdicts details")) each.open = each === box;
}
// A point is being added: an open verdict would cover its buttons. What was typed there stays, and is marked.
document.addEventListener("focusin", (event) => { if (event.target.matches(".add textarea")) openAlone(null); });
let opened = null; // the box that was just clicked; one that comes open with its card does not take the focus
document.addEventListener("click", (event) => { opened = event.target.closest(".verdicts summary, .add > summary")?.parentElement ?? null; }, true);
document.addEventListener("toggle", (event) => {
  if (!event.target.open || !event.target.matches(".verdicts details, .add")) return;
  if (event.target.closest(".verdicts")) openAlone(event.target);
  const area = event.target.querySelector("textarea");
  if (event.target === opened && document.activeElement !== area) area.focus();
}, true);

// --- statements: one that is pointed at lights up in the text, in the list and in the evidence ----------------------------
function link(numbers, on) {
  for (const each of document.querySelectorAll("#review-card [data-said]")) {
    const shared = numbers.some((number) => each.dataset.said.split(" ").includes(number));
    each.classList.toggle("is-linked", on && shared);
  }
}
for (const [name, on] of [["pointerover", true], ["pointerout", false], ["focusin", true], ["focusout", false]]) {
  document.addEventListener(name, (event) => {
    const said = event.target.closest?.("#review-card [data-said]");
    if (said) link(said.dataset.said.split(" "), on);
  });
}
document.addEventListener("keydown", (event) => {
  const step = { j: 1, k: -1 }[keyOf(event)];
  if (!step || !keysOn() || event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || document.querySelector("dialog[open]")) return;
  // In the evidence the keys walk its rows; elsewhere what the text says. From outside, k begins with the last: what was added.
  const rows = document.activeElement?.closest(".history");
  const all = [...(rows ?? document).querySelectorAll(rows ? "[data-said]" : ".statement")].filter((each) => each.checkVisibility());
  if (!all.length) return;
  event.preventDefault();
  const at = all.indexOf(document.activeElement?.closest("[data-said]"));
  const next = at < 0 && step < 0 && !rows ? all.length - 1 : at + step;
  all[Math.min(Math.max(next, 0), all.length - 1)].focus();
});

// --- what is typed: which box differs from what it started with ------------------------------------------------------------
const areas = () => [...document.querySelectorAll("[data-typed]")];
const plain = (text) => text.replaceAll("\r\n", "\n").trim();

function isTyped(area) {
  const text = plain(area.value);
  const start = area.dataset.startsWith ? document.getElementById(area.dataset.startsWith)?.textContent ?? "" : "";
  return text !== "" && text !== plain(start);
}

function mark(area) {
  area.closest("details").classList.toggle("is-typed", isTyped(area));
}

// --- sending: deaf for a moment, never past words that were typed, with what the decision was made with -------------------
let pressed = "";
let up = performance.now(); // since when this card is up
let inView = false; // whether its text was on the screen
let read = ""; // which text that is
let active = 0; // ms at work on it
let furthest = 0; // percent of the page

document.addEventListener("pointerdown", (event) => { pressed = event.pointerType; }, { passive: true, capture: true });
document.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") pressed = "key"; }, true);

document.addEventListener("submit", (event) => {
  if (event.target.id !== "decision") return;
  const stop = () => { event.preventDefault(); event.stopImmediatePropagation(); };
  const submitter = event.submitter;
  if (performance.now() - up < DEAF) return stop();
  if (submitter?.matches("[data-verdict]")) {
    const told = submitter.dataset.verdict.split(" ");
    const other = areas().find((area) => isTyped(area) && !told.includes(area.name));
    const ends = !submitter.closest(".is-row"); // a word about one draft leaves the others' boxes as they are
    if (other && ends) {
      stop();
      openAlone(other.closest("details")); // at once: the event of a box that opened just before would close it
      return say("You have typed something: send it, or empty it first.", { bad: true });
    }
    if (!inView && !onScreen(textShown())) {
      stop();
      textShown()?.scrollIntoView({ block: "center" });
      return say("Here is the text: read it, then decide.");
    }
  }
  const values = { active_ms: Math.round(active), scrolled: furthest, device: device(), pressed };
  for (const [name, value] of Object.entries(values)) event.target.elements[name].value = value;
  forgetSaving();
}, true);

// The buttons of drafts and of the card's head stand outside the form, where htmx does not see which one was pressed.
document.addEventListener("htmx:configRequest", (event) => {
  const submitter = event.detail.triggeringEvent?.submitter;
  if (event.target.id !== "decision" || !submitter) return;
  if (submitter.name) event.detail.parameters[submitter.name] = submitter.value;
  event.detail.path = submitter.getAttribute("formaction") ?? event.target.getAttribute("hx-post");
});

function device() {
  if (matchMedia("(max-width: 40rem)").matches) return "phone";
  return matchMedia("(pointer: coarse)").matches ? "tablet" : "desktop";
}

const textShown = () => document.querySelector("#proposal-text, .draft .prose");
const LOWEST = 0.9; // of the window's height: a text that begins below that is not read yet

const watcher = new IntersectionObserver((entries) => {
  if (entries.some((entry) => entry.isIntersecting)) inView = true;
}, { rootMargin: `0px 0px -${Math.round(100 * (1 - LOWEST))}% 0px` });

/** Whether it is there now: the watcher hears of it only when the browser has time. */
function onScreen(element) {
  const { top, bottom } = element?.getBoundingClientRect() ?? { top: innerHeight, bottom: 0 };
  return top < LOWEST * innerHeight && bottom > 0;
}

function measureScroll() {
  const whole = document.documentElement.scrollHeight;
  furthest = Math.max(furthest, Math.min(100, Math.round((100 * (scrollY + innerHeight)) / whole)));
}
document.addEventListener("scroll", measureScroll, { passive: true });

function begin() {
  up = performance.now();
  active = furthest = 0;
  const text = textShown();
  const shown = `${text?.closest("[data-review]").dataset.review} ${text?.textContent}`;
  if (shown !== read) inView = false; // a card that comes back with the same text has been read
  read = shown;
  watcher.disconnect();
  if (text) watcher.observe(text);
  measureScroll();
  const form = decision();
  form?.classList.add("is-deaf");
  setTimeout(() => form?.classList.remove("is-deaf"), DEAF);
}

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

let ticked = performance.now();
setInterval(() => {
  const now = performance.now();
  if (!document.hidden && now - lastActive < THINKING) active += Math.min(now - ticked, 1000);
  ticked = now;
}, 250);

setInterval(() => {
  countDown();
  const now = performance.now();
  const working = !document.hidden && now - lastActive < IDLE_AFTER;
  if (!working || now - beaten < HEARTBEAT_EVERY || !document.querySelector("#lease [data-countdown]")) return;
  beaten = now;
  htmx.trigger("#lease", "heartbeat");
}, 5000);

// --- what is typed is kept: on the server, and in this tab until the server has it --------------------------------------
let timer = 0;
let saving = null;
const keyFor = (area) => `unsent:${area.closest("[data-review]").dataset.review}:${area.name}`;

document.addEventListener("input", (event) => {
  const area = event.target;
  if (!area.matches("[data-typed]")) return;
  sessionStorage.setItem(keyFor(area), area.value);
  mark(area);
  shown(area, "");
  clearTimeout(timer);
  timer = setTimeout(save, SAVE_AFTER);
});

function shown(area, text) {
  area.closest(".field").querySelector("[data-saved]").textContent = text;
}

async function save() {
  const form = decision();
  clearTimeout(timer);
  timer = 0;
  if (!form) return;
  const typed = areas().map((area) => [area, area.value]);
  saving?.abort();
  saving = new AbortController();
  try {
    const body = new URLSearchParams(new FormData(form));
    const keepalive = body.toString().length < 60_000; // the most that browsers send from a page that goes away
    const answer = await fetch(form.dataset.unsent, { method: "POST", body, keepalive, redirect: "manual", signal: saving.signal });
    if (!answer.ok) throw new Error(String(answer.status));
    const { at, kept } = await answer.json();
    const time = at && new Date(at).toLocaleTimeString("en-GB");
    for (const [area, value] of typed) {
      if (sessionStorage.getItem(keyFor(area)) === value) sessionStorage.removeItem(keyFor(area));
      shown(area, kept.includes(area.name) ? `Saved ${time}` : "");
    }
  } catch (error) {
    if (error.name === "AbortError") return;
    for (const [area] of typed) if (isTyped(area)) shown(area, "Kept in this tab only: the server did not answer.");
  }
}

function forgetSaving() {
  clearTimeout(timer);
  timer = 0;
  saving?.abort();
}

function restore() {
  for (const area of areas()) {
    mark(area);
    const words = sessionStorage.getItem(keyFor(area));
    if (words === null || words === area.value) continue;
    area.value = words;
    mark(area);
    area.closest("details").open = true;
    say("What you had typed here before is back.");
    timer = setTimeout(save, SAVE_AFTER);
  }
}

function forget(start = "unsent:") {
  for (const key of Object.keys(sessionStorage)) if (key.startsWith(start)) sessionStorage.removeItem(key);
}

document.addEventListener("visibilitychange", () => { if (document.hidden && timer) save(); });
addEventListener("pagehide", () => { if (timer) save(); });
document.addEventListener("htmx:beforeSwap", (event) => {
  // The server has what was sent, or keeps it beside what came back.
  const form = decision();
  if (event.detail.requestConfig?.elt === form && event.detail.xhr.status < 500 && form) {
    forget(`unsent:${form.closest("[data-review]").dataset.review}:`);
  }
});
document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-sign-out]")) return;
  if (timer) save();
  forget();
});
for (const [name, target] of [["htmx:afterSwap", document], ["DOMContentLoaded", document]]) {
  target.addEventListener(name, (event) => {
    if (event.target.id === "lease") return readLease();
    if (name === "htmx:afterSwap" && event.target.id !== "review-card") return;
    readLease();
    begin();
    restore();
    if (document.querySelector(".statement[data-focus-on-swap]")) openAlone(null); // one goes on at the points
  });
}
