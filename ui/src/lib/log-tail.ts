// SPDX-License-Identifier: MPL-2.0

/** A piece of a log: bytes of one of the log's files, and where in that file they end. */
export interface LogPiece {
  /** Log files are numbered; a later one has a higher number. */
  file: number;
  end: number;
  bytes: Uint8Array;
}

/** What is new in the end of a log. */
export interface News {
  bytes: Uint8Array[];
  /** Whether something between what was known and these bytes is not among them. */
  gap: boolean;
}

const least = 4 << 10;
const most = 256 << 10;

/** Follows a log by reading its end again and again: knows how far it was read, and how much of the end to ask for. */
export class LogTail {
  /** How many bytes of the end are asked for next. */
  ask: number;
  private known: { file: number; end: number } | undefined;

  constructor(first: number) {
    this.ask = Math.min(most, Math.max(least, first));
  }

  /** Notes a piece that was read as it comes, from the beginning. */
  pass(p: LogPiece) {
    this.known = { file: p.file, end: p.end };
    this.ask = least;
  }

  /**
   * Takes the end of the log, as much of it as was asked for. Undefined says that it does not reach back to what was
   * known, and that more was asked for now.
   */
  take(pieces: LogPiece[]): News | undefined {
    const asked = this.ask;
    const last = pieces.at(-1);
    if (!last) return { bytes: [], gap: false };
    const whole = pieces.reduce((n, p) => n + p.bytes.length, 0) < asked;
    const { known } = this;
    if (!known) {
      this.pass(last);
      return { bytes: pieces.map((p) => p.bytes), gap: !whole };
    }
    const [first] = pieces as [LogPiece];
    const reaches = whole || first.file < known.file || (first.file === known.file && first.end - first.bytes.length <= known.end);
    if (!reaches && asked < most) {
      this.ask = Math.min(most, asked * 4);
      return undefined;
    }
    // What was emptied meanwhile begins anew.
    const behind = last.file < known.file || (last.file === known.file && last.end < known.end);
    const bytes = behind
      ? []
      : pieces.flatMap((p) => {
          if (p.file < known.file) return [];
          const skip = p.file > known.file ? 0 : Math.max(0, known.end - (p.end - p.bytes.length));
          return skip < p.bytes.length ? [p.bytes.subarray(skip)] : [];
        });
    this.pass(last);
    this.ask = Math.min(most, Math.max(least, bytes.reduce((n, b) => n + b.length, 0) * 2));
    return { bytes, gap: !reaches };
  }
}

/** The number of a log file, by its name. */
export function fileNumber(name: string): number {
  return Number(/\.(\d+)$/.exec(name)?.[1] ?? 0);
}
