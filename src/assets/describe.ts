import type { Asset } from '../documents/asset.ts';
import type { StoredAsset } from '../store/assets.ts';
import type { ResolvedAsset } from './asset-book.ts';

export const wordsOf = ({ name, version }: { name: string; version: number }): string => `${name}@${version}`;

export function described(row: StoredAsset): Asset {
  const { name, version, type, digest, bytes, files, mediaType, createdAt } = row;
  const self = `/assets/${wordsOf(row)}`;
  return {
    ...{ name, version, type, digest, bytes, files, media_type: mediaType },
    created_at: new Date(createdAt).toISOString(),
    links: { self, content: `${self}/content`, versions: `/assets/${name}/versions` },
  };
}

export function resolved({ name, version, digest, type, bytes }: StoredAsset): ResolvedAsset {
  return { name, version, digest, type, bytes };
}
