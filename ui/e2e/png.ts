// SPDX-License-Identifier: MPL-2.0
import { crc32, deflateSync, inflateSync } from 'node:zlib';

/** A picture as the browser writes it (8 bits a channel, not interlaced) with a palette of 256 colours: a third of the size. */
export function withPalette(png: Buffer): Buffer {
  const { width, height, channels, data } = decode(png);
  const counts = new Map<number, number>();
  const colors = new Uint32Array(width * height);
  for (let i = 0; i < colors.length; i++) {
    const c = (data[i * channels]! << 16) | (data[i * channels + 1]! << 8) | data[i * channels + 2]!;
    colors[i] = c;
    counts.set(c, (counts.get(c) ?? 0) + 1);
  }
  const palette = choose([...counts].sort((a, b) => b[1] - a[1]));
  const index = new Map(palette.map((c, i) => [c, i]));
  const rows = Buffer.alloc(height * (width + 1));
  colors.forEach((c, i) => {
    let at = index.get(c);
    if (at === undefined) index.set(c, (at = nearest(palette, c)));
    rows[Math.floor(i / width) * (width + 1) + 1 + (i % width)] = at;
  });
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 3, 0, 0, 0], 8);
  const plte = Buffer.from(palette.flatMap((c) => [c >> 16, (c >> 8) & 255, c & 255]));
  return Buffer.concat([png.subarray(0, 8), chunk('IHDR', head), chunk('PLTE', plte), chunk('IDAT', deflateSync(rows, { level: 9 })), chunk('IEND', Buffer.alloc(0))]);
}

/** The most frequent colours, and of the others those that these would be worst for. */
function choose(colors: [color: number, count: number][]): number[] {
  const palette = colors.slice(0, 128).map(([c]) => c);
  const rest = colors.slice(128).map(([color, count]) => ({ color, count, distance: distance(palette[nearest(palette, color)]!, color) }));
  while (palette.length < 256 && rest.length > 0) {
    const worst = rest.reduce((a, b) => (b.distance * b.count > a.distance * a.count ? b : a));
    if (worst.distance === 0) break;
    palette.push(worst.color);
    for (const r of rest) r.distance = Math.min(r.distance, distance(worst.color, r.color));
  }
  return palette;
}

function distance(a: number, b: number): number {
  return ((a >> 16) - (b >> 16)) ** 2 + (((a >> 8) & 255) - ((b >> 8) & 255)) ** 2 + ((a & 255) - (b & 255)) ** 2;
}

function nearest(palette: number[], c: number): number {
  let best = 0;
  let least = Infinity;
  palette.forEach((p, i) => {
    const d = distance(p, c);
    if (d < least) [best, least] = [i, d];
  });
  return best;
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}

function decode(png: Buffer): { width: number; height: number; channels: number; data: Buffer } {
  const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)];
  const channels = png[25] === 6 ? 4 : 3;
  const parts: Buffer[] = [];
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at)) {
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT') parts.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)));
  }
  const raw = inflateSync(Buffer.concat(parts));
  const stride = width * channels;
  const data = Buffer.alloc(height * stride);
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (stride + 1)]!;
    for (let x = 0; x < stride; x++) {
      const left = x >= channels ? data[y * stride + x - channels]! : 0;
      const up = y > 0 ? data[(y - 1) * stride + x]! : 0;
      const corner = x >= channels && y > 0 ? data[(y - 1) * stride + x - channels]! : 0;
      data[y * stride + x] = raw[y * (stride + 1) + 1 + x]! + [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter]!;
    }
  }
  return { width, height, channels, data };
}

function paeth(a: number, b: number, c: number): number {
  const [pa, pb, pc] = [Math.abs(b - c), Math.abs(a - c), Math.abs(a + b - 2 * c)];
  return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
}
