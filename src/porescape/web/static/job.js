// A job, whatever its state: a draft is edited, a job under way is watched, a finished one is read.

import { get, post, remove } from "./api.js";
import { h, put } from "./dom.js";
import { showDraft } from "./draft.js";
import { showResult } from "./result.js";
import { showRunning } from "./running.js";
import { bound, sizeText } from "./words.js";

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

/** A job that failed, or was cancelled or interrupted: why, and what can be done. */
function showStopped(place, { job, path, again }) {
  const said = h("p", { class: "problem", role: "alert", hidden: true });
  const heads = { failed: "This job failed", cancelled: "This job was cancelled", interrupted: "This job was interrupted" };
  put(
    place,
    h(
      "section",
      { class: "card stopped" },
      h("h2", {}, heads[job.state]),
      h("p", { class: "job-message" }, sentence(job.message)),
      job.can_go_on && h("p", { class: "note" }, "What it had done is kept: going on gives the same result, to the byte, as if nothing had happened."),
      h(
        "p",
        { class: "buttons" },
        act("Go on", "button main", said, async () => {
          await post(`${path}/go-on`);
          again();
        }),
        ...jobButtons(job, path, said),
      ),
      said,
    ),
  );
}

/** Buttons that every job has once it has ended. */
export function jobButtons(job, path, said, leave = () => {}) {
  return [
    act("Start again from its settings", "button", said, async () => {
      location.hash = `#/job/${(await post(`${path}/again`)).id}`;
    }),
    act("Delete", "button plain", said, async () => {
      if (!confirm(`Delete ${job.name} with everything that belongs to it?`)) return;
      leave(); // what is still being asked of the job is not asked any more
      await remove(path);
      location.hash = "#/";
    }),
  ];
}

/** Return a button; while its work goes on it cannot be pressed, and a failure is said in `said`. */
export function act(words, kind, said, work) {
  const button = h(
    "button",
    {
      type: "button",
      class: kind,
      onclick: async () => {
        said.hidden = button.disabled = true;
        try {
          await work();
        } catch (error) {
          said.textContent = sentence(error.message);
          said.hidden = false;
        } finally {
          button.disabled = false;
        }
      },
    },
    words,
  );
  return button;
}

/** Write words as a sentence. */
export const sentence = (words) => (words ? bound(words[0].toUpperCase() + words.slice(1) + (/[.!?]$/.test(words) ? "" : ".")) : "");
