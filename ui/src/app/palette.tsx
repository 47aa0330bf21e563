// SPDX-License-Identifier: MPL-2.0
import { Modal } from '@mantine/core';
import { useEffect, useId, useMemo, useRef, useState } from 'react';
import { Icons } from '../components/icons';
import { score } from '../lib/search';
import { useGo } from './location';
import { useCommands, useFound, type Entry } from './palette-entries';
import css from './palette.module.css';
import { paletteOpen, paletteVisit, typedAhead } from './palette-store';
import { useStore } from './store';

/** Search over everything, and commands, for the keyboard. */
export default function Palette() {
  const open = useStore(paletteOpen);
  const visit = useStore(paletteVisit);
  return (
    <Modal.Root opened={open} onClose={() => paletteOpen.set(false)} padding={0} size="lg" yOffset="10vh">
      <Modal.Overlay />
      <Modal.Content aria-label="Search and commands">
        <Search key={visit} />
      </Modal.Content>
    </Modal.Root>
  );
}

function Search() {
  const id = useId();
  const go = useGo();
  const [text, setText] = useState(typedAhead);
  const [at, setAt] = useState(0);
  const list = useRef<HTMLDivElement>(null);
  const commands = useCommands();
  const found = useFound(text);
  const entries = useMemo(() => best([...commands, ...found], text), [commands, found, text]);
  const chosen = Math.min(at, entries.length - 1);
  useEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' });
  }, [chosen]);
  const run = (e: Entry | undefined) => {
    if (!e) return;
    paletteOpen.set(false);
    if (e.to) go(e.to);
    else e.run?.();
  };
  return (
    <div>
      <div className={css.field}>
        <Icons.search size={18} />
        <input
          data-autofocus
          // At once, not when the dialog has settled: the next key is on its way.
          autoFocus
          role="combobox"
          aria-expanded="true"
          aria-controls={`${id}-list`}
          aria-activedescendant={entries.length > 0 ? `${id}-${chosen}` : undefined}
          aria-label="Search jobs, allocations, clients and evaluations, or type a command"
          placeholder="Search by name or ID, or type a command"
          autoComplete="off"
          spellCheck={false}
          value={text}
          onChange={(e) => {
            setText(e.currentTarget.value);
            setAt(0);
          }}
          onKeyDown={(e) => {
            const step = e.key === 'ArrowDown' ? 1 : e.key === 'ArrowUp' ? -1 : 0;
            if (step !== 0 && entries.length > 0) {
              e.preventDefault();
              setAt((chosen + step + entries.length) % entries.length);
            } else if (e.key === 'Enter') {
              e.preventDefault();
              run(entries[chosen]);
            }
          }}
        />
        <kbd>Esc</kbd>
      </div>
      <div className={css.list} id={`${id}-list`} role="listbox" aria-label="Results" ref={list}>
        {entries.map((e, i) => {
          const Icon = Icons[e.icon];
          return (
            <div key={e.key} id={`${id}-${i}`} role="option" aria-selected={i === chosen} className={css.entry} onMouseMove={() => setAt(i)} onClick={() => run(e)}>
              <Icon size={16} />
              <span className={css.text}>{e.text}</span>
              <span className={css.detail}>{e.detail}</span>
            </div>
          );
        })}
      </div>
      {entries.length === 0 && <p className={css.none}>Nothing found for “{text}”. IDs are found by their first characters.</p>}
    </div>
  );
}

const most = 40;

/** The entries that match, the best first; without a text only those that need none. */
function best(entries: Entry[], text: string): Entry[] {
  if (text.trim() === '') return entries.filter((e) => e.always).slice(0, most);
  return entries
    .map((entry) => ({ entry, rank: entry.exact ? 90 : Math.max(score(entry.text, text) ?? -1, (score(`${entry.text} ${entry.detail}`, text) ?? -1) - 5) }))
    .filter((e) => e.rank >= 0)
    .sort((a, b) => b.rank - a.rank)
    .slice(0, most)
    .map((e) => e.entry);
}
