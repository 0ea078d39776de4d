// Buttons that ask the server for something, and those that several views of a job share.

import { post, remove } from "./api.js";
import { h } from "./dom.js";
import { sentence } from "./words.js";

/** Return a button; it is disabled while its work runs, and an error is shown in `said`. */
export function act(words, kind, said, work) {
  const button = h(
    "button",
    {
      type: "button",
      class: kind,
      onclick: async () => {
        said.hidden = button.disabled = true;
        try {
          await work();
        } catch (error) {
          said.textContent = sentence(error.message);
          said.hidden = false;
        } finally {
          button.disabled = false;
        }
      },
    },
    words,
  );
  return button;
}

/** Make a new draft of a job, with the same image and settings. */
export const againButton = (path, said) =>
  act("New job with these settings", "button", said, async () => {
    location.hash = `#/job/${(await post(`${path}/again`)).id}`;
  });

/** Delete a job; `leave` ends the requests of its view. */
export const deleteButton = (job, path, said, leave = () => {}) =>
  act("Delete", "button plain", said, async () => {
    if (!confirm(`Delete ${job.name} and all its files?`)) return;
    leave();
    await remove(path);
    location.hash = "#/";
  });

/** The buttons of every job that has ended. */
export const jobButtons = (job, path, said) => [againButton(path, said), deleteButton(job, path, said)];
