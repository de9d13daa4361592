import type { AssetBook } from '../assets/asset-book.ts';
import { usedAssets } from '../assets/used-assets.ts';
import { Rejected } from '../contract/outcome.ts';
import type { Runner } from '../contract/runner.ts';
import type { RunDirectory } from '../disk/run-directory.ts';
import { RunwireError } from '../documents/errors.ts';
import { fieldRefusal } from '../documents/field-errors.ts';
import type { Invocation } from '../documents/invocation.ts';
import { fillInvocation } from '../fill/invocation.ts';
import { givenAssets, staticsOf } from '../run/given.ts';
import type { AcceptedRun } from '../run/live-run.ts';
import { templateNames } from './template-names.ts';

/** A run of which it is to be known what its invocation stands for. */
interface Asked {
  invocation: Invocation;
  runner: Runner;
  directory: RunDirectory;
  workingDirectory: string;
  artifactDirectory: string | null;
  createdAt: number;
}

/** What is stored of it, and what is run. */
export type Meaning = Pick<AcceptedRun, 'invocation' | 'filled' | 'assets' | 'given' | 'signedAddresses'>;

/** Nothing in it stands for something else. */
export function plainMeaning(invocation: Invocation): Meaning {
  return { invocation, filled: invocation, assets: [], given: [], signedAddresses: [] };
}

/**
 * Assets in the versions that they have now, or were given when it was stored, and all that stands for them, or for what templates name,
 * filled. Throws invalid_invocation, naming the fields.
 */
export function meaningOf(asked: Asked, book: AssetBook | null): Meaning {
  const { runner, directory, createdAt } = asked;
  const { assets: uses, template } = asked.invocation.options;
  if (uses === undefined && !template) return plainMeaning(asked.invocation);
  const { used, pinned } =
    uses === undefined
      ? { used: [], pinned: undefined }
      : usedAssets(uses, book, { code: 'invalid_invocation', path: 'options.assets' });
  const options = { ...asked.invocation.options, ...(pinned && { assets: pinned }) };
  const invocation = { ...asked.invocation, options };
  const statics =
    book === null
      ? new Map<string, string>()
      : staticsOf(used, book, { id: invocation.invocation_id, createdAt, runner, directory });
  const given = book === null || runner.given?.by === 'address' ? [] : givenAssets(used, book);
  const filled = fillInvocation(invocation, runner, {
    statics: uses === undefined ? null : statics,
    templates: template ? templateNames({ ...asked, given }) : null,
  });
  return {
    ...{ invocation, filled, given },
    assets: used.map(({ asset: { name, version } }) => ({ name, version })),
    signedAddresses: runner.given?.by === 'address' ? [...statics.values()] : [],
  };
}

const UNTOLD = '[redacted]';

/** What a runner says of what it is given to parse, without the addresses in it. */
export function untold<Parsed extends { refusal: Rejected | null }>(
  { signedAddresses }: Pick<Meaning, 'signedAddresses'>,
  parse: () => Parsed,
): Parsed {
  const hide = (words: string): string =>
    signedAddresses.reduce((text, address) => text.replaceAll(address, UNTOLD), words);
  try {
    const parsed = parse();
    if (signedAddresses.length === 0 || parsed.refusal === null) return parsed;
    return { ...parsed, refusal: new Rejected(hide(parsed.refusal.message)) };
  } catch (error) {
    if (signedAddresses.length === 0 || !(error instanceof RunwireError) || error.errors === undefined)
      throw error;
    const errors = error.errors.map(({ path, message }) => ({ path: hide(path), message: hide(message) }));
    throw fieldRefusal(error.code, errors);
  }
}
