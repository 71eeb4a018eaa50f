// The backward player: STEP n of DATA.steps is shown on the graph and explained in the panel.
const steps = DATA.steps, slider = $("slider");
let at = 0, timer = null;

function pathOf(tail, head) { return arrowsDrawn.filter((a) => a.link.ids.some((i) => DATA.arrows[i].tail === tail && DATA.arrows[i].head === head)); }

/** The arrow of a gradient points against that of the value. */
function turn(e, marker) {
  const path = e.querySelector("path");
  if (marker) { path.removeAttribute("marker-end"); path.setAttribute("marker-start", `url(#${marker})`); }
  else { path.removeAttribute("marker-start"); path.setAttribute("marker-end", "url(#head)"); }
}

/** A parameter shows the gradient that it has so far. */
function arrive(f, now) {
  const key = shownAs(f.to), e = drawn.get(key), p = place.get(key);
  if (!e) return;
  e.classList.add(now ? "now" : "done");
  if (key !== f.to) return;
  for (const old of e.querySelectorAll(".total")) old.remove();
  make("text", { class: "grad total", x: p.x + p.w / 2, y: p.y + p.h + 12, "text-anchor": "middle" }, e, f.total);
}

function light() {
  for (const e of scene.querySelectorAll(".total")) e.remove();
  for (const a of arrowsDrawn) { turn(a.e, ""); a.e.classList.remove("lit", "past"); a.label.classList.remove("g"); a.label.textContent = ""; }
  for (const e of drawn.values()) e.classList.remove("now", "done");
  for (let i = 0; i <= at; i++) {
    const s = steps[i], now = i === at;
    const e = drawn.get(shownAs(s.node));
    if (e) e.classList.add(now ? "now" : "done");
    for (const f of s.flows) {
      for (const key of f.path) {
        for (const a of pathOf(key[0], key[1])) {
          a.e.classList.remove("lit"); a.e.classList.add(now ? "lit" : "past");
          turn(a.e, now ? "lit-head" : "past-head");
          const text = key[2] ?? f.short;
          if (text) { a.label.textContent = text; a.label.classList.add("g"); }
        }
      }
      if (f.leaf) arrive(f, now);
    }
  }
}

function row(parent, tag, text, cls) {
  const e = document.createElement(tag);
  e.textContent = text;
  if (cls) e.className = cls;
  parent.appendChild(e);
  return e;
}

function explain() {
  const s = steps[at], p = $("panel");
  p.textContent = "";
  row(p, "div", `step ${at + 1} of ${steps.length}`, "count");
  row(p, "h2", s.title);
  if (s.where) row(p, "div", s.where, "count");
  row(p, "h3", "gradient that arrived");
  row(p, "p", s.grad);
  if (s.source) { row(p, "h3", "the rule"); row(p, "pre", s.source); }
  if (s.kept.length) { row(p, "h3", "with what was kept"); row(p, "pre", s.kept.map(([n, v]) => `${n} = ${v}`).join("\n")); }
  row(p, "h3", "what flows on");
  for (const f of s.flows) {
    const d = row(p, "div", "", "flow");
    d.append(`to ${f.name}: `);
    row(d, "b", f.text);
    if (f.local) d.append(`   (local derivative ${f.local})`);
    if (f.note) row(d, "div", f.note, "count");
  }
  row(p, "h3", "why now");
  row(p, "p", s.why);
  $("now").textContent = `${at + 1} / ${steps.length}`;
  slider.value = at;
  slider.setAttribute("aria-valuetext", `step ${at + 1}: ${s.title}`);
}

function go(n) { at = Math.max(0, Math.min(steps.length - 1, n)); light(); explain(); follow(shownAs(steps[at].node)); document.body.dataset.step = at; }
function play() {
  if (timer) { clearInterval(timer); timer = null; $("play").textContent = "play"; return; }
  if (at === steps.length - 1) go(0);
  $("play").textContent = "pause";
  timer = setInterval(() => { if (at === steps.length - 1) play(); else go(at + 1); }, 1100);
}

slider.max = steps.length - 1;
slider.addEventListener("input", () => go(+slider.value));
$("next").addEventListener("click", () => go(at + 1));
$("back").addEventListener("click", () => go(at - 1));
$("play").addEventListener("click", play);
document.addEventListener("keydown", (e) => {
  if (e.target.tagName === "INPUT") return;
  if (e.key === "ArrowRight" || e.key === "ArrowDown") { e.preventDefault(); go(at + 1); }
  else if (e.key === "ArrowLeft" || e.key === "ArrowUp") { e.preventDefault(); go(at - 1); }
  else if (e.key === "Home") go(0);
  else if (e.key === "End") go(steps.length - 1);
  else if (e.key === "p") play();
});
document.addEventListener("drawn", light);
window.addEventListener("resize", () => follow(shownAs(steps[at].node)));
go(0);
