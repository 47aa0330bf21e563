// SPDX-License-Identifier: MPL-2.0
import { urlOf } from '../../api/client';
import { ClientAllocExec } from '../../api/ops.gen';
import type { ExecOutput } from '../../api/types.gen';
import { token } from '../../app/token';
import { base64, bytesOf } from '../../lib/base64';

/** What a session tells. */
export interface ExecEvents {
  output: (bytes: Uint8Array) => void;
  /** The session is over: by the command's exit code, or with a reason. */
  over: (end: { code?: number; reason?: string }) => void;
  open: () => void;
}

const heartbeat = 10_000;

/** A command that runs in a task with a terminal (http-api.md 6.3). */
export class ExecSession {
  private socket: WebSocket;
  private timer: ReturnType<typeof setInterval>;
  private done = false;

  constructor(allocID: string, task: string, command: string[], common: { namespace?: string; region?: string }, private events: ExecEvents) {
    const url = urlOf(ClientAllocExec, { AllocID: allocID, Task: task, Command: JSON.stringify(command), TTY: true }, common);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    url.searchParams.set('ws_handshake', 'true');
    this.socket = new WebSocket(url);
    this.socket.onopen = () => {
      this.send({ version: 1, auth_token: token.get() });
      events.open();
    };
    this.socket.onmessage = (m) => this.take(JSON.parse(String(m.data)) as ExecOutput);
    this.socket.onclose = (e) => this.end({ reason: e.reason || (e.code === 1006 ? 'The connection broke off.' : undefined) });
    this.timer = setInterval(() => this.send({}), heartbeat);
  }

  input(text: string) {
    this.send({ stdin: { data: base64(text) } });
  }

  resize(width: number, height: number) {
    this.send({ tty_size: { width, height } });
  }

  close() {
    this.end({});
    this.socket.close();
  }

  private take(out: ExecOutput) {
    for (const part of [out.stdout, out.stderr]) if (part?.data) this.events.output(bytesOf(part.data));
    if (out.exited) this.end({ code: out.result?.exit_code ?? 0 });
  }

  private send(message: unknown) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  private end(how: { code?: number; reason?: string }) {
    clearInterval(this.timer);
    if (this.done) return;
    this.done = true;
    this.events.over(how);
  }
}
