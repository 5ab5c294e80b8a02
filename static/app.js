// What every page needs: the theme, the status line, focus after a swap. Everything also works without this file.
"use strict";

document.documentElement.dataset.js = "";

/** Say one sentence in the live region, which replaces the one before. Good news fades, bad news stays.
 *  `seen`: the page shows it already, so it is only spoken. */
function say(text, { bad = false, seen = false } = {}) {
  const line = document.getElementById("live-status");
  line.textContent = text;
  line.classList.toggle("is-bad", bad);
  line.classList.toggle("is-spoken", seen);
  clearTimeout(say.timer);
  if (!bad) say.timer = setTimeout(() => { line.textContent = ""; }, 8000);
}

// --- theme: the same cookie that the plain form sets ---------------------------------------------------------------
document.addEventListener("submit", (event) => {
  const choice = event.submitter?.dataset.themeChoice;
  if (choice === undefined) return;
  event.preventDefault();
  document.cookie = `theme=${choice}; path=/; max-age=31536000; samesite=lax`;
  if (choice === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = choice;
  for (const button of document.querySelectorAll("[data-theme-choice]")) {
    button.setAttribute("aria-pressed", String(button.dataset.themeChoice === choice));
  }
});

// --- on a phone the top bar scrolls sideways: the current page's link is the one to see ------------------------------
document.querySelector(".topnav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

// --- the account menu closes when the attention goes elsewhere -------------------------------------------------------
function closeMenus(except) {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(except)) menu.open = false;
}
document.addEventListener("click", (event) => closeMenus(event.target));
document.addEventListener("focusin", (event) => closeMenus(event.target));
document.addEventListener("keydown", (event) => { if (event.key === "Escape") closeMenus(null); });

// --- what is open stays open while the part of the page around it is brought up to date -------------------------------
let open = [];
document.addEventListener("htmx:beforeSwap", (event) => {
  open = [...event.detail.target.querySelectorAll("details.experts[open][id]")].map((each) => each.id);
});
document.addEventListener("htmx:afterSwap", () => {
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
});

// --- htmx: focus after a swap, and a sentence for every failure ------------------------------------------------------
document.addEventListener("htmx:afterSwap", (event) => {
  const swapped = event.target;
  const wrong = swapped.querySelector?.("[aria-invalid=true]");
  (wrong ?? swapped.querySelector?.("[data-focus-on-swap]"))?.focus();
  // The server answered: what the status line said before is over, unless the page itself had asked.
  const told = swapped.querySelector?.("[data-announce]")?.dataset.announce;
  if (told !== undefined || !swapped.matches?.("[hx-trigger]")) say(told ?? "", { seen: true });
});
document.addEventListener("htmx:beforeRequest", (event) => {
  // A part that asks for itself every few seconds keeps its buttons meanwhile.
  if (event.detail.requestConfig.triggeringEvent) event.detail.elt.setAttribute("aria-busy", "true");
});
document.addEventListener("htmx:afterRequest", (event) => event.detail.elt.removeAttribute("aria-busy"));

function failure(event, reason) {
  const changes = event.detail.requestConfig.verb !== "get";
  say(`${reason} ${changes ? "Nothing was saved; what you typed is still here." : "This page may be out of date."}`, { bad: true });
}
document.addEventListener("htmx:sendError", (event) => failure(event, "The server cannot be reached."));
document.addEventListener("htmx:timeout", (event) => failure(event, "The server did not answer in time."));
document.addEventListener("htmx:responseError", (event) => {
  const reasons = { 403: "The server refused this; reload the page to try again.", 404: "This is no longer there." };
  const status = event.detail.xhr.status;
  failure(event, reasons[status] ?? `The server answered ${status}.`);
});
