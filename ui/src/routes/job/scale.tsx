// SPDX-License-Identifier: MPL-2.0
import { NumberInput, Stack } from '@mantine/core';
import { useState } from 'react';
import { JobScale } from '../../api/ops.gen';
import type { Job } from '../../api/types.gen';
import { useAmbient } from '../../app/location';
import { useAction } from '../../app/query';
import { ActionButton } from '../../components/action-button';
import { Cli, inNamespace, quoted } from '../../components/code';
import { Answers, Dialog } from '../../components/dialog';

/** Changes how many allocations a group wants. */
export function ScaleButton({ job, group }: { job: Job; group: string }) {
  const present = job.TaskGroups?.find((g) => g.Name === group);
  const limits = present?.Scaling;
  const { region } = useAmbient();
  const [open, setOpen] = useState(false);
  const [count, setCount] = useState<number | string>(present?.Count ?? 1);
  const scale = useAction(JobScale, {
    done: (_, p) => `Group ${group} scaled to ${p.Count}`,
    failure: `Group ${group} was not scaled`,
    common: { namespace: job.Namespace, region },
    onSuccess: () => setOpen(false),
  });
  const submit = () => scale.mutate({ JobID: job.ID, Target: { Group: group }, Count: Number(count), Message: 'scaled in the web interface' });
  return (
    <>
      <ActionButton
        denied={scale.denied}
        size="compact-sm"
        variant="default"
        aria-label={`Scale group ${group}`}
        onClick={() => {
          setCount(present?.Count ?? 1);
          setOpen(true);
        }}
      >
        Scale
      </ActionButton>
      <Dialog opened={open} onClose={() => setOpen(false)} title={`Scale group ${group}`}>
        <form
          onSubmit={(e) => {
            e.preventDefault();
            submit();
          }}
        >
          <Stack gap="md">
            <NumberInput label="Allocations" min={limits?.Min ?? 0} max={limits?.Max ?? undefined} allowDecimal={false} value={count} onChange={setCount} data-autofocus />
            <Cli command={`nomadlike job scale${inNamespace(job.Namespace)} ${quoted(job.ID)} ${quoted(group)} ${count}`} />
            <Answers onNo={() => setOpen(false)}>
              <ActionButton denied={scale.denied} type="submit" loading={scale.isPending} disabled={count === '' || count === present?.Count}>
                Scale
              </ActionButton>
            </Answers>
          </Stack>
        </form>
      </Dialog>
    </>
  );
}
