// What folium cannot do safely: text from data is only ever set as text, areas drill down, figures open in a panel.
// The page hands over its data in the JSON block #grid-map-data, keyed by the name of each layer.
"use strict";

(() => {
  const payloads = JSON.parse(document.getElementById("grid-map-data").textContent);
  const find = (selector) => document.querySelector(selector);
  let map = null;
  let words = {};
  let opacity = 1;

  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name in element && typeof value !== "string") element[name] = value;
      else element.setAttribute(name, value);
    }
    element.append(...children); // strings become text nodes
    return element;
  }

  function asHtml(text) {
    return make("span", {}, text).innerHTML;
  }

  function fill(template, values) {
    return template.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? encodeURIComponent(values[name]) : whole));
  }

  async function fetchJson(url) {
    const status = find(".gm-status[role]");
    status.textContent = words.loading;
    status.hidden = false;
    try {
      const answer = await fetch(url, { headers: { Accept: "application/geo+json, application/json" }, credentials: "same-origin" });
      if (!answer.ok) throw new Error(String(answer.status));
      const data = await answer.json();
      status.hidden = true;
      return data;
    } catch (problem) {
      status.textContent = words.failed;
      return null;
    }
  }

  function start(name) {
    const given = payloads[name];
    words = given.texts;
    opacity = given.opacity;
    map = L.map(name, { zoomControl: false, attributionControl: false, zoomSnap: 0.25, wheelPxPerZoomLevel: 90, maxZoom: 19 });
    L.control.zoom({ zoomInTitle: words.zoomIn, zoomOutTitle: words.zoomOut, position: "topright" }).addTo(map);
    L.control.attribution({ prefix: false, position: "bottomright" }).addTo(map).addAttribution(asHtml(given.attribution));
    L.control.scale({ imperial: false, maxWidth: 140, position: "bottomright" }).addTo(map);
    [["gm-outline", 410], ["gm-shapes", 420], ["gm-points", 430], ["gm-labels", 440]].forEach(([pane, order]) => {
      map.createPane(pane).style.zIndex = order;
      map.getPane(pane).style.pointerEvents = "none";
    });
    if (window.matchMedia("(max-width: 640px)").matches) find(".gm-legends").open = false;
    fit(L.latLngBounds(given.bounds));
    if (L.HeatLayer) readHeatOften();
    map.whenReady(() => setTimeout(nameLayerControl));
    window.gridMap.map = map;
    return map;
  }

  // Show bounds in the part of the map that the panel leaves free: beside it on a wall, above it on a phone; and beside
  // or above the legend, whichever leaves the land larger.
  function fit(bounds) {
    const panel = find(".gm-panel");
    const wide = panel.offsetWidth < map.getSize().x / 2;
    const beside = panel.hidden || !wide ? 0 : panel.offsetWidth;
    const below = panel.hidden || wide ? 0 : panel.offsetHeight;
    const legends = find(".gm-legends");
    const covered = legends.open && panel.hidden ? [legends.offsetWidth, legends.offsetHeight] : [0, 0];
    const rooms = [[Math.max(beside, covered[0]), below], [beside, Math.max(below, covered[1])]].map(([left, bottom]) => ({
      paddingTopLeft: L.point(left + 16, 16), paddingBottomRight: L.point(16, bottom + 16), animate: false,
    }));
    const [one, other] = rooms.map((room) => map.getBoundsZoom(bounds, false, room.paddingTopLeft.add(room.paddingBottomRight)));
    map.fitBounds(bounds, one >= other ? rooms[0] : rooms[1]);
  }

  function nameLayerControl() {
    const toggle = find(".leaflet-control-layers-toggle");
    if (toggle) toggle.title = words.layers;
    if (toggle) toggle.setAttribute("aria-label", words.layers);
  }

  // leaflet.heat reads its canvas at every drawing; told beforehand, the browser keeps it where reading is cheap.
  function readHeatOften() {
    const draw = window.simpleheat;
    window.simpleheat = (canvas) => {
      canvas.getContext("2d", { willReadFrequently: true });
      return draw(canvas);
    };
  }

  function tiles(name) {
    const { url, attribution, maxZoom } = payloads[name];
    return inWholeZooms(L.tileLayer(url, { attribution: asHtml(attribution), maxNativeZoom: maxZoom, maxZoom: 19 }));
  }

  // Tiles are drawn for whole zoom levels; between them they would be blurred. Done before the first is asked for.
  function inWholeZooms(layer) {
    const { beforeAdd } = layer;
    layer.beforeAdd = function (to) {
      map.options.zoomSnap = 1;
      if (map.getZoom() % 1) map.setZoom(Math.floor(map.getZoom()), { animate: false });
      return beforeAdd.call(this, to);
    };
    return layer;
  }

  // ---- panel -------------------------------------------------------------------------------------------------------

  function rows(captions, figures) {
    const list = make("dl");
    captions.forEach((caption, place) => list.append(make("dt", {}, caption), make("dd", {}, figures[place])));
    return list;
  }

  // Show a heading, captioned figures and perhaps a link; `badge` is { fill, label } of the legend's class.
  function showPanel({ title, code, badge, captions, figures, note, url, toFocus }) {
    const panel = find(".gm-panel");
    const close = make("button", { type: "button", class: "gm-close", "aria-label": words.close, title: words.close }, "×");
    close.addEventListener("click", hidePanel);
    const heading = make("h2", { tabIndex: -1 }, title);
    panel.replaceChildren(close, heading);
    if (code) panel.append(make("p", { class: "gm-code" }, `${words.code} ${code}`));
    if (badge) panel.append(make("p", { class: "gm-badge" }, swatch(badge.fill), badge.label));
    panel.append(rows(captions, figures));
    if (note) panel.append(make("p", { class: "gm-note" }, note));
    if (url) panel.append(make("a", { href: url, class: "gm-open" }, words.open));
    panel.hidden = false;
    if (toFocus) heading.focus({ preventScroll: true });
  }

  function hidePanel() {
    find(".gm-panel").hidden = true;
  }

  function swatch(fillWith) {
    const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    picture.setAttribute("width", 22);
    picture.setAttribute("height", 14);
    picture.setAttribute("aria-hidden", "true");
    const box = picture.appendChild(document.createElementNS(picture.namespaceURI, "rect"));
    box.setAttribute("width", 22);
    box.setAttribute("height", 14);
    box.setAttribute("fill", fillWith);
    return picture;
  }

  function tooltip({ name, figures }, { captions, tooltip: shown, note }) {
    const list = make("dl");
    shown.forEach((place) => list.append(make("dt", {}, captions[place]), make("dd", {}, figures[place])));
    return make("div", {}, make("strong", {}, name), list, ...(note ? [make("p", { class: "gm-note" }, note)] : []));
  }

  // ---- areas -------------------------------------------------------------------------------------------------------

  const Areas = L.LayerGroup.extend({
    initialize(given) {
      L.LayerGroup.prototype.initialize.call(this);
      this.given = given;
      this.focus = given.root;
      this.byId = new Map();
      this.loaded = new Set();
      this.order = given.levels.map((level) => level.key);
      this.level = this.order[0];
      this.keep(given.features);
    },

    keep(collection) {
      for (const feature of collection.features) this.byId.set(feature.properties.id, feature);
    },

    onAdd(onMap) {
      L.LayerGroup.prototype.onAdd.call(this, onMap);
      onMap.on("zoomend moveend resize", this.label, this);
      this.ready = this.show();
    },

    onRemove(onMap) {
      onMap.off("zoomend moveend resize", this.label, this);
      L.LayerGroup.prototype.onRemove.call(this, onMap);
    },

    lineage({ properties }) {
      const path = [];
      for (let at = properties; at; at = (this.byId.get(at.parent) || {}).properties) path.unshift(at);
      return path;
    },

    focusId() {
      return this.focus ? this.focus.id : null;
    },

    isRoot() {
      return this.focusId() === (this.given.root ? this.given.root.id : null);
    },

    inFocus(feature) {
      return this.isRoot() || this.lineage(feature).some((area) => area.id === this.focus.id);
    },

    ofLevel(level) {
      return [...this.byId.values()].filter((feature) => feature.properties.level === level);
    },

    deeper(level) {
      return this.order[this.order.indexOf(level) + 1];
    },

    async load(level) {
      const { fetched, urls } = this.given;
      const key = `${this.focusId()}`;
      if (level !== fetched || !this.focus || this.loaded.has(key)) return true;
      const answer = await fetchJson(fill(urls.areas, { area_id: this.focus.id, level }));
      if (answer) this.keep(answer);
      if (answer) this.loaded.add(key);
      return Boolean(answer);
    },

    // Show the areas of one level inside the focus, the siblings of the focus faintly around them.
    async show() {
      if (!(await this.load(this.level))) return;
      this.clearLayers();
      const shown = this.ofLevel(this.level).filter((feature) => this.inFocus(feature));
      const around = this.isRoot() ? [] : this.ofLevel(this.focus.level).filter((feature) => feature.properties.id !== this.focus.id);
      this.addLayer(this.draw(around, "gm-around"));
      this.areas = this.draw(shown, "gm-area", shown.length > 400 ? 0.35 : 0.8);
      this.addLayer(this.areas);
      const frames = this.order.slice(0, this.order.indexOf(this.level)).flatMap((level) => this.ofLevel(level));
      const frame = frames.filter((feature) => this.inFocus(feature));
      this.addLayer(L.geoJSON(frame, { interactive: false, pane: "gm-outline", style: this.outline.bind(this) }));
      this.frames = L.geoJSON(this.given.frames || [], { interactive: false, pane: "gm-outline", style: { className: "gm-frame", fill: false, color: "#22303c", weight: 1.2, opacity: 0.85 } });
      this.addLayer(this.frames);
      this.labels = L.layerGroup().addTo(map);
      this.addLayer(this.labels);
      this.areas.eachLayer((layer) => this.reachable(layer));
      this.label();
      this.crumbs();
      this.switches();
    },

    draw(features, kind, weight = 0.6) {
      const { classes } = this.given;
      const faint = kind === "gm-around";
      const layer = L.geoJSON(features, {
        style: ({ properties }) => ({
          className: `${kind} gm-path`,
          fillColor: classes[properties.class].fill,
          fillOpacity: faint ? 0.25 : opacity,
          color: faint ? "#8a8f94" : "#ffffff",
          weight,
        }),
      });
      layer.bindTooltip((one) => tooltip(one.feature.properties, this.given), { sticky: true, opacity: 1, className: "gm-tip", direction: "auto" });
      layer.on("click", ({ layer: one, originalEvent }) => {
        L.DomEvent.stopPropagation(originalEvent);
        this.choose(one.feature);
      });
      return layer;
    },

    outline({ properties }) {
      const step = this.order.indexOf(this.level) - this.order.indexOf(properties.level);
      return { className: "gm-frame", fill: false, color: "#22303c", weight: properties.id === this.focusId() ? 3 : step > 1 ? 1.8 : this.isRoot() ? 0.7 : 1.2, opacity: 0.85 };
    },

    reachable(layer) {
      const path = layer.getElement();
      const { name, value, id, class: key } = layer.feature.properties;
      path.setAttribute("tabindex", "0");
      path.setAttribute("role", "button");
      path.setAttribute("aria-label", `${name} ${value} ${this.given.classes[key].label}`);
      path.dataset.areaId = id;
      path.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        this.choose(layer.feature, true);
      });
    },

    label() {
      if (!this.areas || !this.labels) return;
      const named = this.areas.getLayers().filter(({ feature }) => !feature.properties.unnamed);
      window.gridLabels.place(map, [...this.frames.getLayers(), ...named], this.labels);
    },

    // A click or Enter: the figures in the panel, and the areas inside, when there are any.
    choose(feature, toFocus = false) {
      const { properties } = feature;
      this.tell(properties, toFocus);
      const inside = this.deeper(properties.level);
      const has = inside && (inside === this.given.fetched || this.ofLevel(inside).some((one) => this.lineage(one).some((area) => area.id === properties.id)));
      if (has) return this.go(properties, inside);
      if (this.chosen) this.chosen.remove();
      this.chosen = L.geoJSON(feature, { interactive: false, pane: "gm-outline", style: { className: "gm-chosen", fill: false, color: "#111111", weight: 3.5 } });
      this.addLayer(this.chosen);
      return Promise.resolve();
    },

    tell(properties, toFocus) {
      const { captions, classes, note, urls } = this.given;
      const { name: title, code, figures, id } = properties;
      showPanel({ title, code, badge: classes[properties.class], captions, figures, note, url: urls.page && fill(urls.page, { area_id: id }), toFocus });
    },

    // Make an area (null: the whole) the focus and show a level inside it.
    go(properties, level) {
      this.focus = properties;
      this.level = level;
      const bounds = this.isRoot() ? L.latLngBounds(payloads[map.getContainer().id].bounds) : L.geoJSON(this.byId.get(properties.id)).getBounds();
      fit(bounds);
      if (this.areas) this.areas.closeTooltip();
      this.ready = this.show();
      return this.ready;
    },

    // Another level: within the focus when it is deeper, else within the ancestor that holds such areas.
    goLevel(level) {
      const path = this.isRoot() ? [] : this.lineage({ properties: this.focus });
      const holder = path.filter((area) => this.order.indexOf(area.level) < this.order.indexOf(level)).pop();
      return this.go(holder || this.given.root, level);
    },

    crumbs() {
      const bar = find(".gm-crumbs");
      const path = this.isRoot() ? [] : this.lineage({ properties: this.focus });
      const whole = this.given.root || { name: words.whole, id: null };
      const list = make("ol");
      [whole, ...path.filter((area) => area.id !== whole.id)].forEach((area, place, all) => {
        const last = place === all.length - 1;
        const step = make("button", { type: "button" }, area.name);
        if (last) step.setAttribute("aria-current", "location");
        step.addEventListener("click", () => {
          if (area.figures) this.tell(area, false);
          else hidePanel();
          this.go(place ? area : this.given.root, place ? this.deeper(area.level) : this.order[0]);
        });
        list.append(make("li", {}, step));
      });
      bar.replaceChildren(list);
      bar.hidden = this.order.length < 2 && !this.given.root;
    },

    switches() {
      const bar = find(".gm-levels");
      const focused = document.activeElement && document.activeElement.dataset.level;
      bar.replaceChildren(
        ...this.given.levels.map(({ key, name }) => {
          const button = make("button", { type: "button", "data-level": key, "aria-pressed": String(key === this.level) }, name);
          button.disabled = key === this.given.fetched && this.isRoot() && !this.given.root;
          button.addEventListener("click", () => this.goLevel(key));
          return button;
        }),
      );
      bar.hidden = this.order.length < 2;
      if (focused) find(`.gm-levels [data-level="${focused}"]`).focus();
    },
  });

  function areas(name) {
    const layer = new Areas(payloads[name]);
    window.gridMap.areaLayer = layer;
    return layer;
  }

  // ---- shapes of any kind with figures: topology findings ------------------------------------------------------------

  function shapes(name) {
    const given = payloads[name];
    const { features, classes, captions } = given;
    const group = L.featureGroup();
    for (const feature of features.features) {
      const { at, radius, class: key } = feature.properties;
      const style = { className: "gm-shape", pane: "gm-shapes", color: classes[key].fill, weight: radius > 4 ? 2 : 1, fillOpacity: 0.2 };
      const spot = { ...style, className: "gm-spot", radius, fillOpacity: 0.95, color: "#ffffff", fillColor: classes[key].fill };
      const parts = [L.geoJSON(feature, { style, pane: "gm-shapes" }), L.circleMarker(at, spot)];
      for (const part of parts) {
        part.bindTooltip(() => tooltip(feature.properties, given), { sticky: true, opacity: 1, className: "gm-tip" });
        part.on("click", ({ originalEvent }) => {
          L.DomEvent.stopPropagation(originalEvent);
          showPanel({ title: feature.properties.name, badge: classes[feature.properties.class], captions, figures: feature.properties.figures });
        });
        group.addLayer(part);
      }
    }
    return group;
  }

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hidePanel();
  });

  window.gridMap = { start, tiles, inWholeZooms, areas, shapes, showPanel, fetchJson, fill, payloads, map: null, areaLayer: null };
})();
