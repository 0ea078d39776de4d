// Which pixels are pore: the threshold, and the filters before and after it.

import { h } from "./dom.js";
import { choice, length, number, select } from "./fields.js";

const METHODS = { adaptive: "adaptive (local mean)", otsu: "Otsu (one threshold)", sauvola: "Sauvola (local)", plane: "plane (solid behind it left out)", taught: "taught (by your strokes)", fixed: "fixed" };
const USES = { adaptive: ["sensitivity", "window"], sauvola: ["window"], fixed: ["threshold"], otsu: [], plane: [], taught: [] };
const SCOPES = { "total sheet": "all pores, of the sheet", "total crop": "all pores, of this crop", "resolved sheet": "visible pores, of the sheet", "resolved crop": "visible pores, of this crop" };
const COATING_SD = 0.25; // of its thickness, as on the command line
const USUAL_SD = 0.02; // of a measured porosity, until another is given
const MIDDLE = 0.5; // where the fixed threshold begins

export function makeSegmentation(draft, { brush, defaults, methods }) {
  const { segmentation } = draft.form.settings;
  let learned = segmentation.taught ?? null; // kept while another method is tried
  const set = (name) => (value) => {
    segmentation[name] = value;
    draft.changed();
  };
  const fields = {
    sensitivity: number({ label: "Sensitivity", value: segmentation.sensitivity, min: "0", max: "1", step: 0.01, slider: [0.3, 0.9], note: "higher: more of the image is bright" }, set("sensitivity")),
    threshold: number({ label: "Grey level", value: segmentation.threshold ?? MIDDLE, min: "0", max: "1", step: 0.01, slider: [0, 1], note: "0 is black, 1 is white" }, set("threshold")),
    window: number({ label: "Neighbourhood", value: segmentation.window, min: "3", step: 2, optional: true, placeholder: "a sixteenth of the image", note: "edge in pixels, odd; at least twice the largest pore" }, set("window")),
    smoothing: number({ label: "Smoothing", value: segmentation.smoothing, min: "0", max: "50", step: 0.1, slider: [0, 5], note: "before the threshold; width of the Gaussian in pixels" }, set("smoothing")),
    median: number({ label: "Median filter", value: segmentation.median, min: "0", max: "99", step: 1, note: "after the threshold; edge in pixels, odd; 0 for none" }, (value) => {
      if (value === 0 || value % 2 === 1) set("median")(value);
    }),
    speck: number({ label: "Remove specks", value: segmentation.speck, min: "0", max: "1000000", note: "smaller than this area in pixels" }, set("speck")),
  };
  const method = select({ label: "Threshold method", value: segmentation.method, options: methods.map((key) => [key, METHODS[key] ?? key]) }, (value) => {
    if (value === "taught" && !learned) {
      method.set(segmentation.method);
      teaching.open = true;
      teaching.scrollIntoView({ block: "nearest" });
      return;
    }
    setMethod(value);
    draft.changed();
  });
  function setMethod(value) {
    segmentation.method = value;
    segmentation.threshold = value === "fixed" ? (segmentation.threshold ?? MIDDLE) : null;
    segmentation.taught = value === "taught" ? learned : null;
    method.set(value);
    showMethod();
    brush.show();
  }
  const coating = length({ label: "Metal coating", value: segmentation.coating?.[0] ?? null, placeholder: "none", note: "its thickness, e.g. 4 nm; it is taken off the walls" }, (value) => {
    segmentation.coating = value === null ? null : [value, value * COATING_SD];
    draft.changed();
  });
  const measured = {
    value: number({ label: "Measured porosity", value: segmentation.porosity?.[0] ?? null, min: "0.001", max: "0.999", step: 0.001, optional: true, placeholder: "none", note: "a fraction, from weighing, pycnometry or mercury; moves the outline within what is plausible" }, (value) => {
      segmentation.porosity = value === null ? null : [value, segmentation.porosity?.[1] ?? USUAL_SD];
      showMeasured();
      draft.changed();
    }),
    sd: number({ label: "Its uncertainty (±)", value: segmentation.porosity?.[1] ?? USUAL_SD, min: "0.001", max: "0.5", step: 0.001, note: "one standard deviation" }, (value) => {
      segmentation.porosity = segmentation.porosity && [segmentation.porosity[0], value];
      draft.changed();
    }),
    scope: select({ label: "What was measured", value: segmentation.porosity_scope, options: Object.entries(SCOPES) }, set("porosity_scope")),
  };
  const showMeasured = () => {
    for (const name of ["sd", "scope"]) measured[name].hidden = segmentation.porosity == null;
  };
  const pore = choice("pores are", [["dark", "Pores are dark"], ["bright", "Pores are bright"]], segmentation.pore, (value) => {
    set("pore")(value);
    brush.again();
  });
  const showMethod = () => {
    for (const name of ["sensitivity", "threshold", "window"]) fields[name].hidden = !USES[segmentation.method].includes(name);
  };
  const reset = () => {
    Object.assign(segmentation, { window: null, threshold: null, coating: null, porosity: null, taught: null }, defaults);
    learned = null;
    brush.forget();
    coating.set(null);
    measured.value.set(null);
    measured.sd.set(USUAL_SD);
    measured.scope.set(segmentation.porosity_scope);
    showMeasured();
    method.set(segmentation.method);
    pore.set(segmentation.pore);
    for (const [name, field] of Object.entries(fields)) field.set(segmentation[name] ?? (name === "threshold" ? MIDDLE : null));
    showMethod();
    draft.changed();
  };
  const restore = h("button", { type: "button", class: "button small", onclick: reset }, "Reset to defaults");
  const binary = h("p", { class: "note", hidden: true }, "The image has only two grey levels: it is used as it is; nothing is smoothed or removed.");
  const teaching = h("details", { open: Boolean(learned) }, h("summary", {}, "Teach it with a brush"), brush.elements);
  showMethod();
  showMeasured();

  return {
    elements: [
      h("p", { class: "note" }, "The outline should follow the pores you see. Every result depends on it."),
      binary,
      h("div", { class: "fields" }, pore.element, method, fields.sensitivity, fields.threshold, fields.smoothing),
      teaching,
      h("details", {}, h("summary", {}, "More"), h("div", { class: "fields two" }, fields.window, fields.median, fields.speck, coating, measured.value, measured.sd, measured.scope), h("p", {}, restore)),
    ],
    show(seen) {
      for (const field of [...Object.values(fields), method]) field.classList.toggle("idle", seen.binary);
      binary.hidden = !seen.binary;
      teaching.hidden = seen.binary;
    },
    /** Something was learned from strokes; null: they were cleared. */
    taught(found) {
      const used = segmentation.method === "taught";
      learned = found;
      if (found) setMethod("taught");
      else if (used) setMethod(defaults.method);
      else return;
      draft.changed();
    },
  };
}
