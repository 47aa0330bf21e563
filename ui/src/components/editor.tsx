// SPDX-License-Identifier: MPL-2.0
import { useId, useRef } from 'react';
import type { SpecError } from '../lib/spec';
import css from './editor.module.css';

/** A text with line numbers, where lines with mistakes are marked and the mistakes told below. */
export function Editor({ label, value, onChange, errors = [], rows = 18, hint }: { label: string; value: string; onChange: (text: string) => void; errors?: SpecError[]; rows?: number; hint?: string }) {
  const id = useId();
  const area = useRef<HTMLTextAreaElement>(null);
  const gutter = useRef<HTMLDivElement>(null);
  const lines = value.split('\n');
  const wrong = new Set(errors.map((e) => e.line).filter((l) => l !== undefined));
  const goTo = (line: number) => {
    const start = lines.slice(0, line - 1).reduce((n, l) => n + l.length + 1, 0);
    area.current?.focus();
    area.current?.setSelectionRange(start, start + (lines[line - 1]?.length ?? 0));
  };
  return (
    <div>
      <label htmlFor={id} className={css.label}>
        {label}
        {hint && <span className="dim"> {hint}</span>}
      </label>
      <div className={css.editor} data-wrong={errors.length > 0}>
        <div className={css.gutter} ref={gutter} aria-hidden="true">
          <div className={css.numbers}>
            {lines.map((_, i) => (
              <div key={i} className={css.number} data-wrong={wrong.has(i + 1)}>
                {i + 1}
              </div>
            ))}
          </div>
        </div>
        <textarea
          id={id}
          ref={area}
          className={css.area}
          rows={rows}
          value={value}
          wrap="off"
          spellCheck={false}
          autoCapitalize="off"
          autoComplete="off"
          aria-invalid={errors.length > 0}
          aria-describedby={errors.length > 0 ? `${id}-errors` : undefined}
          onChange={(e) => onChange(e.currentTarget.value)}
          onScroll={(e) => {
            if (gutter.current) gutter.current.scrollTop = e.currentTarget.scrollTop;
          }}
        />
      </div>
      {errors.length > 0 && (
        <ul id={`${id}-errors`} className={css.errors} role="alert">
          {errors.map((e, i) => (
            <li key={i}>
              {e.line !== undefined && (
                <button type="button" onClick={() => goTo(e.line!)}>
                  Line {e.line}
                </button>
              )}
              <span>{e.text}</span>
              {e.line !== undefined && lines[e.line - 1] !== undefined && <code>{lines[e.line - 1]!.trim()}</code>}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
