import { StringDecoder } from 'node:string_decoder';

export interface ServerSentEvent {
  type: string;
  data: string;
  id: string | undefined;
}

/** An event may have so many characters. */
const MAX_EVENT = 16 * 1024 * 1024;

/** Reads server-sent events (WHATWG HTML, 9.2.6) from chunks cut anywhere. Throws when one is too long. */
export class SseReader {
  readonly #decoder = new StringDecoder('utf8');
  readonly #take: (event: ServerSentEvent) => void;
  #rest = '';
  /** Characters of `rest` that hold no line end. */
  #looked = 0;
  #data: string[] = [];
  #length = 0;
  #type = '';
  #first = true;
  /** That the event after this line will have. */
  #id: string | undefined;
  /** The id of the last event that was whole, for Last-Event-ID. */
  lastId: string | undefined;
  /** What the server asked to be waited before a reconnect, ms. */
  retryMs: number | undefined;

  constructor(take: (event: ServerSentEvent) => void) {
    this.#take = take;
  }

  push(chunk: Buffer): void {
    let text = this.#decoder.write(chunk);
    if (this.#first && text !== '') {
      this.#first = false;
      text = text.replace(/^\ufeff/, '');
    }
    this.#rest += text;
    let start = 0;
    const match = /\r\n|\n|\r/g;
    match.lastIndex = this.#looked;
    for (;;) {
      const found = match.exec(this.#rest);
      if (found === null) break;
      // A CR at the end may be half of a CRLF.
      if (found[0] === '\r' && found.index === this.#rest.length - 1) break;
      this.#line(this.#rest.slice(start, found.index));
      start = found.index + found[0].length;
    }
    this.#rest = this.#rest.slice(start);
    this.#looked = this.#rest.endsWith('\r') ? this.#rest.length - 1 : this.#rest.length;
    if (this.#rest.length + this.#length > MAX_EVENT) throw new Error('an event of the stream is too long');
  }

  #line(line: string): void {
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'data') {
      this.#data.push(value);
      this.#length += value.length;
    } else if (name === 'event') this.#type = value;
    else if (name === 'id' && !value.includes('\0')) this.#id = value;
    else if (name === 'retry' && /^\d+$/.test(value)) this.retryMs = Number(value);
  }

  #dispatch(): void {
    this.lastId = this.#id;
    if (this.#data.length > 0)
      this.#take({ type: this.#type || 'message', data: this.#data.join('\n'), id: this.lastId });
    this.#data = [];
    this.#length = 0;
    this.#type = '';
  }
}
