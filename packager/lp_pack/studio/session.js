// The manifest's executor: runs pipeline.steps in order and knows nothing about what they mean.
// The same rules as lp_runtime/{pipeline,plan}.py; both are held together by a test.

const ARRAYS = {
  float32: Float32Array,
  float16: globalThis.Float16Array,
  int32: Int32Array,
  int64: globalThis.BigInt64Array,
  uint8: Uint8Array,
};

export function arrayType(dtype) {
  const type = ARRAYS[dtype];
  if (type === undefined) {
    throw new Error(`This browser has no ${dtype} arrays. Choose another precision.`);
  }
  return type;
}

const size = (shape) => shape.reduce((a, b) => a * b, 1);

/** The tensor that flattened numbers stand for; a single number fills it. */
export function filled(numbers, dtype, shape) {
  const array = new (arrayType(dtype))(size(shape));
  const convert = dtype === "int64" ? (x) => BigInt(x) : (x) => x;
  for (let i = 0; i < array.length; i++) {
    array[i] = convert(numbers[numbers.length > 1 ? i : 0]);
  }
  return array;
}

function converted(data, dtype) {
  const type = arrayType(dtype);
  return data instanceof type ? data : type.from(data);
}

/** The fewest steps that make `wanted` from what is fed, and the states that move on. */
export function makePlan(pipeline, fed, wanted, advanceAll) {
  const targets = new Set(wanted);
  if (advanceAll) pipeline.states.forEach((state) => targets.add(state.next_value));
  for (;;) {
    const needed = new Set([...targets].filter((value) => !fed.has(value)));
    const steps = [];
    for (const step of [...pipeline.steps].reverse()) {
      const made = Object.values(step.outputs);
      if (!made.some((value) => needed.has(value))) continue;
      steps.unshift(step);
      made.forEach((value) => needed.delete(value));
      Object.values(step.inputs)
        .filter((value) => !fed.has(value))
        .forEach((value) => needed.add(value));
    }
    const read = new Set(steps.flatMap((step) => Object.values(step.inputs)));
    const advanced = pipeline.states.filter(
      (state) => !fed.has(state.value) && (advanceAll || read.has(state.value)),
    );
    const missing = advanced.filter((state) => !targets.has(state.next_value));
    if (missing.length === 0) return { steps, advanced, needed };
    missing.forEach((state) => targets.add(state.next_value));
  }
}

export class Session {
  /** `graphs`: graph name -> { record, run(feeds) -> {name: {data, dims}} }. */
  constructor(pipeline, graphs) {
    this.pipeline = pipeline;
    this.graphs = graphs;
    this.milliseconds = {};
    this.controls = {};
    for (const input of pipeline.inputs) {
      if (input.default) this.controls[input.name] = filled(input.default, input.dtype, input.shape);
    }
    this.reset();
  }

  /** States at their initial values, no sound waiting. Controls stay as set. */
  reset() {
    this.states = {};
    for (const state of this.pipeline.states) {
      this.states[state.value] = filled(state.initial ?? [0], state.dtype, state.shape);
    }
    this.waiting = new Float32Array(0);
    this.framesToDrop = this.pipeline.look_ahead_frames;
  }

  set(name, numbers) {
    const input = this.pipeline.inputs.find((one) => one.name === name);
    if (!input) throw new Error(`The pipeline has no input '${name}'.`);
    if (numbers.length !== size(input.shape)) {
      throw new Error(`'${name}' needs ${size(input.shape)} numbers, got ${numbers.length}.`);
    }
    this.controls[name] = filled([...numbers], input.dtype, input.shape);
  }

  /** Run one frame; `feeds` may hold inputs, states or intermediate values. */
  async step(feeds, wanted, advanceAll = false) {
    const plan = makePlan(this.pipeline, new Set(Object.keys(feeds)), wanted, advanceAll);
    const values = { ...this.controls, ...this.states, ...feeds };
    for (const name of plan.needed) {
      if (!(name in values)) throw new Error(`The value '${name}' is needed and has no default.`);
    }
    for (const step of plan.steps) {
      const graph = this.graphs[step.graph];
      const inputs = {};
      for (const tensor of graph.record.inputs) {
        const data = converted(values[step.inputs[tensor.name]], tensor.dtype);
        inputs[tensor.name] = { data, dims: tensor.shape, type: tensor.dtype };
      }
      const start = performance.now();
      const outputs = await graph.run(inputs);
      this.milliseconds[step.graph] = performance.now() - start;
      for (const [tensor, value] of Object.entries(step.outputs)) {
        if (!(value in feeds)) values[value] = outputs[tensor];
      }
    }
    for (const state of plan.advanced) {
      this.states[state.value] = converted(values[state.next_value], state.dtype);
    }
    return Object.fromEntries(wanted.map((name) => [name, values[name]]));
  }

  get audioInput() {
    const input = this.pipeline.inputs.find((one) => one.kind === "audio");
    if (!input) throw new Error("This bundle has no audio input.");
    return input;
  }

  push(samples) {
    const joined = new Float32Array(this.waiting.length + samples.length);
    joined.set(this.waiting);
    joined.set(samples, this.waiting.length);
    this.waiting = joined;
  }

  /** Fill the last frame with silence and add the frames that the motion trails by. */
  pad() {
    const each = this.pipeline.samples_per_frame;
    const missing = (each - (this.waiting.length % each)) % each;
    this.push(new Float32Array(missing + this.pipeline.look_ahead_frames * each));
  }

  /** One frame's feeds, or null while the sound does not fill one. */
  take() {
    const each = this.pipeline.samples_per_frame;
    if (this.waiting.length < each) return null;
    const chunk = this.waiting.slice(0, each);
    this.waiting = this.waiting.slice(each);
    return { [this.audioInput.name]: converted(chunk, this.audioInput.dtype) };
  }

  /** The next frame's wanted values; "early" for one before the sound began; null: no sound. */
  async next(wanted) {
    const feeds = this.take();
    if (feeds === null) return null;
    if (this.framesToDrop > 0) {
      this.framesToDrop -= 1;
      await this.step(feeds, [], true);
      return "early";
    }
    return this.step(feeds, wanted);
  }
}
