// SPDX-License-Identifier: MPL-2.0
import { Button, NativeSelect, Stack } from '@mantine/core';
import { useState } from 'react';
import { AllocStop, ClientAllocRestart, ClientAllocSignal } from '../../api/ops.gen';
import type { Allocation } from '../../api/types.gen';
import { useAmbient } from '../../app/location';
import { useAction } from '../../app/query';
import { ActionButton } from '../../components/action-button';
import { Cli, quoted } from '../../components/code';
import { ConfirmButton } from '../../components/confirm';
import { Answers, Dialog } from '../../components/dialog';
import { short } from '../../lib/format';
import { ended } from '../../lib/status';

/** What can be done with a whole allocation. */
export function AllocActions({ alloc }: { alloc: Allocation }) {
  const { region } = useAmbient();
  const id = alloc.ID ?? '';
  const common = { namespace: alloc.Namespace, region };
  const stop = useAction(AllocStop, { done: `Allocation ${short(id)} stopped; the scheduler places another`, failure: 'The allocation was not stopped', common });
  const over = ended({ ClientStatus: alloc.ClientStatus ?? '' });
  if (over) return null;
  return (
    <>
      <RestartButton alloc={alloc} />
      <SignalButton alloc={alloc} />
      <ConfirmButton denied={stop.denied} label="Stop" danger title={`Stop allocation ${short(id)}`} confirm="Stop the allocation" busy={stop.isPending} disabled={alloc.DesiredStatus !== 'run'} cli={<Cli command={`nomadlike alloc stop ${short(id)}`} />} onConfirm={() => stop.mutate({ AllocID: id })}>
        Its tasks are stopped, and the scheduler places another one in its stead as long as the job wants it.
      </ConfirmButton>
    </>
  );
}

/** Restarts a task, or all that run. */
export function RestartButton({ alloc, task }: { alloc: Allocation; task?: string }) {
  const { region } = useAmbient();
  const id = alloc.ID ?? '';
  const restart = useAction(ClientAllocRestart, { done: task ? `Task ${task} restarted` : 'The running tasks were restarted', failure: 'Nothing was restarted', common: { namespace: alloc.Namespace, region } });
  const command = `nomadlike alloc restart ${short(id)}${task ? ` ${quoted(task)}` : ''}`;
  return (
    <ConfirmButton denied={restart.denied} label="Restart" small={task !== undefined} describe={task && `Restart task ${task}`} title={task ? `Restart task ${task}` : 'Restart the tasks'} busy={restart.isPending} cli={<Cli command={command} />} onConfirm={() => restart.mutate({ AllocID: id, TaskName: task })}>
      {task ? `Task ${task} is stopped and started again in place.` : 'All running tasks are stopped and started again in place.'}
    </ConfirmButton>
  );
}

const signals = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGKILL', 'SIGUSR1', 'SIGUSR2', 'SIGSTOP', 'SIGCONT', 'SIGWINCH'];

/** Sends a signal to a task, or to all. */
export function SignalButton({ alloc, task }: { alloc: Allocation; task?: string }) {
  const { region } = useAmbient();
  const id = alloc.ID ?? '';
  const [open, setOpen] = useState(false);
  const [signal, setSignal] = useState('SIGHUP');
  const send = useAction(ClientAllocSignal, { done: (_, p) => `${p.Signal} sent`, failure: 'The signal was not sent', common: { namespace: alloc.Namespace, region }, onSuccess: () => setOpen(false) });
  return (
    <>
      <ActionButton denied={send.denied} variant="default" size={task ? 'compact-sm' : 'sm'} aria-label={task && `Signal task ${task}`} onClick={() => setOpen(true)}>
        Signal
      </ActionButton>
      <Dialog opened={open} onClose={() => setOpen(false)} title={task ? `Signal task ${task}` : 'Signal the tasks'}>
        <Stack gap="md">
          <NativeSelect label="Signal" data={signals} value={signal} onChange={(e) => setSignal(e.currentTarget.value)} data-autofocus />
          <Cli command={`nomadlike alloc signal -s ${signal} ${short(id)}${task ? ` ${quoted(task)}` : ''}`} />
          <Answers onNo={() => setOpen(false)}>
            <Button loading={send.isPending} onClick={() => send.mutate({ AllocID: id, Task: task, Signal: signal })}>
              Send {signal}
            </Button>
          </Answers>
        </Stack>
      </Dialog>
    </>
  );
}
