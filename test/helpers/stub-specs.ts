import { hash } from 'node:crypto';
import type { EnvironmentSpec } from '../../src/documents/environment-spec.ts';
import { RunwireError } from '../../src/documents/errors.ts';
import type { EnvironmentSpecs } from '../../src/specs/spec-book.ts';

/** Environment specs in memory, for tests of the routes. */
export function stubSpecs(): EnvironmentSpecs {
  const all = new Map<string, EnvironmentSpec[]>();
  const of = (name: string): EnvironmentSpec[] => {
    const versions = all.get(name);
    if (versions === undefined) throw new RunwireError('spec_not_found', `There is no ${name}.`);
    return versions;
  };
  const pageOf = (items: EnvironmentSpec[]) => ({ items, next_cursor: null });
  return {
    async put(name, { secrets: _, assets: __, ...input }, mayPut) {
      const versions = all.get(name) ?? [];
      const digest = hash('sha256', JSON.stringify(input));
      const newest = versions.at(-1);
      mayPut?.(newest?.digest ?? null);
      if (newest?.digest === digest) return { spec: newest, isNew: false };
      const version = versions.length + 1;
      const self = `/environment-specs/${name}`;
      const spec: EnvironmentSpec = {
        ...{ ...input, name, version, digest, created_at: new Date().toISOString() },
        links: { self: `${self}@${version}`, versions: `${self}/versions` },
      };
      all.set(name, [...versions, spec]);
      return { spec, isNew: true };
    },
    get(reference) {
      const [name = '', version] = reference.split('@');
      const found = of(name).at(version === undefined ? -1 : Number(version) - 1);
      if (found === undefined) throw new RunwireError('spec_not_found', `There is no ${reference}.`);
      return found;
    },
    list: () => pageOf([...all.values()].flatMap((versions) => versions.at(-1) ?? [])),
    versions: (name) => pageOf(of(name).toReversed()),
    async remove(name, mayRemove) {
      mayRemove?.(of(name).at(-1)?.digest ?? '');
      all.delete(name);
    },
  };
}
