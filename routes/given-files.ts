import { closeSync } from 'node:fs';
import type { FastifyRequest } from 'fastify';
import type { Assets, ReadAsset } from '../src/assets/assets.ts';
import { RunwireError } from '../src/documents/errors.ts';
import { fieldRefusal } from '../src/documents/field-errors.ts';
import type { SentFile } from '../src/documents/options.ts';
import type { Engine, SentFiles } from '../src/engine/engine.ts';
import { blocksOf } from '../src/files/blocks.ts';
import { withFileBytes } from '../src/files/file-bytes.ts';
import { partsOf } from '../src/files/names.ts';
import { archiveOf } from '../src/files/pack.ts';
import type { StagedFiles, Staging } from '../src/files/staging.ts';
import { unpack } from '../src/files/unpack.ts';
import { told } from './requests/sent-files.ts';

const FILE_MODE = 0o644;

/**
 * The files of a request, those that its document has (`field`: where) and those beside it, on the disk. Null: it has none.
 */
export async function filesOf(
  { engine, assets, staging }: { engine: Engine; assets: Assets; staging: Staging },
  request: FastifyRequest,
  given: readonly SentFile[],
  field: string,
): Promise<SentFiles | null> {
  const beside = request.staged?.isEmpty === false;
  if (given.length === 0 && !beside) return null;
  request.staged ??= staging.begin();
  const { staged } = request;
  const digest = beside ? staged.digest() : null;
  staged.filling.hashes = false; // those in the document are part of it
  const versions = new Map<number, string>();
  for (const [index, file] of given.entries())
    try {
      if (file.asset === undefined) await put(engine, staged, file);
      else versions.set(index, await putAsset(assets, staged, file, file.asset, `${field}.${index}`));
    } catch (error) {
      throw told(error, `${field}.${index}.path`);
    }
  try {
    await staged.whole();
  } catch (error) {
    throw told(error);
  }
  return {
    ...{ digest, versions },
    setText(index, text) {
      const file = given[index];
      if (file !== undefined) staged.replace(wordsOf(file), Buffer.from(text));
    },
    moveTo: (directory) => staged.moveTo(directory),
  };
}

async function put(engine: Engine, { filling }: StagedFiles, file: SentFile): Promise<void> {
  const words = wordsOf(file);
  if (file.text !== undefined) return filling.file(words, Buffer.from(file.text));
  if (file.base64 !== undefined) return filling.file(words, Buffer.from(file.base64, 'base64'));
  const { invocation_id: id = '', artifact_id: artifact = '' } = file.artifact ?? {};
  const { descriptor, file: path, isPrivate } = engine.artifactPath(id, artifact);
  const gone = new RunwireError('gone', `The bytes of ${artifact} of ${id} are no longer kept.`);
  await engine.reading(id, () =>
    withFileBytes(
      path,
      async (bytes) => {
        if (bytes === null) throw gone;
        await filling.file({ ...words, hashed: true }, bytes.read(0, bytes.size));
        if (filling.files.at(-1)?.sha256 !== descriptor.metadata.sha256) throw gone;
      },
      isPrivate,
    ),
  );
}

/** As it is at this moment, also where it is removed meanwhile. Resolves with its version, `name@version`. */
async function putAsset(
  assets: Assets,
  { filling, aside }: StagedFiles,
  file: SentFile,
  reference: string,
  field: string,
): Promise<string> {
  const words = wordsOf(file);
  let version = reference;
  const copy = async (read: ReadAsset): Promise<void> => {
    version = `${read.asset.name}@${read.asset.version}`;
    if (read.asset.type === 'file') return putFile(filling, words, read);
    if (file.mode !== undefined)
      throw refusal(
        `${field}.mode`,
        `is for a file: the asset ${reference} is a directory, which has modes of its own`,
      );
    filling.tree.directory(words.parts);
    for await (const _first of read.entries(null)) {
      const tar = archiveOf(read.entries(null), 'tar');
      try {
        await unpack(tar, filling, { into: words.parts, aside });
      } finally {
        await tar.return(undefined); // what is refused is not read to its end, and no sweep goes on before that
      }
      break; // a tar of nothing is none
    }
  };
  try {
    await assets.reading(reference, copy);
    return version;
  } catch (error) {
    if (!(error instanceof RunwireError) || error.code !== 'asset_not_found') throw error;
    throw refusal(`${field}.asset`, `there is no asset ${reference}`);
  }
}

async function putFile(
  filling: StagedFiles['filling'],
  words: ReturnType<typeof wordsOf>,
  { asset, open }: ReadAsset,
): Promise<void> {
  const fd = open();
  try {
    await filling.file(words, blocksOf(fd, asset.bytes));
  } finally {
    closeSync(fd);
  }
}

function refusal(path: string, message: string): RunwireError {
  return fieldRefusal('invalid_field', [{ path, message }]);
}

function wordsOf({ path, mode }: SentFile): { parts: readonly string[]; mode: number } {
  return { parts: partsOf(path), mode: mode === undefined ? FILE_MODE : Number.parseInt(mode, 8) };
}
