// SPDX-License-Identifier: MPL-2.0
import type { Job, Service } from '../../api/types.gen';
import { useAmbient } from '../../app/location';
import { Instances } from '../../components/instances';
import { Link } from '../../components/link';
import { Panel } from '../../components/page';
import { count } from '../../lib/format';
import { href } from '../../lib/href';

/** The services of a job that the servers keep, by name. */
export function servicesOf(job: Job): Map<string, Service[]> {
  const found = new Map<string, Service[]>();
  for (const g of job.TaskGroups ?? []) {
    for (const s of [...(g.Services ?? []), ...(g.Tasks ?? []).flatMap((t) => t.Services ?? [])]) {
      if (s.Provider === 'nomad') found.set(s.Name, [...(found.get(s.Name) ?? []), s]);
    }
  }
  return found;
}

/** Where the services of a job answer. */
export function JobServices({ job }: { job: Job }) {
  const { region } = useAmbient();
  return [...servicesOf(job)].map(([name, services]) => {
    const checks = services.reduce((n, s) => n + (s.Checks ?? []).length, 0);
    return (
      <Panel key={name} title={name} note={checks > 0 ? `${count(checks, 'health check')}, see the allocations` : undefined} actions={<Link to={href.service(name, job.Namespace)}>The service in all jobs</Link>}>
        <Instances service={name} namespace={job.Namespace} region={region} job={job.ID} />
      </Panel>
    );
  });
}
