import { createHmac, timingSafeEqual } from 'node:crypto';
import { RunwireError } from '../documents/errors.ts';
import type { AddressedRun, ResolvedAsset } from './asset-book.ts';
import type { SignedFor } from './assets.ts';

/** No run that works with an address for longer is known; the run itself ends it sooner. */
export const GOOD_FOR_SECONDS = 7 * 24 * 3600;

type Version = Pick<ResolvedAsset, 'name' | 'version'>;

/** Addresses of versions, each signed for one run with HMAC-SHA256: who has one can read that version, and nothing else. */
export class AssetAddresses {
  readonly #key: Buffer;
  readonly #base: () => string;

  /** `base`: address of this server as others reach it, without a slash at its end. */
  constructor(key: Buffer, base: () => string) {
    this.#key = key;
    this.#base = base;
  }

  /** From when the run was taken: a later server makes the same, so that it knows it where it comes back. */
  of(asset: Version, run: AddressedRun, now = run.createdAt): string {
    const expires = Math.ceil(now / 1000) + GOOD_FOR_SECONDS;
    const signature = this.#signature(asset, run, expires);
    const query = `run=${encodeURIComponent(run.id)}&expires=${expires}&signature=${signature}`;
    return `${this.#base()}/assets/${asset.name}@${asset.version}/content?${query}`;
  }

  /**
   * `run`: what is known of the one that it names; null: nothing. The signature is judged first, in a time that does not depend
   * on how much of it is right, and whether there is such a run: who has none learns nothing.
   */
  prove(
    asset: Version,
    { run: id, expires, signature }: SignedFor,
    run: { createdAt: number; isFinished: boolean } | null,
    now = Date.now(),
  ): void {
    // Their letters, not what these stand for: other letters may stand for the same.
    const right = Buffer.from(this.#signature(asset, { id, createdAt: run?.createdAt ?? 0 }, expires));
    const given = Buffer.from(signature);
    const isRight = given.length === right.length && timingSafeEqual(given, right);
    if (!isRight || run === null)
      throw new RunwireError('bad_signature', 'This address was not made by this server for this asset.');
    if (run.isFinished)
      throw new RunwireError('address_expired', 'The run that this address was made for is finished.');
    if (expires * 1000 <= now)
      throw new RunwireError(
        'address_expired',
        `This address was good until ${new Date(expires * 1000).toISOString()}.`,
      );
  }

  /** The id comes last: it alone may have any character. */
  #signature({ name, version }: Version, { id, createdAt }: AddressedRun, expires: number): string {
    return createHmac('sha256', this.#key)
      .update(`asset\n${name}\n${version}\n${expires}\n${createdAt}\n${id}`)
      .digest('base64url');
  }
}
