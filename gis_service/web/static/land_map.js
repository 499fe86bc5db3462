// Leaflet without anything from outside: an empty map in the page's colours, names as text, and a base map if there is one.
"use strict";

const L = window.L;

export function textElement(tag, text, attributes = {}) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.textContent = text;
  return element;
}

export function readJson(id) {
  return JSON.parse(document.getElementById(id).textContent);
}

export function makeMap(element, { base = null, words = {}, ...options } = {}) {
  const map = L.map(element, { zoomControl: false, attributionControl: false, zoomSnap: 0.25, maxZoom: 20, ...options });
  L.control.zoom({ zoomInTitle: words.zoomIn || "+", zoomOutTitle: words.zoomOut || "−" }).addTo(map);
  L.control.scale({ imperial: false, position: "bottomright" }).addTo(map);
  if (base) {
    map.options.zoomSnap = 1;
    const credit = textElement("span", base.attribution).innerHTML;
    L.control.attribution({ prefix: false }).addTo(map).addAttribution(credit);
    L.tileLayer(base.url, { maxNativeZoom: base.maxZoom, maxZoom: 20 }).addTo(map);
  }
  keepNamesApart(map);
  return map;
}

// Of names that would lie on each other the first one laid is shown; zooming in shows the others.
function keepNamesApart(map) {
  let due = 0;
  const choose = () => {
    due = 0;
    const shown = [];
    for (const name of map.getPane("tooltipPane").querySelectorAll(".land-name")) {
      const box = name.getBoundingClientRect();
      const crowded = shown.some((other) => box.left < other.right && other.left < box.right && box.top < other.bottom && other.top < box.bottom);
      name.classList.toggle("crowded", crowded);
      if (!crowded) shown.push(box);
    }
  };
  map.on("zoomend moveend layeradd layerremove", () => { due ||= requestAnimationFrame(choose); });
}

// A name on an area; an element with a text, never HTML made of data.
export function nameAreas(layer, className = "land-name") {
  layer.eachLayer((area) => {
    const name = area.feature.properties.name;
    if (name) area.bindTooltip(textElement("span", name), { permanent: true, direction: "center", className, interactive: false });
  });
  return layer;
}

export function asPaths(collection, style, options = {}) {
  return L.geoJSON(collection, { style, ...options });
}
