// Requests to the server; every failure is an Error whose message is a sentence for the user.

async function answer(request) {
  let response;
  try {
    response = await request;
  } catch {
    throw new Error("The server does not answer. Is porescape still running?");
  }
  const table = await response.json().catch(() => ({}));
  if (!response.ok) {
    const error = new Error(table.error ?? `The server answered ${response.status}.`);
    error.status = response.status;
    throw error;
  }
  return table;
}

export const get = (path) => answer(fetch(path));

/** Send a table; `signal` aborts the request once its answer is no longer needed. */
export const post = (path, table, signal) =>
  answer(fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(table ?? {}), signal }));

export const remove = (path) => answer(fetch(path, { method: "DELETE" }));

/** Upload a file; `progress` is called with the fraction sent so far, 0 to 1. */
export function upload(file, progress) {
  return new Promise((done, fail) => {
    const request = new XMLHttpRequest(); // fetch does not report the progress of an upload
    request.open("POST", "/api/jobs");
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.setRequestHeader("X-File-Name", encodeURIComponent(file.name));
    request.upload.addEventListener("progress", (event) => event.lengthComputable && progress(event.loaded / event.total));
    request.addEventListener("error", () => fail(new Error("The upload failed. Is porescape still running, and is the file below the size limit?")));
    request.addEventListener("load", () => {
      let table = {};
      try {
        table = JSON.parse(request.responseText);
      } catch {
        // reported below
      }
      if (request.status < 300) done(table);
      else fail(new Error(table.error ?? `The server answered ${request.status}.`));
    });
    request.send(file);
  });
}
