import type { Stream } from '../../src/documents/stream.ts';

const HEAD = 8;
const STREAM_OF: Readonly<Record<number, Stream>> = { 1: 'stdout', 2: 'stderr' };

/**
 * Takes apart what the daemon sends of a container without a terminal: frames of an 8-byte head (stream,
 * three zeros, length big-endian; Docker Engine API, ContainerAttach) and their bytes. Bytes are passed on as
 * they come, also of a frame that has not wholly arrived. Throws on a head that is none.
 */
export function frameSplitter(take: (stream: Stream, bytes: Buffer) => void): (chunk: Buffer) => void {
  const head = Buffer.alloc(HEAD);
  let have = 0;
  let stream: Stream = 'stdout';
  let left = 0;
  return (chunk) => {
    let at = 0;
    while (at < chunk.length) {
      if (left === 0) {
        const copied = chunk.copy(head, have, at, at + HEAD - have);
        at += copied;
        have += copied;
        if (have < HEAD) return;
        const known = STREAM_OF[head.readUInt8(0)];
        if (known === undefined || head.readUIntBE(1, 3) !== 0)
          throw new Error(`the engine sent a frame of an unknown kind: ${head.toString('hex')}`);
        stream = known;
        left = head.readUInt32BE(4);
        have = 0;
      } else {
        const bytes = chunk.subarray(at, at + left);
        at += bytes.length;
        left -= bytes.length;
        take(stream, bytes);
      }
    }
  };
}
