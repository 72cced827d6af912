// From a frame value to what is shown: pixels, paste-back into the portrait, another background.

/** RGBA bytes of a frame value; the rounding of lp_runtime/frames.py. */
export function pixels(data, frame, layout) {
  const count = frame.width * frame.height;
  const out = new Uint8ClampedArray(4 * count);
  const [low, high] = frame.value_range ?? [0, 1];
  const gain = Math.fround(255 / (high - low));
  const offset = Math.fround(0.5 - low * gain);
  const planes = layout === "NCHW";
  for (let i = 0; i < count; i++) {
    for (let channel = 0; channel < 3; channel++) {
      const value = data[planes ? channel * count + i : 3 * i + channel];
      const scaled = Math.fround(Math.fround(value * gain) + offset);
      out[4 * i + channel] = Math.floor(Math.min(Math.max(scaled, 0), 255));
    }
    out[4 * i + 3] = 255;
  }
  return out;
}

export async function readPicture(path) {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return createImageBitmap(await response.blob(), { colorSpaceConversion: "none" });
}

function context(width, height) {
  return new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
}

/** Blends frames into the portrait that they were cut from. */
export class Composer {
  constructor(frame, pasteBack, portrait, mask) {
    this.frame = frame;
    this.portrait = portrait;
    this.face = context(frame.width, frame.height);
    this.width = portrait ? portrait.width : frame.width;
    this.height = portrait ? portrait.height : frame.height;
    this.out = context(this.width, this.height);
    this.background = null;
    if (portrait) {
      const [[a, b, c], [d, e, f]] = pasteBack.frame_to_portrait;
      // The manifest's transform maps pixel centres, a canvas maps pixel corners.
      this.transform = [a, d, b, e, c + 0.5 - (a + b) / 2, f + 0.5 - (d + e) / 2];
      const drawn = context(frame.width, frame.height);
      drawn.drawImage(mask, 0, 0);
      const read = drawn.getImageData(0, 0, frame.width, frame.height).data;
      this.mask = Uint8Array.from({ length: read.length / 4 }, (_, i) => read[4 * i]);
    }
  }

  static async open(manifest) {
    const { pipeline, paste_back: pasteBack } = manifest;
    if (!pasteBack) return new Composer(pipeline.frame, null, null, null);
    const files = [pasteBack.portrait, pasteBack.mask].map((path) => readPicture(`/bundle/${path}`));
    return new Composer(pipeline.frame, pasteBack, ...(await Promise.all(files)));
  }

  /** ImageData of the whole picture with this frame in it. */
  compose(rgba) {
    const { width, height } = this.frame;
    const shown = new Uint8ClampedArray(rgba);
    if (this.portrait) this.mask.forEach((alpha, i) => (shown[4 * i + 3] = alpha));
    this.face.putImageData(new ImageData(shown, width, height), 0, 0);
    this.out.setTransform(1, 0, 0, 1, 0, 0);
    if (this.portrait) {
      this.out.drawImage(this.portrait, 0, 0);
      this.out.setTransform(...this.transform);
    }
    this.out.drawImage(this.face.canvas, 0, 0);
    const result = this.out.getImageData(0, 0, this.width, this.height);
    if (this.background) replaceBackground(result, this.key, this.background);
    return result;
  }

  /** Replace the plain background by an RGB colour or a picture; null keeps the portrait's own. */
  setBackground(color, bitmap) {
    if (!color && !bitmap) {
      this.background = null;
      return;
    }
    this.key ??= this.findKey();
    const drawn = context(this.width, this.height);
    if (bitmap) {
      const scale = Math.max(this.width / bitmap.width, this.height / bitmap.height);
      const [w, h] = [bitmap.width * scale, bitmap.height * scale];
      drawn.drawImage(bitmap, (this.width - w) / 2, (this.height - h) / 2, w, h);
    } else {
      drawn.fillStyle = color;
      drawn.fillRect(0, 0, this.width, this.height);
    }
    this.background = drawn.getImageData(0, 0, this.width, this.height).data;
  }

  /** The colour of the portrait's upper corners; an error when they are not one colour. */
  findKey() {
    if (!this.portrait) throw new Error("Without a portrait the background is not known.");
    const drawn = context(this.width, this.height);
    drawn.drawImage(this.portrait, 0, 0);
    const { data } = drawn.getImageData(0, 0, this.width, this.height);
    const side = Math.max(2, Math.floor(Math.min(this.width, this.height) / 16));
    const corners = [];
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++) {
        for (const column of [x, this.width - 1 - x]) corners.push(4 * (y * this.width + column));
      }
    }
    const median = (channel) => {
      const sorted = corners.map((at) => data[at + channel]).sort((p, q) => p - q);
      return sorted[sorted.length >> 1];
    };
    const color = [median(0), median(1), median(2)];
    const key = { color, ycrcb: toYcrcb(...color), inner: INNER, outer: OUTER };
    const mean = corners.reduce((sum, at) => sum + distance(data, at, key), 0) / corners.length;
    if (mean > PLAIN) {
      throw new Error("The portrait's background is not plain enough to be replaced.");
    }
    const figure = [];
    for (let at = 0; at < data.length; at += 4) {
      const far = distance(data, at, key);
      if (far > INNER) figure.push(far);
    }
    figure.sort((p, q) => p - q);
    if (figure.length) key.outer = Math.max(0.75 * figure[figure.length >> 1], INNER + 4);
    return key;
  }
}

// The figures of lp_runtime/background.py.
const [INNER, OUTER, PLAIN, LUMA, SATURATED] = [24, 60, 14, 0.4, 64];

function toYcrcb(r, g, b) {
  const y = 0.299 * r + 0.587 * g + 0.114 * b;
  return [y, (r - y) * 0.713 + 128, (b - y) * 0.564 + 128];
}

function distance(data, at, key) {
  const [y, cr, cb] = toYcrcb(data[at], data[at + 1], data[at + 2]);
  const [ky, kr, kb] = key.ycrcb;
  return Math.hypot((y - ky) * LUMA, cr - kr, cb - kb);
}

function replaceBackground({ data }, key, background) {
  const channel = key.color.indexOf(Math.max(...key.color));
  const others = [0, 1, 2].filter((one) => one !== channel);
  const spills = key.color[channel] - Math.max(...others.map((one) => key.color[one])) >= SATURATED;
  for (let at = 0; at < data.length; at += 4) {
    const far = distance(data, at, key);
    const through = 1 - Math.min(Math.max((far - key.inner) / (key.outer - key.inner), 0), 1);
    const figure = [0, 1, 2].map((one) => data[at + one] - through * key.color[one]);
    if (spills) {
      figure[channel] = Math.min(figure[channel], Math.max(figure[others[0]], figure[others[1]]));
    }
    for (let one = 0; one < 3; one++) {
      data[at + one] =
        through === 1 ? background[at + one] : figure[one] + through * background[at + one] + 0.5;
    }
  }
}
