// SPDX-License-Identifier: MPL-2.0
import { ClientAllocChecks } from '../../api/ops.gen';
import type { Allocation } from '../../api/types.gen';
import { useAmbient } from '../../app/location';
import { useOp } from '../../app/query';
import { Card, Panel } from '../../components/page';
import { Failure } from '../../components/states';
import { StatusMark } from '../../components/status';
import { Time } from '../../components/time';
import { statusOf } from '../../lib/status';
import css from './alloc.module.css';

/** The health checks of an allocation's services. Jobs without checks are not asked about. */
export function Checks({ alloc }: { alloc: Allocation }) {
  const { region } = useAmbient();
  const group = alloc.Job?.TaskGroups?.find((g) => g.Name === alloc.TaskGroup);
  const services = [...(group?.Services ?? []), ...(group?.Tasks ?? []).flatMap((t) => t.Services ?? [])];
  const any = services.some((s) => (s.Checks ?? []).length > 0);
  const query = useOp(ClientAllocChecks, { AllocID: alloc.ID ?? '' }, { namespace: alloc.Namespace, region, enabled: any && alloc.ClientStatus === 'running', every: 5000 });
  if (!any) return null;
  const checks = Object.values(query.data?.data ?? {});
  return (
    <Panel title="Health checks">
      {query.error && !query.data ? (
        <Failure error={query.error} what="The health checks" />
      ) : (
        <Card>
          <ul className={css.list}>
            {checks.map((c) => (
              <li key={c.ID}>
                <b>{c.Check}</b>
                <StatusMark status={statusOf(c.Status)} plain />
                <span className="dim">
                  {c.Service} · <Time at={c.Timestamp * 1e9} />
                </span>
                {c.Output && <span className="dim">{c.Output.slice(0, 300)}</span>}
              </li>
            ))}
            {checks.length === 0 && <li className="dim">No result yet.</li>}
          </ul>
        </Card>
      )}
    </Panel>
  );
}
