const HEAD_END = Buffer.from('\r\n\r\n');

export interface Response {
  status: number;
  body: Buffer;
  /** The peer will close the connection. */
  close: boolean;
}

/** Reads HTTP/1.1 answers, one at a time, from a connection's bytes: just enough of the protocol for the peers. */
export class ResponseReader {
  #bytes: Buffer = Buffer.alloc(0);

  /** The answer when `chunk` completes it, else null. */
  push(chunk: Buffer): Response | null {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    const headEnd = this.#bytes.indexOf(HEAD_END);
    if (headEnd === -1) return null;
    const head = this.#bytes.toString('latin1', 0, headEnd);
    const from = headEnd + HEAD_END.length;
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    const body =
      length === undefined
        ? /\r\ntransfer-encoding: *chunked/i.test(head)
          ? chunked(this.#bytes, from)
          : null
        : this.#bytes.length >= from + Number(length)
          ? this.#bytes.subarray(from, from + Number(length))
          : null;
    if (body === null) return null;
    this.#bytes = Buffer.alloc(0);
    return { status: Number(head.slice(9, 12)), body, close: /\r\nconnection: *close/i.test(head) };
  }
}

/** The body of a chunked message that begins at `at`, or null while it is not complete. */
function chunked(bytes: Buffer, at: number): Buffer | null {
  const parts: Buffer[] = [];
  for (let position = at; ; ) {
    const lineEnd = bytes.indexOf('\r\n', position);
    if (lineEnd === -1) return null;
    const size = Number.parseInt(bytes.toString('latin1', position, lineEnd), 16);
    const from = lineEnd + 2;
    if (bytes.length < from + size + 2) return null;
    if (size === 0) return Buffer.concat(parts);
    parts.push(bytes.subarray(from, from + size));
    position = from + size + 2;
  }
}
