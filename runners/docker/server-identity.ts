import { randomUUID } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Labels of every container of ours: whose run it is for, and of which server. */
export const INVOCATION_LABEL = 'runwire.invocation_id';
export const SERVER_LABEL = 'runwire.server';
/** Of one that stays for the runs of a session: its id, and which of its generations. */
export const SESSION_LABEL = 'runwire.session';
export const GENERATION_LABEL = 'runwire.generation';
/** What programs in it need to know of it. */
export const FACTS_LABEL = 'runwire.facts';

/** Who a server is to the daemon: a random id that stays with its data directory. */
export interface ServerIdentity {
  /** Null while nothing was ever made for this data directory. */
  known(): string | null;
  /** Made at the first call. */
  id(): string;
}

export function serverIdentity(dataDir: string): ServerIdentity {
  const file = join(dataDir, 'docker-server-id');
  const known = (): string | null => (existsSync(file) ? readFileSync(file, 'utf8').trim() : null);
  return {
    known,
    id() {
      const id = known();
      if (id !== null) return id;
      mkdirSync(dataDir, { recursive: true, mode: 0o700 });
      const unfinished = `${file}.${randomUUID()}`;
      writeFileSync(unfinished, `${randomUUID()}\n`, { mode: 0o600 });
      try {
        linkSync(unfinished, file); // whole or not at all, and the first one stays
      } catch (error) {
        if (!existsSync(file)) throw error;
      } finally {
        rmSync(unfinished, { force: true });
      }
      return known() ?? '';
    },
  };
}
