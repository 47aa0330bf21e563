// SPDX-License-Identifier: MPL-2.0
import type { Tone } from '../lib/status';
import css from './bar.module.css';

/** One part of a bar. */
export interface Part {
  label: string;
  value: number;
  tone: Tone;
  /** Drawn with stripes: wanted, but not there. */
  missing?: boolean;
  /** So rare that the legend names it only when there are some. */
  rare?: boolean;
}

/** A bar of parts, with the numbers in words beside it; a text may stand at its end. A width is its share among others. */
export function Bar({ parts, label, legend, text, width }: { parts: Part[]; label: string; legend?: boolean; text?: string; width?: number }) {
  const shown = parts.filter((p) => p.value > 0);
  const total = shown.reduce((n, p) => n + p.value, 0);
  const words = shown.map((p) => `${p.value} ${p.label}`).join(', ') || 'none';
  return (
    <div className={text !== undefined ? css.beside : width === undefined ? css.whole : undefined} style={width === undefined ? undefined : { flexGrow: width }}>
      <div className={css.bar} role="img" aria-label={`${label}: ${words}`} title={width === undefined ? words : `${label}: ${words}`}>
        {shown.map((p) => (
          <div key={p.label} className={css.part} data-tone={p.tone} data-missing={p.missing} style={{ width: `${(p.value / total) * 100}%` }} />
        ))}
      </div>
      {text !== undefined && <span className={css.text}>{text}</span>}
      {legend && (
        <ul className={css.legend} aria-hidden="true">
          {parts.filter((p) => !p.rare || p.value > 0).map((p) => (
            <li key={p.label} data-tone={p.tone} data-zero={p.value === 0}>
              <span className={css.dot} data-missing={p.missing} />
              <b>{p.value}</b> {p.label}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** A bar for each of several groups, as wide as what it wants, with one text at the end of all. */
export function Bars({ groups, text }: { groups: { label: string; parts: Part[]; width: number }[]; text: string }) {
  return (
    <div className={css.beside}>
      <div className={css.bars}>
        {groups.map((g) => (
          <Bar key={g.label} label={g.label} parts={g.parts} width={g.width} />
        ))}
      </div>
      <span className={css.text}>{text}</span>
    </div>
  );
}

/** How much of something is used. */
export function Gauge({ used, total, text, label }: { used: number; total: number; text: string; label: string }) {
  const share = total > 0 ? used / total : 0;
  const tone: Tone = share >= 0.95 ? 'bad' : share >= 0.8 ? 'warn' : 'busy';
  return (
    <div className={css.gauge} role="img" aria-label={`${label}: ${text}`}>
      <div className={css.bar}>
        <div className={css.part} data-tone={tone} style={{ width: `${Math.min(share, 1) * 100}%` }} />
      </div>
      <span className={css.text}>{text}</span>
    </div>
  );
}
