import type { Stream } from '../../src/documents/stream.ts';

export type Name = 'journal' | Stream;

/** The files of a run as its writer left them. */
export type Files = Record<Name, Buffer>;

export const changed = (files: Files, name: Name, bytes: Buffer): Files => ({ ...files, [name]: bytes });

/** What a power cut, or worse, may do to a file at one place. */
export const DAMAGES: Record<string, (bytes: Buffer, at: number) => Buffer> = {
  'cut off': (bytes, at) => bytes.subarray(0, at),
  'zero from': (bytes, at) => Buffer.concat([bytes.subarray(0, at), Buffer.alloc(bytes.length - at)]),
  'other at': (bytes, at) => Buffer.from(bytes.map((byte, n) => (n === at ? byte ^ (1 << (at % 8)) : byte))),
  'a newline at': (bytes, at) => Buffer.from(bytes.map((byte, n) => (n === at ? 10 : byte))),
  'followed by garbage from': (bytes, at) =>
    Buffer.concat([bytes.subarray(0, at), Buffer.from('\u0000x\n{"seq":4}\n{"seq":3,"ti')]),
  'missing the line at': (bytes, at) => {
    const [from, to] = lineAt(bytes, at);
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
  },
  'repeating the line at': (bytes, at) => {
    const [from, to] = lineAt(bytes, at);
    return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]);
  },
};

function lineAt(bytes: Buffer, at: number): [from: number, to: number] {
  const end = bytes.indexOf(10, at);
  return [bytes.lastIndexOf(10, at - 1) + 1, end === -1 ? bytes.length : end + 1];
}
