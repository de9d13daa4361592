import { existsSync } from 'node:fs';
import { EXIT } from '../process/exit-codes.ts';
import { Failure } from '../process/failure.ts';

/** Something of the server that has files. */
export interface Holder {
  kind: 'run' | 'workspace' | 'snapshot';
  id: string;
}
/** Files of it: one, or a directory. */
export interface Remote extends Holder {
  /** Relative, with slashes; '' is all of it. */
  path: string;
  /** What is in the directory, and not the directory itself: `ID:src/.` */
  contents: boolean;
  /** It is said to be a directory: `ID:src/` */
  isDirectory: boolean;
}

const KINDS = { 'run/': 'run', 'ws/': 'workspace', 'snap/': 'snapshot' } as const;
export const PREFIX = { run: '', workspace: 'ws/', snapshot: 'snap/' } as const;

/** `ws/ID`, `snap/ID`, `run/ID`; an ID alone is that of a run. */
export function holderOf(text: string): Holder {
  for (const [prefix, kind] of Object.entries(KINDS))
    if (text.startsWith(prefix)) return { kind, id: text.slice(prefix.length) };
  return { kind: 'run', id: text };
}

/** `ID:PATH`, `ws/ID:PATH`, `snap/ID:PATH`. Null: a path here, which is what begins with `/` or `.`, has no colon, or is there. */
export function remoteOf(text: string): Remote | null {
  const [, holder, path] = /^([^:]+):(.*)$/s.exec(text) ?? [];
  if (holder === undefined || path === undefined || /^[./]/.test(text) || existsSync(text)) return null;
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw new Failure(`${text}: the path leads out of it`, EXIT.usage);
  const contents = parts.length === 0 || /(^|\/)\.\/?$/.test(path);
  return {
    ...holderOf(holder),
    path: parts.join('/'),
    contents,
    isDirectory: contents || path.endsWith('/'),
  };
}

/** As it is written. */
export const written = ({ kind, id, path }: Remote): string => `${PREFIX[kind]}${id}:${path}`;
