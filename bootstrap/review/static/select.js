// Selecting several pictures and judging them as one action, ids to copy, and near-duplicates side by side.
// Uses what review.js defines.
"use strict";

const batchChips = new Set();
const selection = () => state.order.filter((id) => state.selected.has(id));
function batch() { return !state.single && state.selected.size > 0; }

// ── selecting: by click, by range, all that is shown, by keyboard ──

function pick(place, on) {
  const id = state.order[place];
  if (!id) return;
  on ? state.selected.add(id) : state.selected.delete(id);
  state.anchor = place;
  showSelection();
}

function pickCurrent() {
  if (state.single || !current()) return false;
  pick(state.at, !state.selected.has(current().id));
}

// From the last one that was picked up to this one.
function selectRange(place) {
  const [from, to] = [Math.min(state.anchor, place), Math.max(state.anchor, place)];
  for (const id of state.order.slice(from, to + 1)) state.selected.add(id);
  showSelection();
}

// Shift and an arrow key: move, and select the way.
function extend(key) {
  if (state.anchor < 0 || !state.selected.size) pick(state.at, true);
  KEYS[key]();
  selectRange(state.at);
}

function selectAll() {
  for (const id of state.order) state.selected.add(id);
  state.anchor = 0;
  showSelection();
}

function clearSelection() {
  state.selected.clear();
  batchChips.clear();
  state.anchor = -1;
  showSelection();
}

function showSelection() {
  for (const [id, button] of state.cards) {
    const on = state.selected.has(id), box = button.nextElementSibling;
    if (box.checked !== on) box.checked = on;
    button.parentElement.classList.toggle("selected", on);
  }
  const count = state.selected.size;
  $("batch").hidden = !count;
  $("batch-count").textContent = count ? `${count} selected` : "";
  $("select-all").disabled = !state.order.length;
  $("retag").querySelector("summary").textContent = count ? `Tags of the ${count} selected pictures` : "Tags of all pictures that are shown";
  for (const chip of $("batch-chips").children) chip.setAttribute("aria-pressed", batchChips.has(chip.value));
}

// ── one action for all of them ──

function chipBatch(reason) {
  batchChips.has(reason) ? batchChips.delete(reason) : batchChips.add(reason);
  showSelection();
}

function judgeSelected(kind) {
  const reasons = kind === "reject" ? state.data.reasons.filter((reason) => batchChips.has(reason)) : [];
  const changed = act(selection().map((id) => ({ frame: state.byId.get(id), kind, reasons })));
  announce(changed ? `${changed} ${VERDICTS[kind]}; U takes them all back` : `all of them were ${VERDICTS[kind]} by you already`);
  clearSelection();
  go(state.at);
}

// ── ids and commands to copy ──

const quoted = (text) => (/^[\w.\/~:+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
const command = (ids) => `bootstrap reject ${[document.body.dataset.folder, ...ids].map(quoted).join(" ")}`;

async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
    announce(`copied: ${what}`);
  } catch {  // a page that is not on this machine may not write the clipboard
    $("copy-text").value = text;
    $("copy").showModal();
    $("copy-text").select();
  }
}

const copyIds = (ids) => copy(ids.join(" "), ids.length === 1 ? ids[0] : `${ids.length} ids`);
const copyCommand = (ids) => copy(command(ids), "the command that rejects");

// ── near-duplicates side by side ──

async function showPairs(on) {
  $("pairs").hidden = !on;
  $("pairs-button").setAttribute("aria-expanded", on);
  if (!on) return $("pairs-button").focus();
  $("pairs-about").textContent = "Comparing the pictures of the set …";
  $("pairs-list").replaceChildren();
  const answer = await fetch("/api/near-duplicates").catch(() => null);
  if (!answer?.ok) return ($("pairs-about").textContent = "The pictures could not be compared; try again.");
  const { pairs, gate_bits: least } = await answer.json(), gate = least ? `, up to ${least} the gate takes only one` : "";
  const open = pairs.filter(({ one, other }) => state.byId.has(one) && state.byId.has(other) && !settled(one, other));
  $("pairs-about").textContent = open.length
    ? `${open.length} ${open.length === 1 ? "pair" : "pairs"}, the most alike first. Keep one of each, or both. The number is the bits of 64 in which their perceptual hashes differ: 0 is the same picture${gate}.`
    : "No two pictures of the set nearly repeat each other.";
  $("pairs-list").replaceChildren(...open.map(pairRow));
}

function settled(...ids) {
  const frames = ids.map((id) => state.byId.get(id));
  return frames.some((f) => f.by === "person" && f.verdict === "reject") || frames.every((f) => f.by === "person" && f.verdict === "keep");
}

function pairRow({ one, other, bits }) {
  const row = document.createElement("li"), acts = document.createElement("div");
  acts.className = "acts";
  for (const [text, keeps, rejects] of [["Keep the left", [one], [other]], ["Keep the right", [other], [one]], ["Keep both", [one, other], []]]) {
    const button = Object.assign(document.createElement("button"), { textContent: text });
    button.addEventListener("click", () => settle(row, keeps, rejects));
    acts.append(button);
  }
  const apart = Object.assign(document.createElement("p"), { textContent: `${bits} of 64 bits apart` });
  row.append(pairFigure(one, "left"), pairFigure(other, "right"), apart, acts);
  return row;
}

function pairFigure(id, side) {
  const frame = state.byId.get(id), figure = document.createElement("figure"), image = new Image(), label = document.createElement("figcaption");
  image.loading = "lazy";
  image.src = `/thumbs/l/${encodeURIComponent(id)}`;
  image.alt = `${side}: ${frame.view_family}, ${frame.framing}, ${frame.shows}`;
  label.textContent = `${VERDICTS[frame.verdict]} · ${frame.view_family}, ${frame.framing}, round ${frame.round}`;
  figure.append(image, label);
  return figure;
}

function settle(row, keeps, rejects) {
  const reasons = state.data.reasons.includes("duplicate") ? ["duplicate"] : [], next = row.nextElementSibling || row.previousElementSibling;
  act([...keeps.map((id) => ({ frame: state.byId.get(id), kind: "keep", reasons: [] })),
       ...rejects.map((id) => ({ frame: state.byId.get(id), kind: "reject", reasons }))]);
  row.remove();
  announce(rejects.length ? "one is kept, the other rejected; U takes both back" : "both are kept; U takes it back");
  (next?.querySelector("button") || $("pairs-close")).focus();
}

KEYS[" "] = KEYS.x = pickCurrent;
const closeOne = KEYS.escape;
KEYS.escape = () => {
  if (state.single) return closeOne();
  if (!$("pairs").hidden) return showPairs(false);
  clearSelection();
};
$("select-all").addEventListener("click", selectAll);
$("undo-last").addEventListener("click", undo);
$("pairs-button").addEventListener("click", () => showPairs($("pairs").hidden));
$("pairs-close").addEventListener("click", () => showPairs(false));
$("batch-keep").addEventListener("click", () => judgeSelected("keep"));
$("batch-reject").addEventListener("click", () => judgeSelected("reject"));
$("batch-chips").addEventListener("click", (event) => { const reason = event.target.closest("button")?.value; if (reason) chipBatch(reason); });
$("batch-tags").addEventListener("click", () => { $("retag").open = true; $("retag-add").focus(); });
$("batch-ids").addEventListener("click", () => copyIds(selection()));
$("batch-command").addEventListener("click", () => copyCommand(selection()));
$("batch-clear").addEventListener("click", () => { clearSelection(); go(state.at); });
$("copy-id").addEventListener("click", () => copyIds([current().id]));
$("copy-command").addEventListener("click", () => copyCommand([current().id]));
