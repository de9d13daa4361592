import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { RunDirectory } from '../../src/disk/run-directory.ts';
import { Completion } from '../../src/documents/completion.ts';
import { RunwireError, toldShortage } from '../../src/documents/errors.ts';
import { readJsonFile, writeJsonFile } from '../../src/platform/json-file.ts';

/** A worker has the run. Times in ms since the epoch. */
const HeldClaim = z.object({
  worker: z.string().nullable(),
  leaseSeconds: z.number().nonnegative(),
  leaseExpiresAt: z.number(),
  /** The worker is known to have it: from then on the lease runs. */
  accepted: z.boolean(),
  /** Bytes of each channel that earlier claims had reported. Those of 0.1.0 know none of setup's own. */
  reported: z.object({
    ...{ stdout: z.number().int(), stderr: z.number().int() },
    ...{ setup_stdout: z.number().int().optional(), setup_stderr: z.number().int().optional() },
  }),
});
export type HeldClaim = z.infer<typeof HeldClaim>;

/** What must be known of a manual run after a crash: `claims.json` in its directory. No token is in it. */
const ManualState = z.object({
  attempts: z.number().int().nonnegative(),
  /** SHA-256 (hex) of the token of every claim; the last one's is that of the present claim, if there is one. */
  tokens: z.array(z.object({ sha256: z.string().regex(/^[0-9a-f]{64}$/), attempt: z.number().int() })),
  claim: HeldClaim.nullable(),
  /** Checked when it was taken, maybe by a later release. */
  completion: z.object({ sha256: z.string(), body: z.looseObject(Completion.shape) }).nullable(),
});
export type ManualState = z.infer<typeof ManualState>;

export function newState(): ManualState {
  return { attempts: 0, tokens: [], claim: null, completion: null };
}

const fileOf = (directory: RunDirectory) => `${directory.root}/claims.json`;

/** A new state when nobody ever claimed the run. Throws Error for a file that holds none: whose the run is, nobody knows. */
export function readState(directory: RunDirectory): ManualState {
  return readJsonFile(fileOf(directory), ManualState) ?? newState();
}

/** Of a run that is not at work: a damaged state knows nobody's token. */
export function readPastState(directory: RunDirectory): ManualState {
  try {
    return readState(directory);
  } catch {
    return newState();
  }
}

/** A crash leaves the one before or this one. Throws RunwireError insufficient_storage. */
export function writeState(directory: RunDirectory, state: ManualState): void {
  try {
    writeJsonFile(fileOf(directory), state);
  } catch (error) {
    throw toldShortage(error);
  }
}

/** 256 random bits, to be told to the worker and to nobody else. */
function newToken(): string {
  return `rwc_${randomBytes(32).toString('base64url')}`;
}

/** The state once somebody has taken the run. */
export function withClaim(
  state: ManualState,
  facts: Pick<HeldClaim, 'worker' | 'leaseSeconds' | 'accepted' | 'reported'>,
): { token: string; attempt: number; held: HeldClaim; next: ManualState } {
  const token = newToken();
  const attempt = state.attempts + 1;
  const held = { ...facts, leaseExpiresAt: Date.now() + facts.leaseSeconds * 1000 };
  const tokens = [...state.tokens, { sha256: hash('sha256', token), attempt }];
  return { token, attempt, held, next: { ...state, attempts: attempt, tokens, claim: held } };
}

export type Holder = 'present' | 'past' | 'nobody';

/** Whose token is it. Takes the same time for any token: hashes are compared, and all of them. */
export function holderOf(state: ManualState, token: string): Holder {
  const given = hash('sha256', token, 'buffer');
  let found = -1;
  state.tokens.forEach(({ sha256 }, index) => {
    if (timingSafeEqual(given, Buffer.from(sha256, 'hex'))) found = index;
  });
  if (found === -1) return 'nobody';
  const last = found === state.tokens.length - 1;
  return last && (state.claim !== null || state.completion !== null) ? 'present' : 'past';
}

/** The present claim, if this is its token. Throws RunwireError claim_lost, not_running, unauthorized. */
export function mayReport(state: ManualState, token: string, over: boolean): HeldClaim {
  const holder = holderOf(state, token);
  if (holder === 'nobody') throw notAToken();
  if (holder === 'past')
    throw new RunwireError('claim_lost', 'The lease of this claim ended, and the run was given back.');
  if (over || state.claim === null || state.completion !== null)
    throw new RunwireError('not_running', 'The run is over.');
  return state.claim;
}

export function notAToken(): RunwireError {
  return new RunwireError('unauthorized', 'Send Authorization: Bearer <token> with the token of the claim.');
}
