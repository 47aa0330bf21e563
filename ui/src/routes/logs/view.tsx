// SPDX-License-Identifier: MPL-2.0
import { ActionIcon, Button, Checkbox, TextInput } from '@mantine/core';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useMemo, useRef, useState } from 'react';
import { Icons } from '../../components/icons';
import { pieces, plain } from '../../lib/ansi';
import { matcher, type LogLine } from '../../lib/log-buffer';
import type { Logs } from './stream';
import css from './logs.module.css';

interface Props {
  logs: Logs;
  /** Labels of the sources, when there are several, in the order of their shades. */
  labels?: Map<string, string>;
  paused: boolean;
  /** Whether anything is being read. */
  reading: boolean;
  onPause: (paused: boolean) => void;
}

/** Lines with search, filter and follow. */
export function LogView({ logs, labels, paused, reading, onPause }: Props) {
  const [pattern, setPattern] = useState('');
  const [regex, setRegex] = useState(false);
  const [only, setOnly] = useState(false);
  const [wrap, setWrap] = useState(true);
  const search = useMemo(() => matcher(pattern, regex), [pattern, regex]);
  const lines = useFrozen(logs.lines, paused);
  const found = useMemo(() => (search ? lines.filter((l) => !l.note && plain(l.text).search(search) >= 0) : []), [lines, search]);
  const notes = useMemo(() => lines.reduce((n, l) => n + (l.note ? 1 : 0), 0), [lines]);
  const { current, step } = useMatch(search, found);
  return (
    <div>
      <div className={css.tools}>
        <Button variant="default" size="sm" leftSection={paused ? <Icons.play size={14} /> : <Icons.pause size={14} />} onClick={() => onPause(!paused)}>
          {paused ? 'Go on' : 'Pause'}
        </Button>
        <TextInput
          className={css.search}
          size="sm"
          type="search"
          aria-label="Search in the log"
          placeholder="Search in the log"
          leftSection={<Icons.search size={14} />}
          value={pattern}
          onChange={(e) => setPattern(e.currentTarget.value)}
          onKeyDown={(e) => e.key === 'Enter' && step(e.shiftKey ? 1 : -1)}
          error={pattern !== '' && !search ? 'No valid regular expression' : undefined}
        />
        <Checkbox label="Regex" checked={regex} onChange={(e) => setRegex(e.currentTarget.checked)} />
        <Checkbox label="Matches only" checked={only} onChange={(e) => setOnly(e.currentTarget.checked)} />
        <Checkbox label="Wrap" checked={wrap} onChange={(e) => setWrap(e.currentTarget.checked)} />
        <span className="dim" role="status">
          {paused ? 'Paused' : reading ? 'Following' : 'Not following'}
        </span>
        {search && (
          <span className="dim" role="status">
            {matches(found, only ? undefined : current)}
          </span>
        )}
        {search && !only && found.length > 1 && (
          <>
            <ActionIcon variant="default" size="md" aria-label="Match before" title="Match before (Enter)" onClick={() => step(-1)}>
              <Icons.up size={14} />
            </ActionIcon>
            <ActionIcon variant="default" size="md" aria-label="Match after" title="Match after (Shift and Enter)" onClick={() => step(1)}>
              <Icons.down size={14} />
            </ActionIcon>
          </>
        )}
      </div>
      <Lines lines={only && search ? found : lines} search={search} show={only ? undefined : current} labels={labels} wrap={wrap} paused={paused} onPause={onPause} more={logs.lines.length > 0 ? logs.lines[logs.lines.length - 1]!.n - (lines[lines.length - 1]?.n ?? 0) : 0} />
      <p className={css.foot}>
        {(lines.length - notes).toLocaleString('en')} lines{notes > 0 && '; what was written before stands log by log where lines have no times to order them by'}
        {logs.dropped > 0 && `; ${logs.dropped.toLocaleString('en')} older ones are no longer held here, the download has them`}
      </p>
    </div>
  );
}

/** The match that is shown, by the number of its line: the newest one of a new search, and from there on the one before or after. */
function useMatch(search: RegExp | undefined, found: LogLine[]) {
  const [shown, setShown] = useState<{ search: RegExp | undefined; n: number | undefined }>({ search: undefined, n: undefined });
  if (shown.search !== search) setShown({ search, n: found[found.length - 1]?.n });
  const step = (by: number) => {
    if (found.length === 0) return;
    const at = found.findIndex((l) => l.n === shown.n);
    const next = at < 0 ? found.length - 1 : (at + by + found.length) % found.length;
    setShown({ search, n: found[next]!.n });
  };
  return { current: shown.n, step };
}

/** How many lines match, and which of them is shown. */
function matches(found: LogLine[], current: number | undefined): string {
  const at = found.findIndex((l) => l.n === current);
  const count = found.length.toLocaleString('en');
  return at < 0 ? `${count} matching` : `${(at + 1).toLocaleString('en')} of ${count} matching`;
}

/** The value, or while frozen the one that was there when it froze. */
function useFrozen<T>(value: T, frozen: boolean): T {
  const kept = useRef(value);
  if (!frozen) kept.current = value;
  return kept.current;
}

const lineHeight = 20;
/** How many sources can be told apart by shade. */
const shades = 4;

function Lines({ lines, search, show, labels, wrap, paused, onPause, more }: { lines: LogLine[]; search: RegExp | undefined; show: number | undefined; labels?: Map<string, string>; wrap: boolean; paused: boolean; onPause: (p: boolean) => void; more: number }) {
  const box = useRef<HTMLDivElement>(null);
  const [atEnd, setAtEnd] = useState(true);
  const virtual = useVirtualizer({ count: lines.length, getScrollElement: () => box.current, estimateSize: () => lineHeight, overscan: 20, getItemKey: (i) => lines[i]!.n });
  const last = lines[lines.length - 1]?.n;
  const order = [...(labels?.keys() ?? [])];
  useEffect(() => {
    if (atEnd && !paused && lines.length > 0) virtual.scrollToIndex(lines.length - 1, { align: 'end' });
  }, [last, atEnd, paused, lines.length, virtual, wrap]);
  const newest = useRef(lines);
  newest.current = lines;
  useEffect(() => {
    const at = show === undefined ? -1 : newest.current.findIndex((l) => l.n === show);
    if (at < 0) return;
    if (at < newest.current.length - 3) setAtEnd(false);
    virtual.scrollToIndex(at, { align: 'center' });
  }, [show, virtual]);
  const jump = () => {
    onPause(false);
    setAtEnd(true);
  };
  return (
    <div className={css.frame}>
      <div
        ref={box}
        className={css.box}
        data-wrap={wrap}
        role="log"
        aria-label="Log"
        aria-live="off"
        tabIndex={0}
        onScroll={(e) => {
          const b = e.currentTarget;
          setAtEnd(b.scrollHeight - b.scrollTop - b.clientHeight < lineHeight * 2);
        }}
      >
        <div style={{ height: virtual.getTotalSize(), position: 'relative' }}>
          {virtual.getVirtualItems().map((item) => {
            const line = lines[item.index]!;
            return (
              <div key={item.key} ref={virtual.measureElement} data-index={item.index} data-current={line.n === show} className={css.line} style={{ transform: `translateY(${item.start}px)` }}>
                {line.note && <span className={css.between}>{noteText(line.note, labels?.get(line.source)?.trim())}</span>}
                {labels && !line.note && (
                  <span className={css.source} data-source={order.indexOf(line.source) % shades}>
                    {labels.get(line.source)}
                  </span>
                )}
                {!line.note && <LineText text={line.text} search={search} />}
              </div>
            );
          })}
        </div>
      </div>
      {(!atEnd || (paused && more > 0)) && (
        <Button className={css.jump} size="compact-sm" leftSection={<Icons.down size={14} />} onClick={jump}>
          {paused && more > 0 ? `${more.toLocaleString('en')} new, to the end` : 'To the end'}
        </Button>
      )}
    </div>
  );
}

/** What stands between the lines of several logs. */
function noteText(note: NonNullable<LogLine['note']>, label: string | undefined): string {
  switch (note) {
    case 'before':
      return `${label}: written before this page began to follow`;
    case 'timed':
      return 'All others: written before, in the order of the times in their lines';
    case 'live':
      return 'From here on: all logs, as lines arrive';
  }
}

function LineText({ text, search }: { text: string; search: RegExp | undefined }) {
  return (
    <span>
      {pieces(text).map((p, i) => (
        <span key={i} data-color={p.color} data-bold={p.bold}>
          {search ? <Marked text={p.text} search={search} /> : p.text}
        </span>
      ))}
      {text === '' && '\u00a0'}
    </span>
  );
}

function Marked({ text, search }: { text: string; search: RegExp }) {
  const out: React.ReactNode[] = [];
  let at = 0;
  for (const m of text.matchAll(search)) {
    if (m[0] === '') continue;
    out.push(text.slice(at, m.index), <mark key={m.index}>{m[0]}</mark>);
    at = m.index + m[0].length;
    if (out.length > 400) break;
  }
  return (
    <>
      {out}
      {text.slice(at)}
    </>
  );
}
