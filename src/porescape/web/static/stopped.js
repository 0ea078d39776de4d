// A job that failed, or was cancelled or interrupted: why, and how to continue.

import { act, jobButtons } from "./actions.js";
import { post } from "./api.js";
import { h, put } from "./dom.js";
import { sentence } from "./words.js";

export function showStopped(place, { job, path, again }) {
  const said = h("p", { class: "problem", role: "alert", hidden: true });
  const heads = { failed: "This job failed", cancelled: "This job was cancelled", interrupted: "This job was interrupted" };
  put(
    place,
    h(
      "section",
      { class: "card stopped" },
      h("h2", {}, heads[job.state]),
      h("p", { class: "job-message" }, sentence(job.message)),
      job.can_go_on && h("p", { class: "note" }, "Its progress is saved: if you continue, the result will be the same, byte for byte, as without the interruption."),
      h(
        "p",
        { class: "buttons" },
        act("Continue", "button main", said, async () => {
          await post(`${path}/go-on`);
          again();
        }),
        ...jobButtons(job, path, said),
      ),
      said,
    ),
  );
}
