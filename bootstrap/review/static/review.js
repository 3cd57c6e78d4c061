// The review page. Verdicts show at once, wait in a queue until the server has them, and survive a closed window.
"use strict";

const $ = (id) => document.getElementById(id);
const run = document.body.dataset.run, audit = document.body.dataset.audit;
const QUEUE = `review-queue:${run}`;
const VERDICTS = { keep: "kept", reject: "rejected", provisional: "provisional", undecided: "undecided", "": "not judged" };
const state = { frames: [], byId: new Map(), cards: new Map(), order: [], at: -1, viewFamily: "", done: [], chips: new Set(),
                queue: JSON.parse(localStorage.getItem(QUEUE) || "[]"), sending: false, seed: 0, data: null, single: false,
                selected: new Set(), anchor: -1 };
const legendBox = $("legend");
const CHUNK = 50;  // verdicts of a request

// ── the grid ──

async function load() {
  state.data = await (await fetch("/api/frames")).json();
  state.frames = state.data.frames;
  state.byId = new Map(state.frames.map((frame, place) => [frame.id, Object.assign(frame, { place })]));
  for (const item of state.queue) showAtOnce(item);
  drawChips($("chips"));
  drawChips($("batch-chips"));
  drawLegend();
  const waits = state.data.waits;
  $("go-on").hidden = waits === null;
  $("go-on").textContent = `Let round ${waits} go on`;
  $("next-seed").hidden = state.data.seeds.length < 2;
  arrange();
  send();
}

function wanted(frame) {
  const show = $("show").value;
  if (state.viewFamily && frame.view_family !== state.viewFamily) return false;
  if (show === "all") return true;
  if (show === "mine") return frame.by === "person";
  if (show === "open") return frame.by !== "person";
  return frame.verdict === show;
}

function arrange() {
  const selected = current()?.id, sort = blind() ? "blind" : $("sort").value;
  const rank = { doubt: (f) => f.doubt, plan: (f) => f.place, blind: (f) => parseInt(f.id.slice(-6), 36) || f.place,
                 view: (f) => state.data.view_families.indexOf(f.view_family) }[sort];
  state.order = state.frames.filter(wanted).sort((a, b) => rank(a) - rank(b) || a.place - b.place).map((f) => f.id);
  const parts = document.createDocumentFragment();
  state.cards.clear();
  for (const id of state.order) parts.append(card(state.byId.get(id)));
  $("grid").replaceChildren(parts);
  $("empty").hidden = state.order.length > 0;
  for (const id of state.selected) if (!state.cards.has(id)) state.selected.delete(id);
  state.at = Math.max(0, state.order.indexOf(selected));
  mark();
  updateCounts();
  showSelection();
}

function card(frame) {
  const item = document.createElement("li"), button = document.createElement("button"), pick = document.createElement("input");
  const image = document.createElement("img"), label = document.createElement("small");
  image.loading = "lazy";
  image.decoding = "async";
  image.alt = "";
  image.src = `/thumbs/${document.body.dataset.size}/${encodeURIComponent(frame.id)}`;
  label.textContent = `${frame.view_family} · ${frame.framing}`;
  button.dataset.id = frame.id;
  button.tabIndex = -1;
  button.append(image, label);
  Object.assign(pick, { type: "checkbox", tabIndex: -1, checked: state.selected.has(frame.id) });
  pick.dataset.id = frame.id;
  pick.setAttribute("aria-label", `select ${frame.view_family}, ${frame.framing}, ${frame.shows}`);
  item.append(button, pick);
  state.cards.set(frame.id, button);
  showVerdict(frame);
  return item;
}

function showVerdict(frame) {
  const button = state.cards.get(frame.id);
  if (!button) return;
  button.dataset.verdict = frame.verdict;
  button.dataset.by = frame.by;
  const verdict = blind() && frame.by !== "person" ? "not yet by you" : `${VERDICTS[frame.verdict]}${frame.by === "person" ? " by you" : ""}`;
  button.setAttribute("aria-label", `${frame.view_family}, ${frame.framing}, ${frame.shows}: ${verdict}`);
}

function updateCounts() {
  const byPerson = state.frames.filter((f) => f.by === "person").length;
  const kept = state.frames.filter((f) => f.verdict === "keep").length;
  const waiting = state.queue.length ? ` · ${waitingHere()} on the way` : "";
  const judged = `${byPerson} of ${state.frames.length} by you${waiting}`;
  $("counts").textContent = audit ? judged : `${kept} kept · ${judged}`;
  if (audit && byPerson === state.frames.length && !state.queue.length) announce("the audit is complete: the report of the run shows how far you agree with the gate");
  const bars = document.createDocumentFragment();
  for (const viewFamily of state.data.view_families) {
    const quota = state.data.quotas.view_family[viewFamily] || 0;
    const keptHere = state.frames.filter((f) => f.view_family === viewFamily && f.verdict === "keep").length;
    const button = document.createElement("button"), meter = document.createElement("meter"), count = document.createElement("span");
    button.dataset.viewFamily = viewFamily;
    button.setAttribute("aria-pressed", state.viewFamily === viewFamily);
    meter.max = Math.max(quota, 1);
    meter.value = Math.min(keptHere, meter.max);
    count.textContent = quota ? `${keptHere} / ${quota}` : `${keptHere}`;
    button.append(viewFamily, count, meter);
    bars.append(button);
  }
  const focused = document.activeElement?.dataset?.viewFamily;
  $("quotas").replaceChildren(bars);
  if (focused) $("quotas").querySelector(`[data-view-family="${focused}"]`)?.focus();
}

const current = () => state.byId.get(state.order[state.at]);
const blind = () => audit !== "" || $("blind").checked;

function mark() {
  const before = $("grid").querySelector("[aria-current]"), frame = current(), button = frame && state.cards.get(frame.id);
  before?.removeAttribute("aria-current");
  if (before) before.tabIndex = -1;
  if (button) {
    button.setAttribute("aria-current", "true");
    button.tabIndex = 0;  // the grid is one stop of the Tab key; arrow keys move within it
  }
  if (state.single) open(frame);
}

function go(place) {
  if (!state.order.length) return;
  if (place >= state.order.length && state.single) announce("that was the last one");
  state.at = Math.min(Math.max(place, 0), state.order.length - 1);
  mark();
  if (!state.single) {
    const button = state.cards.get(current().id);
    button.focus({ preventScroll: true });
    button.scrollIntoView({ block: "nearest" });
  }
}

// ── one picture ──

function open(frame) {
  if (!frame) return;
  if (!state.single) state.chips.clear();
  state.single = true;
  $("single").hidden = false;
  $("large").src = `/pictures/${encodeURIComponent(frame.id)}`;
  $("large").alt = `${frame.view_family}, ${frame.framing}, ${frame.shows}`;
  $("large").dataset.verdict = blind() && frame.by !== "person" ? "" : frame.verdict;
  $("shows").textContent = `${state.at + 1} of ${state.order.length}: ${frame.view_family}, ${frame.framing}, ${frame.shows}`;
  showSeed(frame);
  showReasons(frame);
  explain(frame);
  const next = state.byId.get(state.order[state.at + 1]);
  if (next) new Image().src = `/pictures/${encodeURIComponent(next.id)}`;
}

function close() {
  state.single = false;
  $("single").hidden = true;
  go(state.at);
}

function showSeed(frame) {
  const seeds = state.data.seeds;
  if (!seeds.length) return;
  if (state.seedFor !== frame.view_family) {
    state.seed = Math.max(0, seeds.findIndex((seed) => seed.view_family === frame.view_family));
    state.seedFor = frame.view_family;
  }
  const source = `/seeds/${state.seed}`;
  if (!$("seed").src.endsWith(source)) $("seed").src = source;
  $("seed-number").textContent = `${state.seed + 1} of ${seeds.length}`;
}

function showReasons(frame) {
  const by = frame.by === "person" ? "by you" : frame.by ? "by the gate" : "";
  $("stands").dataset.by = frame.by;
  const reasons = frame.by === "person" && frame.reasons.length ? `: ${frame.reasons.join("; ")}` : "";
  $("stands").textContent = `${VERDICTS[frame.verdict]} ${by}${reasons}`;
  for (const chip of $("chips").children) {
    const on = frame.by === "person" && frame.verdict === "reject" ? frame.reasons.includes(chip.value) : state.chips.has(chip.value);
    chip.setAttribute("aria-pressed", on);
  }
}

async function explain(frame) {
  const field = $("caption");
  $("why").replaceChildren();
  $("frame-id").textContent = frame.id;
  if (field.dataset.frame !== frame.id) [field.dataset.frame, field.value] = [frame.id, ""];
  const before = field.value;
  const answer = await fetch(`/api/frames/${encodeURIComponent(frame.id)}`).catch(() => null);
  if (!answer?.ok || current()?.id !== frame.id) return;
  const body = await answer.json();
  const head = document.createElement("h2"), table = document.createElement("table");
  head.textContent = body.p === null ? `gate: ${VERDICTS[body.gate]}` : `gate: ${VERDICTS[body.gate]}, p = ${body.p.toFixed(3)}`;
  for (const one of body.answers) {
    const row = table.insertRow(), value = one.value === null ? "n/a" : one.value.toFixed(3);
    for (const text of [one.scorer, value, one.why]) row.insertCell().textContent = text;
    row.dataset.scorer = one.scorer;
  }
  const near = document.createElement("div"), likeness = document.createElement("div");
  near.className = "near";
  $("why").replaceChildren(head, ...paragraphs(body.plain), near, likeness, table, legendBox, stored(body.reasons));
  legendBox.hidden = !body.answers.length;
  if (field.value === before) {  // what was typed meanwhile stays
    field.value = body.caption;
    $("caption-by").textContent = body.written ? "yours" : "generated";
    suggest(body.caption);
  }
  showNearest(frame, near, likeness);
}

const paragraphs = (sentences) => (sentences.length ? [Object.assign(document.createElement("p"), { textContent: sentences.join(" ") })] : []);

function stored(reasons) {
  const text = document.createElement("p");
  text.className = "stored";
  text.textContent = reasons.length ? `as stored: ${reasons.join("; ")}` : "";
  return text;
}

function drawLegend() {
  const parts = document.createDocumentFragment();
  for (const [number, text] of Object.entries(state.data.legend)) parts.append(
    Object.assign(document.createElement("dt"), { textContent: number }), Object.assign(document.createElement("dd"), { textContent: text }));
  legendBox.querySelector("dl").replaceChildren(parts.cloneNode(true));
  $("help-numbers").replaceChildren(parts);
}

async function showNearest(frame, place, likeness) {
  const answer = await fetch(`/api/nearest/${encodeURIComponent(frame.id)}`).catch(() => null);
  if (!answer?.ok || current()?.id !== frame.id) return;
  const { seed, decoy, p, plain } = await answer.json();
  likeness.replaceChildren(...paragraphs(plain));
  for (const row of $("why").querySelectorAll("tr")) if (row.dataset.scorer in p) row.cells[1].append(` (p ${p[row.dataset.scorer].toFixed(3)})`);
  if (seed) place.append(similar(`/seeds/${seed.number}`, `nearest seed: ${seed.similarity.toFixed(3)} alike`));
  if (decoy) place.append(similar(`/decoys/${encodeURIComponent(decoy.id)}`, `nearest decoy: ${decoy.similarity.toFixed(3)} alike`));
}

function similar(source, text) {
  const figure = document.createElement("figure"), label = document.createElement("figcaption"), image = new Image();
  image.src = source;
  image.alt = "";
  label.textContent = text;
  figure.append(image, label);
  return figure;
}

function suggest(caption) {
  const has = (tag) => `, ${caption}, `.includes(`, ${tag}, `);
  const counts = new Map();
  for (const f of state.frames) for (const tag of f.tags) counts.set(tag, (counts.get(tag) || 0) + 1);
  const tags = [...counts].sort((a, b) => b[1] - a[1]).map(([tag]) => tag).filter((tag) => !has(tag)).slice(0, 12);
  $("tags").replaceChildren(...tags.map((tag) => Object.assign(document.createElement("button"), { textContent: `+ ${tag}`, value: tag })));
}

async function caption(text) {
  const frame = current(), answer = await post("/api/captions", { id: frame.id, caption: text }).catch(() => null);
  if (!answer?.ok) return announce(`the caption could not be saved: ${(await answer?.json().catch(() => null))?.error || "try again"}`);
  const body = await answer.json();
  $("caption").value = body.caption;
  $("caption-by").textContent = body.written ? "yours" : "generated";
  announce("caption saved");
}

// ── verdicts ──

function drawChips(place) {
  place.replaceChildren(...state.data.reasons.map((reason, n) => {
    const chip = document.createElement("button");
    chip.value = reason;
    chip.append(reason, " ", Object.assign(document.createElement("kbd"), { textContent: n + 1 }));
    return chip;
  }));
}

function chip(reason) {
  const frame = current();
  if (!frame || !reason) return;
  if (batch()) return chipBatch(reason);
  const judged = frame.by === "person" && frame.verdict === "reject";
  const on = new Set(judged ? frame.reasons : state.chips);
  on.has(reason) ? on.delete(reason) : on.add(reason);
  if (judged) judge(frame, "reject", [...on]); else state.chips = on;
  showReasons(frame);
}

function judgeCurrent(kind) {
  const frame = current();
  if (!frame) return;
  if (batch()) return judgeSelected(kind);
  judge(frame, kind, kind === "reject" ? state.data.reasons.filter((reason) => state.chips.has(reason)) : []);
  state.chips.clear();
  go(state.at + 1);
}

const judge = (frame, kind, reasons) => act([{ frame, kind, reasons }]);
const says = (frame, kind, reasons) => frame.by === "person" && frame.verdict === kind && frame.reasons.join() === reasons.join();

// One action of a person: verdicts on one frame or on many, which are undone together. Returns how many it changes.
function act(judgements) {
  const changes = judgements.filter(({ frame, kind, reasons }) => !says(frame, kind, reasons)), steps = [];
  for (let start = 0; start < changes.length; start += CHUNK) {
    const some = changes.slice(start, start + CHUNK), key = (audit && "audit-") + newKey();
    const bodies = some.map(({ frame, kind, reasons }) => ({ id: frame.id, verdict: kind, reasons, seen: frame.version }));
    const before = some.map(({ frame }) => ({ verdict: frame.verdict, by: frame.by, reasons: frame.reasons }));
    steps.push({ key, ids: some.map(({ frame }) => frame.id), before });
    enqueue(bodies.length === 1 ? { path: "/api/verdicts", body: { ...bodies[0], key } } : { path: "/api/verdicts/many", body: { verdicts: bodies, key } });
  }
  if (steps.length) state.done.push({ steps, kind: changes[0].kind, count: changes.length });
  showUndo();
  return changes.length;
}

function undo() {
  const last = state.done.pop();
  if (!last) return announce("nothing to undo in this window");
  showUndo();
  if (last.undo) return last.undo();
  for (const { key, ids, before } of last.steps) {
    const waiting = state.queue.findIndex((item, n) => item.body.key === key && !(n === 0 && state.sending));
    if (waiting >= 0) state.queue.splice(waiting, 1);
    else if (ids.length === 1) enqueue({ path: "/api/undo", body: { id: ids[0], seen: null, key: newKey() }, undoes: key });
    else enqueue({ path: "/api/undo/many", body: { frames: ids.map((id) => ({ id, seen: null })), key: newKey() }, undoes: key });
    ids.forEach((id, n) => { Object.assign(state.byId.get(id), before[n]); refresh(state.byId.get(id)); });
  }
  store();
  const [id] = last.steps[0].ids, frame = state.byId.get(id), place = state.order.indexOf(id);
  announce(`undone: ${last.count > 1 ? `${last.count} verdicts` : `${VERDICTS[last.kind]} ${frame.view_family}, ${frame.framing}`}`);
  if (place >= 0) go(place);
}

// The parts of a request, each about one frame.
const partsOf = (item) => item.body.verdicts || item.body.frames || [item.body];

function showAtOnce(item) {
  if (!item.path.startsWith("/api/verdicts")) return;
  for (const part of partsOf(item)) {
    const frame = state.byId.get(part.id);
    if (frame) Object.assign(frame, { verdict: part.verdict, by: "person", reasons: part.reasons });
  }
}

function refresh(frame) {
  showVerdict(frame);
  if (state.single && current()?.id === frame.id) {
    $("large").dataset.verdict = blind() && frame.by !== "person" ? "" : frame.verdict;
    showReasons(frame);
  }
  showUndo();
  clearTimeout(state.counting);
  state.counting = setTimeout(updateCounts, 30);
}

function showUndo() {
  const last = state.done.at(-1), what = last && (last.what ? last.what : last.count > 1 ? `${last.count} verdicts` : `${VERDICTS[last.kind]} ${last.steps[0].ids[0]}`);
  for (const id of ["undo", "undo-last"]) {
    $(id).disabled = !last;
    $(id).title = last ? `U undo: ${what}` : "U undo";
  }
  $("retag-undo").disabled = !state.done.some((one) => one.captions);
}

function enqueue(item) {
  state.queue.push(item);
  store();
  showAtOnce(item);
  for (const part of partsOf(item)) refresh(state.byId.get(part.id));
  send();
}

const store = () => localStorage.setItem(QUEUE, JSON.stringify(state.queue));
const newKey = () => Array.from(crypto.getRandomValues(new Uint32Array(4)), (n) => n.toString(36)).join("-");
const post = (path, body) => fetch(path, { method: "POST", headers: { "content-type": "application/json", "x-review": "1" }, body: JSON.stringify(body) });
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

async function send() {
  if (state.sending) return;
  state.sending = true;
  let wait = 500;
  while (state.queue.length) {
    const item = state.queue[0];
    if (item.undoes) for (const part of partsOf(item)) part.seen = state.sent?.get(item.undoes)?.[part.id] ?? state.byId.get(part.id)?.version;
    const answer = await post(item.path, item.body).catch(() => null);
    if (!answer || answer.status >= 500) {
      announce(`the server does not answer; ${waitingHere()} verdicts wait here`);
      await pause(wait);
      wait = Math.min(wait * 2, 8000);
      continue;
    }
    wait = 500;
    state.queue.shift();
    store();
    if (answer.ok) acknowledge(item, await answer.json()); else await refuse(item, answer);
  }
  state.sending = false;
  updateCounts();
}

const waitingHere = () => state.queue.reduce((sum, item) => sum + partsOf(item).length, 0);

function acknowledge(item, body) {
  const answers = body.answers || [body], versions = {};
  partsOf(item).forEach((part, n) => {
    const frame = state.byId.get(part.id), one = answers[n];
    if (!frame) return;
    frame.version = versions[part.id] = one.version;
    if (one.other) announce(`another window judged: ${VERDICTS[one.other.verdict] || one.other.verdict}${item.undoes ? "; nothing was undone" : "; yours counts now"}`);
    if (item.undoes && !state.queue.some((other) => partsOf(other).some((its) => its.id === frame.id))) {
      Object.assign(frame, { verdict: one.verdict, by: one.by, reasons: one.reasons });
      refresh(frame);
    }
  });
  (state.sent ||= new Map()).set(item.body.key, versions);
}

async function refuse(item, answer) {
  for (const done of state.done) {
    const step = done.steps?.find((one) => one.key === item.body.key);
    if (!step) continue;
    done.steps = done.steps.filter((one) => one !== step);
    done.count -= step.ids.length;
    step.ids.forEach((id, n) => { Object.assign(state.byId.get(id), step.before[n]); refresh(state.byId.get(id)); });
  }
  state.done = state.done.filter((done) => !done.steps || done.steps.length);
  showUndo();
  announce(`refused: ${(await answer.json().catch(() => ({}))).error || answer.status}`);
}

async function poll() {
  for (;;) {
    await pause(4000);
    if (document.hidden || state.queue.length) continue;
    const answer = await fetch("/api/verdict-states").catch(() => null);
    if (!answer?.ok || state.queue.length) continue;
    for (const [id, [version, verdict, by, reasons]] of Object.entries(await answer.json())) {
      const frame = state.byId.get(id);
      if (!frame || frame.version > version || (frame.verdict === verdict && frame.by === by)) continue;
      Object.assign(frame, { version, verdict, by, reasons });
      refresh(frame);
    }
  }
}

function announce(text) {
  $("message").textContent = text;
  clearTimeout(state.announcing);
  state.announcing = setTimeout(() => ($("message").textContent = ""), 4000);
}

// ── keys and buttons ──

const KEYS = {
  k: () => judgeCurrent("keep"), r: () => judgeCurrent("reject"), s: () => go(state.at + 1), arrowright: () => go(state.at + 1),
  arrowleft: () => go(state.at - 1), u: undo, "?": () => $("help").showModal(), escape: () => state.single && close(),
  arrowup: () => rows(-1), arrowdown: () => rows(1), end: () => go(state.order.length - 1),
  home: () => go(Math.max(0, state.order.findIndex((id) => state.byId.get(id).by !== "person"))),
  b: () => $("blind").click(), f: () => flash(true), c: () => { open(current()); $("caption").focus(); },
};

// Up and down move by a row of the grid; in one picture they scroll, as everywhere.
function rows(step) {
  if (state.single) return false;
  const across = getComputedStyle($("grid")).gridTemplateColumns.split(" ").length, place = state.at + step * across;
  if (place >= 0 && place < state.order.length) go(place);
}

function flash(on) {
  const frame = current();
  if (!state.single || !frame || !state.data.seeds.length) return;
  $("large").src = on ? `/seeds/${state.seed}` : `/pictures/${encodeURIComponent(frame.id)}`;
}

document.addEventListener("keydown", (event) => {
  const name = event.key.toLowerCase(), here = event.target, picking = here.matches("#grid input");
  if (here.matches("textarea, select, input") && !picking) {
    if (event.key === "Escape") here.blur();
    return;
  }
  if ((event.ctrlKey || event.metaKey) && name === "a" && !state.single) return event.preventDefault(), selectAll();
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (name === " " && (picking || here.matches("button:not(#grid button), summary"))) return;  // they act by themselves
  if (here.closest("#pairs") && !["u", "?", "escape"].includes(name)) return;
  if (event.shiftKey && name.startsWith("arrow") && !state.single) return event.preventDefault(), extend(name);
  const number = Number(event.key), act = KEYS[name];
  if (event.key === " " && state.single) return;
  if (number >= 1 && number <= (state.data?.reasons.length || 0)) chip(state.data.reasons[number - 1]);
  else if (act && !(event.repeat && "fkru".includes(name))) { if (act() === false) return; }
  else return;
  event.preventDefault();
});
document.addEventListener("keyup", (event) => {
  if (event.key.toLowerCase() === "f") flash(false);
  if (event.key === " " && event.target.matches("#grid button")) event.preventDefault();  // it selects and opens nothing
});
$("grid").addEventListener("click", (event) => {
  const id = event.target.dataset.id || event.target.closest("button")?.dataset.id;
  if (!id) return;
  const place = state.order.indexOf(id), picking = event.target.matches("input");
  if (event.shiftKey && state.anchor >= 0) return selectRange(place);
  if (picking || event.ctrlKey || event.metaKey || event.shiftKey) return pick(place, picking ? event.target.checked : !state.selected.has(id));
  state.at = place;
  mark();
  open(current());
  $("keep").focus();
});
$("grid").addEventListener("focusin", (event) => { state.at = state.order.indexOf(event.target.dataset.id); mark(); });
$("grid").addEventListener("mousedown", (event) => { if (event.shiftKey) event.preventDefault(); });  // no text is marked
$("quotas").addEventListener("click", (event) => {
  const viewFamily = event.target.closest("button")?.dataset.viewFamily;
  if (viewFamily) { state.viewFamily = state.viewFamily === viewFamily ? "" : viewFamily; arrange(); }
});
$("chips").addEventListener("click", (event) => chip(event.target.closest("button")?.value));
$("tags").addEventListener("click", (event) => {
  const tag = event.target.closest("button")?.value;
  if (tag) { $("caption").value += `, ${tag}`; suggest($("caption").value); }
});
$("seed").addEventListener("click", () => $("next-seed").click());
$("next-seed").addEventListener("click", () => { state.seed = (state.seed + 1) % state.data.seeds.length; showSeed(current()); });
for (const [id, key] of [["keep", "k"], ["reject", "r"], ["skip", "s"], ["back", "arrowleft"], ["undo", "u"], ["close", "escape"], ["help-button", "?"]])
  $(id).addEventListener("click", () => KEYS[key]());
for (const id of ["show", "sort"]) $(id).addEventListener("change", arrange);
$("blind").addEventListener("change", () => { document.body.classList.toggle("blind", blind()); arrange(); });
for (const button of document.querySelectorAll("button[data-size]")) button.addEventListener("click", () => {
  document.body.dataset.size = button.dataset.size;
  for (const one of document.querySelectorAll("button[data-size]")) one.setAttribute("aria-pressed", one === button);
  arrange();
});
$("save-caption").addEventListener("click", () => caption($("caption").value));
$("drop-caption").addEventListener("click", () => caption(""));
$("go-on").addEventListener("click", async () => {
  const answer = await post("/api/approval", {}).catch(() => null);
  if (answer?.ok) { $("go-on").hidden = true; announce("the round goes on; if its process has left, run the same command again"); }
});
$("own").addEventListener("change", async () => {
  const [file] = $("own").files, like = current()?.id;
  if (!file || !like) return;
  const headers = { "content-type": "application/octet-stream", "x-review": "1" };
  const answer = await fetch(`/api/pictures?like=${encodeURIComponent(like)}`, { method: "POST", headers, body: file }).catch(() => null);
  const body = answer ? await answer.json().catch(() => ({})) : {};
  $("own").value = "";
  if (!answer?.ok) return announce(body.error || "the picture could not be sent");
  await load();
  state.at = Math.max(0, state.order.indexOf(body.id));
  mark();
  announce("your picture is a candidate now; keep it, or let the gate judge it at the next round");
});
document.addEventListener("DOMContentLoaded", () => load().then(poll));  // by then every script of the page has run
