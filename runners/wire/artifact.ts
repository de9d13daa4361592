import { createHash } from 'node:crypto';
import { copyFileSync, linkSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunDirectory } from '../../src/disk/run-directory.ts';
import type { ArtifactFacts, Omitted } from '../../src/documents/artifact.ts';
import type { StreamFacts } from '../../src/documents/outcome.ts';
import { codeOf } from '../../src/platform/error-words.ts';
import { storageText } from '../../src/platform/shortage.ts';

interface Described {
  id: string;
  kind: string;
  description: string;
  mediaType: string;
}

/** What can be kept of these, and by id what cannot: an outcome is not lost with a full disk. */
export function keepEach(keeps: Readonly<Record<string, (id: string) => ArtifactFacts>>): {
  artifacts: ArtifactFacts[];
  omitted: Omitted[];
} {
  const artifacts: ArtifactFacts[] = [];
  const omitted: Omitted[] = [];
  for (const [id, keep] of Object.entries(keeps))
    try {
      artifacts.push(keep(id));
    } catch (error) {
      omitted.push({ path: id, reason: storageText(error) });
    }
  return { artifacts, omitted };
}

/** Keep a text as an artifact of a run. */
export function keepText(directory: RunDirectory, text: string, described: Described): ArtifactFacts {
  return keepBytes(directory, Buffer.from(text), described);
}

export function keepBytes(directory: RunDirectory, bytes: Buffer, described: Described): ArtifactFacts {
  const path = place(directory, described.id);
  writeFileSync(path, bytes, { mode: 0o600 });
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { ...described, path, sizeBytes: bytes.length, sha256, modifiedAt: new Date().toISOString() };
}

/** The stdout capture, complete, under another name: a link to the same bytes where the file system has such. */
export function keepCapture(
  directory: RunDirectory,
  captured: StreamFacts,
  described: Described,
): ArtifactFacts {
  const path = place(directory, described.id);
  if (captured.kept === 0) writeFileSync(path, '', { mode: 0o600 });
  else keepSame(directory, path);
  const { kept: sizeBytes, sha256 } = captured;
  return { ...described, path, sizeBytes, sha256, modifiedAt: new Date().toISOString() };
}

function keepSame(directory: RunDirectory, path: string): void {
  try {
    linkSync(directory.stdout, path);
  } catch {
    copyFileSync(directory.stdout, path);
  }
}

/** A media type as it may stand in a header, of what a server said. */
export function mediaTypeOf(header: string | undefined): string {
  const fits =
    header !== undefined && header.length <= 256 && /^[\w.+-]+\/[\w.+-]+(?:\s*;[\x20-\x7e]*)?$/.test(header);
  return fits ? header : 'application/octet-stream';
}

function place(directory: RunDirectory, id: string): string {
  try {
    mkdirSync(directory.artifacts, 0o700);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT') mkdirSync(directory.artifacts, { recursive: true, mode: 0o700 });
    else if (code !== 'EEXIST') throw error;
  }
  return join(directory.artifacts, id);
}
