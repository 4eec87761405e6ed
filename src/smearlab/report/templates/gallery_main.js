// Start: restore what was decided, draw, and listen.

const byId = (id) => document.getElementById(id);

function tally() {
  const counts = [0, 0, 0];
  for (let at = 0; at < ROWS; at++) counts[stateOf(at).action] += 1;
  byId("keeps").textContent = number(counts[KEEP]);
  byId("drops").textContent = number(counts[DROP]);
  byId("relabels").textContent = number(counts[RELABEL]);
  byId("by-hand").textContent = number(decided.size);
  byId("undo").disabled = !past.length;
  byId("forget").disabled = !decided.size;
}

function say(text) {
  byId("said").textContent = text;
}

listeners.push((places) => {
  const changed = new Set(places);
  document.querySelectorAll("[data-at]").forEach((card) => changed.has(Number(card.dataset.at)) && show(card));
  tally();
  const [at] = places;
  const { action, label } = stateOf(at);
  const what = action === RELABEL ? `relabel ${titleOf(label)}` : ACTIONS[action];
  say(places.length === 1 ? `Row ${manifest.row[at]}: ${what}` : `${plural(places.length, "picture")} changed`);
});

// A filter shortens the gallery: what it leaves is to be seen, and not what stands far below.
function stayAtGallery() {
  const gallery = document.querySelector(".review");
  if (gallery.getBoundingClientRect().top < 0) gallery.scrollIntoView({ behavior: "instant", block: "start" });
}

// The filters stay at the top of the window, and take more lines in a narrow one: a heading must stop below them.
new ResizeObserver(() => {
  document.documentElement.style.setProperty("--bar", `${form.offsetHeight}px`);
}).observe(form);

let pause = 0;
form.addEventListener("input", () => {
  clearTimeout(pause);
  pause = setTimeout(() => {
    applyFilters();
    stayAtGallery();
  }, 120);
});
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("reset", () => setTimeout(applyFilters));

// Parts above that are drawn later would push it away.
function goTo(section) {
  drawAll();
  section.scrollIntoView({ block: "start" });
}

document.querySelectorAll("[data-part]").forEach((link) =>
  link.addEventListener("click", () => {
    const section = byId(link.dataset.part);
    if (!section?.hidden) return;
    form.reset();
    setTimeout(() => goTo(section)); // the browser jumped while it was not there
  }),
);

byId("bulk").addEventListener("change", (event) => {
  const choice = event.target.value;
  event.target.value = "";
  const action = ACTIONS.indexOf(choice);
  const places = matching();
  const changed = decide(places.map((at) => [at, choice === "policy" ? null : decision(at, action)]));
  if (!changed) say("Nothing to change");
});
byId("undo").addEventListener("click", undo);
byId("forget").addEventListener("click", () => decide([...decided.keys()].map((at) => [at, null])));
byId("export").addEventListener("click", () => {
  download();
  say("manifest.csv is among your downloads");
});

restore();
applyFilters();
// The browser's own jump to the part that the address names comes before the parts are drawn.
const named = byId(location.hash.slice(1));
if (named) addEventListener("load", () => setTimeout(() => goTo(named)));
tally();
document.documentElement.dataset.ready = Math.round(performance.now());
