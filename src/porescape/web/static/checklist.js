// The checks of the image, each with an explanation; a failed one can be overruled.

import { h, put } from "./dom.js";
import { tick } from "./fields.js";
import { sentence } from "./words.js";

const STATUS = { ok: "passed", warn: "doubtful", fail: "failed" };

export function makeChecklist(draft) {
  const { checks } = draft.form.settings;
  const element = h("ul", { class: "checks" }, h("li", { class: "note" }, "…"));

  const overrule = (check) =>
    tick({ label: "Continue anyway", value: checks.accept.includes(check.name) }, (on) => {
      checks.accept = on ? [...new Set([...checks.accept, check.name])] : checks.accept.filter((name) => name !== check.name);
      draft.changed();
    });

  const row = (check) =>
    h(
      "li",
      { class: check.status },
      h("p", {}, h("b", {}, `${sentence(check.name).slice(0, -1)}: ${STATUS[check.status]}. `), sentence(check.sentence)),
      check.status === "fail" && overrule(check),
    );

  return {
    element,
    show() {
      if (draft.checked) put(element, draft.checked.map(row));
      else put(element, h("li", { class: "note" }, draft.seen?.pixel_size ? "…" : "The checks need the pixel size."));
    },
    showError(error) {
      put(element, h("li", { class: "problem" }, sentence(error.message)));
    },
  };
}
