// Borders as rings of vertices, without the page: what is moved, added, taken away, snapped, undone.
// A vertex is { at: [lon, lat], from: [lon, lat] or null }: where it is, and where it was when the editing began.
"use strict";

const METRES_A_DEGREE = 111_319.49;

export function open(geometry) {
  const polygons = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates;
  return polygons.map((rings) => rings.map((ring) => ring.slice(0, -1).map((at) => ({ at, from: at }))));
}

export function close(polygons) {
  const rings = (polygon) => polygon.map((ring) => [...ring, ring[0]].map(({ at }) => at));
  return { type: "MultiPolygon", coordinates: polygons.map(rings) };
}

export function same(one, other) {
  return one[0] === other[0] && one[1] === other[1];
}

// Every vertex with its place [polygon, ring, position].
export function vertices(polygons) {
  return polygons.flatMap((rings, p) => rings.flatMap((ring, r) => ring.map((vertex, i) => ({ vertex, place: [p, r, i] }))));
}

function withRing(polygons, [p, r], change) {
  return polygons.map((rings, a) => (a !== p ? rings : rings.map((ring, b) => (b !== r ? ring : change(ring)))));
}

export function moved(polygons, place, at) {
  return withRing(polygons, place, (ring) => ring.map((vertex, i) => (i === place[2] ? { ...vertex, at } : vertex)));
}

export function inserted(polygons, place, at) {
  return withRing(polygons, place, (ring) => ring.toSpliced(place[2] + 1, 0, { at, from: null }));
}

// A ring keeps three corners.
export function removed(polygons, place) {
  return withRing(polygons, place, (ring) => (ring.length > 3 ? ring.toSpliced(place[2], 1) : ring));
}

export function middle(polygons, [p, r, i]) {
  const ring = polygons[p][r];
  const [one, other] = [ring[i].at, ring[(i + 1) % ring.length].at];
  return [(one[0] + other[0]) / 2, (one[1] + other[1]) / 2];
}

export function moves(polygons) {
  return vertices(polygons)
    .filter(({ vertex }) => vertex.from && !same(vertex.from, vertex.at))
    .map(({ vertex }) => [vertex.from, vertex.at]);
}

// Square metres, good to some per mille: for the eye while a corner is dragged; the server measures.
export function roughM2(polygons) {
  const shrink = Math.cos((polygons[0][0][0].at[1] * Math.PI) / 180);
  const ringM2 = (ring) => {
    const [west, south] = ring[0].at;
    let twice = 0;
    ring.forEach(({ at }, i) => {
      const next = ring[(i + 1) % ring.length].at;
      twice += (at[0] - west) * (next[1] - south) - (next[0] - west) * (at[1] - south);
    });
    return (Math.abs(twice) / 2) * METRES_A_DEGREE ** 2 * shrink;
  };
  return polygons.reduce((sum, [outer, ...holes]) => sum + ringM2(outer) - holes.reduce((m2, hole) => m2 + ringM2(hole), 0), 0);
}

export function metresNorthEast([lon, lat], northM, eastM) {
  return [lon + eastM / (METRES_A_DEGREE * Math.cos((lat * Math.PI) / 180)), lat + northM / METRES_A_DEGREE];
}

// The nearest corner within `reach` pixels, else the nearest place on an edge, else where it was.
// `borders` are closed rings of [lon, lat], `toPixel` is the map's way; edges at the corner `without` do not attract.
export function snapped(at, borders, reach, toPixel, without = null) {
  const here = toPixel(at);
  const far = (pixel) => Math.hypot(pixel.x - here.x, pixel.y - here.y);
  let corner = { at, distance: reach };
  let edge = { at, distance: reach };
  for (const ring of borders) {
    for (let i = 0; i + 1 < ring.length; i += 1) {
      const [one, other] = [ring[i], ring[i + 1]];
      if (without && (same(one, without) || same(other, without))) continue;
      const [a, b] = [toPixel(one), toPixel(other)];
      if (far(a) < corner.distance) corner = { at: one, distance: far(a) };
      if (far(b) < corner.distance) corner = { at: other, distance: far(b) };
      const [dx, dy] = [b.x - a.x, b.y - a.y];
      const share = ((here.x - a.x) * dx + (here.y - a.y) * dy) / (dx * dx + dy * dy || 1);
      if (share <= 0 || share >= 1) continue;
      const foot = { x: a.x + share * dx, y: a.y + share * dy };
      if (far(foot) < edge.distance) edge = { at: [one[0] + (other[0] - one[0]) * share, one[1] + (other[1] - one[1]) * share], distance: far(foot) };
    }
  }
  return corner.distance < reach ? corner.at : edge.at;
}

export class History {
  constructor(state) {
    this.past = [];
    this.state = state;
    this.future = [];
  }

  put(state) {
    this.past.push(this.state);
    this.state = state;
    this.future = [];
  }

  undo() {
    if (!this.past.length) return false;
    this.future.push(this.state);
    this.state = this.past.pop();
    return true;
  }

  redo() {
    if (!this.future.length) return false;
    this.past.push(this.state);
    this.state = this.future.pop();
    return true;
  }
}
