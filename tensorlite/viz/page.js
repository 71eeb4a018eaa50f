"use strict";
// Draws the graph in DATA: modules are laid out one inside the other, each in layers; a click folds one.
const NS = "http://www.w3.org/2000/svg";
const LR = DATA.direction === "LR" || DATA.direction === "RL";
const ROOMY = DATA.vertices.length < 80;  // labels on the arrows only where there is room for them
const GAP = LR ? { layer: ROOMY ? 74 : 40, item: DATA.steps ? 26 : 14 } : { layer: ROOMY ? 40 : 30, item: 18 };
const PAD = 12, TITLE = 20;
const $ = (id) => document.getElementById(id);
const vertices = new Map(DATA.vertices.map((v) => [v.key, v]));
const groups = new Map(DATA.groups.map((g) => [g.key, { ...g, folded: g.folded }]));
const svg = $("svg"), scene = $("scene"), stage = $("stage"), tip = $("tip");
let place = new Map(), drawn = new Map(), arrowsDrawn = [], view = { x: 0, y: 0, k: 1 }, bounds = { w: 1, h: 1 };

function make(tag, attrs, parent, text) {
  const e = document.createElementNS(NS, tag);
  for (const [k, v] of Object.entries(attrs)) e.setAttribute(k, v);
  if (text !== undefined) e.textContent = text;
  if (parent) parent.appendChild(e);
  return e;
}

const pen = document.createElement("canvas").getContext("2d");
const widths = new Map();
function textWidth(text, size, bold) {
  const font = `${bold ? 600 : 400} ${size}px Helvetica, Arial, sans-serif`, key = font + text;
  if (!widths.has(key)) { pen.font = font; widths.set(key, pen.measureText(text).width); }
  return widths.get(key);
}
const rowSize = (kind) => (kind === "title" || kind === "name" ? 12 : 10.5);
const rowWidth = (r) => textWidth(r[0], rowSize(r[1]), r[1] === "name");

function sizeOf(v) {
  if (v.record) return { w: v.rows.reduce((s, r) => s + rowWidth(r) + 16, 0), h: 26 };
  return { w: Math.max(26, ...v.rows.map(rowWidth)) + 20, h: 10 + v.rows.reduce((s, r) => s + rowSize(r[1]) + 4, 0) };
}

// -- layout ------------------------------------------------------------------------------------

function chainOf(group) { const c = []; for (let g = group; g; g = groups.get(g).parent) c.unshift(g); return c; }
const chains = new Map(DATA.vertices.map((v) => [v.key, chainOf(v.group)]));

/** The box that stands for a vertex now: itself, or the outermost folded module around it. */
function shownAs(key) { return chains.get(key).find((g) => groups.get(g).folded) || key; }

function layoutAll() {
  const inside = new Map([["", { items: [], edges: [] }]]);
  for (const g of groups.values()) inside.set(g.key, { items: [], edges: [] });
  const used = new Set();
  for (const v of vertices.values()) for (const g of chains.get(v.key)) used.add(g);
  const hiddenIn = (g) => { const c = chainOf(g); return c.slice(0, -1).some((k) => groups.get(k).folded); };
  for (const v of vertices.values()) if (shownAs(v.key) === v.key) inside.get(v.group).items.push(v.key);
  for (const g of groups.values()) if (used.has(g.key) && !hiddenIn(g.key)) inside.get(g.parent).items.push(g.key);
  const links = new Map();
  DATA.arrows.forEach((a, i) => {
    const t = shownAs(a.tail), h = shownAs(a.head);
    if (t === h) return;
    const key = t + "\u0000" + h;
    if (!links.has(key)) links.set(key, { tail: t, head: h, ids: [], arrow: a, via: [] });
    links.get(key).ids.push(i);
    const ct = [...(groups.has(t) ? chainOf(t) : [...chains.get(a.tail), t])], ch = [...(groups.has(h) ? chainOf(h) : [...chains.get(a.head), h])];
    let d = 0;
    while (ct[d] === ch[d]) d++;
    const link = links.get(key);
    if (link.ids.length > 1) return;
    inside.get(d ? ct[d - 1] : "").edges.push([ct[d], ch[d], link, 0]);
    for (let i = d; i < ct.length - 1; i++) inside.get(ct[i]).edges.push([ct[i + 1], "\u0002" + h, link, -1000 - i]);
    for (let i = d; i < ch.length - 1; i++) inside.get(ch[i]).edges.push(["\u0001" + t, ch[i + 1], link, i + 1]);
  });
  place = new Map();
  const sizes = new Map();
  const order = [...groups.values()].sort((a, b) => chainOf(b.key).length - chainOf(a.key).length);
  const local = new Map();
  for (const g of order) {
    if (!used.has(g.key)) continue;
    if (g.folded) { sizes.set(g.key, sizeOf(foldedBox(g))); continue; }
    const l = layered(inside.get(g.key), sizes);
    local.set(g.key, l);
    sizes.set(g.key, { w: Math.max(l.w, textWidth(`${g.path}  ${g.kind}  × 99`, 11, true)) + 2 * PAD, h: l.h + 2 * PAD + TITLE });
  }
  const top = layered(inside.get(""), sizes);
  local.set("", top);
  bounds = { w: top.w, h: top.h };
  const todo = [["", 0, 0]];
  while (todo.length) {
    const [g, x, y] = todo.pop();
    for (const [key, p] of local.get(g).at) {
      const q = { x: x + p.x, y: y + p.y, w: p.w, h: p.h };
      place.set(key, q);
      if (local.has(key)) todo.push([key, q.x + PAD, q.y + PAD + TITLE]);
    }
    for (const [link, order, points] of local.get(g).via) link.via.push([order, points.map((p) => ({ x: x + p.x, y: y + p.y }))]);
  }
  for (const link of links.values()) link.via = link.via.sort((a, b) => a[0] - b[0]).flatMap((part) => part[1]);
  return [...links.values()];
}

function foldedBox(g) {
  return { rows: [[(g.short ? `${g.short}: ${g.kind}` : g.kind) + (g.repeat > 1 ? `  × ${g.repeat}` : ""), "name"], [`${g.count} operation${g.count === 1 ? "" : "s"}`, "soft"],
    ...(g.parameters ? [[`${g.parameters.toLocaleString("en")} parameters`, "soft"]] : [])] };
}

/** Sugiyama's method for one module: layers, order in the layers, coordinates. Ports let arrows from and to the outside pass. */
function layered({ items, edges }, sizes) {
  const inner = new Set(items), isPort = (k) => !inner.has(k), leaves = (k) => isPort(k) && k[0] === "\u0002";
  items = [...new Set([...items, ...edges.flatMap((e) => [e[0], e[1]])])];
  const size = (k) => (isPort(k) ? (LR ? { w: 0, h: 8 } : { w: 8, h: 0 }) : sizes.get(k) || sizeOf(vertices.get(k)));
  const rank = new Map(items.map((k, i) => [k, 0]));
  const outs = new Map(items.map((k) => [k, []])), ins = new Map(items.map((k) => [k, []]));
  const seen = new Set();
  for (const [t, h, link] of edges) {
    const key = t + "\u0000" + h;
    if (t === h || !outs.has(t) || !outs.has(h) || seen.has(key)) continue;
    seen.add(key);
    outs.get(t).push(h); ins.get(h).push(t);
  }
  const state = new Map(), post = [];
  for (const root of items) {  // depth first, without recursion; edges that close a cycle are turned
    const stack = [[root, 0]];
    if (state.has(root)) continue;
    state.set(root, 1);
    while (stack.length) {
      const top = stack[stack.length - 1];
      const next = outs.get(top[0])[top[1]++];
      if (next === undefined) { state.set(top[0], 2); post.push(top[0]); stack.pop(); }
      else if (!state.has(next)) { state.set(next, 1); stack.push([next, 0]); }
      else if (state.get(next) === 1) { outs.set(top[0], outs.get(top[0]).filter((k, i) => i !== top[1] - 1)); top[1]--;
        ins.set(next, ins.get(next).filter((k) => k !== top[0])); }
    }
  }
  post.reverse();
  for (const k of post) for (const h of outs.get(k)) rank.set(h, Math.max(rank.get(h), rank.get(k) + 1));
  for (let i = post.length - 1; i >= 0; i--) {  // boxes without inputs stand just before their first user
    const k = post[i];
    if (!isPort(k) && !ins.get(k).length && outs.get(k).length) rank.set(k, Math.min(...outs.get(k).map((h) => rank.get(h))) - 1);
  }
  const lastRank = Math.max(0, ...items.filter((k) => !leaves(k)).map((k) => rank.get(k)));
  for (const k of items) if (leaves(k)) rank.set(k, lastRank);
  const layers = [], nodes = new Map();
  const add = (id, r, w, h) => { const n = { id, r, w, h, up: [], down: [], c: 0 }; nodes.set(id, n); (layers[r] = layers[r] || []).push(n); return n; };
  for (const k of items) { const s = size(k); add(k, rank.get(k), s.w, s.h); }
  const dummies = new Map();
  for (const k of items) for (const h of outs.get(k)) {
    let last = nodes.get(k);
    const chain = [];
    for (let r = rank.get(k) + 1; r < rank.get(h); r++) {
      const d = add(`${k}\u0000${h}\u0000${r}`, r, LR ? 1 : 8, LR ? 8 : 1);
      last.down.push(d); d.up.push(last); chain.push(d); last = d;
    }
    const n = nodes.get(h);
    if (chain.length) dummies.set(k + "\u0000" + h, chain);
    if (n.r <= nodes.get(k).r) continue;
    last.down.push(n); n.up.push(last);
  }
  const full = layers.filter(Boolean);
  const across = (n) => (LR ? n.h : n.w), along = (n) => (LR ? n.w : n.h);
  const mean = (list, f) => list.reduce((s, n) => s + f(n), 0) / list.length;
  for (let sweep = 0; sweep < 8; sweep++) {
    const down = sweep % 2 === 0;
    for (const layer of down ? full : [...full].reverse()) {
      layer.forEach((n, i) => { n.o = i; });
      const wish = new Map(layer.map((n) => { const near = down ? n.up : n.down; return [n, near.length ? mean(near, (m) => m.p ?? 0) : n.p ?? n.o]; }));
      layer.sort((a, b) => wish.get(a) - wish.get(b) || a.o - b.o);
      layer.forEach((n, i) => { n.p = i - (layer.length - 1) / 2; });
    }
  }
  for (const layer of full) { let c = 0; for (const n of layer) { n.c = c + across(n) / 2; c += across(n) + GAP.item; } layer.forEach((n) => { n.c -= c / 2; }); }
  for (let pass = 0; pass < 12; pass++) {
    const list = pass % 2 ? [...full].reverse() : full;
    for (const layer of list) {
      const wish = layer.map((n) => { const near = pass < 10 ? (pass % 2 ? n.down : n.up) : [...n.up, ...n.down]; return near.length ? mean(near, (m) => m.c) : n.c; });
      const lo = [], hi = [];
      layer.forEach((n, i) => { lo[i] = i ? Math.max(wish[i], lo[i - 1] + (across(layer[i - 1]) + across(n)) / 2 + GAP.item) : wish[i]; });
      for (let i = layer.length - 1; i >= 0; i--) hi[i] = i < layer.length - 1 ? Math.min(wish[i], hi[i + 1] - (across(layer[i + 1]) + across(layer[i])) / 2 - GAP.item) : wish[i];
      layer.forEach((n, i) => { n.c = (lo[i] + hi[i]) / 2; });
    }
  }
  let low = Infinity, high = -Infinity, main = 0;
  for (const n of nodes.values()) { low = Math.min(low, n.c - across(n) / 2); high = Math.max(high, n.c + across(n) / 2); }
  const at = new Map();
  for (const layer of full) {
    const thick = Math.max(...layer.map(along));
    for (const n of layer) {
      const a = main + (thick - along(n)) / 2, c = n.c - across(n) / 2 - low;
      n.x = LR ? a : c; n.y = LR ? c : a;
      n.from = main; n.to = main + thick; n.mid = n.c - low;
      if (inner.has(n.id)) at.set(n.id, { x: n.x, y: n.y, w: n.w, h: n.h });
    }
    main += thick + (layer.every((n) => isPort(n.id) && !n.id.slice(1).includes("\u0000")) ? 8 : GAP.layer);
  }
  const via = [];
  for (const [t, h, link, order] of edges) {
    const chain = [...(dummies.get(t + "\u0000" + h) || [])];
    if (isPort(t)) chain.unshift(nodes.get(t));
    if (leaves(h) && rank.get(h) > rank.get(t)) chain.push(nodes.get(h));
    via.push([link, order, chain.flatMap((d) => (LR ? [{ x: d.from, y: d.mid }, { x: d.to, y: d.mid }] : [{ x: d.mid, y: d.from }, { x: d.mid, y: d.to }]))]);
  }
  main = Math.max(main - GAP.layer, 0);
  const extent = Math.max(high - low, 0);
  return { at, via, w: LR ? main : extent, h: LR ? extent : main };
}

// -- drawing -----------------------------------------------------------------------------------

function draw() {
  const links = layoutAll();
  scene.textContent = "";
  drawn = new Map(); arrowsDrawn = [];
  const layer = { groups: make("g", {}, scene), arrows: make("g", {}, scene), boxes: make("g", {}, scene) };
  const open = [...groups.values()].filter((g) => place.has(g.key) && !g.folded).sort((a, b) => chainOf(a.key).length - chainOf(b.key).length);
  for (const g of open) drawGroup(g, layer.groups);
  for (const g of groups.values()) if (place.has(g.key) && g.folded) drawBox({ ...foldedBox(g), key: g.key, kind: "module", fold: true, bad: g.bad, details: g.details }, layer.boxes);
  for (const v of vertices.values()) if (place.has(v.key)) drawBox(v, layer.boxes);
  for (const link of links) drawArrow(link, layer.arrows);
  document.dispatchEvent(new Event("drawn"));
}

function drawGroup(g, parent) {
  const p = place.get(g.key);
  const e = make("g", { class: "group", tabindex: 0, role: "button", "aria-expanded": "true", "aria-label": `${g.path} ${g.kind}, open; press Enter to collapse`, "data-key": g.key }, parent);
  make("rect", { x: p.x, y: p.y, width: p.w, height: p.h, rx: 9 }, e);
  const t = make("text", { x: p.x + PAD, y: p.y + 18 }, e, "\u2212  ");
  if (g.path) make("tspan", { class: "path" }, t, g.short + "  ");
  make("tspan", {}, t, g.kind);
  if (g.repeat > 1) make("tspan", { class: "times" }, t, `   × ${g.repeat}`);
  e.addEventListener("click", () => { if (!moved) toggle(g.key); });
  hover(e, { rows: [[`${g.path} ${g.kind}`, "name"]], details: g.details });
  drawn.set(g.key, e);
}

function drawBox(v, parent) {
  const p = place.get(v.key), kind = v.kind;
  const e = make("g", { class: `box ${kind}${v.fold ? " fold" : ""}${v.bad ? " bad-box" : ""}`, tabindex: 0, role: v.fold ? "button" : "img", "data-key": v.key,
    "aria-label": v.rows.map((r) => r[0]).join(", ") + (v.fold ? "; press Enter to expand" : "") }, parent);
  if (v.fold) e.setAttribute("aria-expanded", "false");
  const rim = `var(--${kind}-rim)`;
  const rect = make("rect", { x: p.x, y: p.y, width: p.w, height: p.h, rx: kind === "op" ? 9 : kind === "module" ? 5 : 1.5,
    style: `fill:var(--${kind}-fill);stroke:${rim}`, "stroke-width": 1.3 }, e);
  if (kind === "constant" || kind === "hidden") rect.setAttribute("stroke-dasharray", "4 2.5");
  if (kind === "module") make("rect", { x: p.x - 3, y: p.y - 3, width: p.w + 6, height: p.h + 6, rx: 7, style: `fill:none;stroke:${rim}` }, e);
  if (v.record) {
    let x = p.x;
    v.rows.forEach((r, i) => {
      const w = rowWidth(r) + 16;
      if (i) make("line", { x1: x, x2: x, y1: p.y, y2: p.y + p.h, style: `stroke:${rim}` }, e);
      make("text", { x: x + w / 2, y: p.y + p.h / 2 + 4, "text-anchor": "middle", class: r[1], style: ink(r, kind) }, e, r[0]);
      x += w;
    });
  } else {
    let y = p.y + 5;
    for (const r of v.rows) {
      y += rowSize(r[1]) + 4;
      make("text", { x: p.x + p.w / 2, y: y - 4, "text-anchor": "middle", class: r[1], style: ink(r, kind) }, e, r[0]);
    }
  }
  if (v.fold) e.addEventListener("click", () => { if (!moved) toggle(v.key); });
  hover(e, v);
  drawn.set(v.key, e);
}
const ink = (r, kind) => (r[1] === "title" || r[1] === "name" || r[1] === "plain" ? `fill:var(--${kind}-ink)` : "");

/** Boxes of tensors say their shapes themselves. */
function labelled(link) {
  const tail = vertices.get(link.tail), head = vertices.get(link.head);
  return ROOMY && !DATA.steps && !(tail && ["parameter", "input", "constant", "value"].includes(tail.kind)) && !(head && head.kind === "value");
}

function drawArrow(link, parent) {
  const flip = DATA.backward;
  const a = place.get(link.tail), b = place.get(link.head);
  if (!a || !b) return;
  const from = LR ? { x: a.x + a.w, y: a.y + a.h / 2 } : { x: a.x + a.w / 2, y: a.y + a.h };
  const to = LR ? { x: b.x, y: b.y + b.h / 2 } : { x: b.x + b.w / 2, y: b.y };
  let points = [from, ...link.via, to];
  let d;
  if (flip) points = [...points].reverse();
  d = `M${points[0].x},${points[0].y}`;
  for (let i = 1; i < points.length; i++) {
    const p = points[i - 1], q = points[i];
    d += LR ? `C${(p.x + q.x) / 2},${p.y} ${(p.x + q.x) / 2},${q.y} ${q.x},${q.y}` : `C${p.x},${(p.y + q.y) / 2} ${q.x},${(p.y + q.y) / 2} ${q.x},${q.y}`;
  }
  const plain = flip && !link.arrow.differentiable;
  const e = make("g", { class: `arrow${plain ? " cut" : ""}`, "data-tail": link.tail, "data-head": link.head }, parent);
  make("path", { d, ...(plain ? {} : { "marker-end": "url(#head)" }) }, e);
  let p = points[0], q = points[1];  // the label stands on the longest stretch, if there is room
  const length = (a, b) => (LR ? Math.abs(a.x - b.x) : Math.abs(a.y - b.y));
  for (let i = 2; i < points.length; i++) if (length(points[i - 1], points[i]) > length(p, q)) [p, q] = [points[i - 1], points[i]];
  const mid = { x: (p.x + q.x) / 2, y: (p.y + q.y) / 2 - 4 };
  const fits = length(p, q) > (LR ? textWidth(link.arrow.text, 9.5, false) + 8 : 22);
  const label = make("text", { x: mid.x, y: mid.y, "text-anchor": "middle" }, e, labelled(link) && fits ? link.arrow.text : "");
  make("title", {}, e, link.arrow.text + (link.arrow.why ? `\nno gradient: ${link.arrow.why}` : ""));
  arrowsDrawn.push({ e, link, label });
}

// -- folding, search, details ----------------------------------------------------------------------

function toggle(key) {
  const before = place.get(key);
  const g = groups.get(key);
  g.folded = !g.folded;
  hide();
  draw();
  const after = place.get(key);
  if (before && after) { view.x += (before.x - after.x) * view.k; view.y += (before.y - after.y) * view.k; move(); }
  const e = drawn.get(key);
  if (e) e.focus({ preventScroll: true });
  say(`${g.path || g.kind} ${g.folded ? "collapsed" : "expanded"}`);
}

function setAll(folded) { for (const g of groups.values()) g.folded = folded; draw(); fit(); }

function hover(e, v) {
  e.addEventListener("pointerenter", (ev) => show(v, ev.clientX, ev.clientY));
  e.addEventListener("pointermove", (ev) => putTip(ev.clientX, ev.clientY));
  e.addEventListener("pointerleave", hide);
  e.addEventListener("focus", () => { if (e.matches(":focus-visible")) { const r = e.getBoundingClientRect(); show(v, r.left, r.bottom); } });
  e.addEventListener("blur", hide);
}
function show(v, x, y) {
  tip.textContent = "";
  const head = document.createElement("b");
  head.textContent = v.rows.length ? v.rows[0][0] : v.kind;
  tip.appendChild(head);
  for (const [name, value] of v.details || []) {
    const row = document.createElement(name === "array" ? "pre" : "div");
    if (name === "array") row.textContent = value;
    else {
      row.className = "row";
      const i = document.createElement("i"); i.textContent = name;
      const s = document.createElement("span"); s.textContent = value;
      row.append(i, s);
    }
    tip.appendChild(row);
  }
  tip.hidden = false;
  putTip(x, y);
}
function putTip(x, y) {
  const r = document.body.getBoundingClientRect(), m = stage.getBoundingClientRect();
  const w = tip.offsetWidth, h = tip.offsetHeight;
  tip.style.left = Math.max(4, Math.min(x + 14, r.width - w - 8)) + "px";
  tip.style.top = Math.max(4, (y + 14 + h > r.height ? y - h - 10 : y + 14)) - m.top + "px";
}
function hide() { tip.hidden = true; }
function say(text) { $("live").textContent = text; }

function search(text, jump) {
  const want = text.trim().toLowerCase();
  const hits = want ? [...vertices.values()].filter((v) => v.find.includes(want)) : [];
  if (jump && hits.length) { for (const v of hits) for (const g of chains.get(v.key)) groups.get(g).folded = false; draw(); }
  const keys = new Set(hits.map((v) => shownAs(v.key)));
  for (const [key, e] of drawn) if (e.classList.contains("box")) { e.classList.toggle("dim", want !== "" && !keys.has(key)); e.classList.toggle("found", keys.has(key)); }
  if (want) say(`${hits.length} found`);
  $("found").textContent = want ? `${hits.length} found` : "";
  if (jump && hits.length) center(shownAs(hits[0].key));
}

// -- pan and zoom ------------------------------------------------------------------------------

function move() { scene.setAttribute("transform", `translate(${view.x},${view.y}) scale(${view.k})`); }
function fit() {
  const r = stage.getBoundingClientRect();
  const k = Math.min((r.width - 40) / bounds.w, (r.height - 70) / bounds.h, 1.6);
  view = { k, x: (r.width - bounds.w * k) / 2, y: Math.max(14, (r.height - 34 - bounds.h * k) / 2) };
  move();
}
/** At first: everything if it can be read then, else the beginning of it. */
function start() {
  fit();
  if (view.k >= 0.5) return;
  const r = stage.getBoundingClientRect(), k = 0.8;
  const first = [...place.values()].reduce((a, b) => ((LR ? b.x < a.x : b.y < a.y) ? b : a));
  view = LR ? { k, x: 24, y: r.height / 2 - (first.y + first.h / 2) * k } : { k, x: r.width / 2 - (first.x + first.w / 2) * k, y: 24 };
  if (bounds.h * k < r.height - 60) view.y = (r.height - 34 - bounds.h * k) / 2;
  move();
}
/** Bring a box into view if it is outside. */
function follow(key) {
  const p = place.get(key), r = stage.getBoundingClientRect();
  if (!p) return;
  const x = view.x + (p.x + p.w / 2) * view.k, y = view.y + (p.y + p.h / 2) * view.k;
  if (x > 90 && x < r.width - 90 && y > 40 && y < r.height - 60) return;
  view.x += r.width * 0.6 - x; view.y += r.height / 2 - y;
  move();
}
function zoom(factor, cx, cy) {
  const r = stage.getBoundingClientRect();
  cx = cx ?? r.width / 2; cy = cy ?? r.height / 2;
  const k = Math.min(6, Math.max(0.02, view.k * factor));
  view.x = cx - (cx - view.x) * (k / view.k); view.y = cy - (cy - view.y) * (k / view.k); view.k = k;
  move();
}
function center(key) {
  const p = place.get(key), r = stage.getBoundingClientRect();
  if (!p) return;
  view.k = Math.max(view.k, 0.8);
  view.x = r.width / 2 - (p.x + p.w / 2) * view.k; view.y = r.height / 2 - (p.y + p.h / 2) * view.k;
  move();
}
let drag = null, moved = false;
stage.addEventListener("pointerdown", (e) => { drag = { x: e.clientX, y: e.clientY, vx: view.x, vy: view.y }; moved = false; });
window.addEventListener("pointermove", (e) => {
  if (!drag) return;
  if (Math.abs(e.clientX - drag.x) + Math.abs(e.clientY - drag.y) > 4) { moved = true; stage.classList.add("drag"); }
  if (moved) { view.x = drag.vx + e.clientX - drag.x; view.y = drag.vy + e.clientY - drag.y; move(); }
});
window.addEventListener("pointerup", () => { drag = null; stage.classList.remove("drag"); });
stage.addEventListener("wheel", (e) => {
  e.preventDefault();
  const r = stage.getBoundingClientRect();
  zoom(Math.exp(-e.deltaY * 0.0015), e.clientX - r.left, e.clientY - r.top);
}, { passive: false });
$("in").addEventListener("click", () => zoom(1.25));
$("out").addEventListener("click", () => zoom(0.8));
$("fit").addEventListener("click", fit);
if ($("fold")) { $("fold").addEventListener("click", () => setAll(true)); $("unfold").addEventListener("click", () => setAll(false)); }
$("search").addEventListener("input", (e) => search(e.target.value, false));
$("search").addEventListener("keydown", (e) => {
  if (e.key === "Enter") search(e.target.value, true);
  if (e.key === "Escape") { e.target.value = ""; search("", false); e.target.blur(); }
});
document.addEventListener("keydown", (e) => {
  if (e.target.tagName === "INPUT" && e.target.type !== "range") return;
  const step = 60, key = e.target.dataset && e.target.dataset.key;
  if ((e.key === "Enter" || e.key === " ") && key && groups.has(key)) { e.preventDefault(); toggle(key); }
  else if (e.key === "+" || e.key === "=") zoom(1.25);
  else if (e.key === "-") zoom(0.8);
  else if (e.key === "0") fit();
  else if (e.key === "/") { e.preventDefault(); $("search").focus(); }
  else if (e.key === "Escape") hide();
  else if (!DATA.steps && e.key.startsWith("Arrow")) {
    if (e.key === "ArrowLeft") view.x += step;
    if (e.key === "ArrowRight") view.x -= step;
    if (e.key === "ArrowUp") view.y += step;
    if (e.key === "ArrowDown") view.y -= step;
    move();
  }
});
window.addEventListener("resize", start);
draw();
start();
