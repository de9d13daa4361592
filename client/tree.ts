import type { Asked } from './asked.ts';
import type { Connection } from './connection.ts';
import { Download } from './download.ts';
import type { Answers } from './openapi.ts';
import { type PageOptions, Pages } from './pages.ts';
import { segment } from './segment.ts';

/** Something in a directory of the server. */
export type FileEntry = Answers['listFiles']['items'][number];

export interface FilesOptions extends PageOptions, Asked {
  /** Which, as `src/**` has it. */
  glob?: string | undefined;
  /** With the SHA-256 of each file. */
  hash?: boolean | undefined;
}
export interface ArchiveOptions extends Asked {
  glob?: string | undefined;
  /** Default: tar. */
  format?: 'tar' | 'tar.gz' | 'zip' | undefined;
}

/** What is in the directory of a run, a workspace or a snapshot, in order of paths. */
export function filesOf(connection: Connection, of: string, options: FilesOptions): Pages<FileEntry> {
  return Pages.of(connection, `${of}/files`, options);
}

export function fileOf(connection: Connection, of: string, path: string, { signal }: Asked): Download {
  return new Download(connection, { path: filePath(of, path), signal });
}

/** It is made while it is read, so that one that breaks off has to be begun anew. */
export function archiveOf(
  connection: Connection,
  of: string,
  { signal, ...query }: ArchiveOptions,
): Download {
  return new Download(connection, { path: `${of}/archive`, query, signal });
}

export const filePath = (of: string, path: string): string =>
  `${of}/files/${path.split('/').map(segment).join('/')}`;

/** A glob that matches this path alone. */
export const exactly = (path: string): string => path.replaceAll(/[\\*?[\]{}!,]/g, '\\$&');
