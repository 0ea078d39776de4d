// The part of the image that is used: as detected, dragged or typed; and which image of a file with several.

import { h } from "./dom.js";
import { number } from "./fields.js";
import { sentence } from "./words.js";

/** Whether a warning from the server is about the crop; it is shown here, not in the list of warnings. */
export const isAboutCrop = (words) => words.startsWith("cropped away");

export function makeCrop(draft, picture, { pages, address }) {
  const { form } = draft;
  const says = h("p", { class: "says" });
  const fields = ["Top", "Left", "Height", "Width"].map((label, i) =>
    number({ label, value: null, min: "0", step: 1 }, (value) => {
      form.crop = [...(form.crop ?? draft.seen.crop)];
      form.crop[i] = value;
      picture.setCrop(form.crop);
      draft.changed();
    }),
  );
  const button = (words, onclick) => h("button", { type: "button", class: "button", onclick }, words);
  const take = (crop) => {
    form.crop = crop;
    draft.changed();
  };
  const buttons = h(
    "p",
    { class: "buttons" },
    button("Draw a rectangle", () => picture.setMode("crop")),
    button("Detect automatically", () => take(null)),
    button("Whole image", () => take([0, 0, draft.seen.height, draft.seen.width])),
  );
  const page =
    pages > 1 &&
    number({ label: `Image in the file, 1 to ${pages}`, value: form.page ?? 1, min: "1", max: String(pages) }, (value) => {
      form.page = value;
      form.crop = null;
      picture.setPicture(address());
      draft.changed();
    });

  function wordsFor(seen) {
    const cut = seen.warnings.find(isAboutCrop);
    const [, , tall, wide] = seen.crop;
    const whole = tall === seen.height && wide === seen.width;
    if (form.crop) return whole ? "The whole image is used." : `${wide} × ${tall} pixels, as you chose.`;
    return cut ? sentence(cut) : "No banner was found; the whole image is used.";
  }

  return {
    elements: [page, says, buttons, h("details", {}, h("summary", {}, "Enter it by hand"), h("div", { class: "fields four" }, fields))],
    /** A rectangle was drawn in the picture. */
    dragged(crop) {
      form.crop = crop;
      fields.forEach((field, i) => field.set(crop[i]));
      draft.changed();
    },
    show(seen) {
      picture.setCrop(seen.crop);
      fields.forEach((field, i) => field.set(seen.crop[i]));
      says.textContent = wordsFor(seen);
    },
  };
}
