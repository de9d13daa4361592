import type { Asset } from '../../client/runwire.ts';
import { inWords as sizeInWords } from '../words/size.ts';
import { facts } from './facts.ts';
import type { View } from './things.ts';
import { ageOf, withAge } from './workspaces.ts';

export const nameOfAsset = ({ name, version }: Asset): string => `${name}@${version}`;

export const assets: View<Asset> = {
  heading: ['NAME', 'TYPE', 'FILES', 'SIZE', 'AGE', 'DIGEST', 'MEDIA TYPE'],
  id: nameOfAsset,
  cells: (asset) => [
    nameOfAsset(asset),
    asset.type,
    String(asset.files),
    sizeInWords(asset.bytes),
    ageOf(asset.created_at),
    asset.digest.slice(0, 12),
    asset.media_type,
  ],
};

export const assetPage = (asset: Asset): string =>
  facts([
    ['name', nameOfAsset(asset)],
    ['type', asset.type],
    ['files', `${asset.files}, ${sizeInWords(asset.bytes)}`],
    ['media type', asset.media_type],
    ['digest', asset.digest],
    ['created', withAge(asset.created_at)],
  ]);
