// The server's answers to a draft: a preview after every change, and the checks, which take longer, after a pause.
// Only one preview is requested at a time, so that an old answer never arrives after a newer one.

import { post } from "./api.js";

const SOON = 120; // milliseconds from a change to the request, so that several changes make one
const LATER = 500; // milliseconds from a preview to the request for the checks

/**
 * Keep `draft.seen` (the last preview) and `draft.checked` (the last checks) up to date.
 *
 * @returns {function} To be called after every change of `draft.form`.
 */
export function followForm(draft, { path, signal, onPreview, onChecks, onChecksFailed, onConflict }) {
  const { form } = draft;
  let dirty = false;
  let asking = false;
  let soon = 0;
  let later = 0;
  signal.addEventListener("abort", () => [soon, later].forEach(clearTimeout));

  async function ask() {
    if (asking || signal.aborted) return;
    asking = true;
    while (dirty && !signal.aborted) {
      dirty = false;
      try {
        draft.seen = await post(`${path}/look`, form, signal);
      } catch (error) {
        if (signal.aborted) return;
        draft.seen = { error: error.message };
        if (error.status === 409) return onConflict(); // it is no longer a draft
      }
    }
    asking = false;
    if (signal.aborted) return;
    onPreview(draft.seen);
    if (draft.seen.pixel_size && draft.seen.porosity !== undefined) later = setTimeout(askChecks, form.settings.checks.accept.length ? 0 : LATER);
  }

  async function askChecks() {
    const of = JSON.stringify(form);
    try {
      const answer = await post(`${path}/check`, form, signal);
      if (of === JSON.stringify(form) && !signal.aborted) draft.checked = answer.checks;
    } catch (error) {
      if (!signal.aborted) onChecksFailed(error);
      return;
    }
    onChecks();
  }

  return () => {
    dirty = true;
    draft.checked = null;
    clearTimeout(soon);
    clearTimeout(later);
    soon = setTimeout(ask, SOON);
  };
}
