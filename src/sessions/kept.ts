import { usedAssets } from '../assets/used-assets.ts';
import type { Runner } from '../contract/runner.ts';
import { fieldRefusal } from '../documents/field-errors.ts';
import { type InvocationDefaults, mergedDefaults } from '../documents/invocation-defaults.ts';
import { optionKeyOf } from '../documents/kind.ts';
import { optionsOf } from '../documents/options.ts';
import type { SessionInput } from '../documents/session.ts';
import { incompleteFaults } from '../specs/incomplete-options.ts';
import type { ResolvedSpec } from '../specs/spec-book.ts';
import type { KeptSession } from './session-facts.ts';
import type { SessionTools } from './tools.ts';

/** The environment spec that it names, as it is now; null: none. Throws invalid_field. */
export function specOf(
  { specs }: Pick<SessionTools, 'specs'>,
  { environment_spec: reference }: SessionInput,
): ResolvedSpec | null {
  return reference === undefined
    ? null
    : specs.resolve(reference, { code: 'invalid_field', path: 'environment_spec' });
}

/**
 * What is kept of what was asked for: its environment spec, and assets, in the versions that they have now, and over the spec what was said. Throws
 * invalid_field, naming what cannot be.
 */
export function keptOf(
  { kinds, assets }: Pick<SessionTools, 'kinds' | 'assets'>,
  input: SessionInput,
  spec: ResolvedSpec | null,
): KeptSession {
  const { environment, options } = input;
  const own: InvocationDefaults = { ...(environment && { environment }), ...(options && { options }) };
  const { runtime_kind: _, ...merged } = mergedDefaults([spec?.defaults ?? {}, own]);
  const defaults = withPinnedAssets(merged, assets);
  const runner = runnerOf(kinds, input, spec);
  if (!runner.setsUp) checkOptions(runner, defaults);
  return {
    kind: runner.kind,
    spec: spec && { name: spec.name, version: spec.version, digest: spec.digest },
    defaults,
    isEvaluation: input.is_evaluation ?? false,
    disableSetup: input.disable_setup ?? false,
    metadata: input.metadata ?? {},
    ttlSeconds: input.ttl_seconds ?? null,
    idleSeconds: input.idle_seconds ?? null,
    ownWorkspace: input.workspace === undefined,
    keepWorkspace: input.keep_workspace ?? input.workspace !== undefined,
  };
}

/** All of its runs have the same versions. */
function withPinnedAssets(defaults: InvocationDefaults, book: SessionTools['assets']): InvocationDefaults {
  const { assets: uses, ...options } = defaults.options ?? {};
  if (uses === undefined) return defaults;
  const { pinned } = usedAssets(uses, book ?? null, { code: 'invalid_field', path: 'options.assets' });
  return { ...defaults, options: { ...options, assets: pinned } };
}

/** No run reads them before the first one that completes them: what that cannot mend is refused now. */
function checkOptions(runner: Runner, { options = {} }: InvocationDefaults): void {
  const key = optionKeyOf(runner);
  const given = key === null ? undefined : optionsOf(options, key);
  const faults = given === undefined ? [] : incompleteFaults(runner, given, ['options', key ?? '']);
  if (faults.length > 0) throw fieldRefusal('invalid_field', faults);
}

function runnerOf(
  kinds: SessionTools['kinds'],
  { runtime_kind: said }: SessionInput,
  spec: ResolvedSpec | null,
): Runner {
  const ofSpec = spec?.defaults.runtime_kind;
  const word = said ?? ofSpec;
  if (word === undefined) throw refusal('is missing: must be a string');
  const runner = kinds.find(word);
  if (!runner) throw refusal(`this server has no kind ${word}`);
  if (ofSpec !== undefined && kinds.find(ofSpec) !== runner)
    throw refusal(`is ${ofSpec} in ${spec?.from}, and no other can be said`);
  return runner;
}

function refusal(message: string) {
  return fieldRefusal('invalid_field', [{ path: 'runtime_kind', message }]);
}
