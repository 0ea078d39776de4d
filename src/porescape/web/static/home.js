// The first view: a place to drop an image, and the list of jobs.

import { get, post, remove, upload } from "./api.js";
import { announce, h, put } from "./dom.js";
import { percent, sizeText, STATES, whenText } from "./words.js";

const OFTEN = 3000; // milliseconds between two updates of the list

export async function showHome(main, start, signal) {
  const list = h("div", { class: "jobs" });
  put(main, dropZone(start), h("section", { class: "jobs-section" }, h("h2", {}, "Jobs"), list));
  const refresh = async () => {
    const { jobs } = await get("/api/jobs");
    if (!signal.aborted) put(list, jobs.length ? jobs.map((job) => row(job, refresh)) : h("p", { class: "note" }, "No jobs yet."));
  };
  await refresh();
  const timer = setInterval(() => document.hidden || refresh().catch(() => {}), OFTEN);
  signal.addEventListener("abort", () => clearInterval(timer));
}

function dropZone(start) {
  const said = h("p", { class: "problem", role: "alert", hidden: true });
  const bar = h("progress", { max: "1", value: "0", hidden: true, "aria-label": "upload" });
  const input = h("input", { type: "file", id: "file", class: "unseen", accept: ".tif,.tiff,.png,.jpg,.jpeg,.bmp,image/*" });
  const busy = (on) => {
    zone.classList.toggle("busy", on);
    for (const control of zone.querySelectorAll("button, input")) control.disabled = on;
    bar.hidden = !on;
  };
  const take = async (work) => {
    said.hidden = true;
    busy(true);
    try {
      location.hash = `#/job/${(await work()).id}`;
    } catch (error) {
      said.textContent = error.message;
      said.hidden = false;
    } finally {
      busy(false);
    }
  };
  const send = (file) =>
    take(() => {
      if (file.size > start.limits.upload)
        throw new Error(`${file.name} is ${sizeText(file.size)}; the page accepts at most ${sizeText(start.limits.upload)}. Crop it, store it compressed, or use the command line.`);
      announce("uploading");
      bar.removeAttribute("value");
      return upload(file, (share) => (share < 1 ? (bar.value = share) : bar.removeAttribute("value")));
    });
  input.addEventListener("change", () => input.files[0] && send(input.files[0]));
  const zone = h(
    "section",
    { class: "drop", "aria-labelledby": "drop-title" },
    h("h1", { id: "drop-title" }, "Drop an SEM image here"),
    h("p", {}, "A cross-section of a membrane, a foam, a filter cake: any porous material that looks the same throughout. TIFF, PNG, JPEG or BMP."),
    input,
    h(
      "p",
      { class: "buttons" },
      h("label", { for: "file", class: "button main" }, "Choose an image"),
      h("button", { type: "button", class: "button", onclick: () => take(() => post("/api/sample")) }, "Try the sample image"),
    ),
    bar,
    said,
    h("p", { class: "note" }, `At most ${sizeText(start.limits.upload)} and ${start.limits.pixels / 1e6} megapixels. The original file from the microscope is best: it contains the pixel size.`),
  );
  let inside = 0;
  zone.addEventListener("dragenter", () => zone.classList.toggle("over", ++inside > 0));
  zone.addEventListener("dragleave", () => zone.classList.toggle("over", --inside > 0));
  zone.addEventListener("dragover", (event) => event.preventDefault());
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    inside = 0;
    zone.classList.remove("over");
    const [file, ...more] = event.dataTransfer.files;
    if (more.length) take(() => Promise.reject(new Error("One image at a time, please; for several, use porescape batch on the command line.")));
    else if (file) send(file);
  });
  return zone;
}

function row(job, refresh) {
  const state = job.state === "queued" && job.place ? `waiting, number ${job.place} in the queue` : STATES[job.state];
  const failed = h("span", { class: "problem", role: "alert" });
  return h(
    "article",
    { class: "job" },
    h("a", { href: `#/job/${job.id}`, class: "job-name" }, job.name),
    h("span", { class: `state ${job.state}` }, job.state === "running" && job.share ? `running, ${percent(job.share, 0)}` : state),
    h("time", {}, whenText(job.ended || job.started || job.queued || job.created)),
    h(
      "button",
      {
        type: "button",
        class: "plain",
        "aria-label": `delete ${job.name}`,
        disabled: job.state === "running",
        onclick: async () => {
          if (!confirm(`Delete ${job.name} and all its files?`)) return;
          try {
            await remove(`/api/jobs/${job.id}`);
            await refresh();
          } catch (error) {
            failed.textContent = error.message;
          }
        },
      },
      "Delete",
    ),
    job.message && h("span", { class: "job-message" }, job.message),
    failed,
  );
}
