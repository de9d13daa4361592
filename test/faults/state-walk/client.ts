import { until } from '../../helpers/processes.ts';

/** A client that reads the events of one run, and resumes where it was when the server was gone. */
export class FollowingClient {
  readonly #id: string;
  /** Of whole events, in order of arrival. */
  readonly lines: string[] = [];
  #turn: Promise<void> = Promise.resolve();

  constructor(id: string) {
    this.#id = id;
  }

  /** Resolves when it has got so many events. */
  async has(count: number): Promise<void> {
    await until(() => this.lines.length >= count, `a client has ${count} events`);
  }

  /** Resolves when the response has ended or broken off; one connection at a time. */
  follow(url: string): Promise<void> {
    this.#turn = this.#turn.then(() => this.#read(url));
    return this.#turn;
  }

  async #read(url: string): Promise<void> {
    const last = this.lines.at(-1);
    const seq = last === undefined ? 0 : (JSON.parse(last) as { seq: number }).seq;
    let rest = '';
    try {
      const response = await fetch(`${url}/invocations/${this.#id}/events`, {
        headers: { accept: 'application/x-ndjson', ...(seq > 0 && { 'last-event-id': String(seq) }) },
      });
      if (response.status === 204) return;
      const text = new TextDecoder();
      for await (const chunk of response.body ?? []) {
        const parts = (rest + text.decode(chunk, { stream: true })).split('\n');
        rest = parts.pop() ?? '';
        this.lines.push(...parts.filter((line) => line !== ''));
      }
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // the server is gone
    }
  }
}
