import type { Writable } from 'node:stream';

/** Cuts a byte stream into lines of UTF-8 text; the rest of an unfinished line waits for the next chunk. */
export function lineSplitter(onLine: (line: string) => void): (chunk: Buffer) => void {
  let rest: Buffer[] = [];
  return (chunk) => {
    let from = 0;
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, from)) {
      const piece = chunk.subarray(from, at);
      if (rest.length === 0) onLine(piece.toString('utf8'));
      else {
        rest.push(piece);
        const line = Buffer.concat(rest).toString('utf8');
        rest = [];
        onLine(line);
      }
      from = at + 1;
    }
    if (from < chunk.length) rest.push(Buffer.from(chunk.subarray(from)));
  };
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
