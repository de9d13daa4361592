import type { ResolvedAsset } from '../assets/asset-book.ts';
import { usedAssets } from '../assets/used-assets.ts';
import { Rejected } from '../contract/outcome.ts';
import type { Runner } from '../contract/runner.ts';
import type { RunDirectory } from '../disk/run-directory.ts';
import { type FieldError, RunwireError } from '../documents/errors.ts';
import { fieldRefusal } from '../documents/field-errors.ts';
import type { Invocation } from '../documents/invocation.ts';
import { workspaceOf } from '../documents/workspace-use.ts';
import { fillInvocation } from '../fill/invocation.ts';
import { type GivenInputs, givenInputs, type InputTools } from '../inputs/given-inputs.ts';
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
export function meaningOf(asked: Asked, tools: InputTools): Meaning {
  const { runner, directory, createdAt } = asked;
  const { assets: book } = tools;
  const { assets: uses, inputs, template } = asked.invocation.options;
  if (uses === undefined && inputs === undefined && !template) return plainMeaning(asked.invocation);
  const declared = inputs === undefined ? NO_INPUTS : givenInputs(inputsOf(asked), tools);
  const { used, pinned } =
    uses === undefined
      ? { used: [], pinned: undefined }
      : usedAssets(uses, book, { code: 'invalid_invocation', path: 'options.assets' });
  const options = {
    ...asked.invocation.options,
    ...(pinned && { assets: pinned }),
    ...(inputs && { inputs: declared.pinned }),
  };
  const invocation = { ...asked.invocation, options };
  const statics =
    book === null
      ? new Map<string, string>()
      : staticsOf(used, book, { id: invocation.invocation_id, createdAt, runner, directory });
  const given = [
    ...(book === null || runner.given?.by === 'address' ? [] : givenAssets(used, book)),
    ...declared.given,
  ];
  const filled = fillInvocation(invocation, runner, {
    statics: uses === undefined ? null : statics,
    templates: template ? templateNames({ ...asked, given, inPlace: declared.inPlace }) : null,
  });
  return {
    ...{ invocation, filled, given },
    assets: eachOnce([...used.map(({ asset }) => asset), ...declared.assets]),
    signedAddresses: runner.given?.by === 'address' ? [...statics.values()] : [],
  };
}

const NO_INPUTS: GivenInputs = { given: [], inPlace: [], assets: [], pinned: [] };

function inputsOf(asked: Asked): Parameters<typeof givenInputs>[0] {
  const { invocation, runner, directory, workingDirectory } = asked;
  const { inputs = [], workspace } = invocation.options;
  const confined = runner.confined ? workingDirectory : null;
  return {
    ...{ inputs, directory, workingDirectory },
    confinedTo: workspaceOf(workspace) === null ? confined : directory.work,
    sees: (place) => runner.seenAt === undefined || runner.seenAt(place, asked) !== null,
  };
}

function eachOnce(assets: readonly ResolvedAsset[]): Meaning['assets'] {
  const once = new Map(assets.map(({ name, version }) => [`${name}@${version}`, { name, version }]));
  return [...once.values()];
}

const UNTOLD = '[redacted]';

/** What a runner says of what it is given to parse, without the addresses in it. */
export function untold<Parsed extends { refusal: Rejected | null }>(
  { signedAddresses }: Pick<Meaning, 'signedAddresses'>,
  parse: () => Parsed,
): Parsed {
  // In whatever letters: names of headers are told in small ones.
  const hide = (words: string): string =>
    signedAddresses.reduce(
      (text, address) => text.replaceAll(new RegExp(escaped(address), 'gi'), UNTOLD),
      words,
    );
  const hidden = ({ path, message }: FieldError): FieldError => ({
    path: hide(path),
    message: hide(message),
  });
  try {
    const parsed = parse();
    if (signedAddresses.length === 0 || parsed.refusal === null) return parsed;
    const { message, errors } = parsed.refusal;
    return { ...parsed, refusal: new Rejected(hide(message), errors?.map(hidden)) };
  } catch (error) {
    if (signedAddresses.length === 0 || !(error instanceof RunwireError) || error.errors === undefined)
      throw error;
    throw fieldRefusal(error.code, error.errors.map(hidden));
  }
}

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
