import type { EnvironmentSpec, EnvironmentSpecInput } from '../documents/environment-spec.ts';
import type { InvocationDefaults } from '../documents/invocation-defaults.ts';
import { parseExact } from '../platform/exact-json.ts';
import type { StoredSpec } from '../store/specs.ts';
import type { ResolvedSpec } from './spec-book.ts';

/** What is stored of a spec: what was sent, with setup and assets in one place. */
export type SpecDocument = Omit<
  EnvironmentSpecInput,
  'secrets' | 'name' | 'version' | 'digest' | 'created_at' | 'links'
>;

export function documentOf(input: EnvironmentSpecInput): SpecDocument {
  const { name: _, version: __, digest: ___, created_at: ____, links: _____, ...said } = input;
  const { options, setup, assets, ...rest } = said;
  const { setup: innerSetup, assets: innerAssets, ...others } = options ?? {};
  const own = { setup: setup ?? innerSetup, assets: assets ?? innerAssets };
  const left = Object.keys(others).length > 0 ? others : undefined;
  const isWhole = innerSetup === undefined && innerAssets === undefined;
  const kept = options !== undefined && isWhole ? options : left;
  return {
    ...rest,
    ...(kept && { options: kept }),
    ...(own.setup && { setup: own.setup }),
    ...(own.assets && { assets: own.assets }),
  };
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
  const { runtime_kind, environment, options, setup, assets, entry, snapshot } = parseExact(
    document,
  ) as SpecDocument;
  const defaults: InvocationDefaults = {
    ...{ runtime_kind, environment, entry, snapshot },
    options: { ...options, ...(setup && { setup }), ...(assets && { assets }) },
  };
  return { name, version, digest, from: `the environment spec ${name}@${version}`, defaults };
}
