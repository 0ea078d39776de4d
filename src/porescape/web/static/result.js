// A finished job: its main numbers, its warnings, and links to everything else.

import { jobButtons } from "./actions.js";
import { announce, h, put } from "./dom.js";
import { bound, sentence, sizeText } from "./words.js";

export function showResult(place, { job, path }) {
  const said = h("p", { class: "problem", role: "alert", hidden: true });
  const found = job.results;
  const page = path.replace("/api", "");
  announce("the job is done");
  if (!found) {
    put(place, h("section", { class: "card" }, h("h2", {}, "The results cannot be read"), h("p", {}, "Files of this job are missing or were changed. Make a new job with these settings."), h("p", { class: "buttons" }, jobButtons(job, path, said)), said));
    return;
  }
  const several = found.replicas > 1;
  put(
    place,
    h(
      "section",
      { class: "card result" },
      h("h2", {}, "Done"),
      found.verdict && h("p", { class: `verdict ${found.verdict.level}` }, h("b", {}, `${found.verdict.head}. `), found.verdict.reasons.join(" ")),
      h("p", {}, bound(`${found.replicas} ${several ? "replicas" : "replica"} of ${found.shape.join(" × ")} voxels of ${found.voxel}. Porosity of the image ${found.image_porosity}.`)),
      h("dl", { class: "keys" }, found.keys.map((row) => h("div", {}, h("dt", {}, row.label, row.condition && h("small", {}, ` ${row.condition}`)), h("dd", {}, h("span", { class: "value" }, row.mean), row.unit && h("span", { class: "unit" }, ` ${row.unit}`), h("span", { class: "interval" }, interval(row)))))),
      h("p", { class: "note" }, bound(several ? "Means over the replicas with 95 % intervals. " : "These are the numbers of one replica; intervals need several. "), bound(`Selected: ${found.because}.`)),
      h(
        "p",
        { class: "buttons" },
        h("a", { class: "button main", href: `${page}/report`, target: "_blank", rel: "noopener" }, "Open the report"),
        h("a", { class: "button main", href: `${page}/download.zip`, download: "" }, `Download everything (zip, about ${sizeText(found.bytes)})`),
        jobButtons(job, path, said),
      ),
      said,
    ),
    job.pictures.length === 2 &&
      h(
        "section",
        { class: "card" },
        h("h2", {}, "Image and reconstruction"),
        h("div", { class: "pair" }, slice(`${path}/real.png`, "Part of the segmented image"), slice(`${path}/best.png`, `The middle slice of ${found.selected.replace("-0", " ").replace("-", " ")}, at the same scale`)),
        h("p", { class: "note" }, "Pores are dark. The report shows slices across all three axes, and the structure in 3-D."),
      ),
    found.warnings.length > 0 && h("section", { class: "card" }, h("h2", {}, "Before you use these numbers"), h("ul", { class: "warnings" }, found.warnings.map((words) => h("li", {}, sentence(words))))),
    h(
      "section",
      { class: "card" },
      h("details", {}, h("summary", {}, `All ${found.rows.length} numbers`), h("div", { class: "scroll" }, numbers(found.rows))),
      h("details", {}, h("summary", {}, `What is in the zip: ${found.files.length} files`), h("ul", { class: "files" }, found.files.map((name) => h("li", {}, h("code", {}, name))))),
    ),
  );
}

const slice = (src, words) => h("figure", {}, h("img", { src, alt: words, class: "slice" }), h("figcaption", {}, words));

const interval = (row) => (row.n < 1 ? "undefined in every replica" : row.n < 2 ? "one value: no interval" : row.low === row.high ? "the same in every replica" : `95 %: ${row.low} to ${row.high}${row.lacks ? ` ○ ${row.lacks}` : ""}`);

function numbers(rows) {
  return h(
    "table",
    {},
    h("thead", {}, h("tr", {}, ["Number", "Mean", "95 % interval", "Unit"].map((words) => h("th", { scope: "col" }, words)))),
    h("tbody", {}, rows.map((row) => h("tr", {}, h("th", { scope: "row" }, row.condition ? `${row.label}, ${row.condition}` : row.label, h("small", {}, row.definition)), h("td", {}, row.mean), h("td", {}, row.n > 1 ? `${row.low} … ${row.high}${row.lacks ? " ○" : ""}` : "–"), h("td", {}, row.unit || "1")))),
  );
}
