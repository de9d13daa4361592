import type { EnvironmentSpec, EnvironmentSpecInput } from '../documents/environment-spec.ts';
import type { InvocationDefaults } from '../documents/invocation-defaults.ts';
import { parseExact } from '../platform/exact-json.ts';
import type { StoredSpec } from '../store/specs.ts';
import type { ResolvedSpec } from './spec-book.ts';

/** What is stored of a spec: what was sent, with the setup in one place. */
export type SpecDocument = Omit<EnvironmentSpecInput, 'secrets' | 'assets'>;

export function documentOf({ options, setup, ...rest }: EnvironmentSpecInput): SpecDocument {
  const { setup: inner, ...others } = options ?? {};
  const own = setup ?? inner;
  const left = Object.keys(others).length > 0 ? others : undefined;
  const kept = options !== undefined && inner === undefined ? options : left;
  return { ...rest, ...(kept && { options: kept }), ...(own && { setup: own }) };
}

export function described({ name, version, digest, document, createdAt }: StoredSpec): EnvironmentSpec {
  const self = `/environment-specs/${name}`;
  return {
    ...{ name, version, digest },
    ...(parseExact(document) as SpecDocument),
    created_at: new Date(createdAt).toISOString(),
    links: { self: `${self}@${version}`, versions: `${self}/versions` },
  };
}

export function resolved({ name, version, digest, document }: StoredSpec): ResolvedSpec {
  const { runtime_kind, environment, options, setup, entry, snapshot } = parseExact(document) as SpecDocument;
  const defaults: InvocationDefaults = {
    ...{ runtime_kind, environment, entry, snapshot },
    options: { ...options, ...(setup && { setup }) },
  };
  return { name, version, digest, from: `the environment spec ${name}@${version}`, defaults };
}
