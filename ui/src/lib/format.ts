// SPDX-License-Identifier: MPL-2.0

/** "1.5 GiB" */
export function bytes(n: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let i = 0;
  while (Math.abs(n) >= 1024 && i < units.length - 1) {
    n /= 1024;
    i++;
  }
  return `${trim(n, i === 0 ? 0 : 1)} ${units[i]}`;
}

/** "1.5 GHz" from MHz. */
export function mhz(n: number): string {
  return Math.abs(n) >= 1000 ? `${trim(n / 1000, 1)} GHz` : `${trim(n, 0)} MHz`;
}

/** "45 %" of a share between 0 and 1. */
export function percent(share: number): string {
  return `${trim(share * 100, share !== 0 && Math.abs(share) < 0.1 ? 1 : 0)} %`;
}

function trim(n: number, digits: number): string {
  return n.toFixed(digits).replace(/\.0+$/, '');
}

/** "1d 2h", "3m 10s", "1.2s", "15ms", "50µs": at most two parts; milliseconds in. */
export function span(ms: number): string {
  if (ms < 0) return `-${span(-ms)}`;
  if (ms > 0 && ms < 1) return `${Math.round(ms * 1000)}µs`;
  if (ms < 1000) return `${Math.round(ms)}ms`;
  const s = ms / 1000;
  if (s < 10) return `${trim(s, 1)}s`;
  const parts: [number, string][] = [
    [86_400, 'd'],
    [3600, 'h'],
    [60, 'm'],
    [1, 's'],
  ];
  let rest = Math.round(s);
  const out: string[] = [];
  for (const [size, unit] of parts) {
    const n = Math.floor(rest / size);
    rest -= n * size;
    if (n > 0) out.push(`${n}${unit}`);
    else if (out.length > 0) break;
    if (out.length === 2) break;
  }
  return out.join(' ');
}

/** "5m ago", "in 2h", "now". */
export function ago(then: number, now: number): string {
  const d = now - then;
  if (Math.abs(d) < 1000) return 'now';
  const text = coarse(Math.abs(d));
  return d > 0 ? `${text} ago` : `in ${text}`;
}

function coarse(ms: number): string {
  const s = Math.floor(ms / 1000);
  if (s < 60) return `${s}s`;
  if (s < 3600) return `${Math.floor(s / 60)}m`;
  if (s < 86_400) return `${Math.floor(s / 3600)}h`;
  return `${Math.floor(s / 86_400)}d`;
}

/** "2026-01-31 14:05:09" in local time. */
export function clock(ms: number): string {
  const d = new Date(ms);
  const two = (n: number) => String(n).padStart(2, '0');
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}

/** Milliseconds of a time as the API writes them: nanoseconds, RFC 3339, or nothing. */
export function millis(time: number | string | null | undefined): number | undefined {
  if (time === null || time === undefined || time === '' || time === 0) return undefined;
  if (typeof time === 'number') return time / 1e6;
  const ms = Date.parse(time);
  return Number.isNaN(ms) || ms <= 0 ? undefined : ms;
}

/** The first eight characters of an ID. */
export function short(id: string): string {
  return id.slice(0, 8);
}

/** "1 task", "2 tasks". */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${n.toLocaleString('en')} ${n === 1 ? one : many}`;
}

/** "10.0.0.1:80", "[fe80::1]:80" */
export function hostPort(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** A text as a sentence begins. */
export function upper(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
