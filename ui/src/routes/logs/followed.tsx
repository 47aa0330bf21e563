// SPDX-License-Identifier: MPL-2.0
import { Checkbox } from '@mantine/core';
import { useMemo, useState } from 'react';
import { useAmbient, useQueryParams } from '../../app/location';
import css from './logs.module.css';
import { mostLogs, mostStreams, useLogs, type Logs, type LogSource } from './stream';
import { LogView } from './view';

/** Where to begin, in words: with the ends of the logs, or with all of them. */
export const latest = 'Latest lines';
export const fromStart = [{ value: 'start', label: 'All lines from the start' }];

/** What went wrong, each once, with the logs that it happened to. */
function told(errors: Logs['errors']): [text: string, labels: string[]][] {
  const labels = new Map<string, string[]>();
  for (const e of errors) labels.set(e.text, [...(labels.get(e.text) ?? []), ...(e.source.label ? [e.source.label] : [])]);
  return [...labels];
}

/** Several logs in one, each line where it arrived. */
export function FollowedLogs({ sources }: { sources: LogSource[] }) {
  const { region } = useAmbient();
  const [params] = useQueryParams();
  const [paused, setPaused] = useState(false);
  const [chosen, setChosen] = useState<string[] | undefined>();
  const shown = useMemo(() => (chosen ? sources.filter((s) => chosen.includes(s.key)) : sources).slice(0, mostLogs), [sources, chosen]);
  const logs = useLogs(shown, params.get('from') === 'start' ? 'start' : 'end', region);
  const width = Math.max(...sources.map((s) => s.label.length));
  const labels = sources.length > 1 ? new Map(sources.map((s) => [s.key, s.label.padEnd(width)])) : undefined;
  const toggle = (key: string, on: boolean) => setChosen([...shown.map((s) => s.key).filter((k) => k !== key), ...(on ? [key] : [])]);
  return (
    <>
      {sources.length > mostLogs && (
        <fieldset className={css.sources}>
          <legend className="dim">At most {mostLogs} logs are followed at once:</legend>
          {sources.map((s) => {
            const on = shown.includes(s);
            return <Checkbox key={s.key} size="xs" label={s.label} checked={on} disabled={!on && shown.length >= mostLogs} onChange={(e) => toggle(s.key, e.currentTarget.checked)} />;
          })}
        </fieldset>
      )}
      {shown.length > mostStreams && (
        <p className={css.note}>
          {shown.length} logs, read in turn every second or so: browsers allow too few connections to follow more than {mostStreams} at once.
        </p>
      )}
      {logs.errors.length > 0 && (
        <div className={css.errors} role="status">
          {told(logs.errors).map(([text, labels]) => (
            <p key={text}>
              {labels.length > 0 && `${labels.join(', ')}: `}
              {text}
            </p>
          ))}
        </div>
      )}
      <LogView logs={logs} labels={labels} paused={paused} reading={logs.reading > 0} onPause={setPaused} />
    </>
  );
}
