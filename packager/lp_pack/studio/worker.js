// Runs the pipeline beside the page, so that the page stays responsive.
import { loadGraphs, readManifest } from "./engine.js";
import { pixels } from "./picture.js";
import { Session } from "./session.js";

let manifest, session, layout, wanted;
// Added to the motion's angles, in degrees.
let pose = {};
// Frames behind which pictures are left out, so that the face keeps up with the sound.
let mostWaiting = Infinity;
let queue = Promise.resolve();

async function open(precision) {
  manifest = await readManifest();
  const variant = manifest.variants.find(
    (one) => one.target === "onnx" && one.precision === precision,
  );
  if (!variant) throw new Error(`The bundle has no ${precision} graphs for ONNX.`);
  const report = (text) => postMessage({ type: "progress", text });
  const { graphs, threads } = await loadGraphs(variant, report);
  session = new Session(manifest.pipeline, graphs);
  const { value } = manifest.pipeline.frame;
  const step = manifest.pipeline.steps.find((one) => Object.values(one.outputs).includes(value));
  const tensor = Object.keys(step.outputs).find((key) => step.outputs[key] === value);
  layout = variant.graphs[step.graph].outputs.find((one) => one.name === tensor).layout;
  if (layout !== "NCHW" && layout !== "NHWC") throw new Error(`Unknown frame layout '${layout}'.`);
  wanted = [value];
  postMessage({ type: "opened", threads });
}

const posed = () => Object.values(pose).some((angle) => angle !== 0);

/** One frame of sound; with a pose, the motion is changed between two graphs. */
async function nextFrame() {
  const late = session.waiting.length > mostWaiting * manifest.pipeline.samples_per_frame;
  const start = performance.now();
  const bent = posed() && manifest.pipeline.motion.length > 0;
  let values = await session.next(late || bent ? ["motion"] : wanted);
  if (values === null || values === "early") return values;
  if (late) return "late";
  if (bent) {
    const motion = Float32Array.from(values.motion);
    for (const part of manifest.pipeline.motion) motion[part.start] += pose[part.name] ?? 0;
    values = await session.step({ motion }, wanted);
  }
  return { data: values[wanted[0]], milliseconds: performance.now() - start };
}

async function drain(id) {
  for (;;) {
    const frame = await nextFrame();
    if (frame === null) return;
    if (frame === "early") continue;
    if (frame === "late") {
      postMessage({ type: "late", id });
      continue;
    }
    const rgba = pixels(frame.data, manifest.pipeline.frame, layout);
    const { milliseconds } = frame;
    postMessage(
      { type: "frame", id, rgba, milliseconds, graphs: { ...session.milliseconds } },
      [rgba.buffer],
    );
  }
}

const handlers = {
  open: ({ precision }) => open(precision),
  set: ({ name, numbers }) => session.set(name, numbers),
  pose: ({ angles }) => void (pose = angles),
  limit: ({ frames }) => void (mostWaiting = frames ?? Infinity),
  reset: () => session.reset(),
  push: async ({ id, samples }) => {
    session.push(samples);
    await drain(id);
  },
  flush: async ({ id }) => {
    session.pad();
    await drain(id);
    session.reset();
    postMessage({ type: "ended", id });
  },
};

onmessage = ({ data }) => {
  // Sound that arrives while a frame is computed counts as waiting at once.
  if (data.type === "push" && session && mostWaiting !== Infinity) {
    session.push(data.samples);
    data = { ...data, samples: new Float32Array(0) };
  }
  queue = queue
    .then(() => handlers[data.type](data))
    .catch((error) => postMessage({ type: "error", text: String(error?.message ?? error) }));
};
