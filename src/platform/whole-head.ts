import type { ClientRequest } from 'node:http';
import type { Socket } from 'node:net';

/** An answer's head may be so long. Node's 16 KiB are less than what browsers take, and cookies alone may need more. */
export const MAX_HEAD_BYTES = 256 * 1024;

const [TAB, LF, CR, SP] = [0x09, 0x0a, 0x0d, 0x20];
/** Another head follows (RFC 9110, 15.2). 101 is the last one. */
const INFORMATIONAL = /^HTTP\/\d\.\d 1(?!01)/;
const STATUS = /^HTTP\/\d\.\d (\d{3})$/;
const CODING = 'transfer-encoding:';
const unfolders = new WeakMap<Socket, Unfolder>();

/** What is to be known of a head beside what Node tells. */
export interface WholeHead {
  /** A Transfer-Encoding ends in a tab: it is not in the value, and Node's parser takes the coding for another one. */
  readonly codingEndsInTab: boolean;
  /** What the last status line said, also where Node refuses the head for what is behind it. Null: none came. */
  readonly status: number | null;
}

/**
 * Has Node read the head of a request's answer as a client should: none of its headers is left out (Node stops after a
 * thousand), and those that are folded over several lines are unfolded first. `maxHeaderSize` is an option of the request.
 */
export function readWholeHead(request: ClientRequest): WholeHead {
  let unfolder: Unfolder | null = null;
  request.maxHeadersCount = 0;
  request.once('socket', (socket) => {
    unfolder = unfolders.get(socket) ?? unfolding(socket);
    unfolder.expect();
  });
  return {
    get codingEndsInTab() {
      return unfolder?.codingEndsInTab ?? false;
    },
    get status() {
      return unfolder?.status ?? null;
    },
  };
}

/** What comes from the socket goes to its readers by `push`: this is before all of them, whatever the parser is. */
function unfolding(socket: Socket): Unfolder {
  const unfolder = new Unfolder();
  const push = socket.push.bind(socket);
  socket.push = (chunk: Buffer | null, ...encoding) => {
    const bytes = chunk === null ? unfolder.rest() : unfolder.take(chunk);
    const goesOn = bytes.length === 0 || push(bytes, ...encoding);
    return chunk === null ? push(null) : goesOn;
  };
  unfolders.set(socket, unfolder);
  return unfolder;
}

/**
 * Puts spaces for a line end before a space or tab within the heads of answers, and changes nothing else (RFC 9112, 5.2:
 * who takes an answer does that before he reads the header). What is within a body is passed on as it is.
 */
export class Unfolder {
  #inHead = false;
  /** The beginning of the status line, and whether that is over. */
  #status = '';
  #statusRead = false;
  /** Bytes of the line so far, without its end. */
  #length = 0;
  /** The beginning of a header, and whether a tab came behind its last word. */
  #name = '';
  #tab = false;
  /** A Transfer-Encoding ended in a tab. */
  codingEndsInTab = false;
  /** Of the last head; null before its line is over. */
  status: number | null = null;
  /** A line end, behind which nothing has come yet. */
  #held = Buffer.alloc(0);

  /** A request goes out: what comes next is the head of its answer. */
  expect(): void {
    this.#inHead = true;
    this.codingEndsInTab = false;
    this.status = null;
    this.#beginHead();
  }

  /** What may be passed on. */
  take(chunk: Buffer): Buffer {
    if (!this.#inHead) return chunk;
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    this.#held = Buffer.alloc(0);
    for (let at = 0; at < bytes.length && this.#inHead; at++) {
      const byte = bytes[at];
      if (byte !== LF && byte !== CR) this.#inLine(byte ?? 0);
      else if (this.#statusRead && this.#length > 0) {
        const end = byte === CR ? at + 1 : at;
        if (end + 1 >= bytes.length) {
          this.#held = Buffer.from(bytes.subarray(at));
          return bytes.subarray(0, at);
        }
        if (bytes[end] !== LF) continue; // a CR alone, which the parser refuses
        if (bytes[end + 1] === SP || bytes[end + 1] === TAB) bytes.fill(SP, at, end + 2);
        else this.#endHeader();
        at = end;
      } else if (byte === LF) this.#endLine();
    }
    return bytes;
  }

  /** What is left when nothing more comes. */
  rest(): Buffer {
    const held = this.#held;
    this.#held = Buffer.alloc(0);
    return held;
  }

  #beginHead(): void {
    this.#status = '';
    this.#statusRead = false;
    this.#beginHeader();
  }

  #beginHeader(): void {
    this.#length = 0;
    this.#name = '';
    this.#tab = false;
  }

  #inLine(byte: number): void {
    this.#length++;
    if (byte === TAB) this.#tab = true;
    else if (byte !== SP) this.#tab = false;
    if (!this.#statusRead && this.#length <= 12) this.#status += String.fromCharCode(byte);
    else if (this.#statusRead && this.#length <= CODING.length) this.#name += String.fromCharCode(byte);
  }

  #endHeader(): void {
    if (this.#tab && this.#name.toLowerCase() === CODING) this.codingEndsInTab = true;
    this.#beginHeader();
  }

  /** Of the status line, or an empty one: behind the headers, or before the status line. */
  #endLine(): void {
    if (this.#statusRead) {
      this.#inHead = INFORMATIONAL.test(this.#status);
      this.#beginHead();
    } else if (this.#length > 0) {
      this.#statusRead = true;
      const said = STATUS.exec(this.#status)?.[1];
      this.status = said === undefined ? null : Number(said);
      this.#beginHeader();
    }
  }
}
