// SPDX-License-Identifier: MPL-2.0
import { JobRevert } from '../../api/ops.gen';
import type { Job } from '../../api/types.gen';
import { useAmbient } from '../../app/location';
import { useAction } from '../../app/query';
import { Cli, inNamespace, quoted } from '../../components/code';
import { ConfirmButton } from '../../components/confirm';

/** Makes an old version the newest again. */
export function RevertButton({ job, version }: { job: Job; version: number }) {
  const { region } = useAmbient();
  const revert = useAction(JobRevert, { done: `Reverted to version ${version}`, failure: `The job was not reverted to version ${version}`, common: { namespace: job.Namespace, region } });
  return (
    <ConfirmButton
      small
      denied={revert.denied}
      label={`Revert to version ${version}`}
      confirm="Revert"
      title={`Revert to version ${version}`}
      busy={revert.isPending}
      cli={<Cli command={`nomadlike job revert${inNamespace(job.Namespace)} ${quoted(job.ID)} ${version}`} />}
      onConfirm={() => revert.mutate({ PathID: job.ID, JobID: job.ID, JobVersion: version, EnforcePriorVersion: job.Version })}
    >
      Version {version} of {job.ID} becomes a new version and replaces version {job.Version}. Its allocations are updated as the update block says.
    </ConfirmButton>
  );
}
