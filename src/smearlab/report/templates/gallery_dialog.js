// One picture large, with all that was found on it; and everything the keyboard does.

const dialog = document.getElementById("one");
let open = null; // { at, order: places to leaf through }

function openPicture(at, order) {
  open = { at, order };
  drawDialog();
  if (!dialog.open) dialog.showModal();
}

function drawDialog() {
  const { at } = open;
  const facts = [
    ["File", sources[at]],
    ["Labelled", data.known ? titleOf(manifest.given[at]) : null],
    ["Policy", `${ACTIONS[manifest.action[at]]}${manifest.reasons[manifest.reason[at]] ? `: ${manifest.reasons[manifest.reason[at]]}` : ""}`],
  ];
  const list = h("dl", { class: "facts" });
  for (const [name, value] of facts) if (value) list.append(h("dt", {}, name), h("dd", {}, value));
  const head = h("h2", { id: "one-title" }, `Row ${manifest.row[at]}`);
  const text = h("div", { class: "about" }, head, list, findingsOf(at), decisionOf(at));
  dialog.querySelector(".body").replaceChildren(picture(manifest.thumb[at], { class: "large", role: "img", "aria-label": describe(at, null) }), text);
  const place = open.order.indexOf(at);
  dialog.querySelector(".place").textContent = open.order.length > 1 ? `${number(place + 1)} of ${number(open.order.length)}` : "";
  for (const [name, step] of [["previous", -1], ["next", 1]]) {
    dialog.querySelector(`.${name}`).disabled = open.order[place + step] === undefined;
  }
}

function findingsOf(at) {
  const list = h("ul", { class: "findings" });
  for (const item of found.get(at) ?? []) {
    const partner = items.partner[item];
    const seen = items.suggested[item];
    list.append(
      h(
        "li",
        {},
        h("b", {}, kindOf(item).short),
        ` ${items.score[item].toFixed(2)} · ${items.suggestions[items.suggestion[item]].replaceAll("_", " ")}`,
        seen >= 0 ? ` · looks like ${titleOf(seen)}` : null,
        partner >= 0 ? h("button", { type: "button", class: "partner", "data-open": partner }, picture(manifest.thumb[partner]), `row ${manifest.row[partner]}, ${titleOf(manifest.given[partner])}`) : null,
      ),
    );
  }
  return list.childElementCount ? list : h("p", { class: "none-found" }, "Nothing was found wrong with this picture.");
}

function decisionOf(at) {
  const buttons = [actionButton("Keep", KEEP), actionButton("Drop", DROP)];
  const names = data.classes.slice(0, data.known).map((_, label) => label).filter((label) => label !== manifest.given[at]);
  const others = names.map((label) => h("button", { type: "button", "data-do": RELABEL, "data-label": label }, swatch(label), titleOf(label)));
  const acts = h("div", { class: "acts wide", role: "group", "aria-label": "Decision" }, ...buttons, h("p", {}, others.length ? "or relabel as" : ""), ...others);
  return show(h("div", { class: "cell decision", "data-at": at }, acts, h("p", { class: "fate" })));
}

function leaf(step) {
  const next = open.order[open.order.indexOf(open.at) + step];
  if (next === undefined) return;
  open.at = next;
  drawDialog();
}

dialog.querySelector(".previous").addEventListener("click", () => leaf(-1));
dialog.querySelector(".next").addEventListener("click", () => leaf(1));
dialog.querySelector(".close").addEventListener("click", () => dialog.close());
dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
dialog.addEventListener("close", () => (open = null));

// ---- clicks on cards ----

function chooseClass(button, at) {
  const names = data.classes.slice(0, data.known);
  const options = names.map((_, label) => h("option", { value: label, selected: label === stateOf(at).label }, titleOf(label)));
  const list = h("select", { "aria-label": `New label of row ${manifest.row[at]}` }, ...options);
  // Taking the focused list away makes it lose the focus, and that asks for it to be taken away.
  let closed = false;
  const done = () => {
    if (!closed) {
      closed = true;
      list.replaceWith(button);
    }
  };
  list.addEventListener("change", () => {
    const label = Number(list.value);
    done();
    button.focus();
    decide([[at, decision(at, RELABEL, label)]]);
  });
  list.addEventListener("blur", done);
  list.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Escape") {
      done();
      button.focus();
    }
  });
  button.replaceWith(list);
  list.focus();
  list.showPicker?.();
}

function act(button) {
  const at = Number(button.closest("[data-at]").dataset.at);
  const action = Number(button.dataset.do);
  if (action === RELABEL && button.dataset.label === undefined) chooseClass(button, at);
  else decide([[at, decision(at, action, action === RELABEL ? Number(button.dataset.label) : -1)]]);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.do !== undefined) act(button);
  else if (button.dataset.open !== undefined) openPicture(Number(button.dataset.open), [Number(button.dataset.open)]);
  else if (button.classList.contains("main")) {
    const part = button.closest(".chunk").owner;
    const order = part.shown.flatMap((entry) => entry.members.map(([at]) => at));
    openPicture(Number(button.closest("[data-at]").dataset.at), order);
  }
});

// ---- keys: arrows move, k keeps, d drops, r relabels, u takes back ----

function neighbour(button, key) {
  const all = [...button.closest(".entries").querySelectorAll(".pic.main")];
  const place = all.indexOf(button);
  if (key === "ArrowRight") return all[place + 1];
  if (key === "ArrowLeft") return all[place - 1];
  const here = button.getBoundingClientRect();
  const line = (other) => other.getBoundingClientRect();
  const beyond = key === "ArrowDown" ? all.slice(place + 1).filter((o) => line(o).top > here.bottom - 4) : all.slice(0, place).reverse().filter((o) => line(o).bottom < here.top + 4);
  if (!beyond.length) return undefined;
  const top = line(beyond[0]).top;
  const inLine = beyond.filter((other) => Math.abs(line(other).top - top) < 4);
  return inLine.reduce((best, other) => (Math.abs(line(other).left - here.left) < Math.abs(line(best).left - here.left) ? other : best));
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
  const card = event.target.closest?.("[data-at]") ?? (open ? dialog.querySelector("[data-at]") : null);
  const key = event.key.toLowerCase();
  if (open && (event.key === "ArrowLeft" || event.key === "ArrowRight")) leaf(event.key === "ArrowLeft" ? -1 : 1);
  else if (event.key.startsWith("Arrow") && event.target.matches?.(".pic.main")) neighbour(event.target, event.key)?.focus();
  else if (key === "u" && (card || open)) undo();
  else if (card && "kdr".includes(key) && key.length === 1) {
    const button = card.querySelector(`.acts [data-do="${"kdr".indexOf(key)}"]`);
    if (!button) return;
    act(button);
  } else return;
  event.preventDefault();
});
