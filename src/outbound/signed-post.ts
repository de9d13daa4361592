import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { codeOf } from '../platform/error-words.ts';
import { MAX_HEAD_BYTES, readWholeHead } from '../platform/whole-head.ts';
import type { AddressGuard } from './address-guard.ts';

/** Where a body ends that nobody wants: a length that is said twice (RFC 9112, 6.3, lets it count once; Node does not), or beside chunks. */
const LENGTH_UNCLEAR = [
  'HPE_UNEXPECTED_CONTENT_LENGTH',
  'HPE_INVALID_CONTENT_LENGTH',
  'HPE_INVALID_TRANSFER_ENCODING',
];

/** What is read of an answer before the connection is dropped; its status is what counts. */
const MAX_ANSWER_BYTES = 64 * 1024;

export interface WebhookRequest {
  url: string;
  headers: Record<string, string>;
  body: string;
  guard: AddressGuard;
  signal: AbortSignal;
}

export interface WebhookAnswer {
  status: number;
  /** Of each Retry-After header. */
  retryAfter: readonly string[] | undefined;
}

/**
 * POST once over a connection of its own. Redirects are not followed. Resolves with the answer, whatever
 * its status, when it was read, was cut off or grew too long; rejects with AddressDenied, what the network
 * said, or the signal's reason when no status came.
 */
export async function postWebhook({
  url,
  headers,
  body,
  guard,
  signal,
}: WebhookRequest): Promise<WebhookAnswer> {
  signal.throwIfAborted();
  const target = new URL(url);
  guard.checkHost(target.hostname);
  const bytes = Buffer.from(body);
  const answer = Promise.withResolvers<WebhookAnswer>();
  const request = (target.protocol === 'https:' ? requestHttps : requestHttp)(target, {
    method: 'POST',
    agent: false,
    lookup: guard.lookup,
    maxHeaderSize: MAX_HEAD_BYTES,
    headers: {
      ...headers,
      'content-type': 'application/json',
      'content-length': bytes.length,
      'user-agent': 'runwire',
    },
  });
  const head = readWholeHead(request);
  const abort = (): void => void request.destroy(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  let answered = false;
  request.on('error', (error) => {
    if (answered) return;
    const { status } = head;
    // The receiver has said what it did. Another try would have it do that again.
    if (status !== null && status >= 200 && LENGTH_UNCLEAR.includes(codeOf(error) ?? ''))
      answer.resolve({ status, retryAfter: undefined });
    else answer.reject(error);
  });
  // Who changes to another protocol has not answered, and whoever goes says no more.
  request.on('upgrade', (_response, socket) => {
    socket.destroy();
    answer.reject(new Error('the answer changes to another protocol'));
  });
  request.on('close', () => {
    if (!answered) answer.reject(new Error('the connection was closed'));
  });
  request.on('response', (response) => {
    answered = true;
    const status = response.statusCode ?? 0;
    let read = 0;
    response.on('data', (chunk: Buffer) => {
      read += chunk.length;
      if (read > MAX_ANSWER_BYTES) request.destroy();
    });
    response.on('error', () => {});
    response.on('close', () =>
      answer.resolve({ status, retryAfter: response.headersDistinct['retry-after'] }),
    );
  });
  request.end(bytes);
  try {
    return await answer.promise;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
