import { constants } from 'node:os';
import { Runwire } from '../../client/runwire.ts';

/** What may be written, and what it is. */
export interface Candidate {
  word: string;
  about?: string;
}

/** The newest. */
const MOST = 500;

interface Address {
  server?: string | undefined;
  token?: string | undefined;
}

type Ask = (rw: Runwire, signal: AbortSignal) => Promise<Candidate[]>;

const runs: Ask = async (rw, signal) =>
  (await rw.list({ limit: MOST, signal }).toArray(MOST)).map(({ invocation, status }) => ({
    word: invocation.invocation_id,
    about: `${status} ${invocation.command.join(' ')}`,
  }));
const workspaces: Ask = async (rw, signal) =>
  (await rw.workspaces.list({ limit: MOST, signal }).toArray(MOST)).map(({ workspace_id: word, state }) => ({
    word,
    about: state,
  }));
const snapshots: Ask = async (rw, signal) =>
  (await rw.snapshots.list({ limit: MOST, signal }).toArray(MOST)).map((one) => ({
    word: one.snapshot_id,
    about: `of ${one.workspace_id}, ${one.created_at}`,
  }));

/** What can be named on a command line, by the word that help has for it. */
const THINGS = {
  run: runs,
  workspace: workspaces,
  snapshot: snapshots,
  session: async (rw, signal) =>
    (await rw.sessions.list({ limit: MOST, signal }).toArray(MOST)).map(({ session_id: word, state }) => ({
      word,
      about: state,
    })),
  spec: async (rw, signal) =>
    (await rw.environmentSpecs.list({ limit: MOST, signal }).toArray(MOST)).map(({ name, version }) => ({
      word: name,
      about: `version ${version}`,
    })),
  asset: async (rw, signal) =>
    (await rw.assets.list({ limit: MOST, signal }).toArray(MOST)).map(({ name, version, type }) => ({
      word: name,
      about: `${type}, version ${version}`,
    })),
  kind: async (rw, signal) =>
    (await rw.runtimes({ signal })).map(({ kind, description }) => ({ word: kind, about: description })),
  signal: async () => Object.keys(constants.signals).map((name) => ({ word: name.replace(/^SIG/, '') })),
  /** A file on the server. */
  place: async (rw, signal) => {
    const all = await Promise.all([runs(rw, signal), workspaces(rw, signal), snapshots(rw, signal)]);
    return all.flatMap((some, at) =>
      some.map(({ word, about = '' }) => ({ word: `${['', 'ws/', 'snap/'][at]}${word}:`, about })),
    );
  },
} satisfies { [name: string]: Ask };

export type Thing = keyof typeof THINGS;

export const isThing = (name: string): name is Thing => Object.hasOwn(THINGS, name);

/** Those that the server has; none, where it does not tell within `ms`. */
export async function thingsOf(kind: Thing, { server, token }: Address, ms: number): Promise<Candidate[]> {
  try {
    const rw = new Runwire({ url: server, token, retrySeconds: 0 });
    return await THINGS[kind](rw, AbortSignal.timeout(ms));
  } catch {
    return []; // a line that is being written is no place for messages
  }
}
