import type { Connection } from './connection.ts';
import { ConnectionError, IntegrityError, type RunwireError } from './errors.ts';
import type { Call } from './exchange.ts';
import type { Answer } from './fetch.ts';
import { firstBytes } from './first-bytes.ts';
import { Patience } from './patience.ts';
import { type Hash, sha256 } from './sha256.ts';

/** What the server says of bytes before it sends them. */
export interface Head {
  /** null: it is not known before all have come. */
  size: number | null;
  mediaType: string | null;
  etag: string | null;
  /** Hexadecimal; null: the server does not say. */
  sha256: string | null;
}

/** Some of the bytes, and what the server says of all. */
export interface Part extends Head {
  /** Of its first byte. */
  offset: number;
  bytes: Uint8Array;
}

/**
 * Bytes of the server, which are asked for when they are read: `for await`, bytes(), text() or stream(). A connection that breaks is gone on with at the byte
 * where it broke, where the bytes have an ETag. What has come is compared with the length and the hash that the server tells; until all has, it is not proved.
 */
export class Download implements AsyncIterable<Uint8Array> {
  readonly #connection: Connection;
  readonly #call: Call;

  constructor(connection: Connection, call: Call) {
    this.#connection = connection;
    this.#call = call;
  }

  /** Without the bytes. */
  async head(): Promise<Head> {
    return this.#connection.ask({ ...this.#call, method: 'HEAD' }, async (exchange) => {
      exchange.close();
      return headOf(exchange.response);
    });
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    const { settings } = this.#connection;
    const { signal } = this.#call;
    const patience = new Patience(settings.resumeSeconds, signal);
    const hash = sha256();
    let head: Head | null = null;
    for (let position = 0; ; ) {
      try {
        const exchange = await this.#connection.open(this.#from(position, head));
        head ??= headOf(exchange.response);
        if (position > 0 && exchange.response.status !== 206) {
          exchange.close();
          throw changed();
        }
        for await (const part of exchange.bytes(settings.idleSeconds)) {
          patience.renew();
          position += part.length;
          if (head.sha256 !== null) hash.update(part);
          yield part;
          signal?.throwIfAborted();
        }
        return proved(position, hash, head);
      } catch (error) {
        signal?.throwIfAborted();
        if (head !== null && (error as RunwireError).code === 'precondition_failed') throw changed(error);
        if (head !== null && position === head.size && error instanceof ConnectionError)
          return proved(position, hash, head);
        if (position > 0 && head?.etag == null) throw error; // there is no telling that the rest is of the same
        await patience.after(error);
      }
    }
  }

  /** Some of them, of those that are there now: `from` a byte, or that many before the end where it is negative. Not proved: a hash is that of all. */
  async part({ from = 0, most }: { from?: number; most: number }): Promise<Part> {
    const head = await this.head();
    const size = head.size ?? 0;
    const offset = from < 0 ? Math.max(0, size + from) : Math.min(from, size);
    const length = Math.min(most, size - offset);
    if (length <= 0) return { ...head, offset, bytes: new Uint8Array(0) };
    const headers = {
      ...this.#call.headers,
      ...(head.etag && { 'if-match': head.etag }),
      range: `bytes=${offset}-${offset + length - 1}`,
    };
    const { idleSeconds } = this.#connection.settings;
    const bytes = await this.#connection.ask({ ...this.#call, headers }, (exchange) =>
      firstBytes(exchange, length, idleSeconds),
    );
    return { ...head, offset, bytes };
  }

  /** All of them, in memory. */
  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return new Uint8Array(await (await this.blob()).arrayBuffer());
  }

  async blob(): Promise<Blob> {
    const parts: Uint8Array[] = [];
    for await (const part of this) parts.push(part);
    return new Blob(parts as ConstructorParameters<typeof Blob>[0]);
  }

  async text(): Promise<string> {
    return (await this.blob()).text();
  }

  stream(): ReadableStream<Uint8Array> {
    const parts = this[Symbol.asyncIterator]();
    return new ReadableStream<Uint8Array>({
      async pull(controller) {
        const { done, value } = await parts.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await parts.return();
      },
    });
  }

  #from(position: number, head: Head | null): Call {
    const headers = {
      ...this.#call.headers,
      ...(head?.etag && { 'if-match': head.etag }),
      ...(position > 0 && { range: `bytes=${position}-` }),
    };
    return { ...this.#call, headers };
  }
}

function headOf({ headers }: Answer): Head {
  const length = headers.get('content-length');
  const digest = /sha-256=:([\w+/=]+):/.exec(headers.get('repr-digest') ?? '')?.[1];
  return {
    size: length === null || headers.get('content-encoding') !== null ? null : Number(length),
    mediaType: headers.get('content-type'),
    etag: headers.get('etag'),
    sha256:
      digest === undefined
        ? null
        : [...atob(digest)].map((one) => one.charCodeAt(0).toString(16).padStart(2, '0')).join(''),
  };
}

function proved(came: number, hash: Hash, head: Head): void {
  if (head.size !== null && came !== head.size)
    throw new IntegrityError(`${came} bytes came of ${head.size}`, { code: 'length_mismatch' });
  if (head.sha256 !== null && hash.digest() !== head.sha256)
    throw new IntegrityError('the bytes that came are not those of the hash', { code: 'hash_mismatch' });
}

const changed = (cause?: unknown): IntegrityError =>
  new IntegrityError('the bytes were changed on the server while they were read', { code: 'changed', cause });
