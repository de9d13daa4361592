import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { lineOf, noTlsWords } from '../platform/error-words.ts';
import type { GitAddress } from './address.ts';
import type { GitCredential } from './credential.ts';
import { gitRefusal } from './refusal.ts';

const WANTED = 'application/x-git-upload-pack-advertisement';
const SHOWN = 300;

/**
 * Asks what git will ask first, and says in words why that would lead to nothing: git itself does not tell where a
 * redirect leads to. Throws RunwireError, or the signal's reason.
 */
export async function knock(
  address: GitAddress,
  addresses: readonly string[],
  { authorization, mask }: GitCredential,
  signal: AbortSignal,
): Promise<void> {
  const response = await ask(address, addresses, authorization, signal).catch((error: unknown) => {
    signal.throwIfAborted();
    throw gitRefusal('url', `${address.host} cannot be reached: ${mask(noTlsWords(error) ?? lineOf(error))}`);
  });
  const { statusCode: status = 0, headers } = response;
  const shown = (text: string): string => mask(text.replace(/[^\x20-\x7e]/g, '?')).slice(0, SHOWN);
  if (status >= 300 && status < 400)
    throw gitRefusal(
      'url',
      `the server redirects to ${shown(target(headers.location, address))}: name that address`,
    );
  if (status === 401)
    throw authorization === null
      ? gitRefusal('secret', `${address.host} asks for one: there is no such repository for everybody (401)`)
      : gitRefusal('secret', `${address.host} does not take it (401)`);
  if (status === 403) throw gitRefusal('url', `${address.host} refuses (403)`);
  if (status === 404 || status === 410)
    throw gitRefusal('url', `there is no repository, or it needs another secret (${status})`);
  if (status !== 200) throw gitRefusal('url', `${address.host} answers ${status}`);
  if (headers['content-type']?.split(';')[0]?.trim() !== WANTED)
    throw gitRefusal('url', 'there is no git repository, or it is not served by the smart HTTP protocol');
}

/** The head of the answer; its body is dropped. */
function ask(
  { url, host }: GitAddress,
  addresses: readonly string[],
  authorization: string | null,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const judged = addresses.map((address) => ({ address, family: isIP(address) }));
  const lookup: LookupFunction = (_host, { all }, callback) => {
    const [first] = judged;
    if (all) callback(null, judged);
    else if (first) callback(null, first.address, first.family);
    else callback(new Error(`${host} has no address`), []);
  };
  const target = new URL(`${url.replace(/\/$/, '')}/info/refs?service=git-upload-pack`);
  const answer = Promise.withResolvers<IncomingMessage>();
  const request = (target.protocol === 'https:' ? requestHttps : requestHttp)(target, {
    agent: false,
    lookup,
    rejectUnauthorized: true,
    headers: {
      accept: '*/*',
      'user-agent': 'git/2 (runwire)',
      'git-protocol': 'version=2',
      ...(authorization === null ? {} : { authorization }),
    },
  });
  const abort = (): void => void request.destroy(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  request.on('error', (error) => answer.reject(error));
  request.on('close', () => {
    signal.removeEventListener('abort', abort);
    answer.reject(new Error('the connection was closed'));
  });
  request.on('upgrade', (_response, socket) => {
    socket.destroy();
    answer.reject(new Error('the answer changes to another protocol'));
  });
  request.on('response', (response) => {
    response.on('error', () => {});
    answer.resolve(response);
    request.destroy();
  });
  request.end();
  return answer.promise;
}

/** Without the part that was asked for, and without user, password and query. */
function target(location: string | undefined, { url }: GitAddress): string {
  const at = URL.parse(location ?? '', `${url.replace(/\/$/, '')}/info/refs`);
  return at === null || location === undefined
    ? 'no address'
    : `${at.protocol}//${at.host}${at.pathname.replace(/\/info\/refs$/, '')}`;
}
