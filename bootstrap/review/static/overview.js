"use strict";
// Shows where every run stands: asks every two seconds, slower while nothing is at work.

const OFTEN = 2000, SELDOM = 10000;
const FIELDS = ["state", "round", "kept", "now", "left", "spent", "more"];

function rowOf(run) {
  const row = document.createElement("tr"), name = document.createElement("th");
  name.scope = "row";
  name.textContent = run.name;
  name.title = run.folder;
  row.dataset.state = run.state;
  row.append(name);
  for (const field of FIELDS) {
    const cell = document.createElement("td");
    cell.textContent = run[field] || "";
    row.append(cell);
  }
  return row;
}

async function follow() {
  const told = document.getElementById("told");
  let wait = SELDOM;
  try {
    const answer = await fetch("/api/overview");
    if (!answer.ok) throw new Error(answer.status);
    const state = await answer.json();
    if (told.textContent !== state.told) told.textContent = state.told;
    document.getElementById("rows").replaceChildren(...state.rows.map(rowOf));
    if (state.rows.some((run) => run.state === "at work")) wait = OFTEN;
  } catch {
    told.textContent = "the page is no longer served: run bootstrap watch --all --open again";
  }
  setTimeout(follow, wait);
}

follow();
