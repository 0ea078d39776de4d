// A draft: the image, and the five steps before its job can start. Each step is a part with a file of its own; a part
// changes `draft.form`, calls `draft.changed`, and shows the server's answer.

import { makeBrush } from "./brush.js";
import { makeChecklist } from "./checklist.js";
import { isAboutCrop, makeCrop } from "./crop.js";
import { h, put } from "./dom.js";
import { makeLaunch } from "./launch.js";
import { makeOutput } from "./output.js";
import { makePicture } from "./picture.js";
import { followForm } from "./preview.js";
import { makeScale } from "./scale.js";
import { makeSegmentation } from "./segment.js";
import { percent, sentence } from "./words.js";

export async function showDraft(place, { start, job, path, signal, again, leave }) {
  const draft = {
    form: { ...job.form, settings: complete(job.form.settings, start.settings) },
    seen: null, // the last preview
    checked: null, // the last checks, if the form has not changed since
    changed, // to be called after every change of the form
  };
  const follow = followForm(draft, {
    path,
    signal,
    onPreview: show,
    onChecks: () => [checklist, launch].forEach((part) => part.show()),
    onChecksFailed: (error) => checklist.showError(error),
    onConflict: again,
  });
  const address = () => `${path}/image.png${draft.form.page ? `?page=${draft.form.page}` : ""}`;
  const porosity = h("output", { class: "porosity" }, "…");
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const notes = h("ul", { class: "warnings", hidden: true });
  const picture = makePicture({
    under: h("p", { class: "under" }, "porosity ", porosity, h("span", { class: "note" }, " inside the frame")),
    width: job.image.width,
    height: job.image.height,
    src: address(),
    name: job.name,
    onCrop: (rectangle) => crop.dragged(rectangle),
    onLine: (line) => scale.lineDrawn(line),
    onStroke: (points) => brush.drawn(points),
    onMode: (mode) => scale.modeChosen(mode),
  });
  const scale = makeScale(draft, picture);
  const crop = makeCrop(draft, picture, { pages: job.image.pages, address });
  const brush = makeBrush(draft, picture, { path, image: job.image, signal, onTaught: (taught) => segmentation.taught(taught) });
  const segmentation = makeSegmentation(draft, { brush, defaults: start.settings.segmentation, methods: start.choices.method });
  const checklist = makeChecklist(draft);
  const output = makeOutput(draft, start.choices);
  const launch = makeLaunch(draft, { job, path, again, leave });

  function changed() {
    follow();
    picture.setPale(true);
    launch.show();
  }

  function show(seen) {
    picture.setPale(false);
    problem.hidden = !(seen.error || seen.problem);
    problem.textContent = sentence(seen.error || seen.problem);
    launch.show();
    if (seen.error) return;
    picture.setPores(seen, seen.crop);
    porosity.textContent = seen.porosity === undefined ? "–" : percent(seen.porosity);
    put(
      notes,
      seen.warnings.filter((words) => !isAboutCrop(words)).map((words) => h("li", {}, sentence(words))),
    );
    notes.hidden = !notes.children.length;
    for (const part of [crop, scale, segmentation, output, checklist]) part.show(seen);
  }

  put(
    place,
    h(
      "div",
      { class: "editor" },
      h("div", { class: "left" }, picture.element, problem, notes),
      h(
        "div",
        { class: "right" },
        step("1", "How large is a pixel?", scale.elements),
        step("2", "Which part of the image is used?", crop.elements),
        step("3", "Which pixels are pore?", segmentation.elements),
        step("4", "Is the image representative?", checklist.element),
        step("5", "What is to be generated?", output.elements),
        launch.elements,
      ),
    ),
  );
  changed();
}

/** Return all settings: those of a form, and defaults for those it leaves out. */
function complete(settings, defaults) {
  const whole = structuredClone(defaults);
  for (const [group, table] of Object.entries(settings ?? {})) Object.assign(whole[group], table);
  return whole;
}

const step = (n, title, ...children) => h("section", { class: "card", "aria-labelledby": `step-${n}` }, h("h2", { id: `step-${n}` }, h("span", { class: "step" }, n), title), ...children);
