import { isIP } from 'node:net';
import { hasCredentials } from '../documents/call-url.ts';
import { AddressDenied, type AddressGuard } from '../outbound/address-guard.ts';
import { codeOf, messageOf } from '../platform/error-words.ts';
import { gitRefusal } from './refusal.ts';

/** Where a repository is, in one spelling: what we judge and what git reads cannot be two things. */
export interface GitAddress {
  /** Without query, fragment, user and password. */
  url: string;
  origin: string;
  /** A name, or an address without brackets. */
  host: string;
  port: number;
}

/** Names of hosts as they are written in `http.curloptResolve`, where `+`, `-`, `*` and `:` mean something. */
const PLAIN_NAME = /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/;
const DEFAULT_PORT: Readonly<Record<string, number>> = { 'https:': 443, 'http:': 80 };

/** Throws RunwireError for what is no address of a repository over https or http. */
export function gitAddress(text: string): GitAddress {
  const url = URL.parse(text);
  const scheme = /^[a-z][a-z0-9+.-]*(?=:)/i.exec(text.trim())?.[0].toLowerCase();
  if (url === null || DEFAULT_PORT[url.protocol] === undefined)
    throw gitRefusal('url', `must be an https or http URL${scheme === undefined ? '' : `, not ${scheme}`}`);
  if (hasCredentials(text)) throw gitRefusal('url', 'must not contain a user or password: name a secret');
  if (url.search !== '') throw gitRefusal('url', 'must have no query');
  // The same host with and without a final dot; git's own resolver would look for the one with it.
  const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  if (isIP(host) === 0 && !PLAIN_NAME.test(host)) throw gitRefusal('url', 'has a host that is no plain name');
  const port = url.port === '' ? (DEFAULT_PORT[url.protocol] ?? 0) : Number(url.port);
  const name = isIP(host) === 6 ? `[${host}]` : host;
  const origin = `${url.protocol}//${name}${url.port === '' ? '' : `:${url.port}`}`;
  return { url: `${origin}${url.pathname}`, origin, host, port };
}

/** The addresses of the host that may be called. Whoever connects uses these and asks no resolver again. */
export async function judgedAddresses({ host }: GitAddress, guard: AddressGuard): Promise<string[]> {
  try {
    guard.checkHost(host);
    const found = Promise.withResolvers<string[]>();
    guard.lookup(host, { all: true }, (error, addresses) => {
      if (error) found.reject(error);
      else found.resolve([addresses].flat().map((each) => (typeof each === 'string' ? each : each.address)));
    });
    return await found.promise;
  } catch (error) {
    if (error instanceof AddressDenied) throw gitRefusal('url', error.message);
    const why = codeOf(error) === 'ENOTFOUND' ? 'there is no such host' : messageOf(error);
    throw gitRefusal('url', `${host} has no address: ${why}`);
  }
}
