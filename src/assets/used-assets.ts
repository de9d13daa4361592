import type { AssetUse } from '../documents/asset-use.ts';
import { AssetUses } from '../documents/asset-use.ts';
import { type ErrorCode, type FieldError, RunwireError } from '../documents/errors.ts';
import { fieldErrors, fieldRefusal } from '../documents/field-errors.ts';
import type { AssetBook, ResolvedAsset } from './asset-book.ts';

/** One that a run uses, in the version that it has. */
export interface UsedAsset {
  /** By which placeholders name it. */
  readonly key: string;
  readonly savePath: string;
  /** A copy of its own. */
  readonly writable: boolean;
  readonly asset: ResolvedAsset;
}

/**
 * What is used, and how that is said so that it never means another version. `book` null: this server has none. Throws RunwireError
 * of this code, naming each faulty field below `path`.
 */
export function usedAssets(
  uses: AssetUses,
  book: Pick<AssetBook, 'resolve'> | null,
  at: { code: ErrorCode; path: string },
): { used: UsedAsset[]; pinned: AssetUses } {
  const used: UsedAsset[] = [];
  const pinned: [string, AssetUse][] = [];
  // Of several layers the places may be in each other.
  const { error } = AssetUses.safeParse(uses);
  const errors: FieldError[] = error === undefined ? [] : fieldErrors(error, at.path.split('.'));
  for (const [key, use] of Object.entries(uses)) {
    const { asset: name = key, version, digest, save_path: savePath = key, mode } = use;
    try {
      if (book === null)
        throw fieldRefusal(at.code, [{ path: at.path, message: 'this server has no assets' }]);
      const asset = book.resolve({ name, version, digest }, { code: at.code, path: `${at.path}.${key}` });
      used.push({ key, savePath, writable: mode === 'copy', asset });
      pinned.push([key, { ...use, asset: asset.name, version: asset.version, digest: asset.digest }]);
    } catch (error) {
      if (!(error instanceof RunwireError) || error.errors === undefined) throw error;
      errors.push(...error.errors);
    }
  }
  if (errors.length > 0) throw fieldRefusal(at.code, errors);
  return { used, pinned: Object.fromEntries(pinned) };
}
