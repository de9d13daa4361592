import { createHash, randomUUID } from 'node:crypto';
import { appendFileSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { mkdir, open, rm, stat } from 'node:fs/promises';
import type { Upload } from '../../src/contract/claims.ts';
import type { RunDirectory } from '../../src/disk/run-directory.ts';
import type { ArtifactCaps, ArtifactFacts } from '../../src/documents/artifact.ts';
import type { Output } from '../../src/documents/declared-files.ts';
import { RunwireError, toldShortage } from '../../src/documents/errors.ts';
import { CHANNELS } from '../../src/documents/stream.ts';
import { parseJson } from '../../src/platform/json-parse.ts';

/** What may be kept of one run. Bytes. */
const SAFE_ID = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/;
const PREFIX = 'upload-';

/**
 * Files that the present worker of a run has sent. Bytes are at artifacts/<id>; what is known of them is
 * a line in `uploads` for each, and the last line of an id counts.
 */
export class Uploads {
  readonly #directory: RunDirectory;
  readonly #caps: ArtifactCaps;
  /** What is to be sent, by the words that it is described with. */
  readonly #outputs: readonly Output[];
  /** By id in lower case: some file systems fold case. */
  readonly #files = new Map<string, ArtifactFacts>();
  #keptBytes = 0;
  /** Bytes of uploads that are coming in. */
  #coming = 0;

  constructor(directory: RunDirectory, caps: ArtifactCaps, outputs: readonly Output[] = []) {
    this.#directory = directory;
    this.#caps = caps;
    this.#outputs = outputs;
  }

  list(): ArtifactFacts[] {
    return [...this.#files.values()];
  }

  has(id: string): boolean {
    return this.#of(id) !== null;
  }

  #of(id: string): ArtifactFacts | null {
    const facts = this.#files.get(id.toLowerCase());
    return facts?.id === id ? facts : null;
  }

  /** Resume with what an earlier server kept. What it was in the middle of is gone. */
  resume(): void {
    for (const name of readdirSync(this.#directory.root))
      if (name.startsWith(PREFIX)) rmSync(`${this.#directory.root}/${name}`, { force: true });
    if (!existsSync(this.#list)) return;
    for (const line of readFileSync(this.#list, 'utf8').split('\n')) {
      const facts = parse(line);
      // A crash between the line and the file leaves the file that an earlier line describes.
      if (facts && isThere(facts)) this.#add(facts);
    }
  }

  /** Nothing of a lost claim is kept: its successor begins afresh. */
  discard(): void {
    for (const { path } of this.#files.values()) rmSync(path, { force: true });
    rmSync(this.#list, { force: true });
    this.#files.clear();
    this.#keptBytes = 0;
  }

  /** `mayKeep` is asked at every chunk and once more before the file takes its place; what it throws is thrown. */
  async keep(
    { id, mediaType, length, body, mayReplace }: Upload,
    mayKeep: () => void,
  ): Promise<ArtifactFacts> {
    this.#checkId(id);
    this.#checkSize(id, length ?? 0);
    mayReplace?.(this.#of(id));
    const part = `${this.#directory.root}/${PREFIX}${randomUUID()}`;
    let size = 0;
    try {
      const file = await open(part, 'wx', 0o600);
      const hash = createHash('sha256');
      try {
        for await (const chunk of body) {
          mayKeep();
          size += chunk.length;
          this.#coming += chunk.length;
          this.#checkSize(id, size, size);
          hash.update(chunk);
          await file.writeFile(chunk);
        }
      } finally {
        await file.close();
      }
      if (length !== undefined && size !== length)
        throw new RunwireError('bad_request', `The body ended after ${size} of ${length} bytes.`);
      const modifiedAt = (await stat(part)).mtime.toISOString();
      await mkdir(this.#directory.artifacts, { recursive: true, mode: 0o700 });
      mayKeep();
      this.#checkId(id);
      mayReplace?.(this.#of(id));
      const output = this.#outputs.find((declared) => declared.id === id);
      const facts: ArtifactFacts = {
        id,
        path: `${this.#directory.artifacts}/${id}`,
        kind: output?.kind ?? 'file',
        description: output?.description ?? output?.path ?? id,
        sizeBytes: size,
        sha256: hash.digest('hex'),
        mediaType,
        modifiedAt,
      };
      appendFileSync(this.#list, `${JSON.stringify(facts)}\n`, { mode: 0o600 });
      renameSync(part, facts.path);
      this.#add(facts);
      return facts;
    } catch (error) {
      await rm(part, { force: true });
      throw toldShortage(error);
    } finally {
      this.#coming -= size;
    }
  }

  #add(facts: ArtifactFacts): void {
    const key = facts.id.toLowerCase();
    this.#keptBytes += facts.sizeBytes - (this.#files.get(key)?.sizeBytes ?? 0);
    this.#files.set(key, facts);
  }

  #checkId(id: string): void {
    const lower = id.toLowerCase();
    const words = !SAFE_ID.test(id)
      ? 'must be 1 to 128 of A-Z a-z 0-9 . _ - and not begin with a dot'
      : CHANNELS.some((channel) => channel === lower)
        ? 'is the id of a captured stream'
        : (this.#files.get(lower)?.id ?? id) !== id
          ? 'differs only in case from that of another artifact'
          : this.#outputs.some((output) => output.id === lower && output.id !== id)
            ? 'differs only in case from that of an output'
            : null;
    if (words !== null)
      throw new RunwireError('invalid_field', `artifact_id: ${words}`, {
        errors: [{ path: 'artifact_id', message: words }],
      });
  }

  /** `counted`: bytes of this very upload that are in `#coming` already. */
  #checkSize(id: string, size: number, counted = 0): void {
    const { fileBytes, totalBytes, count } = this.#caps;
    const replaced = this.#files.get(id.toLowerCase());
    const others = this.#keptBytes - (replaced?.sizeBytes ?? 0) + this.#coming - counted;
    const words =
      size > fileBytes
        ? `An artifact has at most ${fileBytes} bytes.`
        : others + size > totalBytes
          ? `The artifacts of a run have at most ${totalBytes} bytes together.`
          : !replaced && this.#files.size >= count
            ? `A run has at most ${count} artifacts.`
            : null;
    if (words !== null) throw new RunwireError('body_too_large', words);
  }

  get #list(): string {
    return `${this.#directory.root}/uploads`;
  }
}

function isThere({ path, sizeBytes, modifiedAt }: ArtifactFacts): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found?.size === sizeBytes && found.mtime.toISOString() === modifiedAt;
}

function parse(line: string): ArtifactFacts | undefined {
  try {
    return parseJson(line) as ArtifactFacts; // written by this class alone
  } catch {
    return undefined; // the torn end
  }
}
