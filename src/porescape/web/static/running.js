// A job that waits or runs: its progress, and the best slice so far beside the image.

import { act } from "./actions.js";
import { get, post } from "./api.js";
import { announce, h, put, s } from "./dom.js";
import { durationText, percent, sentence } from "./words.js";

const OFTEN = 1000; // milliseconds between two updates
const HIDDEN = 8000; // the same while the page is hidden
const MOST_ROWS = 6; // replicas; of more, only those at work are listed

export async function showRunning(place, { job, path, signal, again }) {
  const said = h("p", { class: "problem", role: "alert", hidden: true });
  const head = h("h2", {});
  const bar = h("progress", { max: "1", value: "0", "aria-label": "progress of the job" });
  const facts = h("p", { class: "facts" });
  const real = picture("the image, as the fit sees it");
  const best = picture("the best structure so far, a slice through its middle");
  const pictures = h("div", { class: "pair", hidden: true }, real, best);
  const curve = h("figure", { class: "curve", hidden: true });
  const table = h("div", { class: "replicas" });
  const cancel = act("Cancel", "button", said, async () => {
    await post(`${path}/cancel`);
    head.textContent = "Stopping …";
  });
  put(
    place,
    h(
      "div",
      { class: "watching" },
      h("section", { class: "card" }, head, bar, facts, h("p", { class: "buttons" }, cancel, h("span", { class: "note" }, "You can close this page: the job continues and stays in the list.")), said),
      h("section", { class: "card" }, h("h2", {}, "Image and reconstruction"), pictures, h("p", { class: "note waiting" }, "The first structures will appear here in a moment.")),
      h("section", { class: "card" }, h("h2", {}, "The fit"), curve, table),
    ),
  );
  let drawn = -1;
  let lost = 0;

  function show(now) {
    if (now.state === "queued") {
      head.textContent = now.place > 1 ? `Waiting: ${now.place - 1} ${now.place > 2 ? "jobs" : "job"} ahead` : "Waiting to start";
      bar.removeAttribute("value");
      announce(head.textContent);
      return;
    }
    const at = now.progress;
    if (!at) {
      head.textContent = "Starting …";
      bar.removeAttribute("value");
      return;
    }
    head.textContent = sentence(at.stage).slice(0, -1);
    announce(`${at.stage}, ${percent(Math.round(at.share * 10) / 10, 0)}`);
    bar.value = at.share;
    document.title = `${percent(at.share, 0)} · ${job.name} · porescape`;
    const left = at.left === null ? "remaining time not known yet" : `about ${durationText(at.left)} left`;
    put(facts, `${at.trials_done} of ${at.trials} trials`, at.best === null ? "" : ` · best loss ${at.best.toFixed(3)}`, ` · ${durationText(at.elapsed)} so far · ${left}`);
    if (now.pictures?.includes("real") && at.pictures > 0 && at.pictures !== drawn) {
      drawn = at.pictures;
      real.firstChild.src ||= `${path}/real.png`;
      best.firstChild.src = `${path}/best.png?${drawn}`;
      pictures.hidden = false;
      place.querySelector(".waiting").hidden = true;
    }
    if (at.curve.length > 1) {
      put(curve, plot(at.curve, Math.min(640, place.clientWidth)), h("figcaption", {}, "Loss of the best recipe so far, over all trials; lower is more similar."));
      curve.hidden = false;
    }
    const rows = at.replicas.map((one, i) => h("li", {}, h("b", {}, `Replica ${i + 1}`), ` ${one.step || "waiting"}`, one.best === null ? "" : `, best ${one.best.toFixed(3)}`));
    const busy = rows.filter((_, i) => at.replicas[i].step && at.replicas[i].step !== "done");
    const done = at.replicas.filter((one) => one.step === "done").length;
    put(table, h("ul", {}, rows.length <= MOST_ROWS ? rows : busy), rows.length > MOST_ROWS && h("p", { class: "note" }, `${done} of ${rows.length} replicas are done.`));
  }

  async function update() {
    try {
      const now = await get(path);
      if (signal.aborted) return;
      lost = 0;
      said.hidden = true;
      if (now.state !== "queued" && now.state !== "running") {
        announce(`the job is ${now.state}`);
        return again();
      }
      show(now);
    } catch (error) {
      if (signal.aborted) return;
      if (error.status) {
        said.textContent = sentence(error.message);
        said.hidden = false;
        return;
      }
      if (++lost > 2) {
        said.textContent = `${error.message} This page keeps trying.`;
        said.hidden = false;
      }
    }
    setTimeout(() => signal.aborted || update(), document.hidden ? HIDDEN : OFTEN);
  }

  show(job);
  setTimeout(update, OFTEN / 4);
}

function picture(words) {
  return h("figure", {}, h("img", { alt: words, class: "slice" }), h("figcaption", {}, sentence(words)));
}

/** Draw (trial, loss) as a falling step curve, about `wide` CSS pixels wide, so that its labels stay readable. */
function plot(points, wide) {
  const [tall, foot] = [150, 18];
  const last = points.at(-1)[0];
  const losses = points.map((point) => point[1]);
  const [low, high] = [Math.min(...losses), Math.max(...losses)];
  const x = (trial) => (last > 1 ? ((trial - 1) / (last - 1)) * (wide - 2) + 1 : 1);
  const y = (loss) => (high > low ? 6 + (1 - (loss - low) / (high - low)) * (tall - foot - 12) : tall / 2);
  const path = points.map(([trial, loss], i) => (i ? `H${x(trial).toFixed(1)}V${y(loss).toFixed(1)}` : `M${x(trial)} ${y(loss).toFixed(1)}`)).join("");
  const label = (words, at, anchor) => s("text", { x: at, y: tall - 3, "text-anchor": anchor }, words);
  return s(
    "svg",
    { viewBox: `0 0 ${wide} ${tall}`, role: "img", "aria-label": `best loss fell from ${high.toFixed(3)} to ${low.toFixed(3)} over ${last} trials` },
    s("line", { class: "axis", x1: 0, y1: tall - foot, x2: wide, y2: tall - foot }),
    s("path", { d: path }),
    label("trial 1", 0, "start"),
    label(`${last}`, wide, "end"),
    s("text", { x: wide, y: Math.max(y(low) - 6, 12), "text-anchor": "end", class: "value" }, low.toFixed(3)),
  );
}
