import { usedAssets } from '../assets/used-assets.ts';
import { fieldRefusal } from '../documents/field-errors.ts';
import { type InvocationDefaults, mergedDefaults } from '../documents/invocation-defaults.ts';
import type { SessionInput } from '../documents/session.ts';
import type { ResolvedSpec } from '../specs/spec-book.ts';
import type { KeptSession } from './session-facts.ts';
import type { SessionTools } from './tools.ts';

/**
 * What is kept of what was asked for: its environment spec, and assets, in the versions that they have now, and over the spec what was said. Throws
 * invalid_field, naming what cannot be.
 */
export function keptOf(
  { kinds, specs, assets }: Pick<SessionTools, 'kinds' | 'specs' | 'assets'>,
  input: SessionInput,
): KeptSession {
  const { environment_spec: reference, environment, options } = input;
  const spec =
    reference === undefined
      ? null
      : specs.resolve(reference, { code: 'invalid_field', path: 'environment_spec' });
  const own: InvocationDefaults = { ...(environment && { environment }), ...(options && { options }) };
  const { runtime_kind: _, ...merged } = mergedDefaults([spec?.defaults ?? {}, own]);
  const defaults = withPinnedAssets(merged, assets);
  return {
    kind: kindOf(kinds, input, spec),
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

function kindOf(
  kinds: SessionTools['kinds'],
  { runtime_kind: said }: SessionInput,
  spec: ResolvedSpec | null,
): string {
  const ofSpec = spec?.defaults.runtime_kind;
  const word = said ?? ofSpec;
  if (word === undefined) throw refusal('is missing: must be a string');
  const runner = kinds.find(word);
  if (!runner) throw refusal(`this server has no kind ${word}`);
  if (ofSpec !== undefined && kinds.find(ofSpec) !== runner)
    throw refusal(`is ${ofSpec} in ${spec?.from}, and no other can be said`);
  return runner.kind;
}

function refusal(message: string) {
  return fieldRefusal('invalid_field', [{ path: 'runtime_kind', message }]);
}
