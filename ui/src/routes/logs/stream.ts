// SPDX-License-Identifier: MPL-2.0
import { useEffect, useRef, useState } from 'react';
import { ApiError, send } from '../../api/client';
import { FSLogs } from '../../api/ops.gen';
import { LogBuffer, type LogLine } from '../../lib/log-buffer';

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

/** How much of the end is shown at first, in bytes. */
const tail = 256 << 10;
/** Milliseconds of reading before the page has its turn. */
const slice = 12;
/** Milliseconds between two renderings. */
const pace = 120;
/** Milliseconds in which the ends of several logs arrive, which are then put in order. */
const gathering = 1000;

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
    return () => document.removeEventListener('visibilitychange', again);
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
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private sources: LogSource[],
    private from: 'end' | 'start',
    private region: string | undefined,
    private show: (l: Logs) => void,
  ) {
    show(nothing);
    for (const s of sources) void this.follow(s);
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
      this.changed();
      let since = performance.now();
      for (let first = true; reader; first = false) {
        const { done, value } = await reader.read();
        if (done) break;
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
      this.errors = [...this.errors, { source, text: e instanceof ApiError ? e.message : 'The connection broke off.' }];
    }
    this.reading--;
    this.changed();
  }

  private changed() {
    if (this.abort.signal.aborted) return;
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      if (this.sources.length > 1 && performance.now() - this.began < gathering) this.buffer.interleave();
      this.show({ lines: this.buffer.all(), dropped: this.buffer.dropped, errors: this.errors, reading: this.reading });
    }, pace);
  }
}
