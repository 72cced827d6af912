// ONNX Runtime for the web: loads the graphs of one variant and runs them on WebAssembly.

// The smallest module that uses a SIMD instruction (v128.const, drop).
const SIMD_MODULE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10, 23, 1, 21, 0, 253, 12, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 26, 11,
]);

/** Why this browser cannot run the studio, or an empty text. */
export function whatIsMissing() {
  if (typeof WebAssembly !== "object") return "This browser has no WebAssembly.";
  if (!WebAssembly.validate(SIMD_MODULE)) {
    return "This browser's WebAssembly has no SIMD. Use a newer one (Chrome 91, Firefox 89, Safari 16.4).";
  }
  return "";
}

async function fetched(path) {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response;
}

export async function readManifest() {
  return (await fetched("/bundle/manifest.json")).json();
}

/** Graphs by name, each with its record and a `run`. */
export async function loadGraphs(variant, report) {
  report("loading the engine");
  const ort = await import("/engine/ort.wasm.bundle.min.mjs");
  ort.env.wasm.wasmPaths = { wasm: "/engine/ort-wasm-simd-threaded.wasm" };
  ort.env.wasm.numThreads = crossOriginIsolated ? Math.min(4, navigator.hardwareConcurrency) : 1;
  ort.env.logLevel = "error";
  const graphs = {};
  for (const [name, record] of Object.entries(variant.graphs)) {
    report(`loading ${name}`);
    const bytes = await (await fetched(`/bundle/${record.path}`)).arrayBuffer();
    const session = await ort.InferenceSession.create(bytes, { executionProviders: ["wasm"] });
    graphs[name] = { record, run: (inputs) => run(ort, session, inputs) };
  }
  return { graphs, threads: ort.env.wasm.numThreads };
}

async function run(ort, session, inputs) {
  const feeds = {};
  for (const [name, { data, dims, type }] of Object.entries(inputs)) {
    feeds[name] = new ort.Tensor(type, data, dims);
  }
  const outputs = await session.run(feeds);
  // A copy: the engine may use its memory again in the next run.
  return Object.fromEntries(
    Object.entries(outputs).map(([name, tensor]) => [name, tensor.data.slice()]),
  );
}
