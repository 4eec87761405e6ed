// The maps: every picture a dot, coloured by its class or by what was found on it.

const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const MARGIN = 14;

// Of several findings the first in the order of the gallery gives the colour.
const worst = new Map([...found].map(([at, list]) => [at, Math.min(...list.map((item) => items.kind[item]))]));

class FeatureMap {
  constructor(canvas) {
    this.canvas = canvas;
    this.map = data.maps[Number(canvas.dataset.map)];
    this.hint = canvas.parentElement.querySelector(".hint");
    new ResizeObserver(() => this.draw()).observe(canvas);
    canvas.addEventListener("pointermove", (event) => this.point(event));
    canvas.addEventListener("pointerleave", () => (this.hint.hidden = true));
    canvas.addEventListener("click", (event) => {
      const place = this.nearest(event);
      if (place >= 0) openPicture(this.map.at[place], [this.map.at[place]]);
    });
  }

  draw() {
    const width = this.canvas.clientWidth;
    if (!width) return;
    const inner = width - 2 * MARGIN;
    this.scale = inner / this.map.width;
    const height = Math.round(this.map.height * this.scale + 2 * MARGIN);
    // Print is finer than any screen.
    const fine = Math.max(2, window.devicePixelRatio || 1);
    this.canvas.style.height = `${height}px`;
    Object.assign(this.canvas, { width: width * fine, height: height * fine });
    const pen = this.canvas.getContext("2d");
    pen.scale(fine, fine);
    const byClass = document.querySelector("[name=map-colour]:checked").value === "class";
    const small = Math.max(1, Math.min(2.4, 90 / Math.sqrt(this.map.at.length + 1)));
    const lift = style("--lift") !== "0%";
    for (const [places, colour, size, alpha] of this.layers(byClass, small)) {
      pen.globalAlpha = alpha;
      pen.fillStyle = lift && colour.startsWith("#") ? `color-mix(in srgb, ${colour}, white ${style("--lift")})` : colour;
      pen.beginPath();
      for (const place of places) {
        const [x, y] = this.spot(place);
        pen.moveTo(x + size, y);
        pen.arc(x, y, size, 0, 7);
      }
      pen.fill();
    }
  }

  layers(byClass, small) {
    const layers = new Map();
    const put = (key, place) => (layers.has(key) ? layers.get(key).push(place) : layers.set(key, [place]));
    this.map.at.forEach((at, place) => put(byClass ? manifest.given[at] : (worst.get(at) ?? -1), place));
    const order = [...layers].sort(([a], [b]) => (byClass ? a - b : a < 0 ? -1 : b < 0 ? 1 : b - a));
    return order.map(([key, places]) => {
      if (byClass) return [places, key < 0 ? "#888888" : data.colours[key], small, 0.75];
      return key < 0 ? [places, style("--mark-0"), small, 0.55] : [places, style(kinds[key].colour), small * 1.5, 0.9];
    });
  }

  spot(place) {
    return [MARGIN + this.map.x[place] * this.scale, MARGIN + (this.map.height - this.map.y[place]) * this.scale];
  }

  nearest(event) {
    const box = this.canvas.getBoundingClientRect();
    const [left, top] = [event.clientX - box.left, event.clientY - box.top];
    let [best, least] = [-1, 12 * 12];
    for (let place = 0; place < this.map.at.length; place++) {
      const [x, y] = this.spot(place);
      const distance = (x - left) ** 2 + (y - top) ** 2;
      if (distance < least) [best, least] = [place, distance];
    }
    return best;
  }

  point(event) {
    const place = this.nearest(event);
    this.hint.hidden = place < 0;
    this.canvas.style.cursor = place < 0 ? "" : "pointer";
    if (place < 0) return;
    const at = this.map.at[place];
    const names = (found.get(at) ?? []).map((item) => kindOf(item).short);
    this.hint.replaceChildren(
      manifest.thumb[at] >= 0 ? picture(manifest.thumb[at]) : "",
      h("span", {}, `row ${manifest.row[at]}`, h("br"), data.known ? titleOf(manifest.given[at]) : "", h("br"), names.join(", ") || "no finding"),
    );
    const [x, y] = this.spot(place);
    this.hint.style.left = `${Math.min(Math.max(0, x - 60), this.canvas.clientWidth - 130)}px`;
    this.hint.style.top = `${y + 14}px`;
  }
}

const maps = [...document.querySelectorAll("canvas[data-map]")].map((canvas) => new FeatureMap(canvas));
const redraw = () => maps.forEach((map) => map.draw());

function legends() {
  const byClass = document.querySelector("[name=map-colour]:checked")?.value === "class";
  document.querySelectorAll("[data-legend]").forEach((list) => (list.hidden = (list.dataset.legend === "class") !== byClass));
}

document.querySelectorAll("[name=map-colour]").forEach((choice) =>
  choice.addEventListener("change", () => {
    legends();
    redraw();
  }),
);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
window.addEventListener("beforeprint", redraw);
legends();
