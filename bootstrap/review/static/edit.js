// Editing on the review page: a copy of a picture, cropped or covered, and tags of many pictures at once.
// Uses what review.js and select.js define; the picture itself is never changed.
"use strict";

const EDGES = ["left", "top", "right", "bottom"], CAPTIONS = 200;
const edit = { on: false, id: "", from: null };

// ── the region: dragged with a pointer, typed as percents, or moved with the arrow keys ──

const region = () => Object.fromEntries(EDGES.map((edge) => [edge, Math.min(100, Math.max(0, Number($(`edge-${edge}`).value) || 0)) / 100]));

function setRegion(box) {
  for (const edge of EDGES) $(`edge-${edge}`).value = Math.round(100 * Math.min(1, Math.max(0, box[edge])));
  showRegion();
}

// Where the picture itself is drawn within its element, which keeps its proportions.
function drawn() {
  const image = $("large"), around = image.getBoundingClientRect(), border = image.clientLeft;
  const width = around.width - 2 * border, height = around.height - 2 * border;
  const scale = Math.min(width / (image.naturalWidth || 1), height / (image.naturalHeight || 1));
  const size = { width: scale * image.naturalWidth, height: scale * image.naturalHeight };
  return { x: around.x + border + (width - size.width) / 2, y: around.y + border + (height - size.height) / 2, ...size };
}

function showRegion() {
  const place = drawn(), within = $("large").parentElement.getBoundingClientRect(), box = region(), mark = $("region");
  mark.hidden = !edit.on || box.right <= box.left || box.bottom <= box.top;
  Object.assign(mark.style, {
    left: `${place.x - within.x + box.left * place.width}px`, top: `${place.y - within.y + box.top * place.height}px`,
    width: `${(box.right - box.left) * place.width}px`, height: `${(box.bottom - box.top) * place.height}px`,
  });
}

function at(event) {
  const place = drawn();
  return { x: (event.clientX - place.x) / place.width, y: (event.clientY - place.y) / place.height };
}

function drag(event) {
  if (!edit.from) return;
  const to = at(event), from = edit.from;
  setRegion({ left: Math.min(from.x, to.x), top: Math.min(from.y, to.y), right: Math.max(from.x, to.x), bottom: Math.max(from.y, to.y) });
}

// Arrow keys move the region by a percent, with Shift its right and lower edge.
function nudge(event) {
  const steps = { ArrowLeft: [-0.01, 0], ArrowRight: [0.01, 0], ArrowUp: [0, -0.01], ArrowDown: [0, 0.01] }[event.key];
  if (!steps) return;
  event.preventDefault();
  event.stopPropagation();
  const box = region(), [x, y] = steps;
  if (!event.shiftKey && box.left + x >= 0 && box.right + x <= 1) box.left += x;
  if (!event.shiftKey && box.top + y >= 0 && box.bottom + y <= 1) box.top += y;
  box.right = Math.max(box.left + 0.01, box.right + (event.shiftKey || box.right + x <= 1 ? x : 0));
  box.bottom = Math.max(box.top + 0.01, box.bottom + (event.shiftKey || box.bottom + y <= 1 ? y : 0));
  setRegion(box);
}

// ── the copy ──

function startEdit(on) {
  if (on && !state.single) open(current());
  if (on && (audit || !current())) return;
  edit.on = on;
  $("edit").hidden = !on;
  $("edit-button").setAttribute("aria-expanded", on);
  if (on) {
    const frame = current();
    edit.id = frame.id;
    $("edit-framing").replaceChildren(...state.data.framings.map((name) => new Option(name, name, false, name === frame.framing)));
    setRegion({ left: 0.1, top: 0.1, right: 0.9, bottom: 0.9 });
    propose(frame);
    $("region").focus();
  } else {
    $("region").hidden = true;
    $("edit-button").focus();
  }
}

// What may be repaired: a button each, which marks its region; a copy is made by the buttons beside it.
async function propose(frame) {
  $("repairs").replaceChildren();
  const answer = await fetch(`/api/repairs/${encodeURIComponent(frame.id)}`).catch(() => null);
  const found = answer?.ok ? (await answer.json()).repairs : [];
  if (!edit.on || edit.id !== frame.id) return;
  $("repairs").replaceChildren(...found.map(({ edit: kind, box, why }) => {
    const button = Object.assign(document.createElement("button"), { textContent: `${kind}: ${why}` });
    button.addEventListener("click", () => setRegion(Object.fromEntries(EDGES.map((edge, place) => [edge, box[place]]))));
    return button;
  }));
}

async function copyWith(kind) {
  const frame = current(), framing = kind === "crop" ? $("edit-framing").value : "";
  const answer = await post("/api/edits", { id: frame.id, edit: kind, ...region(), framing }).catch(() => null);
  const body = answer ? await answer.json().catch(() => ({})) : {};
  if (!answer?.ok) return announce(body.error || "the copy could not be made; try again");
  startEdit(false);
  await load();
  if (!state.order.includes(body.id)) $("show").value = "all", arrange();
  state.at = Math.max(0, state.order.indexOf(body.id));
  mark();
  announce(`a copy, ${kind === "crop" ? "cropped" : "covered"}: keep it, and reject the picture that it was made of`);
}

// ── tags of the selected pictures, or of all that are shown ──

async function retag() {
  const add = $("retag-add").value, drop = $("retag-drop").value, ids = state.selected.size ? selection() : [...state.order];
  const before = [];
  for (let start = 0; start < ids.length; start += CAPTIONS) {
    const answer = await post("/api/tags", { ids: ids.slice(start, start + CAPTIONS), add, drop }).catch(() => null);
    const body = answer ? await answer.json().catch(() => ({})) : {};
    if (!answer?.ok) { announce(body.error || "the captions could not be changed; try again"); break; }
    before.push(...Object.entries(body.before));
  }
  if (before.length) state.done.push({ captions: before, undo: () => restore(before), what: `tags of ${before.length} captions` });
  showUndo();
  if (before.length || !ids.length) announce(`${before.length} of ${ids.length} captions changed`);
}

async function restore(before) {
  for (const [id, caption] of before) await post("/api/captions", { id, caption }).catch(() => null);
  announce(`${before.length} captions are as they were`);
}

// The last change of tags, whatever was judged since.
function undoTags() {
  const last = state.done.findLast((one) => one.captions);
  if (!last) return;
  state.done = state.done.filter((one) => one !== last);
  showUndo();
  last.undo();
}

const closeSingle = KEYS.escape;
KEYS.e = () => startEdit(!edit.on);
KEYS.escape = () => (edit.on ? startEdit(false) : closeSingle());
$("edit-button").addEventListener("click", () => startEdit(!edit.on));
$("crop").addEventListener("click", () => copyWith("crop"));
$("cover").addEventListener("click", () => copyWith("cover"));
$("region").addEventListener("keydown", nudge);
for (const edge of EDGES) $(`edge-${edge}`).addEventListener("input", showRegion);
$("large").addEventListener("load", () => {
  if (edit.on && current()?.id !== edit.id) startEdit(false);
  else if (edit.on) showRegion();
});
window.addEventListener("resize", () => { if (edit.on) showRegion(); });
const stage = $("large").parentElement;
stage.addEventListener("pointerdown", (event) => {
  if (!edit.on || event.target.closest("figcaption")) return;
  event.preventDefault();
  edit.from = at(event);
  stage.setPointerCapture(event.pointerId);
});
stage.addEventListener("pointermove", drag);
stage.addEventListener("pointerup", () => { edit.from = null; });
$("retag-apply").addEventListener("click", retag);
$("retag-undo").addEventListener("click", undoTags);
