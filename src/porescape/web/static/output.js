// What is generated: the box, the number of replicas, the effort of the fit, and what is measured.

import { h } from "./dom.js";
import { length, number, select, text, tick } from "./fields.js";
import { bound, lengthText, parseLength, sentence } from "./words.js";

const GROUPS = { basic: "sizes and surface", network: "pores and throats", tortuosity: "tortuosity", permeability: "permeability", filtration: "filtration", solid: "conduction of the solid" };
const ZERO_CELSIUS = 273.15; // K
const PER_BAR = 1e5; // Pa

export function makeOutput(draft, choices) {
  const { form } = draft;
  const { fit, output, measure } = form.settings;
  const set = (table, name) => (value) => {
    table[name] = value;
    draft.changed();
  };

  // -- the box: a cube has one edge, any other box three

  const says = h("p", { class: "note" });
  const small = h("p", { class: "problem", hidden: true });
  const isCube = () => new Set(output.size).size === 1;
  const edges = ["Depth z", "Height y", "Width x"].map((label, axis) =>
    number({ label, value: output.size[axis], min: "16", max: "2048" }, (value) => {
      output.size[axis] = value;
      draft.changed();
    }),
  );
  const setCube = (value) => {
    output.size = [value, value, value];
    edges.forEach((field) => field.set(value));
    draft.changed();
  };
  const edge = number({ label: "Edge of the box", value: output.size[0], min: "16", max: "2048", note: "voxels" }, setCube);
  const edgeBox = h("div", { class: "fields three", hidden: isCube() }, edges);
  edge.hidden = !isCube();
  const cube = tick({ label: "cube", value: isCube() }, (on) => {
    edge.hidden = !on;
    edgeBox.hidden = on;
    if (on) {
      edge.set(output.size[0]);
      setCube(output.size[0]);
    }
  });

  // -- what is measured

  const wanted = (name) => measure.numbers.includes("all") || measure.numbers.includes(name);
  const groups = choices.numbers.map((name) =>
    tick({ label: GROUPS[name] ?? name, value: wanted(name) }, () => {
      const on = choices.numbers.filter((_, k) => groups[k].box.checked);
      if (!on.length) return void (groups[0].box.checked = true);
      measure.numbers = on.length === groups.length ? ["all"] : on;
      draft.changed();
    }),
  );

  // -- more

  const words = (name, list) => select({ label: name[0].toUpperCase() + name.slice(1), value: fit[name], options: list.map((key) => [key, key]) }, set(fit, name));
  const more = h(
    "details",
    {},
    h("summary", {}, "More settings"),
    h(
      "div",
      { class: "fields two" },
      number({ label: "Seed", value: form.seed ?? 0, min: "0", note: "the same seed gives the same structures" }, set(form, "seed")),
      number({ label: "Workers", value: form.workers, min: "1", max: "1024", optional: true, placeholder: "all cores" }, set(form, "workers")),
      length({ label: "Voxel size", value: output.voxel_size, placeholder: "chosen from the image" }, set(output, "voxel_size")),
      number({ label: "Fitted cube", value: fit.size, min: "32", max: "512", note: "edge in voxels" }, set(fit, "size")),
      words("method", choices.fit_method),
      words("family", choices.family),
      words("sampler", choices.sampler),
      words("percolate", choices.percolate),
      length({ label: "Membrane thickness", value: measure.thickness, placeholder: "as the box", note: "for retention and water flux" }, set(measure, "thickness")),
      text({ label: "Particles", value: (measure.particles ?? []).map(lengthText).join(", "), placeholder: "none", note: "diameters, e.g. 0.2 µm, 0.45 µm; their retention is reported" }, (typed) => {
        const sizes = (typed ?? "").split(",").filter((part) => part.trim()).map(parseLength);
        if (!sizes.includes(null)) set(measure, "particles")(sizes);
      }),
      number({ label: "Temperature", value: Number((measure.temperature - ZERO_CELSIUS).toFixed(6)), min: "0", max: "100", step: "any", note: "°C, of water and gas" }, (value) => set(measure, "temperature")(Number((value + ZERO_CELSIUS).toFixed(6)))),
      select({ label: "Gas", value: measure.gas, options: choices.gas.map((name) => [name, name]), note: "for the gas permeance" }, set(measure, "gas")),
      number({ label: "Pressure of the gas", value: measure.gas_pressure / PER_BAR, min: "0.00001", step: "any", note: "bar, absolute, mean in the membrane" }, (value) => set(measure, "gas_pressure")(Number((value * PER_BAR).toPrecision(12)))),
      number({ label: "Pressure", value: measure.pressure / PER_BAR, min: "0.00001", step: "any", note: "bar, for the water flux" }, (value) => set(measure, "pressure")(Number((value * PER_BAR).toPrecision(12)))),
      number({ label: "Surface tension", value: measure.surface_tension, min: "0.0001", max: "10", step: "any", note: "N/m, of the wetting liquid in porometry" }, set(measure, "surface_tension")),
      number({ label: "Contact angle", value: measure.contact_angle, min: "0", max: "89.9", step: "any", note: "degrees, of the same liquid" }, set(measure, "contact_angle")),
      tick({ label: "periodic (opposite faces match)", value: output.periodic }, set(output, "periodic")),
    ),
  );

  return {
    elements: [
      h(
        "div",
        { class: "fields two" },
        edge,
        edgeBox,
        number({ label: "Replicas", value: output.replicas, min: "1", max: "256", note: "each is fitted separately; intervals need several" }, set(output, "replicas")),
        number({ label: "Trials", value: fit.trials, min: "1", max: "100000", note: "structures tried per replica" }, set(fit, "trials")),
        number({ label: "Refine", value: output.refine, min: "0", max: "10000", note: "sweeps of wall voxel annealing: wall voxels change phase until sections match the image; 0 for none" }, set(output, "refine")),
        cube,
      ),
      says,
      small,
      h("fieldset", {}, h("legend", {}, "Measure"), h("div", { class: "ticks" }, groups)),
      more,
    ],
    show({ box }) {
      says.textContent = box ? bound(`${box.size}, in voxels of ${box.voxel}${box.coarser ? " (coarser than the image's pixels, so that the box holds more pores)" : ""}.`) : "";
      small.textContent = box?.small ? sentence(box.small) : "";
      small.hidden = !small.textContent;
    },
  };
}
