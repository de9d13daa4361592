import { Agent, type IncomingMessage, request } from 'node:http';

export interface Answered {
  status: number;
  body: string;
}

/** Requests over sockets that are kept. */
export class Client {
  readonly #url: string;
  readonly #agent: Agent;

  constructor(url: string, sockets: number) {
    this.#url = url;
    this.#agent = new Agent({ keepAlive: true, maxSockets: sockets });
  }

  async ask(method: string, path: string, body?: unknown, headers = {}): Promise<Answered> {
    const answer = await this.#send(method, path, body, headers);
    let text = '';
    answer.setEncoding('utf8');
    for await (const chunk of answer) text += chunk;
    return { status: answer.statusCode ?? 0, body: text };
  }

  /** Leave in the middle of the answer. */
  async leave(path: string, body: unknown, headers = {}): Promise<void> {
    const answer = await this.#send('POST', path, body, headers);
    answer.on('error', () => {});
    answer.once('data', () => answer.destroy());
    await new Promise<void>((resolve) => answer.once('close', () => resolve()));
  }

  #send(method: string, path: string, body: unknown, headers: object): Promise<IncomingMessage> {
    const text = body === undefined ? '' : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const sent = request(
        `${this.#url}${path}`,
        {
          method,
          agent: this.#agent,
          headers: {
            ...(text === '' ? {} : { 'content-type': 'application/json' }),
            'content-length': Buffer.byteLength(text),
            ...headers,
          },
        },
        resolve,
      );
      sent.on('error', reject);
      sent.end(text);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
