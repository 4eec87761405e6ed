// The page: takes pictures in, sends them on a few at a time, and shows what comes back.

import * as api from "./api.js";
import { card, kindOf } from "./cards.js";
import { chart } from "./chart.js";
import { download, predictionsCsv } from "./csv.js";
import * as detail from "./detail.js";
import { by, bytes, counted, make, percent } from "./dom.js";
import { chosen, dropped, isShown } from "./files.js";
import { themeButton } from "./theme.js";

const AT_ONCE = 12; // pictures in a request: few enough that the first names are there soon
const LANES = 2; // requests at a time: one is in the network while the next is on its way
const PAGE = 200; // cards shown until more are asked for

let about = null;
let items = []; // {file, path, url, row, thumbnail, heat}, in the order they came
let waiting = [];
let running = 0;
let stopped = new AbortController();
let filter = "all";
let room = PAGE;

// ---- taking pictures in --------------------------------------------------------------------------------------------

function take(entries) {
  if (!about || !entries.length) return say(entries.length ? "Wait until the server has answered." : "There were no pictures in it.");
  document.body.classList.add("started");
  const added = entries.map(({ file, path }) => ({ file, path, url: URL.createObjectURL(file), row: null }));
  items.push(...added);
  alarm("");
  for (const item of added) {
    const large = item.file.size > about.limits.picture_bytes;
    if (large) item.row = failed(`too large: the file has more than ${bytes(about.limits.picture_bytes)}`);
    else waiting.push(item);
  }
  refresh();
  work();
}

function work() {
  while (running < LANES && waiting.length) {
    running += 1;
    name(nextBatch()).finally(() => {
      running -= 1;
      work();
    });
  }
  refresh();
}

function nextBatch() {
  const most = Math.min(AT_ONCE, about.limits.pictures);
  const batch = [waiting.shift()];
  let size = batch[0].file.size;
  while (batch.length < most && waiting.length && size + waiting[0].file.size < 0.9 * about.limits.request_bytes) {
    size += waiting[0].file.size;
    batch.push(waiting.shift());
  }
  return batch;
}

async function name(batch) {
  const thumbnails = batch.some(({ file }) => !isShown(file));
  try {
    const answer = await api.predict(batch.map(({ file }) => file), { thumbnails, signal: stopped.signal });
    fill(batch, answer.predictions);
  } catch (error) {
    if (error.name === "AbortError") return;
    if (error.rows) fill(batch, error.rows);
    else if (error.status === 401) askToken(() => again(batch));
    else if (error.status === 0) again(batch, error.message);
    else fill(batch, batch.map(() => failed(error.message)));
  }
}

function fill(batch, rows) {
  batch.forEach((item, number) => {
    item.row = rows[number];
    item.thumbnail = isShown(item.file) ? null : rows[number].thumbnail;
  });
  recount();
}

function again(batch, message = "") {
  waiting.unshift(...batch);
  if (!message) return work();
  const held = waiting;
  waiting = [];
  alarm(message, "Try again", () => {
    waiting = [...held, ...waiting];
    work();
  });
}

const failed = (error) => ({ label: "", confidence: null, is_cell: false, prediction_set: null, error });

// ---- showing -------------------------------------------------------------------------------------------------------

function refresh() {
  const done = named();
  const busy = running > 0 || waiting.length > 0;
  by("progress").hidden = !busy;
  by("bar").value = items.length ? done.length / items.length : 0;
  by("progress-words").textContent = `${done.length.toLocaleString("en")} of ${counted(items.length, "picture")}`;
  by("results").hidden = !done.length;
  by("download").disabled = busy || !done.length;
  if (!busy && done.length) say(summary(done));
  showFilters(done);
  showCards(done);
}

const named = () => items.filter((item) => item.row);

function summary(done) {
  const cells = done.filter(({ row }) => row.is_cell).length;
  const others = done.filter(({ row }) => kindOf(row) === "other").length;
  const bad = done.filter(({ row }) => row.error).length;
  const parts = [counted(cells, "cell"), others && `${others} not a cell`, bad && `${bad} unreadable`];
  return `${parts.filter(Boolean).join(" · ")}`;
}

async function recount() {
  const done = named();
  const counts = Object.fromEntries(about.classes.map((one) => [one.name, 0]));
  for (const { row } of done) if (row.is_cell) counts[row.label] += 1;
  try {
    const count = await api.differential(counts);
    if (named().length !== done.length) return; // a later count is on its way
    by("chart").replaceChildren(chart(count, about.classes));
    by("count-lead").textContent = summary(done);
  } catch { /* the names themselves are there; the next batch counts again */ }
}

function showFilters(done) {
  const kinds = [
    ["all", "All", done.length],
    ...about.classes.map((one) => [one.name, one.title, done.filter(({ row }) => row.is_cell && row.label === one.name).length, one.colour]),
    ["unsure", "Unsure", done.filter(({ row }) => kindOf(row) === "unsure").length],
    ["other", "Not a cell", done.filter(({ row }) => kindOf(row) === "other").length],
    ["error", "Unreadable", done.filter(({ row }) => row.error).length],
  ].filter(([key, , number]) => number || key === filter || key === "all");
  const focused = document.activeElement?.dataset?.key;
  by("filters").replaceChildren(...kinds.map(filterButton));
  if (focused) by("filters").querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
}

function filterButton([key, title, number, colour]) {
  const dot = colour && make("span", { class: "dot shade", "--shade": colour });
  const button = make("button", { class: "filter", type: "button", "aria-pressed": String(key === filter), "data-key": key }, dot, title, make("b", {}, number.toLocaleString("en")));
  button.addEventListener("click", () => {
    [filter, room] = [key, PAGE];
    refresh();
  });
  return button;
}

function chosenItems(done) {
  const kept = done.filter(({ row }) => filter === "all" || kindOf(row) === filter || (row.is_cell && row.label === filter));
  return by("sort").value === "doubt" ? kept.sort((a, b) => (a.row.confidence ?? -1) - (b.row.confidence ?? -1)) : kept;
}

function showCards(done) {
  const kept = chosenItems(done);
  const wanted = kept.slice(0, room).map((item) => {
    item.card ??= cardOf(item);
    return item.card;
  });
  const list = by("cards");
  // Cards that are there already stay as they are, so that the focus and the scrolled place are kept.
  const inPlace = wanted.length >= list.children.length && [...list.children].every((child, number) => child === wanted[number]);
  if (inPlace) list.append(...wanted.slice(list.children.length));
  else list.replaceChildren(...wanted);
  by("more").hidden = kept.length <= room;
  by("more").textContent = `Show more (${(kept.length - room).toLocaleString("en")} left)`;
}

function cardOf(item) {
  const made = card(item, about.classes);
  made.firstChild.addEventListener("click", () => detail.open(chosenItems(named()), item, about.classes));
  return made;
}

function say(words) {
  if (by("said").textContent !== words) by("said").textContent = words;
}

function alarm(words, action = "", act = null) {
  const button = action && make("button", { class: "button small", type: "button" }, action);
  button && button.addEventListener("click", () => {
    alarm("");
    act();
  });
  by("alert").replaceChildren(words, ...(button ? [button] : []));
  by("alert").hidden = !words;
}

// ---- starting ------------------------------------------------------------------------------------------------------

async function start() {
  try {
    about = await api.model();
  } catch (error) {
    if (error.status === 401) askToken(start);
    else alarm(error.message, "Try again", start);
    return;
  }
  by("model").textContent = `${about.name} · ${counted(about.classes.length, "class", "classes")}`;
  by("limits").textContent = `PNG, JPEG, TIFF, BMP, GIF or WebP, one cell in each, up to ${bytes(about.limits.picture_bytes)}. You can also paste.`;
  showAbout();
  document.body.dataset.ready = "";
}

function showAbout() {
  by("classes").replaceChildren(...about.classes.map((one) => make("span", {}, make("span", { class: "dot shade", "--shade": one.colour }), one.title)));
  const share = about.coverage && percent(about.coverage, 0);
  by("set-words").textContent = share ? `Where it is unsure, it names all classes that remain possible: in ${share} of cells the right one is among them.` : "";
  const { rows, data, credit, figures } = about.provenance;
  const { test_balanced_accuracy: value, test_balanced_accuracy_low: low, test_balanced_accuracy_high: high } = figures;
  const parts = [
    rows && `Trained on ${counted(rows, "picture")}${data ? ` of ${data}` : ""}.`,
    value && `Balanced accuracy on cells it had not seen: ${percent(value)}${low ? ` (${percent(low)} to ${percent(high)})` : ""}.`,
    credit && `Data: ${credit}.`,
  ];
  by("origin").textContent = parts.filter(Boolean).join(" ") || "Its folder does not say.";
  by("about").hidden = false;
}

function askToken(then) {
  if (by("ask").open) return;
  by("ask-form").onsubmit = () => {
    api.setToken(by("token").value);
    by("token").value = "";
    then();
  };
  by("ask").showModal();
}

function clear() {
  stopped.abort();
  stopped = new AbortController();
  for (const item of items) URL.revokeObjectURL(item.url);
  [items, waiting, filter, room] = [[], [], "all", PAGE];
  by("chart").replaceChildren();
  document.body.classList.remove("started");
  alarm("");
  refresh();
  say("Cleared.");
  by("choose").focus();
}

function stop() {
  stopped.abort();
  stopped = new AbortController();
  waiting = [];
  const left = items.filter((item) => !item.row);
  for (const item of left) URL.revokeObjectURL(item.url);
  items = named();
  refresh();
}

function moveBetweenCards(event) {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  const cards = [...by("cards").querySelectorAll(".card")];
  const next = step && cards[cards.indexOf(document.activeElement) + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

for (const [button, input] of [["choose", "files"], ["choose-folder", "folder"]]) {
  by(button).addEventListener("click", () => by(input).click());
  by(input).addEventListener("change", () => {
    take(chosen(by(input).files));
    by(input).value = ""; // so that the same files can be chosen again
  });
}
let over = 0; // a drag enters and leaves every element on its way
document.addEventListener("dragenter", () => { over += 1; document.body.classList.add("over"); });
document.addEventListener("dragleave", () => { over -= 1; document.body.classList.toggle("over", over > 0); });
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", async (event) => {
  event.preventDefault();
  over = 0;
  document.body.classList.remove("over");
  take(await dropped(event.dataTransfer));
});
document.addEventListener("paste", (event) => event.clipboardData.files.length && take(chosen(event.clipboardData.files)));
by("sort").addEventListener("change", refresh);
by("more").addEventListener("click", () => { room += PAGE; refresh(); });
by("download").addEventListener("click", () => download("predictions.csv", predictionsCsv(items, about.classes)));
by("clear").addEventListener("click", clear);
by("stop").addEventListener("click", stop);
by("cards").addEventListener("keydown", moveBetweenCards);
themeButton(by("theme"));
start();
