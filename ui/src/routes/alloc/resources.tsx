// SPDX-License-Identifier: MPL-2.0
import type { Allocation } from '../../api/types.gen';
import { Chart } from '../../components/chart';
import { Card, Panel } from '../../components/page';
import { bytes, mhz } from '../../lib/format';
import type { Sample } from '../../lib/history';
import { roundUp, roundUpBytes } from '../../lib/scale';
import css from './alloc.module.css';

/** What all tasks together use, against what is reserved for them. */
export function Resources({ alloc, samples }: { alloc: Allocation; samples: Sample[] }) {
  const running = Object.entries(alloc.AllocatedResources?.Tasks ?? {}).filter(([name]) => alloc.TaskStates?.[name]?.State === 'running');
  const cpu = running.reduce((n, [, t]) => n + t.Cpu.CpuShares, 0);
  const memory = running.reduce((n, [, t]) => n + (t.Memory.MemoryMaxMB || t.Memory.MemoryMB), 0) * 2 ** 20;
  const most = (key: string) => Math.max(0, ...samples.map((s) => s.values[key] ?? 0));
  return (
    <Panel title="Resources" note="measured every 2 seconds while you look">
      <Card>
        <div className={css.charts}>
          <Chart title="CPU" samples={samples} value={(s) => s.values.cpu ?? 0} format={mhz} top={roundUp(Math.max(cpu, most('cpu')))} limit={cpu} limitText={`${mhz(cpu)} reserved`} />
          <Chart title="Memory" samples={samples} value={(s) => s.values.memory ?? 0} format={bytes} top={roundUpBytes(Math.max(memory, most('memory')))} limit={memory} limitText={`${bytes(memory)} at most`} />
        </div>
      </Card>
    </Panel>
  );
}
