// SPDX-License-Identifier: MPL-2.0
import { Button, Checkbox, Group, NativeSelect, Stack } from '@mantine/core';
import { useState } from 'react';
import { OperatorSchedulerGet, OperatorSchedulerSet } from '../api/ops.gen';
import type { PreemptionConfig, SchedulerConfiguration } from '../api/types.gen';
import { useAction, useOp } from '../app/query';
import { ActionButton } from '../components/action-button';
import { Cli } from '../components/code';
import { Card, Panel } from '../components/page';
import { Notice, Result } from '../components/states';
import { schedulerCommand } from '../lib/scheduler-command';

/** How the cluster schedules, to look at and to change. */
export function SchedulerForm({ region }: { region: string | undefined }) {
  const query = useOp(OperatorSchedulerGet, {}, { region, every: 30_000 });
  const [late, setLate] = useState(false);
  return (
    <Panel title="Scheduler">
      {late && <Notice>Somebody else changed it meanwhile: nothing was set. This is how it is now; choose again what you want to change.</Notice>}
      <Result query={query} what="The scheduler configuration">
        {(data) => data.SchedulerConfig && <Form key={data.SchedulerConfig.ModifyIndex} config={data.SchedulerConfig} region={region} onAnswer={(updated) => setLate(!updated)} />}
      </Result>
    </Panel>
  );
}

const preemption: [keyof PreemptionConfig, string][] = [
  ['SystemSchedulerEnabled', 'System jobs'],
  ['SysBatchSchedulerEnabled', 'System batch jobs'],
  ['ServiceSchedulerEnabled', 'Services'],
  ['BatchSchedulerEnabled', 'Batch jobs'],
];

function Form({ config, region, onAnswer }: { config: SchedulerConfiguration; region: string | undefined; /** Told whether the server set it. */ onAnswer: (updated: boolean) => void }) {
  const [draft, setDraft] = useState(config);
  const save = useAction(OperatorSchedulerSet, {
    done: (r) => (r.Updated ? 'The scheduler configuration is set' : undefined),
    failure: 'The scheduler configuration was not set',
    common: { region },
    onSuccess: (r) => onAnswer(r.Updated),
  });
  const changed = JSON.stringify(draft) !== JSON.stringify(config);
  const toggle = (name: 'MemoryOversubscriptionEnabled' | 'RejectJobRegistration' | 'PauseEvalBroker', label: string, description: string) => <Checkbox key={name} label={label} description={description} checked={draft[name]} onChange={(e) => setDraft({ ...draft, [name]: e.currentTarget.checked })} />;
  return (
    <Card>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          save.mutate({ CAS: String(config.ModifyIndex), Config: draft });
        }}
      >
        <Stack gap="md">
          <NativeSelect
            label="Placement"
            maw="20rem"
            value={draft.SchedulerAlgorithm || 'binpack'}
            onChange={(e) => setDraft({ ...draft, SchedulerAlgorithm: e.currentTarget.value })}
            data={[
              { value: 'binpack', label: 'Fill one client after another (binpack)' },
              { value: 'spread', label: 'Spread evenly over the clients' },
            ]}
          />
          <fieldset style={{ border: 0, margin: 0, padding: 0 }}>
            <legend style={{ padding: 0, marginBottom: 6, fontWeight: 600 }}>May take the place of what is less important</legend>
            <Group gap="lg">
              {preemption.map(([name, label]) => (
                <Checkbox key={name} label={label} checked={draft.PreemptionConfig?.[name] ?? false} onChange={(e) => setDraft({ ...draft, PreemptionConfig: { ...(draft.PreemptionConfig as PreemptionConfig), [name]: e.currentTarget.checked } })} />
              ))}
            </Group>
          </fieldset>
          {toggle('MemoryOversubscriptionEnabled', 'Memory oversubscription', 'Tasks may use more than they reserve, up to their memory_max.')}
          {toggle('RejectJobRegistration', 'Refuse new jobs', 'Only management tokens may register, dispatch and scale.')}
          {toggle('PauseEvalBroker', 'Pause scheduling', 'Nothing is placed until it is taken off again.')}
          <Group>
            <ActionButton denied={save.denied} type="submit" disabled={!changed} loading={save.isPending}>
              Apply
            </ActionButton>
            {changed && (
              <Button variant="default" onClick={() => setDraft(config)}>
                Take back
              </Button>
            )}
            <Cli command={schedulerCommand(config, draft)} />
          </Group>
        </Stack>
      </form>
    </Card>
  );
}
