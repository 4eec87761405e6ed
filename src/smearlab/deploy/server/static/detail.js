// The view of one picture: large, with every class, and a heat map on request.

import { explain } from "./api.js";
import { also, badge, chances, image, verdict } from "./cards.js";
import { by, make, sureness } from "./dom.js";

let items = [];
let at = 0;
let classes = [];
let asked = null; // stops the request for a heat map when another picture is shown

/** Open the view on one of the pictures that are shown; the arrow keys go on to the others. */
export function open(shown, item, names) {
  [items, classes] = [shown, names];
  at = Math.max(0, items.indexOf(item));
  show();
  by("detail").showModal();
}

export function current() {
  return items[at];
}

function show() {
  const item = items[at];
  const { row } = item;
  asked?.abort();
  by("detail-title").textContent = item.path.split("/").at(-1);
  look(image(item, `Picture ${item.path}`));
  by("facts").replaceChildren(...(row.error ? [badge(row), make("p", {}, row.error)] : facts(row)));
  by("heat").hidden = Boolean(row.error);
  by("heat").disabled = false;
  [by("previous").disabled, by("next").disabled] = [at === 0, at === items.length - 1];
  hideHeat();
  if (item.heat) showHeat(item.heat);
}

function look(picture) {
  by("view").replaceChildren(picture, by("view-heat"));
}

function facts(row) {
  return [verdict(row, classes), badge(row), also(row, classes), chances(row, classes, classes.length)].filter(Boolean);
}

function hideHeat() {
  by("view-heat").hidden = by("strength-label").hidden = true;
  by("heat").textContent = "Show heat map";
  by("heat-words").textContent = "";
}

function showHeat(heat) {
  // The map fits what the network saw, which may be a part of the picture.
  look(make("img", { src: heat.picture, alt: "The picture as the model sees it" }));
  by("view-heat").src = heat.overlay;
  by("view-heat").hidden = by("strength-label").hidden = false;
  by("heat").textContent = "Hide heat map";
  by("heat-words").textContent = inWords(heat);
}

function inWords({ confidence, lowest_confidence: lowest }) {
  const marked = "The redder a place, the more the name rests on it.";
  if (confidence - lowest < 0.01) return `${marked} No single place decides: with any covered, the model stays ${sureness(lowest)} sure.`;
  return `${marked} With the most telling one covered, the confidence falls from ${sureness(confidence)} to ${sureness(lowest)}.`;
}

async function toggleHeat() {
  const item = items[at];
  if (!by("view-heat").hidden) {
    item.heat = null;
    show();
    return;
  }
  asked = new AbortController();
  by("heat").disabled = true;
  by("heat-words").textContent = "Covering one place after the other …";
  try {
    item.heat = await explain(item.file, asked.signal);
    if (items[at] === item) showHeat(item.heat);
  } catch (error) {
    if (error.name !== "AbortError") by("heat-words").textContent = error.message;
  } finally {
    if (items[at] === item) by("heat").disabled = false;
  }
}

function step(by_) {
  const next = at + by_;
  if (next < 0 || next >= items.length) return;
  at = next;
  show();
}

by("heat").addEventListener("click", toggleHeat);
by("strength").addEventListener("input", () => by("view-heat").style.setProperty("--strength", by("strength").value / 100));
by("previous").addEventListener("click", () => step(-1));
by("next").addEventListener("click", () => step(1));
by("detail-close").addEventListener("click", () => by("detail").close());
by("detail").addEventListener("click", (event) => event.target === by("detail") && by("detail").close());
by("detail").addEventListener("close", () => asked?.abort());
by("detail").addEventListener("keydown", (event) => {
  if (event.target.matches("input")) return;
  if (event.key === "ArrowLeft") step(-1);
  if (event.key === "ArrowRight") step(1);
});
