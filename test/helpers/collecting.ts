import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { type CollectionRequest, collectArtifacts } from '../../src/artifacts/collection.ts';
import { PrivatePlaces } from '../../src/disk/private-places.ts';
import { artifactFile, runDirectory } from '../../src/disk/run-directory.ts';
import type { ArtifactCaps } from '../../src/documents/artifact.ts';

/** What the configuration allows when nothing is said. */
export const DEFAULT_CAPS: ArtifactCaps = { fileBytes: 2 ** 30, totalBytes: 4 * 2 ** 30, count: 10_000 };

/** Directories of a run that artifacts are collected from, new for each test: read the fields when the test runs. */
export function collecting() {
  const places = { dir: '', wd: '', out: '', run: runDirectory('', '') };
  beforeEach(() => {
    places.dir = fs.mkdtempSync(join(tmpdir(), 'runwire-artifacts-'));
    places.wd = join(places.dir, 'wd');
    places.out = join(places.wd, 'out');
    places.run = runDirectory(join(places.dir, 'data'), 'a');
    fs.mkdirSync(places.out, { recursive: true });
  });
  afterEach(() => fs.rmSync(places.dir, { recursive: true, force: true }));

  const collect = (artifacts: string[], request: Partial<Omit<CollectionRequest, 'places'>> = {}) =>
    collectArtifacts({
      invocation: { options: { artifacts } },
      directory: places.run,
      workingDirectory: places.wd,
      artifactDirectory: null,
      places: new PrivatePlaces(join(places.dir, 'data'), [join(places.dir, 'secrets.json')]),
      caps: DEFAULT_CAPS,
      ...request,
    });
  return {
    places,
    /** What the globs ask for. */
    collect,
    /** The artifact directory, `out`. */
    whole: (request: Partial<Omit<CollectionRequest, 'places'>> = {}) =>
      collect([], { artifactDirectory: places.out, ...request }),
    /** The bytes kept of an artifact. */
    kept: (id: string) => fs.readFileSync(artifactFile(places.run, id), 'utf8'),
  };
}
