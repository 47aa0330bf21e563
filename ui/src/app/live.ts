// SPDX-License-Identifier: MPL-2.0
import type { Query } from '@tanstack/react-query';
import { ApiError, call, send, type Answer } from '../api/client';
import { EventStream } from '../api/ops.gen';
import { objects } from '../api/stream';
import type { EventBatch } from '../api/types.gen';
import { connection } from './connection';
import { concerns, type Change } from './interest';
import { queries, type ReadKey, type ReadMeta } from './query';

const topics = ['Job', 'Allocation', 'Evaluation', 'Deployment', 'Node', 'Service'];

/** Milliseconds between two refreshes of the same page. */
const pace = 1000;
/** Waits between attempts to reach the agent, in milliseconds. */
const backoff = [500, 1000, 2000, 4000, 8000];
/** How many blocking reads run at once without the event stream; browsers allow six connections. */
const pollers = 3;

type Read = Query<Answer<unknown>, Error, Answer<unknown>, ReadKey>;

function activeReads(): Read[] {
  return queries.getQueryCache().findAll({ type: 'active' }) as unknown as Read[];
}

/** Collects changes and reads again what they concern, a heavy read less often than a light one. */
class Refresher {
  private changes: Change[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
  private due = new Set<string>();

  add(changes: Change[]) {
    this.changes.push(...changes);
    this.timer ??= setTimeout(this.flush, this.changes.length > 1 ? 150 : 50);
  }

  private flush = () => {
    const changes = this.changes;
    this.changes = [];
    this.timer = undefined;
    for (const q of activeReads()) {
      const [name, params] = q.queryKey;
      if (changes.some((c) => concerns(name, params, c))) this.due.add(q.queryHash);
    }
    let waiting = false;
    for (const q of activeReads()) {
      if (!this.due.has(q.queryHash)) continue;
      const took = (q.meta as ReadMeta | undefined)?.took ?? 0;
      if (Date.now() - q.state.dataUpdatedAt < Math.max(pace, took * 5) && q.state.status !== 'error') {
        waiting = true;
        continue;
      }
      this.due.delete(q.queryHash);
      void queries.invalidateQueries({ queryKey: q.queryKey, exact: true }, { cancelRefetch: true });
    }
    // What nobody looks at is read again when somebody does.
    void queries.invalidateQueries({
      type: 'inactive',
      refetchType: 'none',
      predicate: (q) => {
        const [name, params] = q.queryKey as unknown as ReadKey;
        return changes.some((c) => concerns(name, params, c));
      },
    });
    if (waiting) this.timer ??= setTimeout(this.flush, pace);
  };
}

function changesOf(batch: EventBatch): Change[] {
  return (batch.Events ?? []).map((e) => ({
    Topic: e.Topic,
    Key: e.Key,
    FilterKeys: e.FilterKeys,
    NodeID: (e.Payload as { Allocation?: { NodeID?: string } } | null)?.Allocation?.NodeID,
  }));
}

/** Keeps what the page shows fresh: by the event stream, or by blocking reads where there is none. */
class Updates {
  private stop: AbortController | undefined;
  private refresher = new Refresher();
  private index = 0;
  private region: string | undefined;

  start() {
    document.addEventListener('visibilitychange', this.visibility);
    this.visibility();
  }

  private visibility = () => {
    if (document.hidden) {
      this.stop?.abort();
      this.stop = undefined;
      connection.live.set('paused');
    } else if (!this.stop) {
      this.stop = new AbortController();
      void this.run(this.stop.signal);
    }
  };

  /** Listens to the events of a region, undefined for the agent's own. */
  listenTo(region: string | undefined) {
    if (region === this.region) return;
    this.region = region;
    // Each region counts its own changes.
    connection.first.set(0);
    if (this.stop) this.restart();
  }

  /** Starts anew, with another token for example. */
  restart() {
    this.stop?.abort();
    this.stop = undefined;
    this.index = 0;
    this.visibility();
  }

  private async run(signal: AbortSignal) {
    connection.live.set('connecting');
    // Changes may have been missed while nobody listened.
    let missed = this.index > 0;
    this.index ||= await firstIndex(signal);
    for (let failures = 0; !signal.aborted; ) {
      const began = Date.now();
      let heard = false;
      let refused = false;
      let repeated = false;
      let latest = 0;
      const watch = new Watchdog(signal);
      try {
        const response = await send(EventStream, { Topic: topics, Index: this.index ? String(this.index + 1) : '' }, { namespace: '*', region: this.region }, watch.signal);
        for await (const batch of objects<EventBatch>(response)) {
          watch.fed();
          if (!heard) {
            heard = true;
            connection.live.set('events');
            if (missed || failures > 0) void queries.invalidateQueries();
            missed = failures > 0;
            failures = 0;
          }
          if (!batch.Events?.length) continue;
          // A server that knows nothing newer repeats its newest batch once. More of what is old comes from a
          // server that began anew, with a new count. A large commit comes in several batches of one index.
          const old = batch.Index <= this.index && batch.Index !== latest;
          latest = batch.Index;
          if (!old || repeated) {
            this.index = batch.Index;
            this.refresher.add(changesOf(batch));
          }
          repeated ||= old;
        }
        refused = !heard;
      } catch (e) {
        if (signal.aborted) return;
        refused = e instanceof ApiError && !e.offline && e.status !== 500 && e.status < 502;
      } finally {
        watch.end();
      }
      if (signal.aborted) return;
      if (refused) {
        await this.poll(signal, 60_000);
        continue;
      }
      missed = true;
      connection.live.set('connecting');
      // A stream that lasted ended for a reason of its own: come back at once, and slower after that.
      if (Date.now() - began > 5000) failures = 0;
      await pause(backoff[Math.min(failures++, backoff.length - 1)]!, signal);
    }
  }

  /** Without the stream: a few blocking reads at a time, and the rest every few seconds. */
  private async poll(signal: AbortSignal, time: number) {
    connection.live.set('polling');
    const until = Date.now() + time;
    const busy = new Map<string, Promise<void>>();
    while (!signal.aborted && Date.now() < until) {
      for (const q of activeReads()) {
        const op = (q.meta as ReadMeta | undefined)?.op;
        if (busy.has(q.queryHash) || q.state.data === undefined || q.state.fetchStatus !== 'idle') continue;
        if (op?.blocking && q.state.data.index > 0 && busy.size < pollers) {
          busy.set(q.queryHash, this.block(q, op, signal).finally(() => busy.delete(q.queryHash)));
        } else if (op?.blocking && Date.now() - q.state.dataUpdatedAt > 5000) {
          void queries.invalidateQueries({ queryKey: q.queryKey, exact: true });
        }
      }
      await pause(pace, signal);
    }
  }

  private async block(q: Read, op: ReadMeta['op'], signal: AbortSignal) {
    const [, params, common] = q.queryKey;
    try {
      const answer = await call(op, params, { ...common, index: q.state.data?.index, wait: '10s' }, signal);
      if (answer.index !== q.state.data?.index) queries.setQueryData(q.queryKey, answer);
    } catch {
      if (!signal.aborted) await pause(2000, signal);
    }
  }
}

/** Waits for the index of the page's first answer, at most a while. */
function firstIndex(signal: AbortSignal): Promise<number> {
  const { first } = connection;
  if (first.get()) return Promise.resolve(first.get());
  const over = new AbortController();
  const unsubscribe = first.subscribe(() => over.abort());
  signal.addEventListener('abort', () => over.abort(), { once: true });
  return pause(1500, over.signal).then(() => {
    unsubscribe();
    return first.get();
  });
}

/** Ends a stream that has been silent for longer than two heartbeats. */
class Watchdog {
  private own = new AbortController();
  private timer: ReturnType<typeof setTimeout> | undefined;
  readonly signal: AbortSignal;

  constructor(signal: AbortSignal) {
    this.signal = AbortSignal.any([signal, this.own.signal]);
    this.fed();
  }
  fed() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.own.abort(), 70_000);
  }
  end() {
    clearTimeout(this.timer);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}

/** The page's live updates. */
export const updates = new Updates();
