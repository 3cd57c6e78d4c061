"use strict";
// Follows a run: asks where it stands every two seconds, slower once nobody works on it, and shows what came.

const one = (id) => document.getElementById(id);
const OFTEN = 2000, SELDOM = 10000;
let shown = "";

function entry(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

function said(picture) {
  if (!picture.verdict) return "not judged yet";
  return `${picture.verdict} by ${picture.by === "person" ? "you" : "the gate"}`;
}

function pictureOf(picture) {
  const item = document.createElement("li"), image = document.createElement("img");
  item.dataset.verdict = picture.verdict;
  image.src = `/thumbs/m/${encodeURIComponent(picture.id)}`;
  image.alt = `${picture.shot}, round ${picture.round}: ${said(picture)}`;
  const text = entry("p", ` ${picture.shot}`);
  text.prepend(entry("strong", said(picture)));
  if (picture.reasons.length) text.append(`. ${picture.reasons.join(", ")}`);
  item.append(image, text);
  return item;
}

function familyOf([name, counts]) {
  return entry("li", `${name} ${counts.kept + counts.provisional} / ${counts.quota ?? "?"}`);
}

function show(state) {
  const idle = state.running || state.finished ? "" : " (nobody is working on it)";
  one("kept").textContent = state.kept;
  if (one("now").textContent !== state.now + idle) one("now").textContent = state.now + idle;
  one("purpose").textContent = state.purpose;
  one("fake").textContent = state.fake;
  one("fake").hidden = !state.fake;
  one("bar").hidden = !state.running || state.finished;
  if (state.total > 1) { one("bar").max = state.total; one("bar").value = state.done; } else one("bar").removeAttribute("value");
  one("families").replaceChildren(...Object.entries(state.view_families).map(familyOf));
  one("events").replaceChildren(...state.events.map((text) => entry("li", text)));
  one("none").hidden = state.frames.length > 0;
  const pictures = JSON.stringify(state.frames);
  if (pictures !== shown) {
    shown = pictures;
    one("pictures").replaceChildren(...state.frames.map(pictureOf));
  }
}

async function follow() {
  let wait = SELDOM;
  try {
    const answer = await fetch("/api/live");
    if (!answer.ok) throw new Error(answer.status);
    const state = await answer.json();
    show(state);
    if (state.running && !state.finished) wait = OFTEN;
  } catch {
    one("now").textContent = "the page is no longer served: run bootstrap watch --open again";
  }
  setTimeout(follow, wait);
}

follow();
