import { Socket } from 'node:net';
import type { Readable } from 'node:stream';

/** What is left of a body is read and dropped. Whoever has not read it to its end still waits for it: a stream with such a listener does not flow. */
export function drain(body: Readable): void {
  body.removeAllListeners('readable');
  body.resume();
}

/**
 * The body of a request as it comes; a buffer is good until the next is asked for. Its memory is given back then: what is left to V8
 * makes it mark its whole heap some twenty times a GB. Who leaves early does not destroy the socket: the answer
 * still goes out on it.
 */
export async function* bodyBytes(body: Readable & { socket?: unknown }): AsyncGenerator<Buffer, void> {
  // A body that came from nowhere else has memory of somebody else.
  const isOurs = body.socket instanceof Socket;
  for await (const chunk of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    yield chunk;
    const memory = chunk.buffer as ArrayBuffer;
    if (isOurs && chunk.length === memory.byteLength) memory.transfer(0);
  }
}
