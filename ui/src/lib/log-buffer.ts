// SPDX-License-Identifier: MPL-2.0

/** One line of a log. */
export interface LogLine {
  /** Counts up over the life of a buffer. */
  n: number;
  source: string;
  text: string;
  /**
   * What no log has but stands between their lines: that lines of the source follow which were written before anybody
   * looked, that such lines of all other sources follow in the order of their times, or that what follows is as it arrived.
   */
  note?: 'before' | 'timed' | 'live';
}

type Unnumbered = Omit<LogLine, 'n'>;

/** Longer lines are cut; the download has all of them. */
export const longestLine = 8192;

/** The newest lines of some logs, within bounds that a browser bears however much is written. */
export class LogBuffer {
  lines: LogLine[] = [];
  /** How many lines were let go of. */
  dropped = 0;
  private next = 1;
  private size = 0;
  private open = new Map<string, { text: string; over: number }>();
  private decoders = new Map<string, TextDecoder>();

  constructor(
    private maxLines = 20_000,
    private maxSize = 8 << 20,
  ) {}

  /** Takes bytes of one log. */
  push(source: string, bytes: Uint8Array) {
    let decoder = this.decoders.get(source);
    if (!decoder) this.decoders.set(source, (decoder = new TextDecoder()));
    const parts = decoder.decode(bytes, { stream: true }).split('\n');
    let rest = this.open.get(source) ?? { text: '', over: 0 };
    parts.forEach((part, i) => {
      const room = Math.max(0, longestLine - rest.text.length);
      rest = { text: rest.text + part.slice(0, room), over: rest.over + Math.max(0, part.length - room) };
      if (i === parts.length - 1) return;
      this.add(source, rest);
      rest = { text: '', over: 0 };
    });
    this.open.set(source, rest);
    this.trim();
  }

  /** The lines, with those that are not ended yet. */
  all(): LogLine[] {
    const unfinished = [...this.open].filter(([, r]) => r.text !== '').map(([source, r], i) => ({ n: this.next + i, source, text: finish(r) }));
    return unfinished.length > 0 ? [...this.lines, ...unfinished] : [...this.lines];
  }

  /** The number of the next line. */
  get mark(): number {
    return this.next;
  }

  /** Puts the lines from a number on into the order of their times, where each source begins its lines with one. */
  interleave(from = 0) {
    const at = this.lines.findIndex((l) => l.n >= from);
    if (at < 0) return;
    const { timed, apart } = byTime(this.lines.slice(at));
    if (apart.length === 0) this.replace(at, timed);
  }

  /**
   * Puts all lines in an order, which are what sources wrote before anybody looked: by their times, and where a source
   * has none, source by source in the order given. Notes stand between them, for nobody to take that for an order in
   * time. What is pushed from then on follows; until then it may be called again.
   */
  history(order: string[]) {
    const { timed, apart } = byTime(this.lines.filter((l) => !l.note));
    const note = (kind: LogLine['note'], source = ''): Unnumbered => ({ source, text: '', note: kind });
    const parts = apart.sort((a, b) => order.indexOf(a[0]!.source) - order.indexOf(b[0]!.source)).map((lines) => [note('before', lines[0]!.source), ...lines]);
    if (timed.length > 0) parts.push([note('timed'), ...timed]);
    this.replace(0, parts.length < 2 ? [...apart.flat(), ...timed] : [...parts.flat(), note('live')]);
  }

  /** Ends the open line of a source, and says in a line of its own that something was left out. */
  gap(source: string, what: string) {
    const open = this.open.get(source);
    if (open?.text) this.add(source, open);
    this.open.delete(source);
    this.decoders.delete(source);
    this.add(source, { text: what, over: 0 });
  }

  private add(source: string, line: { text: string; over: number }) {
    const text = finish(line);
    this.size += text.length;
    this.lines.push({ n: this.next++, source, text });
  }

  /** Puts others in the place of the lines from an index on. */
  private replace(at: number, lines: Unnumbered[]) {
    const first = this.lines[at]?.n ?? this.next;
    this.lines = [...this.lines.slice(0, at), ...lines.map((l, i) => ({ ...l, n: first + i }))];
    this.next = first + lines.length;
  }

  private trim() {
    let drop = Math.max(0, this.lines.length - this.maxLines);
    let size = this.size;
    for (let i = 0; i < drop; i++) size -= this.lines[i]!.text.length;
    while (size > this.maxSize && drop < this.lines.length) size -= this.lines[drop++]!.text.length;
    if (drop === 0) return;
    this.lines.splice(0, drop);
    this.size = size;
    this.dropped += drop;
  }
}

const stamp = /^.{0,24}?(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)/;

/** A source of which one line in so many has a time is one that writes times. */
const rarely = 10;

/**
 * Lines in the order of the times at their beginnings; a line without one belongs to the one before it, or at the
 * beginning to the one after it. Those of sources that write no times are apart, each source by itself.
 */
function byTime(lines: LogLine[]): { timed: LogLine[]; apart: LogLine[][] } {
  const sources = new Map<string, { line: LogLine; at: number }[]>();
  for (const line of lines) {
    const at = Date.parse((stamp.exec(line.text)?.[1] ?? '').replace(',', '.'));
    const mine = sources.get(line.source);
    if (mine) mine.push({ line, at });
    else sources.set(line.source, [{ line, at }]);
  }
  const timed: { line: LogLine; at: number }[] = [];
  const apart: LogLine[][] = [];
  for (const mine of sources.values()) {
    const stamped = mine.filter((l) => !Number.isNaN(l.at));
    if (stamped.length * rarely < mine.length) {
      apart.push(mine.map((l) => l.line));
      continue;
    }
    let latest = stamped[0]!.at;
    for (const { line, at } of mine) timed.push({ line, at: (latest = Number.isNaN(at) ? latest : at) });
  }
  return { timed: timed.sort((a, b) => a.at - b.at).map((t) => t.line), apart };
}

function finish(line: { text: string; over: number }): string {
  const text = line.text.endsWith('\r') ? line.text.slice(0, -1) : line.text;
  return line.over > 0 ? `${text} … ${line.over.toLocaleString('en')} more characters` : text;
}

/** A search over lines; undefined when the pattern is none. */
export function matcher(pattern: string, regex: boolean): RegExp | undefined {
  if (pattern === '') return undefined;
  try {
    return new RegExp(regex ? pattern : pattern.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'gi');
  } catch {
    return undefined;
  }
}
