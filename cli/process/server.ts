import type { Command } from 'commander';
import { ConnectionError, type Fetch, Runwire } from '../../client/runwire.ts';
import { countedFetch } from './counted-fetch.ts';
import { EXIT } from './exit-codes.ts';
import { Failure } from './failure.ts';
import type { Progress } from './progress.ts';
import { watchedFetch } from './watched-fetch.ts';

/** A model waits for its answer. */
const BRIEF_SECONDS = 10;

export interface ServerFlags {
  server?: string;
  token?: string;
}

/** The flags that say which server. */
export function withServer(command: Command): Command {
  return command
    .option('--server <url>', 'address of the server (RUNWIRE_URL, else http://127.0.0.1:7070)')
    .option('--token <token>', 'its token (RUNWIRE_TOKEN: other processes do not see that)');
}

export const addressOf = ({ server }: ServerFlags): string =>
  server ?? (process.env.RUNWIRE_URL || 'http://127.0.0.1:7070');

/** One that never asks again fails at once where no server is; one that has been there is waited for. */
export class Server {
  /** Asks once. */
  readonly quick: Runwire;
  /** Asks again, for a minute what can be repeated, for ever what is followed. */
  readonly patient: Runwire;
  readonly #flags: ServerFlags;
  /** Asks again for some seconds what can be repeated, for ever what is followed. */
  readonly brief: Runwire;

  /** `sending`: what is told how far large bodies are. */
  constructor(flags: ServerFlags, sending?: Progress) {
    const { server: url, token } = flags;
    this.#flags = flags;
    const watched = watchedFetch();
    const options = { url, token, fetch: sending ? countedFetch(sending, watched) : watched };
    try {
      this.quick = new Runwire({ ...options, retrySeconds: 0 });
      this.patient = new Runwire(options);
      this.brief = new Runwire({ ...options, retrySeconds: BRIEF_SECONDS });
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      const isToken = error.message.startsWith('token');
      const name = isToken
        ? token === undefined
          ? 'RUNWIRE_TOKEN'
          : '--token'
        : url === undefined
          ? 'RUNWIRE_URL'
          : '--server';
      throw new Failure(`${name}: ${error.message}`, EXIT.usage);
    }
  }

  /** Asks once, by another fetch. */
  over(other: Fetch): Runwire {
    const { server: url, token } = this.#flags;
    return new Runwire({ url, token, fetch: other, retrySeconds: 0 });
  }

  /** Asks, and again only where a server was seen. To be used with what may be done twice. */
  async ask<T>(act: (rw: Runwire) => Promise<T>): Promise<T> {
    try {
      return await act(this.quick);
    } catch (error) {
      if (error instanceof ConnectionError && error.code === 'connection_lost') return act(this.patient);
      throw error;
    }
  }
}
