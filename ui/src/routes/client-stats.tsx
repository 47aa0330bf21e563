// SPDX-License-Identifier: MPL-2.0
import { ClientStats } from '../api/ops.gen';
import type { Node } from '../api/types.gen';
import { useAmbient } from '../app/location';
import { useOp } from '../app/query';
import { Chart } from '../components/chart';
import { Card, Panel } from '../components/page';
import { Failure } from '../components/states';
import { bytes, percent, span } from '../lib/format';
import { remember } from '../lib/history';
import css from './client.module.css';

/** What the whole host uses, measured by its client. */
export function HostCharts({ node }: { node: Node }) {
  const { region } = useAmbient();
  const query = useOp(ClientStats, { NodeID: node.ID }, { region, every: 3000 });
  const s = query.data?.data;
  const cpus = s?.CPU ?? [];
  const disk = s?.AllocDirStats ?? s?.DiskStats?.[0];
  const samples = remember(
    `node/${node.ID}`,
    s && { at: s.Timestamp / 1e6, values: { cpu: cpus.reduce((n, c) => n + c.TotalPercent, 0) / (cpus.length || 1) / 100, memory: s.Memory?.Used ?? 0, disk: disk?.Used ?? 0 } },
  );
  if (query.error && !s) {
    return (
      <Panel title="Host">
        <Failure error={query.error} what="What the host uses" />
      </Panel>
    );
  }
  return (
    <Panel title="Host" note={s ? `up for ${span(s.Uptime * 1000)}, everything on the machine counted` : undefined}>
      <Card>
        <div className={css.charts}>
          <Chart title={`CPU, ${cpus.length} cores`} samples={samples} value={(x) => x.values.cpu ?? 0} format={percent} top={1} />
          <Chart title="Memory" samples={samples} value={(x) => x.values.memory ?? 0} format={bytes} top={s?.Memory?.Total || 1} limitText={s ? bytes(s.Memory?.Total ?? 0) : undefined} />
          <Chart title="Disk of the allocations" samples={samples} value={(x) => x.values.disk ?? 0} format={bytes} top={disk?.Size || 1} limitText={disk ? bytes(disk.Size) : undefined} />
        </div>
      </Card>
    </Panel>
  );
}
