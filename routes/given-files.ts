import type { FastifyRequest } from 'fastify';
import { RunwireError } from '../src/documents/errors.ts';
import type { SentFile } from '../src/documents/options.ts';
import type { Engine, SentFiles } from '../src/engine/engine.ts';
import { withFileBytes } from '../src/files/file-bytes.ts';
import { partsOf } from '../src/files/names.ts';
import type { StagedFiles, Staging } from '../src/files/staging.ts';
import { told } from './requests/sent-files.ts';

const FILE_MODE = 0o644;

/**
 * The files of a request, those that its document has (`field`: where) and those beside it, on the disk. Null: it has none.
 */
export async function filesOf(
  { engine, staging }: { engine: Engine; staging: Staging },
  request: FastifyRequest,
  given: readonly SentFile[],
  field: string,
): Promise<SentFiles | null> {
  const beside = request.staged?.isEmpty === false;
  if (given.length === 0 && !beside) return null;
  request.staged ??= staging.begin();
  const { staged } = request;
  if (!beside) staged.filling.hashes = false; // those in the document are part of it
  for (const [index, file] of given.entries())
    try {
      await put(engine, staged, file);
    } catch (error) {
      throw told(error, `${field}.${index}.path`);
    }
  try {
    await staged.whole();
  } catch (error) {
    throw told(error);
  }
  const digest = beside ? staged.digest() : null;
  return {
    digest,
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

function wordsOf({ path, mode }: SentFile): { parts: readonly string[]; mode: number } {
  return { parts: partsOf(path), mode: mode === undefined ? FILE_MODE : Number.parseInt(mode, 8) };
}
