import { connect, type Socket } from 'node:net';

export interface StreamRequest {
  port: number;
  path: string;
  headers?: Record<string, string>;
  /** Where the client is; default: the loopback address. */
  localAddress?: string;
}

/** A client on a bare socket. It takes no byte of the answer but when it is told to read. */
export class SlowClient {
  readonly socket: Socket;
  /** Settles when the connection is over: did the body come to its end. */
  readonly ended: Promise<boolean>;
  /** Of the body. */
  taken = 0;
  #limit = 0;

  constructor({ port, path, headers = {}, localAddress }: StreamRequest, take: (body: Buffer) => void) {
    const body = new ResponseBody((bytes) => {
      this.taken += bytes.length;
      take(bytes);
    });
    this.socket = connect({ port, host: '127.0.0.1', ...(localAddress && { localAddress }) });
    this.socket.pause();
    this.socket.on('data', (bytes: Buffer) => {
      body.push(bytes);
      if (body.complete) this.socket.destroy();
      else if (this.taken >= this.#limit) this.socket.pause();
    });
    this.socket.on('error', () => {});
    this.ended = new Promise((resolve) => this.socket.once('close', () => resolve(body.complete)));
    const lines = Object.entries({ host: 'localhost', ...headers }).map(
      ([name, value]) => `${name}: ${value}\r\n`,
    );
    this.socket.write(`GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
  }

  /** Take so many bytes of the body, about, and no more; without a limit, all. */
  read(limit = Number.POSITIVE_INFINITY): this {
    this.#limit = limit;
    if (limit > this.taken) this.socket.resume();
    return this;
  }
}

/** What a stream of server-sent events says when it has nothing to say: a chunk of its own. */
const COMMENT = ': \n\n';

/** Reads the body of a response, in chunks or of a known length; comments of event streams are left out. */
export class ResponseBody {
  readonly #take: (body: Buffer) => void;
  #start: Buffer | null = Buffer.alloc(0);
  /** What is to come of a body of known length. */
  #whole: number | null = null;
  #line = '';
  /** Of the chunk being read, and its line end. */
  #left = 0;
  /** Of a chunk that may be a comment. */
  #small: string | null = null;
  /** Status line and header. */
  head = '';
  complete = false;

  constructor(take: (body: Buffer) => void) {
    this.#take = take;
  }

  push(bytes: Buffer): void {
    if (this.#start === null) return this.#body(bytes);
    this.#start = Buffer.concat([this.#start, bytes]);
    const end = this.#start.indexOf('\r\n\r\n');
    if (end === -1) return;
    this.head = this.#start.toString('latin1', 0, end);
    const length = /\r\ncontent-length: (\d+)/i.exec(this.head)?.[1];
    this.#whole = length === undefined ? null : Number(length);
    const rest = this.#start.subarray(end + 4);
    this.#start = null;
    this.#body(rest);
  }

  #body(bytes: Buffer): void {
    if (this.#whole === null) return this.#chunks(bytes);
    if (bytes.length > 0) this.#take(bytes);
    this.#whole -= bytes.length;
    this.complete = this.#whole <= 0;
  }

  #chunks(bytes: Buffer): void {
    for (let at = 0; at < bytes.length && !this.complete; ) {
      if (this.#left > 2) {
        const part = bytes.subarray(at, at + this.#left - 2);
        if (this.#small === null) this.#take(part);
        else this.#small += part.toString('latin1');
        at += part.length;
        this.#left -= part.length;
      } else if (this.#left > 0) {
        at++;
        if (--this.#left > 0 || this.#small === null) continue;
        if (this.#small !== COMMENT) this.#take(Buffer.from(this.#small, 'latin1'));
        this.#small = null;
      } else {
        const newline = bytes.indexOf(10, at);
        this.#line += bytes.toString('latin1', at, newline === -1 ? bytes.length : newline);
        if (newline === -1) return;
        at = newline + 1;
        const size = Number.parseInt(this.#line, 16);
        this.#line = '';
        if (size === 0) this.complete = true;
        this.#left = size + 2;
        this.#small = size === COMMENT.length ? '' : null;
      }
    }
  }
}
