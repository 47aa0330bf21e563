// SPDX-License-Identifier: MPL-2.0
import type { Allocation } from '../../api/types.gen';
import { Copy } from '../../components/id';
import { Card, Panel } from '../../components/page';
import { hostPort } from '../../lib/format';
import css from './alloc.module.css';

/** Ports with the addresses that lead to them. */
export function Ports({ alloc }: { alloc: Allocation }) {
  const ports = alloc.AllocatedResources?.Shared.Ports ?? [];
  if (ports.length === 0) return null;
  return (
    <Panel title="Ports">
      <Card>
        <ul className={css.list}>
          {ports.map((p) => {
            const address = hostPort(p.HostIP ?? '', p.Value ?? 0);
            return (
              <li key={`${p.Label}/${address}`}>
                <b>{p.Label}</b>
                <a href={`http://${address}`} target="_blank" rel="noreferrer noopener">
                  {address}
                </a>
                {p.To ? <span className="dim">to {p.To}</span> : null}
                <Copy text={address} label={`Copy the address of ${p.Label}`} />
              </li>
            );
          })}
        </ul>
      </Card>
    </Panel>
  );
}
