// SPDX-License-Identifier: MPL-2.0
import { Checkbox } from '@mantine/core';
import { useMemo, useState } from 'react';
import { useAmbient, useQueryParams } from '../../app/location';
import css from './logs.module.css';
import { useLogs, type LogSource } from './stream';
import { LogView } from './view';

/** Browsers allow six connections to an agent; two stay free for the rest of the page. */
const most = 4;

/** Several logs in one, each line where it arrived. */
export function FollowedLogs({ sources }: { sources: LogSource[] }) {
  const { region } = useAmbient();
  const [params] = useQueryParams();
  const [paused, setPaused] = useState(false);
  const [chosen, setChosen] = useState<string[] | undefined>();
  const shown = useMemo(() => (chosen ? sources.filter((s) => chosen.includes(s.key)) : sources).slice(0, most), [sources, chosen]);
  const logs = useLogs(shown, params.get('from') === 'start' ? 'start' : 'end', region);
  const width = Math.max(...sources.map((s) => s.label.length));
  const labels = sources.length > 1 ? new Map(sources.map((s) => [s.key, s.label.padEnd(width)])) : undefined;
  const toggle = (key: string, on: boolean) => setChosen([...shown.map((s) => s.key).filter((k) => k !== key), ...(on ? [key] : [])]);
  return (
    <>
      {sources.length > most && (
        <fieldset className={css.sources} style={{ border: 0, padding: 0 }}>
          <legend className="dim">At most {most} logs are followed at once:</legend>
          {sources.map((s) => {
            const on = shown.includes(s);
            return <Checkbox key={s.key} size="xs" label={s.label} checked={on} disabled={!on && shown.length >= most} onChange={(e) => toggle(s.key, e.currentTarget.checked)} />;
          })}
        </fieldset>
      )}
      {logs.errors.length > 0 && (
        <ul className={css.errors} role="status">
          {logs.errors.map((e) => (
            <li key={e.source.key}>
              {e.source.label && `${e.source.label}: `}
              {e.text}
            </li>
          ))}
        </ul>
      )}
      <LogView logs={logs} labels={labels} paused={paused} reading={logs.reading > 0} onPause={setPaused} />
    </>
  );
}
