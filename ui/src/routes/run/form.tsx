// SPDX-License-Identifier: MPL-2.0
import { Button, Group, Stack } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { ApiError, call } from '../../api/client';
import { JobParse, JobPlan, JobRegister } from '../../api/ops.gen';
import type { Job, JobPlanResponse } from '../../api/types.gen';
import { useAmbient, useGo } from '../../app/location';
import { useAction } from '../../app/query';
import { ActionButton } from '../../components/action-button';
import { Cli } from '../../components/code';
import { Editor } from '../../components/editor';
import { Panel } from '../../components/page';
import { href } from '../../lib/href';
import { isJSON, parseJSON, specErrors, type SpecError } from '../../lib/spec';
import { example } from './example';
import { PlanView } from './plan';

/** What a plan is about: the job as it was parsed from these texts. */
interface Planned {
  job: Job;
  plan: JobPlanResponse;
  source: string;
  variables: string;
}

/** Job file and variables, then the plan of them, then running it. */
export function RunForm({ source: first, variables: firstVariables, job: present }: { source: string; variables: string; job?: Job }) {
  const { region } = useAmbient();
  const go = useGo();
  const [source, setSource] = useState(first);
  const [variables, setVariables] = useState(firstVariables);
  const [showVariables, setShowVariables] = useState(firstVariables !== '');
  const [errors, setErrors] = useState<SpecError[]>([]);
  const result = useRef<HTMLDivElement>(null);

  const plan = useMutation<Planned, Error>({
    mutationFn: async () => {
      const job = isJSON(source) ? parseJSON(source) : (await call(JobParse, { JobHCL: source, Variables: variables, Canonicalize: true }, { region })).data;
      const answer = await call(JobPlan, { PathID: job.ID, Job: job, Diff: true, Explain: true }, { region });
      return { job, plan: answer.data, source, variables };
    },
    onMutate: () => setErrors([]),
    onError: (e) => {
      // What is missing may be a value.
      if (/^\s*variable\s+"/m.test(source)) setShowVariables(true);
      setErrors(e instanceof ApiError ? specErrors(e.message) : [{ line: e.cause as number | undefined, text: e.message }]);
    },
    networkMode: 'always',
  });
  const run = useAction(JobRegister, {
    done: (_, p) => `Job ${p.Job?.ID} is registered`,
    failure: 'The job was not registered',
    common: { region, namespace: plan.data?.job.Namespace },
    onSuccess: (_, p) => go(href.job(p.Job?.ID ?? '', p.Job?.Namespace || 'default')),
  });
  const planned = plan.data && plan.data.source === source && plan.data.variables === variables ? plan.data : undefined;
  useEffect(() => {
    if (planned) result.current?.focus();
  }, [planned]);
  const register = ({ job, plan: p }: Planned) =>
    run.mutate({
      Job: job,
      EnforceIndex: true,
      JobModifyIndex: p.JobModifyIndex,
      Submission: isJSON(source) ? undefined : { Source: source, Format: 'hcl2', VariableFlags: null, Variables: variables, Namespace: '', JobID: '', Version: 0, JobModifyIndex: 0 },
    });

  return (
    <Stack gap="lg">
      <form
        onSubmit={(e) => {
          e.preventDefault();
          plan.mutate();
        }}
      >
        <Stack gap="md">
          <Editor label="Job file" hint="HCL, or JSON" value={source} onChange={setSource} errors={errors} rows={Math.min(28, Math.max(14, source.split('\n').length + 1))} />
          {showVariables ? <Editor label="Variables" hint='one a line: name = "value"' value={variables} onChange={setVariables} rows={4} /> : null}
          <Group gap="xs">
            <Button type="submit" loading={plan.isPending} disabled={source.trim() === ''} variant={planned ? 'default' : 'filled'}>
              {planned ? 'Plan again' : 'Plan'}
            </Button>
            {!showVariables && (
              <Button variant="subtle" color="gray" onClick={() => setShowVariables(true)}>
                Add variables
              </Button>
            )}
            {source === '' && (
              <Button variant="subtle" color="gray" onClick={() => setSource(example)}>
                Start with an example
              </Button>
            )}
          </Group>
          <Cli command="nomadlike job plan job.nomad.hcl" />
        </Stack>
      </form>
      {planned && (
        <div ref={result} tabIndex={-1}>
          <Panel title={`Plan of ${planned.job.ID}`} note="nothing has changed yet">
            <PlanView plan={planned.plan} isNew={!present && planned.plan.JobModifyIndex === 0} />
            <Group mt="md" gap="xs">
              <ActionButton denied={run.denied} loading={run.isPending} onClick={() => register(planned)}>
                Run {planned.job.ID}
              </ActionButton>
              <Cli command={`nomadlike job run -check-index ${planned.plan.JobModifyIndex} job.nomad.hcl`} />
            </Group>
          </Panel>
        </div>
      )}
    </Stack>
  );
}
