import { IntegrityError } from './errors.ts';
import { isStream, type Payload, partsOf, unreadable } from './payload.ts';
import { sha256 } from './sha256.ts';

/** Bytes to send, and the hash of what was sent: taken on the way of what can be read once only, before it of all else. */
export async function hashed(payload: Payload): Promise<{ body: Payload; sha256(): string }> {
  const hash = sha256();
  if (isStream(payload)) return { body: hashing(payload), sha256: () => hash.digest() };
  try {
    for await (const part of partsOf(new Blob([payload as string | Blob]).stream())) hash.update(part);
  } catch (error) {
    throw unreadable(error);
  }
  const digest = hash.digest();
  return { body: payload, sha256: () => digest };

  async function* hashing(parts: ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>) {
    for await (const part of partsOf(parts)) {
      hash.update(part);
      yield part;
    }
  }
}

/** Throws IntegrityError where the server has something else than was sent. */
export function expectSame(sent: string, kept: string | undefined, what: string): void {
  if (sent !== kept)
    throw new IntegrityError(`${what} is not on the server what was sent`, { code: 'hash_mismatch' });
}
