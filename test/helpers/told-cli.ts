import { TOKEN } from './client-server.ts';
import { runwire } from './command-line.ts';

export interface Told {
  code: number | string | null;
  out: string;
  bytes: Buffer;
  error: string;
}

/** A command to its end, with what it said. */
export type Tell = (words: string[], stdin?: string | Buffer) => Promise<Told>;

/** Commands that ask this server, and work in this directory. */
export function telling(server: { readonly url: string }, place: { readonly path: string }): Tell {
  return async (words, stdin) => {
    const started = runwire(words, { RUNWIRE_URL: server.url, RUNWIRE_TOKEN: TOKEN }, stdin, place.path);
    const code = await started.ended;
    return { code, out: started.stdout().toString(), bytes: started.stdout(), error: started.stderr() };
  };
}
