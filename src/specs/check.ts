import type { AssetBook } from '../assets/asset-book.ts';
import { usedAssets } from '../assets/used-assets.ts';
import { canonicalJson } from '../documents/canonical-json.ts';
import type { EnvironmentSpecInput } from '../documents/environment-spec.ts';
import { type FieldError, RunwireError } from '../documents/errors.ts';
import { type Kind, optionKeyOf } from '../documents/kind.ts';
import { optionsOf } from '../documents/options.ts';
import { incompleteFaults } from './incomplete-options.ts';

/** What is to be known of kinds. `setsUp`, `given`: as of a runner. */
export type SpecKind = Kind & { readonly setsUp?: boolean; readonly given?: object };

/** What is wrong with a spec on a server with these kinds, as far as that can be told before an invocation completes it. */
export function faultsOf(
  input: EnvironmentSpecInput,
  kinds: readonly SpecKind[],
  assets: Pick<AssetBook, 'resolve'> | null,
): FieldError[] {
  const { runtime_kind: word, options = {} } = input;
  const kind = kinds.find(({ kind, aliases = [] }) => kind === word || aliases.includes(word));
  const unknown = { path: 'runtime_kind', message: `${word} is no kind of this server` };
  return [
    ...(kind === undefined ? [unknown] : []),
    ...faultsOfSetup(input, kind),
    ...faultsOfAssets(input, kind, assets),
    ...kinds.flatMap((one) => {
      const key = optionKeyOf(one);
      const given = key === null ? undefined : optionsOf(options, key);
      return given === undefined ? [] : incompleteFaults(one, given, ['options', key ?? '']);
    }),
  ];
}

function faultsOfSetup({ setup, options }: EnvironmentSpecInput, kind: SpecKind | undefined): FieldError[] {
  const inner = options?.setup;
  const faults: FieldError[] = [];
  if (setup !== undefined && inner !== undefined && canonicalJson(setup) !== canonicalJson(inner))
    faults.push({ path: 'setup', message: 'is another one than options.setup: one of the two is enough' });
  if (kind !== undefined && !kind.setsUp && (setup ?? inner) !== undefined)
    faults.push({
      path: setup === undefined ? 'options.setup' : 'setup',
      message: `${kind.kind} runs nothing before the work: it takes no setup`,
    });
  return faults;
}

/** What is named is there, and stays: it cannot be removed while a spec names it. */
function faultsOfAssets(
  { assets, options }: EnvironmentSpecInput,
  kind: SpecKind | undefined,
  book: Pick<AssetBook, 'resolve'> | null,
): FieldError[] {
  const inner = options?.assets;
  const uses = assets ?? inner;
  if (uses === undefined) return [];
  const path = assets === undefined ? 'options.assets' : 'assets';
  if (assets !== undefined && inner !== undefined && canonicalJson(assets) !== canonicalJson(inner))
    return [{ path, message: 'is another one than options.assets: one of the two is enough' }];
  if (kind !== undefined && kind.given === undefined)
    return [{ path, message: `${kind.kind} has no way to assets: it takes none` }];
  try {
    usedAssets(uses, book, { code: 'invalid_field', path });
    return [];
  } catch (error) {
    if (error instanceof RunwireError && error.errors !== undefined) return [...error.errors];
    throw error;
  }
}
