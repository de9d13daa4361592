import { createHash, randomUUID } from 'node:crypto';
import { closeSync, constants, fsync, openSync, write } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Contents } from '../contents/contents.ts';
import type { DiskSpace } from '../disk/space.ts';
import { type AssetSource, tellableMediaType } from '../documents/asset.ts';
import { RunwireError } from '../documents/errors.ts';
import { fieldRefusal } from '../documents/field-errors.ts';
import type { AddressGuard } from '../outbound/address-guard.ts';
import { type AnswerHead, singleOrNone } from '../outbound/answer-head.ts';
import { openConnections } from '../outbound/connections.ts';
import { failureWords, statusWords } from '../outbound/failure.ts';
import { masked } from '../outbound/masking.ts';
import { travel } from '../outbound/redirect.ts';
import { type SecretForm, secretForms } from '../outbound/secret-forms.ts';
import { type Secrets, secretRefusal } from '../outbound/secrets.ts';
import { shortageOf } from '../platform/shortage.ts';
import { Timer, TooLate, within } from '../platform/timer.ts';
import { BYTES_FROM, refuseShortage } from './taking.ts';

const syncLater = promisify(fsync);
const writeLater = promisify(write);
const NEW = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** So much is written at once: the answer is taken in slices of time. */
const PIECE_BYTES = 64 * 1024;
const PATIENCE = { wholeMs: 3600_000, silentMs: 60_000 };
const WHOLE_VALUE = /^(?:basic|bearer|token) /i;

export interface FetchParts {
  guard: AddressGuard;
  secrets: Secrets;
  contents: Contents;
  disk: Pick<DiskSpace, 'shortage'>;
  maxBytes: number;
  sync: boolean;
  /** How long all of it may take, and how long nothing may come. Shorter in tests. */
  patience?: { wholeMs: number; silentMs: number };
}

/** A file that has come, and is what was asked for. */
export interface Fetched {
  path: string;
  bytes: number;
  mediaType: string;
}

/**
 * Fetches bytes into a new file among those that are coming: over the address guard at every hop, the secret to its own origin
 * alone, and only so many. No part of the URL and nothing of the secret is in what it throws: RunwireError invalid_field, naming
 * the field, body_too_large, insufficient_storage; the signal's reason where it aborts. There is no file then.
 */
export async function fetchAsset(
  parts: FetchParts,
  source: AssetSource,
  asked: AbortSignal,
): Promise<Fetched> {
  const { contents, sync } = parts;
  const credential = credentialOf(source, parts.secrets);
  const path = join(contents.coming(), randomUUID());
  const fd = openSync(path, NEW, 0o400);
  try {
    const { sum, bytes, mediaType } = await download(parts, source, credential, fd, asked);
    if (sum !== source.sha256) throw refusal('sha256', `is not that of what came, which is ${sum}`);
    if (sync) await syncLater(fd);
    return { path, bytes, mediaType: source.media_type ?? mediaType };
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
}

async function download(
  { guard, disk, maxBytes, patience = PATIENCE }: FetchParts,
  { url }: AssetSource,
  { authorization, forms }: Credential,
  fd: number,
  asked: AbortSignal,
): Promise<{ sum: string; bytes: number; mediaType: string }> {
  const whole = within(patience.wholeMs, asked);
  const silence = new AbortController();
  const silent = new Timer();
  const listen = (): void =>
    silent.set(patience.silentMs, () => silence.abort(new TooLate('nothing came in time')));
  const connections = openConnections(guard);
  const sum = createHash('sha256');
  const heads: AnswerHead[] = [];
  let bytes = 0;
  let writing: Promise<void> | null = null;
  const request = {
    method: 'GET',
    url: new URL(url),
    // The sum is of the bytes as they come.
    headers: { 'user-agent': 'runwire', 'accept-encoding': 'identity', ...authorization },
    body: null,
    ours: Object.keys(authorization),
  };
  request.url.hash = '';
  listen();
  try {
    const { error } = await travel(
      connections,
      request,
      {
        head(head) {
          heads.push(head);
          listen();
          refuseMore(Number(singleOrNone(head, 'content-length') ?? 0), maxBytes);
          return head.status === 200;
        },
        data(chunk) {
          silent.clear(); // a disk that is slow is no silence
          bytes += chunk.length;
          refuseMore(bytes, maxBytes);
          refuseShortage(disk);
          sum.update(chunk);
          writing = writeAll(fd, chunk).then(listen);
          return writing;
        },
        pieceBytes: PIECE_BYTES,
      },
      AbortSignal.any([whole.signal, silence.signal]),
    );
    if (error !== null) throw told(error, { asked, patience, forms });
    const head = heads.at(-1);
    if (head === undefined) throw refusal('url', 'was redirected to nowhere');
    if (head.status !== 200) throw refusal('url', `was answered with ${masked(statusWords(head), forms)}`);
    return {
      sum: sum.digest('hex'),
      bytes,
      mediaType: tellableMediaType(singleOrNone(head, 'content-type')),
    };
  } finally {
    whole.done();
    connections.close();
    // Nothing is written any more once the descriptor is closed.
    await (writing as Promise<void> | null)?.catch(() => {});
    silent.clear();
  }
}

async function writeAll(fd: number, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await writeLater(fd, bytes, at)).bytesWritten;
}

interface Credential {
  authorization: Record<string, string>;
  /** How it may be written in words of others. */
  forms: readonly SecretForm[];
}

function credentialOf({ secret: name, url }: AssetSource, secrets: Secrets): Credential {
  if (name === undefined) return { authorization: {}, forms: [] };
  const refused = secretRefusal(secrets, name, new URL(url).hostname);
  if (refused !== undefined) throw refusal('secret', refused);
  const value = secrets.get(name)?.value ?? '';
  const authorization = WHOLE_VALUE.test(value)
    ? value
    : value.includes(':')
      ? `Basic ${Buffer.from(value).toString('base64')}`
      : `Bearer ${value}`;
  const bare = authorization.replace(WHOLE_VALUE, '');
  return { authorization: { authorization }, forms: secretForms([value, bare, authorization]) };
}

function refuseMore(bytes: number, most: number): void {
  if (bytes > most)
    throw new RunwireError('body_too_large', `More than ${most} bytes of files (${BYTES_FROM}).`);
}

/** What the system says may repeat parts of the request: its words are not told on. Where a redirect leads may have been made of it. */
function told(
  error: Error,
  { asked, patience, forms }: Pick<Credential, 'forms'> & { asked: AbortSignal; patience: typeof PATIENCE },
): unknown {
  if (asked.aborted) return asked.reason;
  if (error instanceof RunwireError || shortageOf(error) !== null) return error;
  if (error instanceof TooLate) {
    const { wholeMs, silentMs } = patience;
    return refusal(
      'url',
      `did not come in time: ${wholeMs / 1000} s for all of it, ${silentMs / 1000} s of silence`,
    );
  }
  return refusal('url', `could not be fetched: ${masked(failureWords(error), forms)}`);
}

function refusal(path: 'url' | 'sha256' | 'secret', message: string): RunwireError {
  return fieldRefusal('invalid_field', [{ path, message }]);
}
