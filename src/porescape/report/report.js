// What every report does, joined to the module of the viewer.
for (const fold of document.querySelectorAll("details"))
  if (fold.dataset.print !== "closed")
    window.addEventListener("beforeprint", () => (fold.open = true)); // nothing can be unfolded on paper

const host = document.getElementById("three-d");
const dataset = host.dataset;
unpack(document.getElementById("voxels").textContent)
  .then((bits) => {
    const { block } = dataset;
    const blocks = block > 1 ? `Each voxel shown represents ${block} × ${block} × ${block} voxels of the structure; the numbers are measured on all voxels.` : "";
    window.structure = mountViewer(host, { bits, shape: JSON.parse(dataset.shape), voxelSize: Number(dataset.size), note: blocks });
    if (window.structure.lost === "") document.getElementById("still-words").hidden = true;
  })
  .catch((error) => {
    document.getElementById("still-words").textContent = `A still picture: ${error.message}.`;
  });
