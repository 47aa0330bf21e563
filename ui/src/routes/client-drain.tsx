// SPDX-License-Identifier: MPL-2.0
import { Button, Checkbox, NativeSelect, Stack } from '@mantine/core';
import { useState } from 'react';
import { NodeDrain } from '../api/ops.gen';
import type { DrainSpec, Node } from '../api/types.gen';
import { useAmbient } from '../app/location';
import { useAction } from '../app/query';
import { ActionButton } from '../components/action-button';
import { Cli } from '../components/code';
import { ConfirmButton } from '../components/confirm';
import { Answers, Dialog } from '../components/dialog';
import { short } from '../lib/format';

const second = 1e9;

/** How long allocations have to move, as the command line names it; what stays after that is stopped. */
const deadlines: { value: string; label: string; flag: string; nanoseconds: number }[] = [
  { value: '5m', label: 'Within 5 minutes', flag: '-deadline 5m', nanoseconds: 300 * second },
  { value: '1h', label: 'Within an hour', flag: '-deadline 1h', nanoseconds: 3600 * second },
  { value: '8h', label: 'Within 8 hours', flag: '-deadline 8h', nanoseconds: 8 * 3600 * second },
  { value: '24h', label: 'Within a day', flag: '-deadline 24h', nanoseconds: 24 * 3600 * second },
  { value: 'none', label: 'However long it takes', flag: '-no-deadline', nanoseconds: 0 },
  { value: 'force', label: 'At once, all together', flag: '-force', nanoseconds: -1 },
];

/** Moves everything off a client, or stops doing so. */
export function DrainButton({ node }: { node: Node }) {
  const { region } = useAmbient();
  const drain = useAction(NodeDrain, {
    done: (_, p) => (p.DrainSpec ? `${node.Name} is being drained` : `${node.Name} is no longer drained`),
    failure: (p) => (p.DrainSpec ? `${node.Name} is not drained` : `The drain of ${node.Name} goes on`),
    common: { region },
  });
  const [eligible, setEligible] = useState(true);
  const request = { PathID: node.ID, NodeID: node.ID };
  if (!node.Drain) return <StartDrain node={node} denied={drain.denied} busy={drain.isPending} onStart={(spec) => drain.mutate({ ...request, DrainSpec: spec })} />;
  return (
    <ConfirmButton
      label="Stop draining"
      title={`Stop draining ${node.Name}`}
      denied={drain.denied}
      busy={drain.isPending}
      cli={<Cli command={`nomadlike node drain -disable${eligible ? '' : ' -keep-ineligible'} ${short(node.ID)}`} />}
      onConfirm={() => drain.mutate({ ...request, DrainSpec: null, MarkEligible: eligible })}
    >
      <p>What has not moved yet stays. What has moved does not come back.</p>
      <Checkbox label="Take new allocations again" checked={eligible} onChange={(e) => setEligible(e.currentTarget.checked)} />
    </ConfirmButton>
  );
}

function StartDrain({ node, denied, busy, onStart }: { node: Node; denied: string | undefined; busy: boolean; onStart: (spec: DrainSpec) => void }) {
  const [open, setOpen] = useState(false);
  const [within, setWithin] = useState('1h');
  const [ignoreSystem, setIgnoreSystem] = useState(false);
  const deadline = deadlines.find((d) => d.value === within)!;
  return (
    <>
      <ActionButton denied={denied} variant="default" loading={busy} onClick={() => setOpen(true)}>
        Drain
      </ActionButton>
      <Dialog opened={open} onClose={() => setOpen(false)} title={`Drain ${node.Name}`}>
        <form
          onSubmit={(e) => {
            e.preventDefault();
            setOpen(false);
            onStart({ Deadline: deadline.nanoseconds, IgnoreSystemJobs: ignoreSystem });
          }}
        >
          <Stack gap="md">
            <div>All allocations move to other clients, as many at a time as the migrate blocks of their jobs allow, and nothing new is placed here.</div>
            <NativeSelect label="Time to move" description="What is still here after that is stopped" data={deadlines.map(({ value, label }) => ({ value, label }))} value={within} onChange={(e) => setWithin(e.currentTarget.value)} data-autofocus />
            <Checkbox label="Leave the allocations of system jobs" checked={ignoreSystem} onChange={(e) => setIgnoreSystem(e.currentTarget.checked)} />
            <Cli command={`nomadlike node drain -enable ${deadline.flag}${ignoreSystem ? ' -ignore-system' : ''} ${short(node.ID)}`} />
            <Answers onNo={() => setOpen(false)}>
              <Button type="submit">Drain</Button>
            </Answers>
          </Stack>
        </form>
      </Dialog>
    </>
  );
}
