import type { AssetBook } from '../assets/asset-book.ts';
import type { UsedAsset } from '../assets/used-assets.ts';
import type { GivenFile } from '../contract/given.ts';
import type { Runner } from '../contract/runner.ts';
import type { RunDirectory } from '../disk/run-directory.ts';

/** Something that a run is given, and how it comes to be below its directory. */
export interface Given extends GivenFile {
  /**
   * Made at `place`, of which the directory above is there and it is not. Not on the event loop. Rejects with the error of the file
   * system, or the signal's reason; what was made stays.
   */
  putAt(place: string, signal: AbortSignal): Promise<void>;
}

const STATIC = 'static';

export function givenAssets(used: readonly UsedAsset[], book: AssetBook): Given[] {
  return used.map(({ savePath, writable, asset }) => {
    const path = `${STATIC}/${savePath}`;
    return {
      ...{ path, type: asset.type, writable, digest: asset.digest },
      mounted: (signal) => (writable ? null : book.prepared(asset, signal)),
      pack: (name = path) => book.pack(asset, name, { writable }),
      putAt: (place, signal) => book.putAt(asset, place, { writable, signal }),
    };
  });
}

/** Where the work sees what it is given under a path. Null: it has no path for it. */
export function seenPath(
  { given }: Pick<Runner, 'given'>,
  directory: RunDirectory,
  path: string,
): string | null {
  if (given?.by === 'place') return `${directory.given}/${path}`;
  return given?.by === 'runner' ? `${given.root}/${path}` : null;
}

/** What each placeholder stands for. */
export function staticsOf(
  used: readonly UsedAsset[],
  book: AssetBook,
  {
    runner,
    directory,
    ...run
  }: { id: string; createdAt: number; runner: Pick<Runner, 'given'>; directory: RunDirectory },
): Map<string, string> {
  return new Map(
    used.map(({ key, savePath, asset }) => [
      key,
      seenPath(runner, directory, `${STATIC}/${savePath}`) ?? book.address(asset, run),
    ]),
  );
}
