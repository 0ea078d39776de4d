// The address decides which view is shown: #/ is the list, #/job/ID a job. A view ends when the next begins.

import { get } from "./api.js";
import { announce, h, put } from "./dom.js";
import { showHome } from "./home.js";
import { showJob } from "./job.js";

const main = document.getElementById("main");
let current = null; // AbortController of the view that is shown
let start = null; // defaults and choices, asked for once

async function show() {
  current?.abort();
  current = new AbortController();
  const { signal } = current;
  document.title = "porescape";
  try {
    start ??= await get("/api/start");
    document.getElementById("foot").textContent =
      `porescape ${start.version}. All data stay on the computer that serves this page; the page contacts no other.`;
    const key = /^#\/job\/([0-9a-f]{16})$/.exec(location.hash)?.[1];
    if (signal.aborted) return;
    if (key) await showJob(main, start, key, signal);
    else await showHome(main, start, signal);
  } catch (error) {
    if (signal.aborted) return;
    put(main, h("p", { class: "problem", role: "alert" }, error.message), h("p", {}, h("a", { href: "#/" }, "Back to the list of jobs")));
    announce(error.message);
  }
}

window.addEventListener("hashchange", () => {
  if (location.hash.startsWith("#/")) show().then(() => main.focus({ preventScroll: true }));
});
show();
