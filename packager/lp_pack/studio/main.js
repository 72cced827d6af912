// The page: controls, sound in, pictures out. The pipeline runs in worker.js.
import { readManifest, whatIsMissing } from "./engine.js";
import { Composer } from "./picture.js";
import { Microphone, Player, readSound } from "./sound.js";

// Sound is computed this far ahead of being heard, so that a slow frame is not seen.
const LEAD_SECONDS = 0.5;
// With more frames than this waiting, pictures are left out.
const MOST_WAITING = { file: 12, microphone: 3 };
const MOST_DEGREES = 25;

const $ = (id) => document.getElementById(id);
const screen = $("screen").getContext("2d");
let manifest, composer, worker;
// What is being performed: how to stop it, and what to do with its frames.
let act = null;
let acts = 0;
const shown = [];

function say(text) {
  $("status").textContent = text;
}

function complain(text) {
  $("message").textContent = text;
  $("message").hidden = !text;
}

function guarded(action) {
  return async (...given) => {
    complain("");
    try {
      await action(...given);
    } catch (error) {
      complain(error.message);
    }
  };
}

function show(frame) {
  screen.putImageData(composer.compose(frame.rgba), 0, 0);
  const now = performance.now();
  shown.push({ now, milliseconds: frame.milliseconds });
  while (now - shown[0].now > 2000) shown.shift();
  const span = (now - shown[0].now) / 1000;
  if (span > 0.2) $("fps").textContent = ((shown.length - 1) / span).toFixed(1);
  const sorted = shown.map((one) => one.milliseconds).sort((a, b) => a - b);
  $("ms").textContent = sorted[sorted.length >> 1].toFixed(0);
  $("graphs").textContent = Object.entries(frame.graphs)
    .map(([name, ms]) => `${name} ${ms.toFixed(1)}`)
    .join(", ");
}

function openWorker(precision) {
  worker?.terminate();
  worker = new Worker("/worker.js", { type: "module" });
  return new Promise((resolve, reject) => {
    worker.onerror = (event) => reject(new Error(event.message || "The engine did not start."));
    worker.onmessage = ({ data }) => {
      if (data.type === "opened") resolve(data.threads);
      else if (data.type === "progress") say(data.text);
      else if (data.type === "error") {
        reject(new Error(data.text));
        complain(data.text);
        act?.failed?.(new Error(data.text));
      } else if (act && data.id === act.id) act[data.type]?.(data);
    };
    worker.postMessage({ type: "open", precision });
  });
}

async function choosePrecision(precision) {
  await stop();
  $("all").disabled = true;
  const threads = await openWorker(precision);
  sendControls();
  $("all").disabled = false;
  say(`ready: ${precision} on ${threads} thread${threads > 1 ? "s" : ""} of WebAssembly`);
}

// ---- controls ----

function sendControls() {
  for (const input of manifest.pipeline.inputs) {
    if (input.kind !== "control") continue;
    if (input.labels?.length) worker.postMessage(labelledControl(input));
    else if (varied[input.name]) {
      worker.postMessage({ type: "set", name: input.name, numbers: varied[input.name] });
    }
  }
  const angles = Object.fromEntries(
    [...$("pose").querySelectorAll("input")].map((one) => [one.name, Number(one.value)]),
  );
  worker.postMessage({ type: "pose", angles });
}

const varied = {};
const count = (input) => input.shape.reduce((a, b) => a * b, 1);

/** Between the default (intensity 0) and one element alone (1), as lp_runtime/controls.py. */
function labelledControl(input) {
  const chosen = $(`label-${input.name}`).value;
  const weight = chosen === "" ? 0 : Number($(`weight-${input.name}`).value);
  const start = input.default ?? [0];
  const numbers = Array.from({ length: count(input) }, (_, i) => {
    const rest = start.length > 1 ? start[i] : start[0];
    return (1 - weight) * rest + weight * (input.labels[i] === chosen ? 1 : 0);
  });
  return { type: "set", name: input.name, numbers };
}

function slider(name, text, low, high, step, value) {
  const label = document.createElement("label");
  const input = Object.assign(document.createElement("input"), { type: "range", name });
  Object.assign(input, { min: low, max: high, step });
  input.value = value;
  const read = document.createElement("output");
  const update = () => (read.textContent = input.value);
  input.addEventListener("input", () => (update(), sendControls()));
  update();
  label.append(text, input, read);
  return { label, input };
}

function buildControls() {
  const { pipeline } = manifest;
  for (const input of pipeline.inputs.filter((one) => one.kind === "control")) {
    if (input.labels?.length) {
      const select = Object.assign(document.createElement("select"), { id: `label-${input.name}` });
      select.append(new Option("as by default", ""), ...input.labels.map((one) => new Option(one)));
      select.addEventListener("change", sendControls);
      const label = document.createElement("label");
      label.append(`${input.name} `, select);
      const weight = slider(`${input.name}`, "intensity", 0, 1, 0.05, 1);
      weight.input.id = `weight-${input.name}`;
      const sliders = Object.assign(document.createElement("div"), { className: "sliders" });
      sliders.append(weight.label);
      $("labelled").append(label, sliders);
    } else {
      const button = Object.assign(document.createElement("button"), { type: "button" });
      button.textContent = `Another ${input.name}`;
      button.addEventListener("click", () => {
        varied[input.name] = Array.from({ length: count(input) }, () => 2 * Math.random() - 1);
        sendControls();
      });
      $("labelled").append(button);
    }
  }
  for (const part of pipeline.motion.filter((one) => one.unit === "degrees")) {
    $("pose").append(slider(part.name, part.name, -MOST_DEGREES, MOST_DEGREES, 1, 0).label);
  }
  const built = manifest.variants.filter((one) => one.target === "onnx").map((one) => one.precision);
  const usable = built.filter((one) => one !== "fp16" || globalThis.Float16Array);
  $("precision").append(...usable.map((one) => new Option(one)));
  if (usable.includes("fp32")) $("precision").value = "fp32";
}

// ---- performing ----

function begin(type, handlers) {
  acts += 1;
  act = { id: acts, ...handlers };
  shown.length = 0;
  $("late").textContent = "0";
  worker.postMessage({ type: "reset" });
  worker.postMessage({ type: "limit", frames: MOST_WAITING[type] });
  $("stop").disabled = false;
  return act;
}

async function stop() {
  const ended = act;
  act = null;
  $("stop").disabled = true;
  await ended?.stop?.();
  if (ended && worker) {
    worker.postMessage({ type: "reset" });
    say("ready");
  }
}

const countLate = () => ($("late").textContent = Number($("late").textContent) + 1);

async function performFile(samples) {
  await stop();
  const { sample_rate: rate, frame_rate: frameRate } = manifest.pipeline;
  const frames = [];
  let [pushed, flushed, ended, next] = [0, false, false, 0];
  const player = new Player(samples, rate, LEAD_SECONDS);
  const mine = begin("file", {
    frame: (frame) => frames.push(frame),
    late: () => (frames.push(null), countLate()),
    ended: () => (ended = true),
    stop: () => player.stop(),
    failed: () => stop(),
  });
  say("performing");
  const tick = () => {
    if (act !== mine) return;
    const due = Math.min(samples.length, Math.floor((player.seconds() + LEAD_SECONDS) * rate));
    if (due > pushed) {
      worker.postMessage({ type: "push", id: mine.id, samples: samples.slice(pushed, due) });
      pushed = due;
    }
    if (pushed === samples.length && !flushed) {
      flushed = true;
      worker.postMessage({ type: "flush", id: mine.id });
    }
    // The newest frame that is due; one that came too late is better than none.
    let newest = null;
    for (const last = Math.floor(player.seconds() * frameRate); next <= last && next < frames.length; next++) {
      newest = frames[next] ?? newest;
      frames[next] = null;
    }
    if (newest) show(newest);
    if (ended && player.seconds() > samples.length / rate) stop();
    else requestAnimationFrame(tick);
  };
  tick();
}

async function performMicrophone() {
  await stop();
  const rate = manifest.pipeline.sample_rate;
  let mine = null;
  const microphone = await Microphone.open(rate, (samples) => {
    if (mine && act === mine) worker.postMessage({ type: "push", id: mine.id, samples });
  });
  mine = begin("microphone", {
    frame: show,
    late: countLate,
    stop: () => microphone.stop(),
    failed: () => stop(),
  });
  say("listening");
}

/** Every frame of some samples, as RGBA bytes before paste-back: for tests and the console. */
async function render(samples) {
  await stop();
  const frames = [];
  return new Promise((resolve, reject) => {
    const mine = begin("every", {
      frame: (frame) => (frames.push(frame.rgba), show(frame)),
      failed: reject,
      ended: () => stop().then(() => resolve(frames)),
    });
    const message = { id: mine.id, samples: Float32Array.from(samples) };
    worker.postMessage({ type: "push", ...message });
    worker.postMessage({ type: "flush", id: mine.id });
  });
}

async function background() {
  const choice = $("background").value;
  $("color").hidden = choice !== "color";
  $("picture").hidden = choice !== "picture";
  const file = $("picture").files[0];
  const bitmap = choice === "picture" && file ? await createImageBitmap(file) : null;
  try {
    composer.setBackground(choice === "color" ? $("color").value : null, bitmap);
  } catch (error) {
    $("background").value = "own";
    $("color").hidden = $("picture").hidden = true;
    throw error;
  }
}

async function open() {
  const missing = whatIsMissing();
  if (missing) throw new Error(missing);
  manifest = await readManifest();
  document.title = `${manifest.name}: lp-pack studio`;
  $("name").textContent = manifest.name;
  const notes = [...manifest.notes];
  if (!manifest.trained) notes.unshift("Untrained: the pictures mean nothing.");
  if (manifest.tier === "full") notes.unshift("A full-tier generator takes minutes a frame here.");
  $("notes").textContent = notes.join(" ");
  $("notes").hidden = notes.length === 0;
  composer = await Composer.open(manifest);
  Object.assign($("screen"), { width: composer.width, height: composer.height });
  if (composer.portrait) screen.drawImage(composer.portrait, 0, 0);
  buildControls();
  const file = guarded(async (given) => {
    if (given) await performFile(await readSound(given, manifest.pipeline.sample_rate));
  });
  $("file").addEventListener("change", () => file($("file").files[0]));
  $("drop").addEventListener("dragover", (event) => {
    event.preventDefault();
    $("drop").classList.add("over");
  });
  $("drop").addEventListener("dragleave", () => $("drop").classList.remove("over"));
  $("drop").addEventListener("drop", (event) => {
    event.preventDefault();
    $("drop").classList.remove("over");
    file(event.dataTransfer.files[0]);
  });
  $("speak").addEventListener("click", guarded(performMicrophone));
  $("stop").addEventListener("click", guarded(stop));
  $("precision").addEventListener("change", guarded(() => choosePrecision($("precision").value)));
  for (const id of ["background", "color", "picture"]) {
    $(id).addEventListener("change", guarded(background));
  }
  await choosePrecision($("precision").value);
  globalThis.lpStudio = { render, composer, performFile: (samples) => performFile(samples) };
}

guarded(open)().then(() => {
  if (!$("message").hidden) say("not ready");
});
