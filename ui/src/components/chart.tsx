// SPDX-License-Identifier: MPL-2.0
import type { Sample } from '../lib/history';
import css from './chart.module.css';

interface Props {
  title: string;
  samples: Sample[];
  value: (s: Sample) => number;
  /** Writes a value with its unit. */
  format: (n: number) => string;
  /** The value at the top of the chart; the limit line is drawn when it lies below. */
  top: number;
  limit?: number;
  limitText?: string;
}

/** What the width may stand for, in minutes; the shortest that holds all there is. */
const spans = [1, 2, 5];

const w = 300;
const h = 72;

/** A value over the last minutes, with its unit and its limit. */
export function Chart({ title, samples, value, format, top, limit, limitText }: Props) {
  const last = samples[samples.length - 1];
  const end = last?.at ?? 0;
  const minutes = spans.find((m) => end - (samples[0]?.at ?? end) <= m * 60_000) ?? spans[spans.length - 1]!;
  const span = minutes * 60_000;
  const x = (at: number) => w - ((end - at) / span) * w;
  const y = (n: number) => h - 1 - (Math.min(n, top) / top) * (h - 3);
  const shown = samples.filter((s) => s.at >= end - span);
  const line = shown.map((s, i) => `${i === 0 ? 'M' : 'L'}${x(s.at).toFixed(1)} ${y(value(s)).toFixed(1)}`).join('');
  const now = last ? format(value(last)) : 'no measurement yet';
  const over = last !== undefined && limit !== undefined && limit > 0 && value(last) > limit;
  return (
    <figure className={css.figure}>
      <figcaption className={css.head}>
        <span>{title}</span>
        <span className={css.now} data-tone={over ? 'warn' : undefined}>
          {now}
          {limitText && <span className="dim"> of {limitText}</span>}
        </span>
      </figcaption>
      <div className={css.plot}>
        <svg viewBox={`0 0 ${w} ${h}`} preserveAspectRatio="none" role="img" aria-label={`${title}: ${now}${limitText ? ` of ${limitText}` : ''}`}>
          <line x1="0" x2={w} y1={y(top / 2)} y2={y(top / 2)} className={css.grid} />
          {limit !== undefined && limit > 0 && limit <= top && <line x1="0" x2={w} y1={y(limit)} y2={y(limit)} className={css.limit} />}
          {shown.length > 1 && <path d={`${line}L${w} ${h}L${x(shown[0]!.at).toFixed(1)} ${h}Z`} className={css.area} />}
          {shown.length > 1 && <path d={line} className={css.line} />}
        </svg>
        <span className={css.top}>{format(top)}</span>
        <span className={css.ago}>{minutes} min ago</span>
      </div>
    </figure>
  );
}

/** A value over the last minutes, as small as a word. */
export function Spark({ label, samples, value, top }: { label: string; samples: Sample[]; value: (s: Sample) => number; top: number }) {
  const shown = samples.slice(-40);
  const points = shown.map((s, i) => `${((i / 39) * 60).toFixed(1)},${(17 - (Math.min(value(s), top) / (top || 1)) * 16).toFixed(1)}`).join(' ');
  return (
    <svg className={css.spark} width="3.75rem" height="1.125rem" viewBox="0 0 60 18" role="img" aria-label={label}>
      <polyline points={points} className={css.line} />
    </svg>
  );
}
