import { isExactNumber } from '../platform/exact-json.ts';
import type { AssetUse } from './asset-use.ts';
import { commandOf, type Entry } from './entry.ts';
import { fieldRefusal } from './field-errors.ts';
import type { InvocationInput, WholeInvocationInput } from './invocation.ts';
import type { Options } from './options.ts';
import type { SnapshotInput } from './snapshot.ts';

/** What an environment spec or a session says before an invocation does. */
export interface InvocationDefaults {
  readonly runtime_kind?: string | undefined;
  readonly environment?: { readonly [name: string]: string } | undefined;
  readonly options?: Options | undefined;
  readonly entry?: Entry | undefined;
  /** What is in snapshots that a run takes by itself. */
  readonly snapshot?: Pick<SnapshotInput, 'keep' | 'ignore'> | undefined;
}

/** Defaults, and whose they are in words: `the environment spec demo@3`. */
export interface DefaultsLayer {
  readonly from: string;
  readonly defaults: InvocationDefaults;
}

/**
 * The invocation that is meant: `layers`, the lowest first, and over them what was sent. Maps merge by key at any depth;
 * lists and all else replace. The command is that of the entry where none was sent. Throws invalid_invocation naming
 * runtime_kind where nobody says one, or two say different ones; `kindOf`: the kind that a word stands for.
 */
export function withDefaults(
  input: InvocationInput,
  layers: readonly DefaultsLayer[],
  kindOf: (word: string) => string = (word) => word,
): WholeInvocationInput {
  const runtime_kind = kindIn(input, layers, kindOf);
  if (layers.length === 0) return { ...input, runtime_kind };
  const { environment, options, entry, snapshot } = mergedDefaults(layers.map(({ defaults }) => defaults));
  const command =
    input.command ?? (entry && commandOf(entry, merged(options, input.options)?.is_evaluation === true));
  return {
    ...input,
    runtime_kind,
    ...(command && { command }),
    ...((environment ?? input.environment) && { environment: merged(environment, input.environment) }),
    ...((options ?? input.options) && {
      options: withFilter(merged(withoutPins(options, input.options), input.options), snapshot),
    }),
  };
}

/** Several as one, the lowest first. */
export function mergedDefaults(all: readonly InvocationDefaults[]): InvocationDefaults {
  return all.reduce(over, {});
}

function over(lower: InvocationDefaults, upper: InvocationDefaults): InvocationDefaults {
  const options = withoutPins(lower.options, upper.options);
  return merged({ ...lower, ...(options && { options }) }, upper);
}

/** Who names another asset, or version, does not mean what is said below of the version, or its digest. */
function withoutPins(lower: Options | undefined, upper: Options | undefined): Options | undefined {
  if (lower?.assets === undefined || upper?.assets === undefined) return lower;
  const above = upper.assets;
  const assets = Object.entries(lower.assets).map(([key, use]): [string, AssetUse] => {
    const { asset, version } = (Object.hasOwn(above, key) ? above[key] : undefined) ?? {};
    const { version: _, digest: __, ...others } = use;
    const isOther = asset !== undefined && asset !== (use.asset ?? key);
    if (isOther) return [key, others];
    const isOtherVersion = version !== undefined && version !== use.version;
    return [key, isOtherVersion ? others : use];
  });
  return { ...lower, assets: Object.fromEntries(assets) };
}

/** Of the commands of a setup those that the run may see: what is for evaluations only, or for later, is no business of others. */
export function withoutHiddenCommands(input: WholeInvocationInput): WholeInvocationInput {
  const { setup, is_evaluation } = input.options ?? {};
  if (setup === undefined) return input;
  const { evaluation_commands, resume_commands, ...seen } = setup;
  const kept = is_evaluation && evaluation_commands ? { ...seen, evaluation_commands } : seen;
  return { ...input, options: { ...input.options, setup: kept } };
}

function kindIn(
  { runtime_kind }: InvocationInput,
  layers: readonly DefaultsLayer[],
  kindOf: (word: string) => string,
): string {
  let word: string | undefined;
  let whose = '';
  for (const { from, defaults } of layers) {
    const { runtime_kind: said } = defaults;
    if (said === undefined) continue;
    if (word !== undefined && kindOf(said) !== kindOf(word))
      throw refusal(`is ${said} in ${from}, and ${word} in ${whose}`);
    word = said;
    whose = from;
  }
  if (runtime_kind === undefined && word === undefined) throw refusal('is missing: must be a string');
  if (runtime_kind !== undefined && word !== undefined && kindOf(runtime_kind) !== kindOf(word))
    throw refusal(`is ${word} in ${whose}, and no other can be said`);
  return runtime_kind ?? word ?? '';
}

function refusal(message: string) {
  return fieldRefusal('invalid_invocation', [{ path: 'runtime_kind', message }]);
}

/** Where the run takes snapshots, what is to be in them; its own words go before. */
function withFilter(
  options: Options | undefined,
  snapshot: InvocationDefaults['snapshot'],
): Options | undefined {
  const use = options?.workspace;
  if (typeof use !== 'object' || use.snapshot === undefined || snapshot === undefined) return options;
  return { ...options, workspace: merged(snapshot, use) };
}

function merged<Lower, Upper>(lower: Lower, upper: Upper): NonNullable<Lower> & Upper;
function merged(lower: unknown, upper: unknown): unknown {
  if (upper === undefined) return lower;
  if (!isMap(lower) || !isMap(upper)) return upper;
  const names = new Set([...Object.keys(lower), ...Object.keys(upper)]);
  // Not by assignment: a name may be one that objects have by nature.
  return Object.fromEntries([...names].map((name) => [name, merged(own(lower, name), own(upper, name))]));
}

function own(map: { readonly [name: string]: unknown }, name: string): unknown {
  return Object.hasOwn(map, name) ? map[name] : undefined;
}

function isMap(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isExactNumber(value);
}
