// SPDX-License-Identifier: MPL-2.0
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { address } from './agent';

/** What a proxy does with a request instead of passing it on: answers it, or waits before it does: so many milliseconds, or for something to happen. */
export type Rule = (method: string, path: string) => { status: number; text: string } | { wait: number | Promise<unknown> } | undefined;

/** What people put before an agent: a prefix that it knows nothing of, rules of their own, and a line that breaks. */
export class Proxy {
  private constructor(
    private server: Server,
    /** Where browsers reach it. */
    readonly front: string,
  ) {}
  /** Applied to every request; replaced while a test runs. */
  rule: Rule = () => undefined;

  static async start(prefix = '', to = address): Promise<Proxy> {
    const server = createServer((q, r) => void proxy.take(q, r, prefix, new URL(to)));
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const proxy = new Proxy(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}${prefix}`);
    return proxy;
  }

  private async take(q: IncomingMessage, r: ServerResponse, prefix: string, to: URL) {
    const path = q.url?.startsWith(`${prefix}/`) ? q.url.slice(prefix.length) : undefined;
    if (path === undefined) {
      r.writeHead(404).end();
      return;
    }
    const found = this.rule(q.method ?? '', path);
    if (found && 'status' in found) {
      r.writeHead(found.status, { 'Content-Type': 'text/plain' }).end(found.text);
      return;
    }
    const wait = found?.wait;
    if (wait !== undefined) await (typeof wait === 'number' ? new Promise((done) => setTimeout(done, wait)) : wait);
    const forwarded = request({ host: to.hostname, port: to.port, method: q.method, path, headers: q.headers }, (answer) => {
      r.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(r);
    });
    q.pipe(forwarded);
    r.on('close', () => forwarded.destroy());
    forwarded.on('error', () => r.destroy());
  }

  /** Breaks every connection that is open. */
  cut() {
    this.server.closeAllConnections();
  }

  stop() {
    this.cut();
    this.server.close();
  }
}
