import { constants } from 'node:buffer';
import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';

/** What no text can hold is no line. Bytes. */
export const LONGEST_LINE = constants.MAX_STRING_LENGTH;

/** What came is no line of ours: whoever sends that is no server and no supervisor, of whatever release. */
export class Alien extends Error {}

/**
 * Cuts a byte stream into lines of UTF-8 text; the rest of an unfinished line waits for the next chunk. Throws
 * Alien as soon as one has more than `longest` bytes, whether its end has come or not.
 */
export function lineSplitter(
  onLine: (line: string) => void,
  longest: () => number = () => LONGEST_LINE,
): (chunk: Buffer) => void {
  let rest: Buffer[] = [];
  let length = 0;
  const add = (bytes: number): void => {
    length += bytes;
    if (length > longest()) throw new Alien(`a line has more than ${longest()} bytes`);
  };
  return (chunk) => {
    let from = 0;
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, from)) {
      const piece = chunk.subarray(from, at);
      add(piece.length);
      const line = (rest.length === 0 ? piece : Buffer.concat([...rest, piece])).toString('utf8');
      rest = [];
      length = 0;
      onLine(line);
      from = at + 1;
    }
    if (from === chunk.length) return;
    add(chunk.length - from);
    rest.push(Buffer.from(chunk.subarray(from)));
  };
}

/** How the lines of a connection are read. */
export interface LineReader<Message> {
  /** Null: nothing that concerns us. Throws Alien. */
  read(line: string): Message | null;
  onMessage(message: Message): void;
  /** The connection has been closed, and nothing more of it is read. */
  onAlien(error: Alien): void;
  longest?: () => number;
}

export function readLines<Message>(
  socket: Socket,
  { read, onMessage, onAlien, longest }: LineReader<Message>,
): void {
  const split = lineSplitter((line) => {
    const message = socket.destroyed ? null : read(line);
    if (message !== null) onMessage(message);
  }, longest);
  socket.on('data', (chunk: Buffer) => {
    try {
      split(chunk);
    } catch (error) {
      if (!(error instanceof Alien)) throw error;
      socket.destroy();
      onAlien(error);
    }
  });
}

export interface LineWriter<Message> {
  /** Written when what is being done now is done, with all that was said until then. */
  send(message: Message): void;
  /** For news that can wait: goes with the next message, or a little later. */
  mention(message: Message): void;
  /** Write what has been said, now. */
  flush(): void;
}

const MENTION_MS = 20;

/** One JSON object a line. Messages that come together are one write: each write costs a system call and wakes the reader. */
export function lineWriter<Message>(socket: Writable): LineWriter<Message> {
  let lines = '';
  let sending = false;
  let timer: NodeJS.Timeout | null = null;
  const flush = (): void => {
    sending = false;
    if (timer) clearTimeout(timer);
    timer = null;
    if (lines === '') return;
    socket.write(lines);
    lines = '';
  };
  return {
    send(message) {
      lines += `${JSON.stringify(message)}\n`;
      if (sending) return;
      sending = true;
      process.nextTick(flush);
    },
    mention(message) {
      lines += `${JSON.stringify(message)}\n`;
      if (!sending) timer ??= setTimeout(flush, MENTION_MS).unref();
    },
    flush,
  };
}
