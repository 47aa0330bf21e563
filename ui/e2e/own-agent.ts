// SPDX-License-Identifier: MPL-2.0
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from './agent';

/** The binary under test; ui/e2e_test.go names it. */
export const binary = process.env.NOMADLIKE_BIN ?? resolve(fileURLToPath(new URL('.', import.meta.url)), '../../bin/nomadlike');

async function freePorts(n: number): Promise<number[]> {
  const held = await Promise.all(
    Array.from({ length: n }, async () => {
      const s = createServer();
      await new Promise<void>((done) => s.listen(0, '127.0.0.1', done));
      return s;
    }),
  );
  const ports = held.map((s) => (s.address() as AddressInfo).port);
  await Promise.all(held.map((s) => new Promise((done) => s.close(done))));
  return ports;
}

/** Starts the binary; it ends with the tests at the latest. */
export function start(args: string[]): ChildProcess {
  const child = spawn(binary, args, { stdio: 'ignore' });
  process.once('exit', () => child.kill('SIGKILL'));
  return child;
}

/** Ends a process that start returned. */
export async function end(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const over = new Promise((done) => child.once('exit', done));
  child.kill('SIGINT');
  await over;
}

/** An agent of a test's own, which the test may stop and start again. */
export class OwnAgent {
  private child: ChildProcess | undefined;
  private constructor(
    private dir: string,
    private args: string[],
    readonly address: string,
    readonly rpc: string,
    readonly serf: string,
  ) {}

  /** Starts an agent with a configuration beyond its ports; without dev it is a server that keeps its state. */
  static async start(config: string, dev: boolean): Promise<OwnAgent> {
    const dir = mkdtempSync(join(tmpdir(), 'nomadlike-ui-'));
    const [http, rpc, serf] = await freePorts(3);
    const file = join(dir, 'agent.hcl');
    const server = dev ? '' : `data_dir = ${JSON.stringify(join(dir, 'data'))}\nbind_addr = "127.0.0.1"\nadvertise {\n  http = "127.0.0.1"\n  rpc = "127.0.0.1"\n  serf = "127.0.0.1"\n}\nserver {\n  enabled = true\n  bootstrap_expect = 1\n}\n`;
    writeFileSync(file, `ports {\n  http = ${http}\n  rpc = ${rpc}\n  serf = ${serf}\n}\n${server}${config}`);
    const agent = new OwnAgent(dir, ['agent', ...(dev ? ['-dev'] : []), '-config', file], `http://127.0.0.1:${http}`, `127.0.0.1:${rpc}`, `127.0.0.1:${serf}`);
    await agent.up();
    return agent;
  }

  /** Starts it again. */
  async up(): Promise<void> {
    const child = (this.child = start(this.args));
    await until(
      async () => {
        if (child.exitCode !== null) throw new Error(`the agent ended with code ${child.exitCode}: ${binary} ${this.args.join(' ')}`);
        return (await fetch(`${this.address}/v1/status/leader`).then((r) => r.json(), () => '')) as string;
      },
      (leader) => leader !== '',
    );
  }

  /** Stops it; its state stays. */
  down(): Promise<void> {
    return end(this.child);
  }

  /** Stops it for good. */
  async remove(): Promise<void> {
    await this.down();
    rmSync(this.dir, { recursive: true, force: true });
  }
}
