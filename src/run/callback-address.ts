import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { pathOf } from '../documents/invocation-id.ts';

const KEY_BYTES = 32;

/** A run, and which of those that may have had its id. */
export interface CallbackSubject {
  id: string;
  createdAt: number;
}

/** Addresses at which a backend may tell of one run: the token in them is an HMAC-SHA256 of the run. */
export interface CallbackAddresses {
  of(run: CallbackSubject): string;
  /** Constant in time for tokens of any content. */
  proves(run: CallbackSubject, token: string): boolean;
}

/** `base`: address of this server as backends reach it, without a slash at the end. */
export function callbackAddresses(
  key: Buffer = randomBytes(KEY_BYTES),
  base: () => string = () => 'http://127.0.0.1:7070',
): CallbackAddresses {
  const tokenOf = ({ id, createdAt }: CallbackSubject): string =>
    createHmac('sha256', key).update(`callback\n${id}\n${createdAt}`).digest('base64url');
  return {
    of: (run) => `${base()}${pathOf(run.id)}/callback?token=${tokenOf(run)}`,
    proves(run, token) {
      // Their letters, not what these stand for: other letters may stand for the same.
      const given = Buffer.from(token);
      const right = Buffer.from(tokenOf(run));
      return given.length === right.length && timingSafeEqual(given, right);
    },
  };
}
