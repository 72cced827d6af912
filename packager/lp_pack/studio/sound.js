// Sound files and the microphone as mono samples at the rate that the pipeline listens at.

/** An audio file's samples, mixed to mono. */
export async function readSound(file, rate) {
  const bytes = await file.arrayBuffer();
  let decoded;
  try {
    // Decoding resamples to the rate of the context.
    decoded = await new OfflineAudioContext(1, 1, rate).decodeAudioData(bytes);
  } catch {
    throw new Error(`'${file.name}' is not a sound that this browser can read.`);
  }
  const mono = new Float32Array(decoded.length);
  for (let channel = 0; channel < decoded.numberOfChannels; channel++) {
    decoded.getChannelData(channel).forEach((x, i) => (mono[i] += x / decoded.numberOfChannels));
  }
  return mono;
}

/** Plays samples; `seconds()` is the position, before 0 until the sound starts. */
export class Player {
  constructor(samples, rate, delay) {
    this.context = new AudioContext();
    const buffer = this.context.createBuffer(1, samples.length, rate);
    buffer.copyToChannel(samples, 0);
    this.source = this.context.createBufferSource();
    this.source.buffer = buffer;
    this.source.connect(this.context.destination);
    this.start = this.context.currentTime + delay;
    this.source.start(this.start);
  }

  seconds() {
    return this.context.currentTime - this.start;
  }

  async stop() {
    this.source.stop();
    await this.context.close();
  }
}

/** The microphone; `heard` is called with samples as they come. */
export class Microphone {
  static async open(rate, heard) {
    if (!navigator.mediaDevices?.getUserMedia) throw new Error("This browser has no microphone.");
    const stream = await navigator.mediaDevices
      .getUserMedia({ audio: { channelCount: 1, echoCancellation: true } })
      .catch((error) => {
        throw new Error(`The microphone cannot be used: ${error.message}`);
      });
    const microphone = new Microphone();
    microphone.stream = stream;
    microphone.context = new AudioContext({ sampleRate: rate });
    await microphone.context.audioWorklet.addModule("/recorder.js");
    const node = new AudioWorkletNode(microphone.context, "recorder");
    node.port.onmessage = ({ data }) => heard(data);
    microphone.context.createMediaStreamSource(stream).connect(node);
    return microphone;
  }

  async stop() {
    this.stream.getTracks().forEach((track) => track.stop());
    await this.context.close();
  }
}
