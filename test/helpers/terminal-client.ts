import { once } from 'node:events';
import { WebSocket } from 'ws';
import { until } from './processes.ts';

/** Somebody at the terminal of a run. */
export class TerminalClient {
  readonly socket: WebSocket;
  readonly notices: { type: string; [name: string]: unknown }[] = [];
  readonly #chunks: Buffer[] = [];
  code: number | null = null;
  reason = '';

  /** Resolves when the server has said yes; rejects when it has not. */
  static async open(url: string, headers: Record<string, string> = {}): Promise<TerminalClient> {
    const client = new TerminalClient(new WebSocket(url, { headers }));
    await once(client.socket, 'open');
    return client;
  }

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('error', () => {}); // its close tells
    socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) this.#chunks.push(data);
      else this.notices.push(JSON.parse(data.toString()));
    });
    socket.on('close', (code, reason) => {
      this.code = code;
      this.reason = reason.toString();
    });
  }

  get shown(): string {
    return Buffer.concat(this.#chunks).toString();
  }

  get bytes(): number {
    return this.#chunks.reduce((sum, { length }) => sum + length, 0);
  }

  type(text: string): void {
    this.socket.send(Buffer.from(text));
  }

  say(order: object): void {
    this.socket.send(JSON.stringify(order));
  }

  shows(text: string): Promise<void> {
    return until(() => this.shown.includes(text), `the terminal shows ${JSON.stringify(text)}`);
  }

  closed(): Promise<void> {
    return until(() => this.code !== null, 'the terminal is closed');
  }
}
