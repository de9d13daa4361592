import { hash } from 'node:crypto';
import type { Assets } from '../../src/assets/assets.ts';
import type { Asset } from '../../src/documents/asset.ts';
import { RunwireError } from '../../src/documents/errors.ts';

/** Assets of which the content is not kept, for tests of the routes. No address of theirs was ever signed. */
export function stubAssets(): Assets {
  const all = new Map<string, Asset[]>();
  const of = (name: string): Asset[] => {
    const versions = all.get(name);
    if (versions === undefined) throw new RunwireError('asset_not_found', `There is no ${name}.`);
    return versions;
  };
  const get = (reference: string): Asset => {
    const [name = '', version] = reference.split('@');
    const found = of(name).at(version === undefined ? -1 : Number(version) - 1);
    if (found === undefined) throw new RunwireError('asset_not_found', `There is no ${reference}.`);
    return found;
  };
  const pageOf = (items: Asset[]) => ({ items, next_cursor: null });
  return {
    async put(name, content, { mayPut }) {
      const versions = all.get(name) ?? [];
      mayPut?.(versions.at(-1)?.digest ?? null);
      const pieces: Buffer[] = [];
      if (content.from === 'body') for await (const piece of content.bytes) pieces.push(Buffer.from(piece));
      const bytes = Buffer.concat(pieces);
      const self = `/assets/${name}@${versions.length + 1}`;
      const asset: Asset = {
        ...{ name, version: versions.length + 1, type: 'file', digest: hash('sha256', bytes) },
        ...{ bytes: bytes.length, files: 1, media_type: 'application/octet-stream' },
        created_at: new Date().toISOString(),
        links: { self, content: `${self}/content`, versions: `/assets/${name}/versions` },
      };
      all.set(name, [...versions, asset]);
      return { asset, isNew: true };
    },
    get,
    list: () => pageOf([...all.values()].flatMap((versions) => versions.at(-1) ?? [])),
    versions: (name) => pageOf(of(name).toReversed()),
    async reading(reference) {
      get(reference);
      throw new RunwireError('gone', 'Nothing of it is kept.');
    },
    async remove(reference, mayRemove) {
      mayRemove?.(get(reference).digest);
      all.delete(reference);
    },
    prove() {
      throw new RunwireError('bad_signature', 'Nobody signed this.');
    },
  };
}
