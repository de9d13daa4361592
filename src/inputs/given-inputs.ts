import { basename, resolve } from 'node:path';
import type { AssetBook, ResolvedAsset } from '../assets/asset-book.ts';
import type { GivenFile } from '../contract/given.ts';
import { Rejected } from '../contract/outcome.ts';
import type { PrivateView } from '../disk/private-view.ts';
import type { RunDirectory } from '../disk/run-directory.ts';
import type { Input } from '../documents/declared-files.ts';
import { fieldRefusal } from '../documents/field-errors.ts';
import type { UploadCaps } from '../files/ledger.ts';
import type { ArtifactsOfRuns } from './artifacts.ts';
import { packDirectory, packFile } from './pack.ts';
import { placeArchive, placeFile } from './place.ts';
import { artifactBytes, assetBytes, fileBytes, givenBytes, type Source } from './sources.ts';

/** An input that is made for the run. */
export interface PlacedInput extends GivenFile {
  /** See src/run/given.ts. Rejects with Rejected, by the id, where what it is made of is gone, changed, or no archive. */
  putAt(place: string, signal: AbortSignal): Promise<void>;
}

/** A file of this machine that the work sees where it is. */
export interface InputInPlace {
  id: string;
  /** Of the invocation. */
  field: string;
  /** Absolute. */
  place: string;
}

export interface AskedInputs {
  inputs: readonly Input[];
  directory: RunDirectory;
  workingDirectory: string;
  /** Others than the server could have made links in this directory. */
  confinedTo: string | null;
  /** Does the work see a place of this machine. */
  sees(place: string): boolean;
}

export interface InputTools {
  artifacts: ArtifactsOfRuns;
  /** Null: this server has none. */
  assets: AssetBook | null;
  /** What an archive may have in it. */
  caps: UploadCaps;
  /** What is private to the server, as the run sees it. */
  view(directory: RunDirectory): PrivateView;
}

export interface GivenInputs {
  given: PlacedInput[];
  inPlace: InputInPlace[];
  assets: ResolvedAsset[];
  /** In which assets have the versions that they have now. */
  pinned: Input[];
}

/** What the inputs of a run, pinned (see pin.ts), come to. Touches no file. Throws invalid_invocation, naming the field. */
export function givenInputs(asked: AskedInputs, tools: InputTools): GivenInputs {
  const found: GivenInputs = { given: [], inPlace: [], assets: [], pinned: [] };
  for (const [index, input] of asked.inputs.entries()) {
    const field = `options.inputs.${index}`;
    const asset = input.asset === undefined ? null : resolved(input.asset, tools.assets, `${field}.asset`);
    if (asset?.type === 'directory' && input.extract)
      throw fieldRefusal('invalid_invocation', [
        { path: `${field}.extract`, message: `the asset ${asset.name} is a directory already` },
      ]);
    found.pinned.push(asset === null ? input : { ...input, asset: `${asset.name}@${asset.version}` });
    if (asset !== null) found.assets.push(asset);
    if (input.value !== undefined) continue;
    const place = input.file === undefined ? null : resolve(asked.workingDirectory, input.file);
    if (place !== null && asked.sees(place))
      found.inPlace.push({ id: input.id, field: `${field}.file`, place });
    else found.given.push(placedInput(input, asset, asked, tools));
  }
  return found;
}

function placedInput(
  input: Input,
  asset: ResolvedAsset | null,
  asked: AskedInputs,
  tools: InputTools,
): PlacedInput {
  const { id, extract = false } = input;
  const words = { writable: true, mounted: () => null };
  if (asset !== null && tools.assets !== null && !extract) {
    const { assets: book } = tools;
    const path = `inputs/${id}/${input.filename ?? asset.name}`;
    return {
      ...{ ...words, path, type: asset.type, digest: asset.digest },
      pack: (name = path) => book.pack(asset, name, { writable: true }),
      putAt: (place, signal) => book.putAt(asset, place, { writable: true, signal }),
    };
  }
  const sourceFor = (place: string, signal: AbortSignal): Source =>
    asset !== null && tools.assets !== null
      ? assetBytes(asset, tools.assets, `${place}.asset`, signal)
      : sourceOf(input, asked, tools);
  if (extract) {
    const path = `inputs/${id}`;
    const putAt = (place: string, signal: AbortSignal) =>
      named(id, () => placeArchive(place, sourceFor(place, signal), tools.caps, signal));
    const pack = (name = path) => packDirectory(name, `${asked.directory.given}.unpacked/${id}`, putAt);
    return { ...words, path, type: 'directory', digest: null, pack, putAt };
  }
  const source = sourceOf(input, asked, tools);
  const path = `inputs/${id}/${input.filename ?? (input.file === undefined ? id : basename(input.file))}`;
  return {
    ...{ ...words, path, type: 'file', digest: input.artifact?.sha256 ?? null },
    pack: (name = path) => packFile(name, (use) => named(id, () => source(use))),
    putAt: (place, signal) => named(id, () => placeFile(place, source, signal)),
  };
}

/** Of what is no asset. */
function sourceOf(
  { artifact, file, text, base64 = '' }: Input,
  { directory, workingDirectory, confinedTo }: AskedInputs,
  { artifacts, view }: InputTools,
): Source {
  if (text !== undefined) return givenBytes(Buffer.from(text));
  if (file !== undefined)
    return fileBytes(resolve(workingDirectory, file), () => view(directory), confinedTo);
  if (artifact === undefined) return givenBytes(Buffer.from(base64, 'base64'));
  const { invocation_id: run, artifact_id, sha256 = '' } = artifact;
  return artifactBytes({ run, artifact: artifact_id, sha256 }, artifacts);
}

function resolved(reference: string, book: AssetBook | null, path: string): ResolvedAsset {
  const at = { code: 'invalid_invocation', path } as const;
  if (book === null) throw fieldRefusal(at.code, [{ path, message: 'this server has no assets' }]);
  const [name = '', version] = reference.split('@');
  return book.resolve({ name, ...(version !== undefined && { version: Number(version) }) }, at);
}

/** Which of the inputs it is that a run is rejected for. */
async function named<T>(id: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof Rejected ? new Rejected(`input ${id}: ${error.message}`) : error;
  }
}
