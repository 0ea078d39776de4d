// Starting: what prevents it, what the job costs, and the same job on the command line.

import { act, deleteButton } from "./actions.js";
import { post } from "./api.js";
import { announce, h } from "./dom.js";
import { sentence } from "./words.js";

export function makeLaunch(draft, { job, path, again, leave }) {
  const { checks } = draft.form.settings;
  const said = h("p", { class: "problem", role: "alert", hidden: true });
  const why = h("p", { class: "note" });
  const command = h("code", { tabindex: "0" });
  const copy = act("Copy", "button small", said, async () => {
    await navigator.clipboard.writeText(command.textContent);
    announce("copied");
  });
  const go = act("Start", "button main large", said, async () => {
    await post(`${path}/start`, draft.form);
    again();
  });

  function obstacle() {
    const { seen, checked } = draft;
    if (!seen) return "Analysing the image …";
    if (seen.error) return sentence(seen.error);
    if (seen.missing) return "The pixel size is missing: enter it, or measure the scale bar.";
    if (seen.problem) return sentence(seen.problem);
    if (seen.needs.problem) return sentence(seen.needs.problem);
    const failed = (checked ?? []).filter((check) => check.status === "fail" && !checks.accept.includes(check.name));
    if (failed.length) return `The image fails the check of ${failed.map((check) => check.name).join(" and ")}. Use another image or crop, or continue anyway.`;
    return "";
  }

  function cost({ time, cores, memory, disk }) {
    return `Estimated: ${time} on ${cores} ${cores === 1 ? "core" : "cores"}, ${memory} of memory, ${disk} of disk.`;
  }

  return {
    elements: [
      h("section", { class: "card start", "aria-label": "Start" }, h("p", { class: "buttons" }, go, why), said),
      h(
        "section",
        { class: "rest" },
        h("details", {}, h("summary", {}, "The same job on the command line"), h("div", { class: "command" }, command, copy)),
        h("p", { class: "buttons" }, deleteButton(job, path, said, leave)),
      ),
    ],
    show() {
      const words = obstacle();
      go.setAttribute("aria-disabled", String(Boolean(words)));
      go.disabled = Boolean(words);
      why.textContent = words || cost(draft.seen.needs);
      command.textContent = draft.seen?.command ?? "";
    },
  };
}
