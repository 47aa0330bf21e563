// SPDX-License-Identifier: MPL-2.0
import { ApiError } from '../../api/client';
import { JobGet, JobSubmission } from '../../api/ops.gen';
import type { Job, JobSubmission as Submission } from '../../api/types.gen';
import { useAmbient, useQueryParams } from '../../app/location';
import { useOp } from '../../app/query';
import { Page } from '../../components/page';
import { Result, Waiting } from '../../components/states';
import { href } from '../../lib/href';
import { RunForm } from './form';

/** A new job, or with ?job= the present one to change. */
export default function RunPage() {
  const [params] = useQueryParams();
  const job = params.get('job');
  if (job) return <Edit id={job} namespace={params.get('in') ?? 'default'} />;
  return (
    <Page title="Run a job" crumb={{ to: '/jobs', text: 'Jobs' }}>
      <RunForm source="" variables="" />
    </Page>
  );
}

function Edit({ id, namespace }: { id: string; namespace: string }) {
  const { region } = useAmbient();
  const query = useOp(JobGet, { JobID: id }, { namespace, region });
  return (
    <Page title={`Edit ${id}`} crumb={{ to: href.job(id, namespace), text: id }}>
      <Result query={query} what={`Job ${id}`}>
        {(job) => <EditVersion job={job} region={region} />}
      </Result>
    </Page>
  );
}

function EditVersion({ job, region }: { job: Job; region: string | undefined }) {
  const query = useOp(JobSubmission, { JobID: job.ID, Version: String(job.Version) }, { namespace: job.Namespace, region });
  if (query.isPending) return <Waiting what="Loading the source" />;
  const kept = query.error instanceof ApiError ? undefined : query.data?.data;
  return (
    <>
      {!kept && <p className="dim">The source of this version was not kept; this is the job as the server has it, in JSON.</p>}
      <RunForm key={job.ID} source={kept ? kept.Source : editable(job)} variables={kept ? variablesOf(kept) : ''} job={job} />
    </>
  );
}

function variablesOf(s: Submission): string {
  return [s.Variables, ...Object.entries(s.VariableFlags ?? {}).map(([k, v]) => `${k} = ${JSON.stringify(v)}`)].filter(Boolean).join('\n');
}

/** A job without what the server added. */
function editable(job: Job): string {
  const own = { ...job } as Partial<Job>;
  for (const k of ['Status', 'StatusDescription', 'Stable', 'Version', 'SubmitTime', 'CreateIndex', 'ModifyIndex', 'JobModifyIndex', 'VersionTag', 'Dispatched', 'NomadTokenID'] as const) delete own[k];
  return JSON.stringify({ Job: own }, null, 2);
}
