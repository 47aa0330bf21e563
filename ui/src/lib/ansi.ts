// SPDX-License-Identifier: MPL-2.0

/** A piece of a line in one style. */
export interface Piece {
  text: string;
  /** One of the sixteen colours, by number, or undefined. */
  color?: number;
  bold?: boolean;
}

// Escape sequences: control sequences, operating system commands, and two-byte ones.
// oxlint-disable-next-line no-control-regex
const escape = /\x1b(?:\[([0-9;:<=>?]*)[ -/]*([@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])/g;

/** What a control character looks like. */
function visible(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replace(/[\x00-\x08\x0b-\x1f\x7f]/g, (c) => (c === '\x7f' ? '\u2421' : String.fromCharCode(0x2400 + c.charCodeAt(0))));
}

/** Cuts a line into pieces by its colour codes; other codes are left out, other control characters are shown. */
export function pieces(line: string): Piece[] {
  if (!line.includes('\x1b')) return [{ text: visible(line) }];
  const out: Piece[] = [];
  let style: Omit<Piece, 'text'> = {};
  let at = 0;
  const push = (text: string) => {
    if (text) out.push({ text: visible(text), ...style });
  };
  for (const m of line.matchAll(escape)) {
    push(line.slice(at, m.index));
    at = m.index + m[0].length;
    if (m[2] === 'm') style = restyle(style, (m[1] ?? '').split(/[;:]/).map(Number));
  }
  push(line.slice(at));
  return out;
}

function restyle(style: Omit<Piece, 'text'>, codes: number[]): Omit<Piece, 'text'> {
  let next = { ...style };
  for (let i = 0; i < codes.length; i++) {
    const c = codes[i]!;
    if (c === 0) next = {};
    else if (c === 1) next.bold = true;
    else if (c === 22) delete next.bold;
    else if (c >= 30 && c <= 37) next.color = c - 30;
    else if (c >= 90 && c <= 97) next.color = c - 82;
    else if (c === 39) delete next.color;
    else if (c === 38 || c === 48) {
      const skip = codes[i + 1] === 5 ? 2 : 4;
      if (c === 38 && codes[i + 1] === 5 && codes[i + 2]! < 16) next.color = codes[i + 2];
      i += skip;
    }
  }
  return next;
}

/** The text of a line without its codes, for searching. */
export function plain(line: string): string {
  return line.includes('\x1b') ? line.replace(escape, '') : line;
}
