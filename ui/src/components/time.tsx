// SPDX-License-Identifier: MPL-2.0
import { useEffect } from 'react';
import { timeStyle } from '../app/preferences';
import { Store, useStore } from '../app/store';
import { ago, clock, millis } from '../lib/format';

const now = new Store(Date.now());
let users = 0;
let timer: ReturnType<typeof setInterval> | undefined;

/** The time, renewed every second while something shows it and somebody looks. */
export function useNow(): number {
  const n = useStore(now);
  useEffect(() => {
    users++;
    timer ??= setInterval(() => {
      if (!document.hidden) now.set(Date.now());
    }, 1000);
    return () => {
      if (--users === 0) {
        clearInterval(timer);
        timer = undefined;
      }
    };
  }, []);
  return n;
}

/** A time as the preference says, with the other way as a hint. */
export function Time({ at, none = '–' }: { at: number | string | null | undefined; none?: string }) {
  const n = useNow();
  const style = useStore(timeStyle);
  const ms = millis(at);
  if (ms === undefined) return <span>{none}</span>;
  const relative = ago(ms, Math.max(n, ms > Date.now() ? n : ms));
  const absolute = clock(ms);
  return (
    <time dateTime={new Date(ms).toISOString()} title={style === 'relative' ? absolute : relative}>
      {style === 'relative' ? relative : absolute}
    </time>
  );
}
