import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { codeOf, messageOf } from '../../src/platform/error-words.ts';
import { afterMs } from '../../src/platform/timer.ts';

/** Where the daemon is: DOCKER_HOST (`unix://…`, `tcp://…`; null: this machine's) and the directory of TLS files. */
export interface DaemonAddress {
  host: string | null;
  certPath: string | null;
}

export const DEFAULT_SOCKET = '/var/run/docker.sock';
/** Longer than any answer of a healthy daemon takes; a call that takes longer has failed. */
const CALL_MS = 120_000;
const ABORTED_CALL_MS = 10_000;
const PING_MS = 3000;

/** How long an answer is waited for. */
export interface Patience {
  ms?: number;
  signal?: AbortSignal;
}

/** The daemon did not answer, or went away while it was asked. */
export class DaemonGone extends Error {
  constructor(where: string, cause: unknown) {
    super(`the Docker engine at ${where} does not answer: ${daemonWords(cause)}`, { cause });
    this.name = 'EngineGone';
  }
}

/** The way to one Docker daemon. The library is loaded at the first use: a server without containers pays nothing. */
export class DockerDaemon {
  /** As people know it. */
  readonly where: string;
  /** Path of its socket; null when it is reached otherwise. */
  readonly socketPath: string | null;
  readonly #address: DaemonAddress;
  #docker: Promise<Docker> | null = null;

  /** Throws when DOCKER_HOST is of a form that is not known. */
  constructor(address: DaemonAddress) {
    this.#address = address;
    this.where = address.host ?? `unix://${DEFAULT_SOCKET}`;
    if (!/^(unix|tcp|https?):\/\//.test(this.where))
      throw new Error(`DOCKER_HOST=${this.where} must begin with unix:// or tcp://`);
    this.socketPath = this.where.startsWith('unix://') ? this.where.slice(7) || DEFAULT_SOCKET : null;
  }

  /** The library's client of this daemon; nothing is asked yet. */
  client(): Promise<Docker> {
    this.#docker ??= this.#load();
    return this.#docker;
  }

  /**
   * One question to the daemon. Rejects with DaemonGone when there is no answer, with the
   * daemon's own error when it refuses. When `signal` aborts, it is not waited for much longer.
   */
  async ask<T>(
    question: (docker: Docker) => Promise<T>,
    { ms = CALL_MS, signal }: Patience = {},
  ): Promise<T> {
    const deadline = Promise.withResolvers<never>();
    const end = (): void => deadline.reject(new Error('no answer in time'));
    let inTime = afterMs(ms, end);
    const hasten = (): void => {
      inTime();
      inTime = afterMs(Math.min(ms, ABORTED_CALL_MS), end);
    };
    if (signal?.aborted) hasten();
    signal?.addEventListener('abort', hasten, { once: true });
    try {
      const docker = await this.client();
      return await Promise.race([question(docker), deadline.promise]);
    } catch (error) {
      throw statusOf(error) === undefined ? new DaemonGone(this.where, error) : error;
    } finally {
      inTime();
      signal?.removeEventListener('abort', hasten);
    }
  }

  /** Undefined when the daemon answers, else why not. */
  async silence(): Promise<string | undefined> {
    try {
      await this.ask((docker) => docker.ping(), { ms: PING_MS });
      return undefined;
    } catch (error) {
      return messageOf(error);
    }
  }

  async #load(): Promise<Docker> {
    const { default: Client } = await import('dockerode');
    // Every option is said, for those that are not the library takes from the environment of the server.
    const none = { host: '', port: '', ca: undefined, cert: undefined, key: undefined, timeout: undefined };
    if (this.socketPath !== null)
      return new Client({
        ...none,
        socketPath: this.socketPath,
        protocol: 'http',
        pathPrefix: '/',
      } as Docker.DockerOptions);
    const { protocol, hostname, port } = new URL(this.where.replace(/^tcp:/, 'http:'));
    const tls = this.#tls();
    const secure = tls !== null || protocol === 'https:';
    return new Client({
      ...none,
      ...tls,
      host: hostname,
      port: port || (secure ? '2376' : '2375'),
      protocol: secure ? 'https' : 'http',
      pathPrefix: '/',
    } as Docker.DockerOptions);
  }

  #tls(): { ca: Buffer; cert: Buffer; key: Buffer } | null {
    const { certPath } = this.#address;
    if (certPath === null) return null;
    const file = (name: string): Buffer => readFileSync(join(certPath, name));
    return { ca: file('ca.pem'), cert: file('cert.pem'), key: file('key.pem') };
  }

  /** Real path of the socket, when there is one. */
  get realSocket(): string | null {
    return this.socketPath !== null && existsSync(this.socketPath) ? realpathSync(this.socketPath) : null;
  }
}

/** The HTTP status of the daemon's refusal; undefined when the error is not its answer. */
export function statusOf(error: unknown): number | undefined {
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number'
    ? error.statusCode
    : undefined;
}

/** What went wrong, in the daemon's own words. */
export function daemonWords(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const body = 'json' in error ? error.json : null;
  if (typeof body === 'object' && body !== null && 'message' in body && typeof body.message === 'string')
    return body.message.trim();
  return error.message || codeOf(error) || 'no reason given';
}
