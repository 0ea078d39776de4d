// A draft: where the picture is, how large a pixel is, what is pore, what is wanted. Every change is looked at
// by the server at once; one question is under way at a time, so that an old answer never follows a newer one.

import { post } from "./api.js";
import { h, put, tell } from "./dom.js";
import { length, number, select, text, tick } from "./fields.js";
import { act, jobButtons, sentence } from "./job.js";
import { choice, makeStage } from "./stage.js";
import { bound, percent } from "./words.js";

const SOON = 120; // milliseconds a change waits for the next one
const LATER = 500; // milliseconds before the checks, which take longer, are asked for
const METHODS = { adaptive: "adaptive (the local mean)", otsu: "Otsu (one level)", sauvola: "Sauvola (local)", fixed: "fixed level" };
const GROUPS = { basic: "sizes and surface", network: "pores and throats", tortuosity: "tortuosity", permeability: "permeability", filtration: "filtration" };
const CHECKED = { ok: "fine", warn: "doubtful", fail: "no" };

export async function showDraft(place, { start, job, path, signal, again, leave }) {
  const defaults = start.settings;
  const form = { ...job.form, settings: structuredClone(defaults) };
  for (const [group, table] of Object.entries(job.form.settings ?? {})) Object.assign(form.settings[group], table);
  const { segmentation, checks, fit, output, measure } = form.settings;
  let seen = null; // the last answer to a look
  let checked = null; // the last answer to a check, of the form as it stands

  // -- ask, and show what comes back

  let dirty = false;
  let asking = false;
  let soon = 0;
  let later = 0;
  const changed = () => {
    dirty = true;
    checked = null;
    stage.setPale(true);
    clearTimeout(soon);
    clearTimeout(later);
    soon = setTimeout(ask, SOON);
    showStart();
  };
  signal.addEventListener("abort", () => [soon, later].forEach(clearTimeout));

  async function ask() {
    if (asking || signal.aborted) return;
    asking = true;
    while (dirty && !signal.aborted) {
      dirty = false;
      try {
        seen = await post(`${path}/look`, form, signal);
      } catch (error) {
        if (signal.aborted) return;
        seen = { error: error.message };
        if (error.status === 409) return again();
      }
    }
    asking = false;
    if (signal.aborted) return;
    show();
    if (seen.pixel_size && seen.porosity !== undefined) later = setTimeout(askChecks, checks.accept.length ? 0 : LATER);
  }

  async function askChecks() {
    const of = JSON.stringify(form);
    try {
      const answer = await post(`${path}/check`, form, signal);
      if (of === JSON.stringify(form) && !signal.aborted) checked = answer.checks;
    } catch (error) {
      if (!signal.aborted) put(checkList, h("li", { class: "problem" }, sentence(error.message)));
      return;
    }
    showChecks();
    showStart();
  }

  // -- the image

  const porosity = h("output", { class: "porosity" }, "…");
  const under = h("p", { class: "under" }, "porosity ", porosity, h("span", { class: "note" }, " of the area inside the frame"));
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const stage = makeStage({
    under,
    width: job.image.width,
    height: job.image.height,
    src: picture(),
    name: job.name,
    onCrop: (crop) => {
      form.crop = crop;
      cropFields.forEach((field, i) => field.set(crop[i]));
      changed();
    },
    onLine: (line) => {
      form.line = line;
      delete form.pixel_size;
      pixelSize.set("");
      showLine();
      if (form.length) changed();
      else lineLength.box.focus({ preventScroll: true });
    },
    onMode: (mode) => (lineBox.hidden = mode !== "line" && !form.line),
  });

  function picture() {
    return `${path}/image.png${form.page ? `?page=${form.page}` : ""}`;
  }

  // -- scale

  const scaleSays = h("p", { class: "says" }, "…");
  const pixelSize = text({ label: "Pixel size", placeholder: "as the file says", value: form.pixel_size, note: "with its unit, e.g. 0.1 µm; leave it empty to take what the file says" }, (value) => {
    form.pixel_size = value;
    form.line = form.length = null;
    lineLength.set("");
    stage.setLine(null);
    showLine();
    changed();
  });
  const lineLength = text({ label: "The line is", placeholder: "10 µm", value: form.length, note: "what the label beside the bar says" }, (value) => {
    form.length = value;
    if (form.line) changed();
  });
  const lineSays = h("p", { class: "note" });
  const lineBox = h("div", { class: "line-box", hidden: true }, lineSays, lineLength);
  const drawButton = h("button", { type: "button", class: "button", onclick: () => startLine() }, "Measure the scale bar instead");

  function startLine() {
    stage.setMode("line");
    if (!form.line && seen?.bar) {
      form.line = seen.bar.line;
      stage.setLine(form.line);
    }
    showLine();
    stage.element.scrollIntoView({ block: "nearest" });
    if (form.line) lineLength.box.focus({ preventScroll: true });
  }

  function showLine() {
    lineBox.hidden = !form.line && lineBox.hidden;
    const [x0, y0, x1, y1] = form.line ?? [0, 0, 0, 0];
    lineSays.textContent = form.line
      ? `The line is ${Math.hypot(x1 - x0, y1 - y0).toFixed(1)} pixels long. Drag its ends, or move them with the arrow keys; zoom in to see them better.`
      : "Draw a line over the scale bar, from one end to the other.";
  }

  // -- crop

  const cropSays = h("p", { class: "says" });
  const cropFields = ["Top", "Left", "Height", "Width"].map((label, i) =>
    number({ label, value: null, min: "0", step: 1 }, (value) => {
      form.crop = [...(form.crop ?? seen.crop)];
      form.crop[i] = value;
      stage.setCrop(form.crop);
      changed();
    }),
  );
  const cropButtons = h(
    "p",
    { class: "buttons" },
    h("button", { type: "button", class: "button", onclick: () => stage.setMode("crop") }, "Drag a rectangle"),
    h(
      "button",
      {
        type: "button",
        class: "button",
        onclick: () => {
          form.crop = null;
          changed();
        },
      },
      "Find the picture",
    ),
    h(
      "button",
      {
        type: "button",
        class: "button",
        onclick: () => {
          form.crop = [0, 0, seen.height, seen.width];
          changed();
        },
      },
      "Whole image",
    ),
  );
  const page =
    job.image.pages > 1 &&
    number({ label: `Image in the file, 1 to ${job.image.pages}`, value: form.page ?? 1, min: "1", max: String(job.image.pages) }, (value) => {
      form.page = value;
      form.crop = null;
      stage.setPicture(picture());
      changed();
    });

  // -- pores

  const set = (table, name) => (value) => {
    table[name] = value;
    changed();
  };
  const segmentationFields = {
    sensitivity: number({ label: "Sensitivity", value: segmentation.sensitivity, min: "0", max: "1", step: 0.01, slider: [0.3, 0.9], note: "higher: more of the image is bright" }, set(segmentation, "sensitivity")),
    threshold: number({ label: "Level", value: segmentation.threshold ?? 0.5, min: "0", max: "1", step: 0.01, slider: [0, 1], note: "0 is black, 1 is white" }, set(segmentation, "threshold")),
    window: number({ label: "Neighbourhood", value: segmentation.window, min: "3", step: 2, optional: true, placeholder: "a sixteenth of the image", note: "edge in pixels, odd; at least twice the largest pore" }, set(segmentation, "window")),
    smoothing: number({ label: "Smoothing before", value: segmentation.smoothing, min: "0", max: "50", step: 0.1, slider: [0, 5], note: "pixels" }, set(segmentation, "smoothing")),
    median: number({ label: "Median after", value: segmentation.median, min: "0", max: "99", step: 1, note: "edge in pixels, odd; 0 for none" }, (value) => {
      if (value === 0 || value % 2 === 1) set(segmentation, "median")(value);
    }),
    speck: number({ label: "Remove specks below", value: segmentation.speck, min: "0", max: "1000000", note: "pixels of area" }, set(segmentation, "speck")),
  };
  const uses = { adaptive: ["sensitivity", "window"], sauvola: ["window"], fixed: ["threshold"], otsu: [] };
  const method = select({ label: "Threshold", value: segmentation.method, options: start.choices.method.map((key) => [key, METHODS[key] ?? key]) }, (value) => {
    segmentation.method = value;
    segmentation.threshold = value === "fixed" ? (segmentation.threshold ?? 0.5) : null;
    showMethod();
    changed();
  });
  const pore = choice("pores are", [["dark", "Pores are dark"], ["bright", "Pores are bright"]], segmentation.pore, set(segmentation, "pore"));
  const showMethod = () => {
    for (const name of ["sensitivity", "threshold", "window"]) segmentationFields[name].hidden = !uses[segmentation.method].includes(name);
  };
  const usual = h(
    "button",
    {
      type: "button",
      class: "button small",
      onclick: () => {
        Object.assign(segmentation, { window: null, threshold: null }, defaults.segmentation);
        method.set(segmentation.method);
        pore.set(segmentation.pore);
        for (const [name, field] of Object.entries(segmentationFields)) field.set(segmentation[name] ?? (name === "threshold" ? 0.5 : null));
        showMethod();
        changed();
      },
    },
    "Back to the usual",
  );

  // -- checks

  const checkList = h("ul", { class: "checks" }, h("li", { class: "note" }, "…"));

  function showChecks() {
    if (!checked) return put(checkList, h("li", { class: "note" }, seen?.pixel_size ? "…" : "They wait for the pixel size."));
    return put(
      checkList,
      checked.map((check) =>
        h(
          "li",
          { class: check.status },
          h("p", {}, h("b", {}, `${sentence(check.name).slice(0, -1)}: ${CHECKED[check.status]}. `), sentence(check.sentence)),
          check.status === "fail" &&
            tick({ label: "Go on all the same", value: checks.accept.includes(check.name) }, (on) => {
              checks.accept = on ? [...new Set([...checks.accept, check.name])] : checks.accept.filter((name) => name !== check.name);
              changed();
            }),
        ),
      ),
    );
  }

  // -- what is wanted

  const boxSays = h("p", { class: "note" });
  const isCube = () => new Set(output.size).size === 1;
  const edges = ["Depth z", "Height y", "Width x"].map((label, axis) => number({ label, value: output.size[axis], min: "16", max: "2048" }, (value) => {
    output.size[axis] = value;
    changed();
  }));
  const edge = number({ label: "Edge of the box", value: output.size[0], min: "16", max: "2048", note: "voxels" }, (value) => {
    output.size = [value, value, value];
    edges.forEach((field) => field.set(value));
    changed();
  });
  const edgeBox = h("div", { class: "fields three", hidden: isCube() }, edges);
  edge.hidden = !isCube();
  const cube = tick({ label: "a cube", value: isCube() }, (on) => {
    edge.hidden = !on;
    edgeBox.hidden = on;
    if (on) {
      output.size = Array(3).fill(output.size[0]);
      edge.set(output.size[0]);
      edges.forEach((field) => field.set(output.size[0]));
      changed();
    }
  });
  const wanted = (name) => measure.numbers.includes("all") || measure.numbers.includes(name);
  const groups = start.choices.numbers.map((name) =>
    tick({ label: GROUPS[name] ?? name, value: wanted(name) }, () => {
      const on = start.choices.numbers.filter((_, k) => groups[k].box.checked);
      if (!on.length) return void (groups[0].box.checked = true);
      measure.numbers = on.length === groups.length ? ["all"] : on;
      changed();
    }),
  );
  const words = (table, name, list) => select({ label: name[0].toUpperCase() + name.slice(1), value: table[name], options: list.map((key) => [key, key]) }, set(table, name));
  const more = h(
    "details",
    {},
    h("summary", {}, "More settings"),
    h(
      "div",
      { class: "fields two" },
      number({ label: "Seed", value: form.seed ?? 0, min: "0", note: "the same seed gives the same structures" }, (value) => {
        form.seed = value;
        changed();
      }),
      number({ label: "Workers", value: form.workers, min: "1", max: "1024", optional: true, placeholder: "all cores" }, (value) => {
        form.workers = value;
        changed();
      }),
      length({ label: "Voxel size", value: output.voxel_size, placeholder: "chosen from the image" }, set(output, "voxel_size")),
      number({ label: "Fitted cube", value: fit.size, min: "32", max: "512", note: "edge in voxels" }, set(fit, "size")),
      words(fit, "method", start.choices.fit_method),
      words(fit, "family", start.choices.family),
      words(fit, "sampler", start.choices.sampler),
      words(fit, "percolate", start.choices.percolate),
      length({ label: "Membrane thickness", value: measure.geometry.thickness, placeholder: "the box", note: "for retention and water flux" }, set(measure, "thickness")),
      number({ label: "Pressure", value: measure.pressure / 1e5, min: "0.00001", step: "any", note: "bar, for the water flux" }, (value) => set(measure, "pressure")(Number((value * 1e5).toPrecision(12)))),
      number({ label: "Surface tension", value: measure.surface_tension, min: "0.0001", max: "10", step: "any", note: "N/m, of porometry's wetting liquid" }, set(measure, "surface_tension")),
      number({ label: "Contact angle", value: measure.contact_angle, min: "0", max: "89.9", step: "any", note: "degrees, of that liquid" }, set(measure, "contact_angle")),
      tick({ label: "opposite faces match (periodic)", value: output.periodic }, set(output, "periodic")),
    ),
  );

  // -- start

  const said = h("p", { class: "problem", role: "alert", hidden: true });
  const why = h("p", { class: "note" });
  const command = h("code", { tabindex: "0" });
  const copy = act("Copy", "button small", said, async () => {
    await navigator.clipboard.writeText(command.textContent);
    tell("copied");
  });
  const go = act("Start", "button main large", said, async () => {
    await post(`${path}/start`, form);
    again();
  });

  function obstacle() {
    if (!seen) return "Looking at the image …";
    if (seen.error) return sentence(seen.error);
    if (seen.missing) return "How large is a pixel? Give the pixel size, or measure the scale bar.";
    if (seen.problem) return sentence(seen.problem);
    if (seen.needs.problem) return sentence(seen.needs.problem);
    const failed = (checked ?? []).filter((check) => check.status === "fail" && !checks.accept.includes(check.name));
    if (failed.length) return `The image fails the check of ${failed.map((check) => check.name).join(" and ")}. Take another image or crop, or go on all the same.`;
    return "";
  }

  function showStart() {
    const words = obstacle();
    go.setAttribute("aria-disabled", String(Boolean(words)));
    go.disabled = Boolean(words);
    why.textContent =
      words ||
      `${sentence(seen.needs.time).slice(0, -1)} on ${seen.needs.cores} ${seen.needs.cores === 1 ? "core" : "cores"}, roughly; ${seen.needs.memory} of memory, ${seen.needs.disk} of disk.`;
    command.textContent = seen?.command ?? "";
  }

  function show() {
    stage.setPale(false);
    problem.hidden = !(seen.error || seen.problem);
    problem.textContent = sentence(seen.error || seen.problem);
    showStart();
    if (seen.error) return;
    stage.setCrop(seen.crop);
    if (form.line) stage.setLine(form.line);
    cropFields.forEach((field, i) => field.set(seen.crop[i]));
    cropSays.textContent = cropWords();
    stage.setPores(seen, seen.crop);
    porosity.textContent = seen.porosity === undefined ? "–" : percent(seen.porosity);
    if (seen.pixel_size) {
      const { text: size, source, field } = seen.pixel_size;
      put(scaleSays, h("b", {}, bound(size)), bound(` per pixel (${source}). The picture is ${field}.`));
    } else put(scaleSays, sentence(seen.missing), " ", seen.bar ? `A bar of ${seen.bar.pixels} pixels was found in the image: type what it stands for.` : "Read it off the scale bar.");
    scaleSays.classList.toggle("wanted", !seen.pixel_size);
    if (seen.missing && !form.line && lineBox.hidden) {
      if (seen.bar) {
        form.line = seen.bar.line;
        stage.setLine(form.line);
      }
      lineBox.hidden = false;
      stage.setMode("line");
      showLine();
    }
    put(
      notes,
      seen.warnings.filter((words) => !words.startsWith("cropped away")).map((words) => h("li", {}, sentence(words))),
    );
    notes.hidden = !notes.children.length;
    boxSays.textContent = seen.box
      ? bound(`${seen.box.size}, in voxels of ${seen.box.voxel}${seen.box.coarser ? " (coarser than the image's pixels, so that the box holds more pores)" : ""}.`)
      : "";
    for (const field of [...Object.values(segmentationFields), method]) field.classList.toggle("idle", seen.binary);
    binary.hidden = !seen.binary;
    showChecks();
  }

  function cropWords() {
    const cut = seen.warnings.find((words) => words.startsWith("cropped away"));
    const [, , tall, wide] = seen.crop;
    const whole = tall === seen.height && wide === seen.width;
    if (form.crop) return whole ? "The whole image is used." : `${wide} × ${tall} pixels, as you chose.`;
    return cut ? sentence(cut) : "No banner was found; the whole image is used.";
  }

  const notes = h("ul", { class: "warnings", hidden: true });
  const binary = h("p", { class: "note", hidden: true }, "The image has only two grey levels: it is taken as it is, and nothing is smoothed or removed.");
  const step = (n, title, ...children) => h("section", { class: "card", "aria-labelledby": `step-${n}` }, h("h2", { id: `step-${n}` }, h("span", { class: "step" }, n), title), ...children);

  put(
    place,
    h(
      "div",
      { class: "editor" },
      h("div", { class: "left" }, stage.element, problem, notes),
      h(
        "div",
        { class: "right" },
        step("1", "How large is a pixel?", scaleSays, lineBox, h("details", {}, h("summary", {}, "Give it yourself"), pixelSize, h("p", { class: "buttons" }, drawButton))),
        step("2", "Which part is picture?", page, cropSays, cropButtons, h("details", {}, h("summary", {}, "In numbers"), h("div", { class: "fields four" }, cropFields))),
        step(
          "3",
          "What is pore?",
          h("p", { class: "note" }, "The outline should follow the pores you see. Everything else rests on it."),
          binary,
          h("div", { class: "fields" }, pore.element, method, segmentationFields.sensitivity, segmentationFields.threshold, segmentationFields.smoothing),
          h("details", {}, h("summary", {}, "More"), h("div", { class: "fields two" }, segmentationFields.window, segmentationFields.median, segmentationFields.speck), h("p", {}, usual)),
        ),
        step("4", "Can this image stand for the material?", checkList),
        step(
          "5",
          "What shall be made?",
          h(
            "div",
            { class: "fields two" },
            edge,
            edgeBox,
            number({ label: "Replicas", value: output.replicas, min: "1", max: "256", note: "each fitted on its own; only several show how far numbers vary" }, set(output, "replicas")),
            number({ label: "Trials", value: fit.trials, min: "1", max: "100000", note: "structures tried per replica" }, set(fit, "trials")),
            number({ label: "Refine", value: output.refine, min: "0", max: "10000", note: "sweeps that move walls until sections look like the image nearby; 0 for none" }, set(output, "refine")),
            cube,
          ),
          boxSays,
          h("fieldset", {}, h("legend", {}, "Measure"), h("div", { class: "ticks" }, groups)),
          more,
        ),
        h("section", { class: "card start", "aria-label": "Start" }, h("p", { class: "buttons" }, go, why), said),
        h(
          "section",
          { class: "rest" },
          h("details", {}, h("summary", {}, "The same job on the command line"), h("div", { class: "command" }, command, copy)),
          h("p", { class: "buttons" }, jobButtons(job, path, said, leave).slice(1)),
        ),
      ),
    ),
  );
  showMethod();
  showLine();
  lineBox.hidden = !form.line;
  if (form.line) stage.setLine(form.line);
  changed();
}
