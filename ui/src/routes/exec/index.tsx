// SPDX-License-Identifier: MPL-2.0
import { Button, NativeSelect, TextInput } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import type { Allocation } from '../../api/types.gen';
import { useAmbient, useQueryParams } from '../../app/location';
import { reading } from '../../app/screen';
import { describe } from '../../app/toasts';
import { Cli, quoted } from '../../components/code';
import { Filters } from '../../components/filters';
import { Empty } from '../../components/states';
import { short } from '../../lib/format';
import { words } from '../../lib/shell-words';
import { tasksOf } from '../../lib/tasks';
import css from './exec.module.css';
import { ExecSession } from './session';

type Phase = 'idle' | 'connecting' | 'open' | 'over';

const shells = /^(\S*\/)?(ba|da|a|z|k)?sh$/;

/** A terminal in a task. */
export default function AllocExec({ alloc }: { alloc: Allocation }) {
  const { region } = useAmbient();
  const [params, setParams] = useQueryParams();
  const running = tasksOf(alloc).filter((t) => t.state?.State === 'running');
  const task = params.get('task') ?? (running.find((t) => t.order === 2) ?? running[0])?.name ?? '';
  const [command, setCommand] = useState('/bin/sh');
  const [phase, setPhase] = useState<Phase>('idle');
  const [end, setEnd] = useState('');
  const box = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const stop = useRef<() => void>(undefined);
  useEffect(() => () => stop.current?.(), []);

  const connect = async () => {
    stop.current?.();
    setPhase('connecting');
    setEnd('');
    const part = await reading(() => import('./terminal')).catch((e: unknown) => {
      setPhase('over');
      setEnd(`The terminal could not be read: ${describe(e)}`);
    });
    if (!box.current || !part) return;
    box.current.replaceChildren();
    const { terminal, fit, dispose } = part.openTerminal(box.current, () => button.current?.focus());
    const session = new ExecSession(alloc.ID ?? '', task, words(command), { namespace: alloc.Namespace, region }, {
      output: (bytes) => terminal.write(bytes),
      open: () => {
        setPhase('open');
        fit();
        session.resize(terminal.cols, terminal.rows);
        terminal.focus();
      },
      over: ({ code, reason }) => {
        setPhase('over');
        setEnd(code === undefined ? reason || 'The session was ended.' : `${command} ended with exit code ${code}.`);
        terminal.options.disableStdin = true;
        button.current?.focus();
      },
    });
    terminal.onData((text) => session.input(text));
    terminal.onResize(({ cols, rows }) => session.resize(cols, rows));
    stop.current = () => {
      session.close();
      dispose();
      stop.current = undefined;
    };
  };

  if (running.length === 0) return <Empty title="No task runs">A terminal needs a running task.</Empty>;
  const busy = phase === 'connecting' || phase === 'open';
  return (
    <>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          if (busy) stop.current?.();
          else void connect();
        }}
      >
        <Filters>
          <NativeSelect aria-label="Task" value={task} disabled={busy} onChange={(e) => setParams({ task: e.currentTarget.value })} data={running.map((t) => t.name)} />
          <TextInput aria-label="Command" value={command} disabled={busy} onChange={(e) => setCommand(e.currentTarget.value)} className={css.command} />
          <Button type="submit" ref={button} autoFocus variant={busy ? 'default' : 'filled'} disabled={!busy && command.trim() === ''}>
            {busy ? 'End the session' : phase === 'over' ? 'Open it again' : shells.test(command.trim()) ? 'Open the shell' : 'Run it'}
          </Button>
          <Cli command={`nomadlike alloc exec -task ${quoted(task)} ${short(alloc.ID ?? '')} ${command}`} />
        </Filters>
      </form>
      <p className="dim" role="status">
        {phase === 'idle' && 'Enter opens a shell in the task, with its environment and its user. Any other command gets a terminal too.'}
        {phase === 'connecting' && 'Connecting…'}
        {phase === 'open' && 'Connected. Ctrl and . leaves the terminal for the rest of the page.'}
        {phase === 'over' && end}
      </p>
      <div ref={box} className={css.terminal} data-open={phase !== 'idle'} />
    </>
  );
}
