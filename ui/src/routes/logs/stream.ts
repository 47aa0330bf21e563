// SPDX-License-Identifier: MPL-2.0
import { useEffect, useRef, useState } from 'react';
import { ApiError, send } from '../../api/client';
import { FSLogs } from '../../api/ops.gen';
import { objects } from '../../api/stream';
import type { StreamFrame } from '../../api/types.gen';
import { connection } from '../../app/connection';
import { noteGone } from '../../app/query';
import { bytesOf } from '../../lib/base64';
import { LogBuffer, type LogLine } from '../../lib/log-buffer';
import { fileNumber, LogTail, type LogPiece } from '../../lib/log-tail';

/** One log of one task. */
export interface LogSource {
  key: string;
  label: string;
  allocID: string;
  namespace: string;
  task: string;
  type: 'stdout' | 'stderr';
}

/** What of the logs is there. */
export interface Logs {
  lines: LogLine[];
  dropped: number;
  errors: { source: LogSource; text: string }[];
  /** How many of the logs are being read. */
  reading: number;
}

const nothing: Logs = { lines: [], dropped: 0, errors: [], reading: 0 };

/** Browsers allow six connections to an agent, for all of its pages together: more logs than these are read in turn. */
export const mostStreams = 4;
/** How many logs are followed at most. */
export const mostLogs = 50;
/** How many of those that are read in turn are read at the same time. */
const readers = 2;
/** Milliseconds from one turn to the next, at least. */
const turnPace = 1000;
/** Milliseconds after which the logs are followed again once the agent is back. */
const back = 1000;
/** How much of the ends is shown at first, in bytes. */
const tail = 256 << 10;
/** Milliseconds of reading before the page has its turn. */
const slice = 12;
/** Milliseconds between two renderings. */
const pace = 120;
/** Milliseconds of silence after which all is there that was written before. */
const quiet = 400;
/** Milliseconds after which it is no longer waited for that they fall silent, by where the logs begin. */
const patience = { end: 1500, start: 10_000 };

/** Reads logs and follows them while somebody looks. */
export function useLogs(sources: LogSource[], from: 'end' | 'start', region: string | undefined): Logs {
  const [logs, setLogs] = useState(nothing);
  const [visit, setVisit] = useState(0);
  const keys = sources.map((s) => s.key).join('\n');
  const latest = useRef(sources);
  latest.current = sources;
  useEffect(() => {
    const again = () => setVisit((v) => v + 1);
    document.addEventListener('visibilitychange', again);
    // What broke off with the agent is followed again when it is back.
    let timer: ReturnType<typeof setTimeout> | undefined;
    const unsubscribe = connection.online.subscribe(() => {
      clearTimeout(timer);
      if (connection.online.get()) timer = setTimeout(again, back);
    });
    return () => {
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', again);
      unsubscribe();
    };
  }, []);
  useEffect(() => {
    if (document.hidden) return;
    const reader = new Reader(latest.current, from, region, setLogs);
    return () => reader.stop();
  }, [keys, from, region, visit]);
  return logs;
}

class Reader {
  private abort = new AbortController();
  private buffer = new LogBuffer();
  private errors: Logs['errors'] = [];
  private reading = 0;
  private began = performance.now();
  /** Whether what arrives was written before anybody looked, which is put in order. */
  private gathering: boolean;
  /** Which of the logs answered, and when the last of their bytes arrived. */
  private answered = new Set<string>();
  private arrived = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private sources: LogSource[],
    private from: 'end' | 'start',
    private region: string | undefined,
    private show: (l: Logs) => void,
  ) {
    show(nothing);
    this.gathering = sources.length > 1;
    if (sources.length > mostStreams) void this.takeTurns();
    else for (const s of sources) void this.follow(s);
  }

  stop() {
    this.abort.abort();
    clearTimeout(this.timer);
  }

  private async follow(source: LogSource) {
    this.reading++;
    try {
      const offset = this.from === 'end' ? tail : 0;
      const response = await send(FSLogs, { AllocID: source.allocID, Task: source.task, LogType: source.type, Follow: true, Plain: true, Origin: this.from, Offset: offset }, { namespace: source.namespace, region: this.region }, this.abort.signal);
      const reader = response.body?.getReader();
      this.answered.add(source.key);
      this.changed();
      let since = performance.now();
      for (let first = true; reader; first = false) {
        const { done, value } = await reader.read();
        if (done) break;
        this.gather();
        this.arrived = performance.now();
        // The end may begin within a line.
        this.buffer.push(source.key, first && this.from === 'end' && value.length > 4096 ? value.subarray(value.indexOf(10) + 1) : value);
        this.changed();
        // A log that comes faster than it can be taken must leave room for keys and drawing.
        if (performance.now() - since > slice) {
          await new Promise((resolve) => setTimeout(resolve));
          since = performance.now();
        }
      }
    } catch (e) {
      if (this.abort.signal.aborted) return;
      noteGone(source.allocID, e);
      this.answered.add(source.key);
      this.errors = [...this.errors, { source, text: e instanceof ApiError ? e.message : 'The connection broke off.' }];
    }
    this.reading--;
    this.changed();
  }

  /** Before bytes are taken: ends the gathering when these are news. */
  private gather() {
    const now = performance.now();
    const silent = this.answered.size >= this.sources.length && this.arrived > 0 && now - this.arrived > quiet;
    if (!this.gathering || !(silent || now - this.began > patience[this.from])) return;
    this.order();
    this.gathering = false;
  }

  private order() {
    this.buffer.history(this.sources.map((s) => s.key));
  }

  /** Reads what the logs have new, a few logs at a time, again and again. */
  private async takeTurns() {
    const { signal } = this.abort;
    const tails = new Map(this.sources.map((s) => [s, new LogTail(Math.floor((4 * tail) / this.sources.length))]));
    this.reading = tails.size;
    for (let first = true; !signal.aborted; first = false) {
      const began = performance.now();
      const { mark } = this.buffer;
      const next = [...tails].values();
      await Promise.all(
        Array.from({ length: readers }, async () => {
          for (const [source, at] of next) {
            if (!(await this.turn(source, at, first))) tails.delete(source);
          }
        }),
      );
      this.reading = tails.size;
      if (first) this.order();
      else this.buffer.interleave(mark);
      this.gathering = false;
      this.changed();
      if (tails.size === 0) return;
      await new Promise((resolve) => setTimeout(resolve, Math.max(turnPace / 2, turnPace - (performance.now() - began))));
    }
  }

  /** Reads what one log has new; false when it is not to be tried again. */
  private async turn(source: LogSource, at: LogTail, first: boolean): Promise<boolean> {
    const { signal } = this.abort;
    try {
      if (first && this.from === 'start') {
        for await (const p of this.pieces(source, 'start', 0)) {
          this.buffer.push(source.key, p.bytes);
          at.pass(p);
          this.changed();
        }
        return true;
      }
      for (;;) {
        const pieces: LogPiece[] = [];
        for await (const p of this.pieces(source, 'end', at.ask)) pieces.push(p);
        if (signal.aborted) return false;
        const news = at.take(pieces);
        if (!news) continue;
        if (news.gap && !first) this.buffer.gap(source.key, '… more was written here than is read at a time; the download has it …');
        news.bytes.forEach((b, i) => this.buffer.push(source.key, news.gap && i === 0 ? b.subarray(b.indexOf(10) + 1) : b));
        return true;
      }
    } catch (e) {
      if (signal.aborted || (e instanceof ApiError && e.offline)) return !signal.aborted;
      noteGone(source.allocID, e);
      this.errors = [...this.errors, { source, text: e instanceof ApiError ? e.message : 'The connection broke off.' }];
      return false;
    }
  }

  private async *pieces(source: LogSource, origin: 'start' | 'end', offset: number): AsyncGenerator<LogPiece> {
    const response = await send(FSLogs, { AllocID: source.allocID, Task: source.task, LogType: source.type, Origin: origin, Offset: offset }, { namespace: source.namespace, region: this.region }, this.abort.signal);
    for await (const f of objects<StreamFrame>(response)) {
      if (f.Data) yield { file: fileNumber(f.File ?? ''), end: f.Offset ?? 0, bytes: bytesOf(f.Data) };
    }
  }

  private changed() {
    if (this.abort.signal.aborted) return;
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      if (this.gathering) this.order();
      this.show({ lines: this.buffer.all(), dropped: this.buffer.dropped, errors: this.errors, reading: this.reading });
    }, pace);
  }
}
