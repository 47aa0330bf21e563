// SPDX-License-Identifier: MPL-2.0
import { useCallback, useSyncExternalStore } from 'react';
import { timeStyle } from '../app/preferences';
import { useStore } from '../app/store';
import { ago, clock, millis } from '../lib/format';

let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;
const listeners = new Set<() => void>();

/** Tells of every second that passes while somebody looks. */
function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    if (document.hidden) return;
    now = Date.now();
    for (const l of listeners) l();
  }, 1000);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** How long ago a time in milliseconds is, in words. What renders it renders again when the words change, not every second. */
function useAgo(ms: number): string {
  return useSyncExternalStore(
    subscribe,
    // Between two seconds something may be newer than the clock.
    useCallback(() => (ms > now ? ago(ms, Math.max(now, Math.min(ms, Date.now()))) : ago(ms, now)), [ms]),
  );
}

/** A time as the preference says, with the other way as a hint. */
export function Time({ at, none = '–' }: { at: number | string | null | undefined; none?: string }) {
  const ms = millis(at);
  return ms === undefined ? <span>{none}</span> : <Known ms={ms} />;
}

function Known({ ms }: { ms: number }) {
  const relative = useAgo(ms);
  const style = useStore(timeStyle);
  const absolute = clock(ms);
  return (
    <time dateTime={new Date(ms).toISOString()} title={style === 'relative' ? absolute : relative}>
      {style === 'relative' ? relative : absolute}
    </time>
  );
}
