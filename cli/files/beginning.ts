import { type Command, InvalidArgumentError } from 'commander';
import type { Upload } from './local-tree.ts';
import { holderOf } from './place.ts';
import { upload } from './uploads.ts';

/** What a workspace or a session begins with. */
export interface Beginning {
  snapshot?: string;
  workspace?: string;
  invocation?: string;
  git?: { url: string; ref?: string; secret?: string };
}
export interface BeginningFlags {
  from?: Beginning;
  gitSecret?: string;
  upload?: Upload[];
}

export const withBeginning = (command: Command): Command =>
  command
    .option(
      '--from <what>',
      'with what is in snap/ID, ws/ID, run/ID, or https://host/repository.git#ref',
      begins,
    )
    .option('--git-secret <name>', 'secret of the server that the repository asks for')
    .option('--upload <PATH[:DEST]>', 'with this file or directory, after that', upload);

function begins(text: string): Beginning {
  if (/^https?:/.test(text)) {
    const [url = '', ref] = text.split('#', 2);
    return { git: { url, ...(ref !== undefined && { ref }) } };
  }
  const { kind, id } = holderOf(text);
  if (!/^(run|ws|snap)\//.test(text) || id === '')
    throw new InvalidArgumentError('It is snap/ID, ws/ID, run/ID, or the address of a repository.');
  return { [kind === 'run' ? 'invocation' : kind]: id };
}

export function beginningOf({ from, gitSecret }: BeginningFlags): Beginning | undefined {
  if (from?.git === undefined || gitSecret === undefined) return from;
  return { git: { ...from.git, secret: gitSecret } };
}
