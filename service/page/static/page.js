"use strict";
// Hands a file in as a job, asks how far it is, shows the result. No library; every text goes in as text.
const $ = (id) => document.getElementById(id);
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
let current = null; // the job on the page: { id, file, stopped }
let shown = null; // the address of the view in the frame

function headers() {
  const token = $("token").value;
  return token ? { Authorization: `Bearer ${token}` } : {};
}

async function ask(path, options = {}) {
  for (let tries = 0; ; tries += 1) {
    const answer = await fetch(path, { ...options, headers: headers() });
    if (answer.ok) return answer;
    const later = Number(answer.headers.get("Retry-After")) || 0;
    if ((answer.status === 429 || answer.status === 503) && tries < 5 && later) {
      $("stage").textContent = `waiting ${later} s for room`;
      await wait(1000 * later);
      continue;
    }
    const problem = await answer.json().catch(() => ({ detail: `the service answered ${answer.status}.` }));
    if (answer.status === 401) needToken();
    throw new Error([problem.detail, problem.remedy].filter(Boolean).join("\n"));
  }
}

function needToken() {
  $("token-label").hidden = false;
  $("token").focus();
}

function query(format) {
  const chosen = new URLSearchParams({ format });
  for (const name of ["max_tokens", "ocr", "languages"]) if ($(name).value) chosen.set(name, $(name).value);
  return chosen;
}

function show(problem) {
  $("problem").hidden = !problem;
  $("problem").textContent = problem || "";
}

async function start(file) {
  if (!file) return;
  await forget();
  const job = { file, stopped: false };
  current = job;
  $("work").hidden = false;
  $("view").hidden = true;
  $("jsonl").hidden = true;
  $("cancel").hidden = false;
  $("name").textContent = file.name;
  $("stage").textContent = "sending";
  $("bar").hidden = false;
  $("bar").removeAttribute("value");
  $("cancel").textContent = "Stop and forget it";
  show("");
  try {
    const form = new FormData();
    form.set("file", file);
    const made = await (await ask(`/v1/jobs?${query("html")}`, { method: "POST", body: form })).json();
    job.id = made.id;
    await follow(job);
  } catch (error) {
    if (current === job) {
      show(error.message);
      $("stage").textContent = "";
      $("bar").value = 0;
      $("cancel").hidden = true;
    }
  }
}

async function follow(job) {
  while (!job.stopped) {
    const now = await (await ask(`/v1/jobs/${job.id}`)).json();
    if (job.stopped) return;
    const { stage, done, total } = now.progress;
    const unit = { reading: "pages", chunking: "blocks" }[stage] || "";
    $("stage").textContent = total ? `${stage}: ${done} of ${total} ${unit}` : stage;
    if (total) {
      $("bar").max = total;
      $("bar").value = done;
    }
    if (now.state === "failed") throw new Error([now.error.what, now.error.remedy].filter(Boolean).join("\n"));
    if (now.state === "done") return finish(job, now);
    await wait(500);
  }
}

async function finish(job, now) {
  const html = await (await ask(`/v1/jobs/${job.id}/result`)).blob();
  if (job.stopped) return;
  if (shown) URL.revokeObjectURL(shown);
  shown = URL.createObjectURL(new Blob([html], { type: "text/html" }));
  $("view").src = shown;
  $("view").hidden = false;
  $("jsonl").hidden = false;
  $("form").classList.add("shown");
  const { pages, chunks, warnings } = now.outcome;
  $("stage").textContent = `${chunks} chunks${pages ? ` on ${pages} pages` : ""}`;
  $("bar").hidden = true;
  $("cancel").textContent = "Forget it";
  show(warnings.join("\n"));
}

async function forget() {
  const job = current;
  current = null;
  if (!job) return;
  job.stopped = true;
  if (job.id) await fetch(`/v1/jobs/${job.id}`, { method: "DELETE", headers: headers() }).catch(() => {});
}

async function save() {
  const job = current;
  if (!job) return;
  $("jsonl").disabled = true;
  try {
    const form = new FormData();
    form.set("file", job.file);
    const made = await (await ask(`/v1/jobs?${query("jsonl")}`, { method: "POST", body: form })).json();
    let state = "";
    while (state !== "done") {
      await wait(300);
      const now = await (await ask(`/v1/jobs/${made.id}`)).json();
      state = now.state;
      if (state === "failed") throw new Error(now.error.what);
    }
    const data = await (await ask(`/v1/jobs/${made.id}/result`)).blob();
    await ask(`/v1/jobs/${made.id}`, { method: "DELETE" });
    const link = document.createElement("a");
    link.href = URL.createObjectURL(data);
    link.download = `${job.file.name}.chunks.jsonl`;
    link.click();
    URL.revokeObjectURL(link.href);
  } catch (error) {
    show(error.message);
  } finally {
    $("jsonl").disabled = false;
  }
}

async function ready() {
  const answer = await fetch("/readyz").catch(() => null);
  $("state").textContent = answer && answer.ok ? "ready" : "not ready; trying again";
  if (!answer || !answer.ok) setTimeout(ready, 2000);
}

const drop = $("drop");
for (const name of ["dragenter", "dragover"]) {
  drop.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
}
for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => drop.classList.remove("over"));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  start(event.dataTransfer.files[0]);
});
drop.addEventListener("keydown", (event) => {
  if (event.key === "Enter") $("file").click();
});
$("file").addEventListener("change", () => {
  start($("file").files[0]);
  $("file").value = "";
});
$("form").addEventListener("submit", (event) => event.preventDefault());
$("cancel").addEventListener("click", async () => {
  await forget();
  $("work").hidden = true;
  $("view").hidden = true;
  $("form").classList.remove("shown");
});
$("jsonl").addEventListener("click", save);
ready();
