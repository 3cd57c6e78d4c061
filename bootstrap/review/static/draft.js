// The page on which a character file is written. What is wrong, captions and prompts come from the server.
"use strict";

const $ = (id) => document.getElementById(id);
const TEXTS = ["name", "trigger", "core", "purpose", "must_obey", "style_switch", "forbidden", "negative", "quality", "license", "credits"];
const LISTS = ["expressions", "poses", "backgrounds", "styles"];
const WAIT = 250;
const state = { data: null, asked: 0, timer: 0, number: 0, dirty: false, trigger: "", last: null };
const headers = { "content-type": "application/json", "x-review": "1" };
const post = (path, body) => fetch(path, { method: "POST", headers, body: JSON.stringify(body) });

function announce(text) {
  $("message").textContent = text;
  clearTimeout(announce.timer);
  announce.timer = setTimeout(() => { $("message").textContent = ""; }, 6000);
}

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

// ── fields: each has a place for what is found in it, and knows its path ──

function watched(wrapper, input, path) {
  const found = make("ul", { className: "found wide", id: `found-${++state.number}` });
  input.setAttribute("aria-describedby", found.id);
  wrapper.append(found);
  wrapper.field = { path, input, found };
  return wrapper;
}

const fields = () => [...document.querySelectorAll("*")].filter((one) => one.field).map((one) => ({ wrapper: one, ...one.field }));

function button(text, label, act) {
  const one = make("button", { type: "button", textContent: text });
  one.setAttribute("aria-label", label);
  one.addEventListener("click", act);
  return one;
}

function removed(row) {
  const beside = row.nextElementSibling || row.previousElementSibling, list = row.parentElement;
  row.remove();
  (beside?.querySelector("input") || $(`${list.id}-new`)).focus();
  changed();
}

// Words are offered for the last of the tags; those before it stay.
function offer(input, words) {
  const list = make("datalist", { id: `words-${++state.number}` });
  input.setAttribute("list", list.id);
  const fill = () => {
    const before = input.value.slice(0, input.value.lastIndexOf(",") + 1), there = input.value.split(",").map((tag) => tag.trim());
    const start = before ? `${before} ` : "";
    list.replaceChildren(...words().filter((word) => !there.slice(0, -1).includes(word)).map((word) => new Option("", start + word)));
  };
  input.addEventListener("input", fill);
  input.addEventListener("focus", fill);
  return list;
}

// The axes of the vocabulary that a part of the body is about: "hair" is hair_color and hair_style.
function axesOf(part) {
  const name = part.trim().toLowerCase().replaceAll(" ", "_"), axes = Object.keys(state.data.vocabulary);
  if (axes.includes(name)) return [name];
  const stem = name.replace(/s$/, "");
  return axes.filter((axis) => stem && (axis.startsWith(`${stem}_`) || axis === stem));
}

const SCENE = ["framing", "expression", "pose", "background", "style"];
const words = (axes) => axes.flatMap((axis) => state.data.vocabulary[axis] || []);
const clothes = () => words(["hat", "accessory", "top", "bottom", "legwear", "footwear", "outfit"]);

// ── rows ──

function partRow(list, row) {
  const item = make("li"), part = make("input", { className: "part", value: row.part, maxLength: 200, spellcheck: false });
  const tags = make("input", { className: "tags", value: row.tags, maxLength: 2000, spellcheck: false });
  const named = () => tags.setAttribute("aria-label", `${list === "unique" ? "unique tag" : "tags"} of ${part.value || "this part"}`);
  part.setAttribute("aria-label", "part");
  named();
  part.addEventListener("input", named);
  const reading = make("p", { className: "reading wide" });
  if (list === "invariant") {
    const about = axesOf(row.part), read = state.data.readings.filter((one) => about.includes(one.axis));
    reading.textContent = read.map((one) => (one.axis === row.part ? one.text : `${one.axis.replaceAll("_", " ")}: ${one.text}`)).join(" · ");
  }
  item.append(part, tags, button("×", `remove ${row.part || "this part"}`, () => removed(item)), reading);
  const proposed = list === "invariant" && !row.tags ? state.data.readings.filter((one) => axesOf(row.part).includes(one.axis) && one.word) : [];
  if (proposed.length) {
    const text = proposed.map((one) => one.word).join(", "), use = button(`Use "${text}"`, `use ${text}, as it was read`, () => { tags.value = text; use.remove(); tags.focus(); changed(); });
    reading.append(" ", use);
  }
  if (list === "invariant") item.append(offer(tags, () => words(axesOf(part.value).length ? axesOf(part.value) : Object.keys(state.data.vocabulary).filter((axis) => !SCENE.includes(axis)))));
  else tags.classList.add("follows");
  $(list).append(watched(item, tags, () => `${list}.${part.value}`));
  return item;
}

function outfitRow(row) {
  const item = make("li"), name = make("input", { className: "part", value: row.name, maxLength: 200, spellcheck: false });
  const tags = make("input", { className: "tags", value: row.tags, maxLength: 2000, spellcheck: false });
  const trigger = make("input", { className: "trigger follows", value: row.trigger, maxLength: 128, spellcheck: false });
  const share = make("input", { className: "share", type: "number", min: 0, max: 100, step: "any", value: row.share === null ? "" : Math.round(10000 * row.share) / 100 });
  let known = row.name;
  name.setAttribute("aria-label", "outfit");
  tags.setAttribute("aria-label", `tags of outfit ${row.name}`);
  name.addEventListener("input", () => {
    for (const option of document.querySelectorAll("#seed-list .outfit option")) if (option.value === known) option.value = option.textContent = name.value;
    known = name.value;
    tags.setAttribute("aria-label", `tags of outfit ${known}`);
  });
  const more = make("div", { className: "outfit-more wide" }, make("label", {}, "its own trigger, if any ", trigger), make("label", {}, "share of the set in % ", share));
  item.append(name, tags, button("×", `remove outfit ${row.name}`, () => { removed(item); fillOutfits(); }), more, offer(tags, clothes));
  $("outfits").append(watched(item, tags, () => `outfits.${name.value}`));
  return item;
}

function entry(list, value) {
  const input = make("input", { value, maxLength: 200, size: Math.max(6, value.length), spellcheck: false }), item = make("li", {}, input);
  input.setAttribute("aria-label", `one of the ${list}`);
  input.addEventListener("input", () => { input.size = Math.max(6, input.value.length); });
  item.append(button("×", `remove ${value}`, () => removed(item)));
  $(list).append(item);
}

function select(label, className, options, value, path) {
  const box = make("select", { className, id: `field-${++state.number}` });
  box.append(new Option("not said", ""), ...options.map((name) => new Option(name, name)));
  if (value && !options.includes(value)) box.append(new Option(value, value));
  box.value = value;
  const wrapper = make("div", { className: "field" }, make("label", { htmlFor: box.id, textContent: label }), box);
  return watched(wrapper, box, path);
}

function seedCard(row, place) {
  const number = state.data.pictures.findIndex((one) => one.file === row.file), item = make("li"), at = (name) => () => `seeds.${place}.${name}`;
  item.dataset.file = row.file;
  if (number >= 0) item.append(make("img", { src: `/seeds/${number}`, alt: `seed ${row.file}`, loading: "lazy" }));
  item.append(make("h3", { textContent: row.file }));
  for (const text of state.data.pictures[number]?.remarks || []) item.append(make("p", { className: "remark", textContent: text }));
  const selects = make("div", { className: "selects" });
  selects.append(select("view", "view", state.data.views, row.view, at("view")), select("framing", "framing", state.data.framings, row.framing, at("framing")));
  selects.append(select("outfit", "outfit", [], row.outfit, at("outfit")));
  const tags = make("input", { className: "tags", id: `field-${++state.number}`, value: row.tags, maxLength: 2000, spellcheck: false });
  const wrapper = make("div", { className: "field" }, make("label", { htmlFor: tags.id, textContent: "expression, pose, background, style …" }), tags);
  wrapper.append(offer(tags, () => words(SCENE.slice(1))));
  item.append(selects, watched(wrapper, tags, at("tags")));
  $("seed-list").append(watched(item, tags, () => `seeds.${place}`));
}

function fillOutfits() {
  const names = [...document.querySelectorAll("#outfits .part")].map((one) => one.value);
  for (const box of document.querySelectorAll("#seed-list .outfit")) {
    const value = box.value;
    box.replaceChildren(new Option("the first outfit", ""), ...names.map((name) => new Option(name, name)));
    if (value && !names.includes(value)) box.append(new Option(value, value));
    box.value = value;
  }
}

// ── the form as the server takes it ──

function collected() {
  const value = (item, name) => item.querySelector(`.${name}`).value;
  const form = Object.fromEntries(TEXTS.map((name) => [name, $(name).value]));
  for (const name of LISTS) form[name] = [...$(name).querySelectorAll("input")].map((one) => one.value.trim()).filter(Boolean);
  for (const name of ["invariant", "unique"]) form[name] = [...$(name).children].map((item) => ({ part: value(item, "part").trim(), tags: value(item, "tags") }));
  form.outfits = [...$("outfits").children].map((item) => {
    const share = parseFloat(value(item, "share"));
    return { name: value(item, "part").trim(), tags: value(item, "tags"), trigger: value(item, "trigger"), share: Number.isFinite(share) ? share / 100 : null };
  });
  form.seeds = [...$("seed-list").children].map((item) => ({ file: item.dataset.file, view: value(item, "view"), framing: value(item, "framing"), outfit: value(item, "outfit"), tags: value(item, "tags") }));
  return form;
}

function changed() {
  state.dirty = true;
  $("live").classList.add("stale");
  clearTimeout(state.timer);
  state.timer = setTimeout(look, WAIT);
}

async function look() {
  const number = ++state.asked;
  const answer = await post("/api/look", { form: collected() }).catch(() => null);
  if (number !== state.asked) return;
  if (!answer?.ok) return announce(answer ? (await answer.json().catch(() => ({}))).error || "the page's server refused the form" : "the page's server does not answer; what you typed stays here");
  show(await answer.json());
}

const LABELS = { problem: "problem", blank: "blank", note: "note" };

function show(said) {
  const all = fields(), general = [];
  for (const one of all) {
    one.found.replaceChildren();
    one.wrapper.classList.remove("open", "wrong");
    one.input.removeAttribute("aria-invalid");
  }
  for (const finding of said.findings) {
    const matching = all.filter((one) => finding.field && (finding.field === one.path() || finding.field.startsWith(`${one.path()}.`)));
    const nearest = matching.sort((a, b) => b.path().length - a.path().length)[0];
    const item = make("li", { textContent: finding.text });
    item.dataset.kind = finding.kind;
    if (!nearest) { general.push(item); continue; }
    nearest.found.append(item);
    if (finding.kind === "problem") { nearest.wrapper.classList.add("wrong"); nearest.input.setAttribute("aria-invalid", "true"); }
    if (finding.kind === "blank") nearest.wrapper.classList.add("open");
  }
  $("general").replaceChildren(...general);
  const count = (kind) => said.findings.filter((one) => one.kind === kind).length;
  const told = Object.keys(LABELS).map((kind) => [count(kind), LABELS[kind]]).filter(([many]) => many);
  $("counts").textContent = told.map(([many, name]) => `${many} ${name}${many === 1 ? "" : "s"}`).join(" · ") || "complete";
  $("jump").disabled = !document.querySelector(".wrong, .open");
  $("waits").hidden = !count("problem");
  if (count("problem") && !said.prompts.length) return;  // what was written before stays, paler
  $("live").classList.remove("stale");
  $("captions").replaceChildren(...Object.entries(said.captions).flatMap(([file, text]) => [make("dt", { textContent: file }), make("dd", { textContent: text })]));
  const called = said.prompts.some((one) => one.prompt.toLowerCase().includes($("trigger").value.trim().toLowerCase()));
  $("no-trigger").hidden = called;
  $("prompts").replaceChildren(...said.prompts.flatMap((one) => [make("dt", { textContent: `${one.view}, ${one.framing}` }), make("dd", { textContent: one.prompt })]));
  $("live-negative").textContent = said.negative || "none";
}

// To the first open field after the one that was edited last.
function jump() {
  const open = [...document.querySelectorAll(".wrong, .open")];
  const after = open.find((one) => state.last && state.last.compareDocumentPosition(one.field.input) & Node.DOCUMENT_POSITION_FOLLOWING);
  const next = after || open[0];
  next?.closest("details")?.setAttribute("open", "");
  next?.field.input.focus();
}

// ── saving ──

async function save(replace = "") {
  const answer = await post("/api/save", { form: collected(), replace }).catch(() => null);
  const body = answer ? await answer.json().catch(() => ({})) : {};
  if (answer?.status === 409) return ask(body);
  if (!answer?.ok) { announce(body.error || "not saved: the page's server does not answer"); return look(); }
  state.dirty = false;
  $("done").hidden = false;
  $("done-text").textContent = `Saved ${body.saved}${body.backup ? `; the file that was there is ${body.backup}` : ""}. Next, in the terminal:`;
  $("commands").replaceChildren(...body.next.map((text) => {
    const copy = button("Copy", `copy ${text}`, () => navigator.clipboard?.writeText(text).then(() => announce("copied"), () => announce("mark the command and copy it")));
    return make("li", {}, make("code", { textContent: text }), copy);
  }));
  $("done").focus();
  $("done").scrollIntoView({ block: "nearest" });
}

function ask(body) {
  $("replace-text").textContent = `${body.error}. If you replace it, a copy of it is kept beside it.`;
  $("replace").returnValue = "cancel";
  $("replace").onclose = () => { if ($("replace").returnValue === "replace") save(body.version); };
  $("replace").showModal();
}

// ── opening ──

async function open() {
  state.data = await (await fetch("/api/draft")).json();
  const form = state.data.form;
  document.body.classList.toggle("many", form.seeds.length > 2);
  $("notes").replaceChildren(...state.data.notes.map((textContent) => make("li", { textContent })));
  for (const wrapper of document.querySelectorAll("#form .field[data-field]")) watched(wrapper, wrapper.querySelector("input"), () => wrapper.dataset.field);
  for (const box of document.querySelectorAll("#form fieldset[data-field]")) watched(box, box.querySelector(".add input"), () => box.dataset.field);
  for (const name of TEXTS) $(name).value = form[name];
  for (const row of form.invariant) partRow("invariant", row);
  for (const row of form.unique) partRow("unique", row);
  for (const row of form.outfits) outfitRow(row);
  for (const name of LISTS) {
    for (const value of form[name]) entry(name, value);
    $(`${name}-words`).append(...(state.data.offered[name] || []).map((word) => new Option("", word)));
  }
  $("parts").append(...Object.keys(state.data.vocabulary).filter((axis) => !SCENE.includes(axis)).map((axis) => new Option("", axis)));
  form.seeds.forEach(seedCard);
  fillOutfits();
  state.trigger = form.trigger;
  await look();
}

function adds(list, add) {
  const act = () => {
    const value = $(`${list}-new`).value.trim();
    if (!value) return $(`${list}-new`).focus();
    const row = add(value);
    $(`${list}-new`).value = "";
    (row ? row.querySelector(".tags") : $(`${list}-new`)).focus();
    changed();
  };
  $(`${list}-add`).addEventListener("click", act);
  $(`${list}-new`).addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); act(); } });
}

for (const name of LISTS) adds(name, (value) => entry(name, value));
adds("invariant", (part) => partRow("invariant", { part, tags: "" }));
adds("unique", (part) => partRow("unique", { part, tags: "" }));
adds("outfits", (name) => { const row = outfitRow({ name, tags: "", trigger: "", share: null }); fillOutfits(); return row; });
for (const id of ["core", "style_switch"]) $(id).classList.add("follows");
$("trigger").addEventListener("change", () => {  // what was made up with the trigger follows it
  const before = state.trigger, after = $("trigger").value.trim();
  if (before && after) for (const one of document.querySelectorAll(".follows")) one.value = one.value.split(before).join(after);
  if (after) state.trigger = after;
  changed();
});
document.addEventListener("input", (event) => { if (!event.target.id.endsWith("-new")) changed(); });
document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s") { event.preventDefault(); save(); }
});
$("form").addEventListener("submit", (event) => event.preventDefault());
$("save").addEventListener("click", () => save());
document.querySelector("main").addEventListener("focusin", (event) => { state.last = event.target; });
$("jump").addEventListener("click", jump);
window.addEventListener("beforeunload", (event) => { if (state.dirty) event.preventDefault(); });
open().catch(() => announce("the page's server does not answer; load the page again"));
