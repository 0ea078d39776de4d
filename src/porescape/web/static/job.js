// A job, whatever its state: a draft is edited, a running job is watched, a finished one is read.

import { get } from "./api.js";
import { h, put } from "./dom.js";
import { showDraft } from "./draft.js";
import { showResult } from "./result.js";
import { showRunning } from "./running.js";
import { showStopped } from "./stopped.js";
import { sizeText } from "./words.js";

const VIEWS = { draft: showDraft, queued: showRunning, running: showRunning, done: showResult };

export async function showJob(main, start, key, signal) {
  const job = await get(`/api/jobs/${key}`);
  if (signal.aborted) return;
  document.title = `${job.name} · porescape`;
  const place = h("div", { class: "view" });
  const { kind, width, height, bytes } = job.image;
  put(
    main,
    h("nav", { class: "back", "aria-label": "Back" }, h("a", { href: "#/" }, "← all jobs")),
    h("div", { class: "job-head" }, h("h1", {}, job.name), h("p", { class: "note" }, `${kind}, ${width} × ${height} pixels, ${sizeText(bytes)}`)),
    place,
  );
  const ended = new AbortController(); // of this view of the job; its state may change under the same address
  signal.addEventListener("abort", () => ended.abort());
  const again = () => {
    ended.abort();
    if (!signal.aborted) showJob(main, start, key, signal).catch((error) => put(place, h("p", { class: "problem", role: "alert" }, error.message)));
  };
  const view = VIEWS[job.state] ?? showStopped;
  await view(place, { start, job, path: `/api/jobs/${key}`, signal: ended.signal, again, leave: () => ended.abort() });
}
