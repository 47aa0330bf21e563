// SPDX-License-Identifier: MPL-2.0
import { ActionIcon, Button, Checkbox, Menu } from '@mantine/core';
import { useState } from 'react';
import { JobDeregister, JobEvaluate, JobPeriodicForce, JobRegister } from '../../api/ops.gen';
import type { Job } from '../../api/types.gen';
import { useAmbient, useGo } from '../../app/location';
import { pageSettings } from '../../app/page-settings';
import { useAction } from '../../app/query';
import { ActionButton } from '../../components/action-button';
import { Cli, inNamespace, quoted } from '../../components/code';
import { ConfirmButton } from '../../components/confirm';
import { Icons } from '../../components/icons';
import { Link } from '../../components/link';
import { href } from '../../lib/href';
import { DispatchButton } from './dispatch';

/** What can be done with a job. */
export function JobActions({ job }: { job: Job }) {
  const { region } = useAmbient();
  const common = { namespace: job.Namespace, region };
  const force = useAction(JobPeriodicForce, { done: 'A launch was forced', failure: 'No launch was forced', common });
  const start = useAction(JobRegister, { done: `Job ${job.ID} started again`, failure: `Job ${job.ID} was not started`, common });
  const at = inNamespace(job.Namespace);
  const template = job.ParameterizedJob !== null && !job.Dispatched;
  return (
    <>
      <Button component={Link} variant="default" to={`/jobs/run?job=${encodeURIComponent(job.ID)}&in=${encodeURIComponent(job.Namespace)}`}>
        Edit
      </Button>
      {template && !job.Stop && <DispatchButton job={job} />}
      {job.Periodic && !job.Stop && (
        <ActionButton denied={force.denied} cli={`nomadlike job periodic force${at} ${quoted(job.ID)}`} variant="default" loading={force.isPending} onClick={() => force.mutate({ JobID: job.ID })}>
          Force a launch
        </ActionButton>
      )}
      {job.Stop ? (
        <ActionButton denied={start.denied} cli={`nomadlike job start${at} ${quoted(job.ID)}`} loading={start.isPending} leftSection={<Icons.play />} onClick={() => start.mutate({ Job: { ...job, Stop: false } })}>
          Start again
        </ActionButton>
      ) : (
        <StopButton job={job} />
      )}
      <More job={job} />
    </>
  );
}

function StopButton({ job }: { job: Job }) {
  const { region } = useAmbient();
  const [purge, setPurge] = useState(false);
  const go = useGo();
  const stop = useAction(JobDeregister, {
    done: purge ? `Job ${job.ID} purged` : `Job ${job.ID} stopped`,
    failure: `Job ${job.ID} was not stopped`,
    common: { namespace: job.Namespace, region },
    onSuccess: (_, p) => p.Purge && go('/jobs'),
  });
  return (
    <ConfirmButton
      denied={stop.denied}
      label="Stop"
      danger
      title={`Stop ${job.ID}`}
      confirm={purge ? 'Stop and purge' : 'Stop the job'}
      busy={stop.isPending}
      cli={<Cli command={`nomadlike job stop${inNamespace(job.Namespace)}${purge ? ' -purge' : ''} ${quoted(job.ID)}`} />}
      onConfirm={() => stop.mutate({ JobID: job.ID, Purge: purge })}
    >
      <p>All allocations of {job.ID} are stopped. It can be started again as long as it is not purged or collected.</p>
      <Checkbox label="Purge: also forget the job, its versions and its history" checked={purge} onChange={(e) => setPurge(e.currentTarget.checked)} />
    </ConfirmButton>
  );
}

function More({ job }: { job: Job }) {
  const { region } = useAmbient();
  const common = { namespace: job.Namespace, region };
  const go = useGo();
  const evaluate = useAction(JobEvaluate, { done: (r) => `Evaluation ${r.EvalID.slice(0, 8)} created`, failure: 'No evaluation was created', common, onSuccess: () => go(href.job(job.ID, job.Namespace, 'evaluations')) });
  const plain = !job.Periodic && !(job.ParameterizedJob && !job.Dispatched);
  if (!plain) return null;
  const hint = (flags: string) => (pageSettings.hideCLIHints ? undefined : `$ nomadlike job eval${inNamespace(job.Namespace)}${flags} ${quoted(job.ID)}`);
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <ActionIcon variant="default" size={36} aria-label="More actions" title="More actions">
          <Icons.more />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item disabled={evaluate.denied !== undefined} title={evaluate.denied ?? hint('')} onClick={() => evaluate.mutate({ PathID: job.ID, JobID: job.ID })}>
          Evaluate
        </Menu.Item>
        <Menu.Item disabled={evaluate.denied !== undefined} title={evaluate.denied ?? hint(' -force-reschedule')} onClick={() => evaluate.mutate({ PathID: job.ID, JobID: job.ID, EvalOptions: { ForceReschedule: true } })}>
          Evaluate and reschedule what failed
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
