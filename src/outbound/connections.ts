import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { AddressGuard } from './address-guard.ts';

/** An idle connection is kept for so long. Servers close theirs unannounced, some after a second, and a request must not meet that. */
const IDLE_MS = 500;

export interface Tls {
  /** PEM, in place of the authorities that Node trusts. */
  ca?: string | undefined;
  verify?: boolean | undefined;
}

/** Connections that are kept and used again; where they may go is decided when they are made. */
export interface Connections {
  readonly http: HttpAgent;
  readonly https: HttpsAgent;
  /** For requests that must not meet the end of a connection that was kept: each has its own. */
  readonly fresh: { readonly http: HttpAgent; readonly https: HttpsAgent };
  readonly guard: AddressGuard;
  /** Ends all of them. */
  close(): void;
}

/** `perOrigin`: connections to one origin at a time; requests beyond wait. Absent: as many as needed. */
export function openConnections(guard: AddressGuard, tls: Tls = {}, perOrigin?: number): Connections {
  const options = {
    keepAlive: true,
    timeout: IDLE_MS,
    lookup: guard.lookup,
    ...(perOrigin === undefined ? {} : { maxSockets: perOrigin }),
  };
  const http = new HttpAgent(options);
  const secure = {
    ...options,
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls.verify === undefined ? {} : { rejectUnauthorized: tls.verify }),
  };
  const https = new HttpsAgent(secure);
  const fresh = {
    http: new HttpAgent({ ...options, keepAlive: false }),
    https: new HttpsAgent({ ...secure, keepAlive: false }),
  };
  return {
    http,
    https,
    fresh,
    guard,
    close: () => {
      http.destroy();
      https.destroy();
      fresh.http.destroy();
      fresh.https.destroy();
    },
  };
}
