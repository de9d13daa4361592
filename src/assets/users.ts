import type { InvocationStore } from '../store/invocation-store.ts';

/** Who else than runs and environment specs needs assets: `version` null is the newest. */
export interface AssetUser {
  /** In words: the session s. */
  who: string;
  name: string;
  version: number | null;
}

/** So many are named. */
const MOST = 5;

/**
 * Who needs an asset, in words, a few of them. `version` null: any version of it. Who names the newest needs that there is one: it
 * holds the name, and the last version of it.
 */
export function usersOf(
  { assets, specs }: Pick<InvocationStore, 'assets' | 'specs'>,
  name: string,
  version: number | null,
  others: Iterable<AssetUser>,
): string[] {
  const isAll = version === null || assets.countOf(name) === 1;
  const holds = (of: number | null): boolean => isAll || of === version;
  const runs = assets.users(name, version, MOST);
  const found = runs.ids.map((id) => `the run ${id}`);
  for (const { who, ...of } of others) if (of.name === name && holds(of.version)) found.push(who);
  for (const spec of specs.naming(name))
    if (holds(spec.asset)) found.push(`the environment spec ${spec.name}@${spec.version}`);
  const named = [...new Set(found)];
  const count = named.length + runs.count - runs.ids.length;
  return count > MOST ? [...named.slice(0, MOST), `${count - MOST} more`] : named;
}
