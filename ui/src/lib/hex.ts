// SPDX-License-Identifier: MPL-2.0

/** Whether bytes are text: no zero byte and hardly any other control character or broken sequence. */
export function isText(bytes: Uint8Array): boolean {
  const sample = bytes.subarray(0, 4096);
  if (sample.includes(0)) return false;
  const text = new TextDecoder().decode(sample, { stream: true });
  let odd = 0;
  for (const c of text) if (c === '\ufffd' || (c < ' ' && !'\n\r\t\f\x1b'.includes(c))) odd++;
  return odd * 20 <= text.length;
}

/** Bytes in rows of sixteen: offset, numbers, characters. */
export function hexDump(bytes: Uint8Array, offset = 0): string {
  const rows: string[] = [];
  for (let i = 0; i < bytes.length; i += 16) {
    const row = [...bytes.subarray(i, i + 16)];
    const numbers = row.map((b) => b.toString(16).padStart(2, '0')).join(' ');
    const text = row.map((b) => (b >= 0x20 && b < 0x7f ? String.fromCharCode(b) : '.')).join('');
    rows.push(`${(offset + i).toString(16).padStart(8, '0')}  ${numbers.padEnd(47)}  ${text}`);
  }
  return rows.join('\n');
}
