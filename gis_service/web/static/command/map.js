// One map: areas of one level coloured by one indicator, on canvas. Built once; colours and views change in place.
import { make } from "./page.js";

const L = window.L;
const LEVELS = ["township", "village", "compound"];

// A class that is no number has a hatch, so that it can be told without colour.
function paint({ fill, hatch, ink }, scale = 1) {
  if (!hatch) return fill;
  const step = (hatch === "dense" ? 6 : 10) * scale;
  const tile = make("canvas", { width: step, height: step });
  const pen = tile.getContext("2d");
  pen.fillStyle = fill;
  pen.fillRect(0, 0, step, step);
  pen.strokeStyle = ink;
  pen.lineWidth = hatch === "dense" ? 2 : 1;
  for (const at of [-step, 0, step]) {
    pen.moveTo(at, step);
    pen.lineTo(at + step, 0);
  }
  pen.stroke();
  return pen.createPattern(tile, "repeat");
}

export class MapView {
  constructor(container, onPick) {
    this.head = make("div", { class: "cc-head" }, make("strong"), make("span"));
    this.legend = make("div", { class: "cc-legend", role: "group" });
    const canvas = make("div", { class: "cc-canvas" });
    this.pointKey = make("ul", { class: "cc-point-key", hidden: "" });
    this.keys = make("div", { class: "cc-keys" }, this.legend, this.pointKey);
    container.append(canvas, this.head, this.keys);
    this.map = L.map(canvas, { zoomControl: false, attributionControl: false, zoomSnap: 0.25, preferCanvas: true, maxZoom: 19, zoomAnimation: false, fadeAnimation: false });
    L.control.zoom({ position: "bottomright", zoomInTitle: "+", zoomOutTitle: "−" }).addTo(this.map);
    this.map.createPane("gm-labels").style.zIndex = 450;
    this.map.setView([30, 121], 8);
    this.renderer = L.canvas({ padding: 0.3 });
    this.labels = L.layerGroup().addTo(this.map);
    this.levels = new Map();
    this.frame = L.layerGroup().addTo(this.map);
    this.onPick = onPick;
    this.paints = new Map();
    this.map.on("moveend", () => this.#label());
    this.tip = L.tooltip({ className: "cc-tip", sticky: true, opacity: 1 });
    new ResizeObserver(() => this.map.invalidateSize({ animate: false })).observe(canvas);
  }

  // Take over the outlines of a level; those that are there already stay.
  setLand(level, land) {
    if (this.levels.get(level)?.land === land) return;
    this.levels.get(level)?.group.remove();
    const byId = new Map();
    const group = L.featureGroup();
    for (const given of land.features) {
      const feature = { ...given, properties: { ...given.properties } }; // the other map has values of its own
      const [shape] = L.geoJSON(feature, { renderer: this.renderer, smoothFactor: 0.6 }).getLayers();
      shape.feature = feature;
      shape.on("click", (event) => {
        L.DomEvent.stop(event);
        this.onPick(feature.properties.id);
      });
      shape.on("mouseover", () => this.#hover(shape));
      byId.set(feature.properties.id, shape);
    }
    this.levels.set(level, { land, group, byId });
  }

  // Show the areas of `level` that `inside` lets through, coloured by `values`; `chosen` has a heavier line.
  show({ level, inside, chosen, answer }) {
    this.#heading(answer);
    const { byId } = this.levels.get(level) ?? { byId: new Map() };
    const shown = new Set();
    for (const [id, shape] of byId) if (inside(shape.feature.properties)) shown.add(shape);
    for (const { group } of this.levels.values()) {
      for (const shape of group.getLayers()) if (!shown.has(shape)) group.removeLayer(shape);
    }
    const styles = this.#styles(answer);
    const { group } = this.levels.get(level) ?? {};
    for (const shape of shown) {
      const [key, text] = answer.values[shape.feature.properties.id] ?? ["", "—"];
      const own = shape.feature.properties.id === chosen;
      shape.feature.properties.value = text;
      shape.setStyle({ fillColor: styles.get(key) ?? "#ffffff", fillOpacity: 1, color: own ? "#111111" : "#ffffff", weight: own ? 3.5 : level === "compound" ? 0.8 : 1.4, opacity: 1 });
      group.addLayer(shape);
    }
    group?.addTo(this.map);
    this.#frame(level);
    this.shown = [...shown];
  }

  // Put the land where no legend covers it, neither here nor on the map that moves along. What somebody has moved stays,
  // until other land is shown, the map has another size or its keys come and go.
  fit(beside = null) {
    const views = beside ? [this, beside] : [this];
    const box = this.shown.length ? L.featureGroup(this.shown).getBounds() : null;
    for (const { map } of views) map.invalidateSize({ animate: false });
    const { x: width, y: height } = this.map.getSize();
    const place = box && [box.toBBoxString(), width, height, ...views.map(({ legend, pointKey }) => `${legend.hidden} ${pointKey.hidden}`)].join(" ");
    if (place && place !== this.place) {
      this.place = place;
      // the legend stands in a column beside the land or in rows below it, whichever leaves the land larger
      const rooms = [false, true].map((wide) => {
        for (const { keys } of views) keys.classList.toggle("wide", wide);
        const floating = views.map(({ keys }) => keys).filter((keys) => getComputedStyle(keys).position === "absolute");
        const beyond = Math.max(0, ...floating.map((keys) => (wide ? keys.offsetHeight : keys.offsetWidth)));
        const head = Math.max(...views.map((view) => view.head.offsetHeight));
        const room = { paddingTopLeft: L.point(wide ? 20 : 20 + beyond, head + 20), paddingBottomRight: L.point(48, wide ? 20 + beyond : 20), animate: false };
        return { wide, room, zoom: this.map.getBoundsZoom(box, false, room.paddingTopLeft.add(room.paddingBottomRight)) };
      });
      const chosen = rooms[0].zoom >= rooms[1].zoom ? rooms[0] : rooms[1];
      for (const { keys } of views) keys.classList.toggle("wide", chosen.wide);
      this.map.fitBounds(box, chosen.room);
    }
    for (const view of views) view.#label();
  }

  // Borders of the level above, as lines, to tell where one is.
  #frame(level) {
    const land = this.levels.get(LEVELS[LEVELS.indexOf(level) - 1])?.land;
    if (this.framed === land) return this.frame.eachLayer((lines) => lines.bringToFront());
    this.framed = land;
    this.frame.clearLayers();
    if (land) L.geoJSON(land, { renderer: this.renderer, interactive: false, style: { fill: false, color: "#3b4753", weight: 1.6, opacity: 0.75 } }).addTo(this.frame);
  }

  #styles({ classes }) {
    const styles = new Map();
    for (const each of classes) {
      const key = `${each.fill}${each.hatch}${each.ink}`;
      if (!this.paints.has(key)) this.paints.set(key, paint(each));
      styles.set(each.key, this.paints.get(key));
    }
    return styles;
  }

  #hover(shape) {
    const { name, value } = shape.feature.properties;
    const text = make("div", {}, make("strong", {}, name), ` ${value ?? ""}`);
    this.tip.setContent(text);
    if (this.tipped !== shape) {
      this.tipped?.unbindTooltip();
      shape.bindTooltip(this.tip).openTooltip();
      this.tipped = shape;
    }
  }

  // What the address points mean, beside the legend; null when there are none.
  setPointKey(rows) {
    this.pointKey.hidden = !rows;
    this.pointKey.replaceChildren(...(rows ?? []).map(({ fill, label }) => {
      const dot = make("canvas", { width: 24, height: 24, "aria-hidden": "true" });
      const pen = dot.getContext("2d");
      pen.fillStyle = fill;
      pen.arc(12, 12, 8, 0, 2 * Math.PI);
      pen.fill();
      return make("li", {}, dot, label);
    }));
  }

  #label() {
    window.gridLabels.place(this.map, this.shown ?? [], this.labels);
  }

  #heading(answer) {
    const [title, note] = this.head.children;
    if (title.textContent !== answer.name) title.textContent = answer.name;
    const line = `${answer.as_of} · ${answer.source}`;
    if (note.textContent !== line) note.textContent = line;
    const key = JSON.stringify([answer.title, answer.note, answer.classes]);
    if (this.legendKey === key) return;
    this.legendKey = key;
    const shownOnce = answer.indicator === "beats" ? answer.classes.filter(({ key: name }, place) => place === 0 || !name.startsWith("beat_")) : answer.classes;
    const rows = shownOnce.map((each) => {
      const swatch = make("canvas", { width: 48, height: 28, "aria-hidden": "true" });
      const pen = swatch.getContext("2d");
      pen.fillStyle = paint(each, 2);
      pen.fillRect(0, 0, 48, 28);
      return make("li", {}, swatch, each.label);
    });
    this.legend.replaceChildren(make("p", {}, answer.title), make("ul", {}, ...rows), ...(answer.note ? [make("p", { class: "note" }, answer.note)] : []));
    this.legend.setAttribute("aria-label", answer.title);
  }
}

// Let two maps move as one.
export function together(one, other) {
  let following = false;
  const follow = (leader, follower) => leader.map.on("move", () => {
    if (following) return;
    following = true;
    follower.map.setView(leader.map.getCenter(), leader.map.getZoom(), { animate: false });
    following = false;
  });
  follow(one, other);
  follow(other, one);
}
