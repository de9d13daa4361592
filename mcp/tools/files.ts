import { z } from 'zod';
import type { FileEntry } from '../../client/runwire.ts';
import { listed } from '../output/listed.ts';
import { USUAL_BUDGET } from '../output/shown-run.ts';
import { NextCursor } from './facts.ts';
import { Cursor, Files, Id, Limit } from './input.ts';
import { LIST_FACTS, moreWords } from './looking.ts';
import { Place, treeOf } from './place.ts';
import { tool } from './tool.ts';

export const listFilesTool = tool({
  name: 'list_files',
  title: 'Files',
  description: 'Lists the files of a workspace, of the own directory of a run, or of a snapshot.',
  readOnly: true,
  idempotent: true,
  input: z.strictObject({
    ...Place,
    glob: z.string().min(1).optional().describe('e.g. `src/**/*.ts`'),
    limit: Limit.default(200),
    cursor: Cursor,
  }),
  output: z.strictObject({
    files: z.array(
      z.strictObject({
        path: z.string(),
        type: z.string(),
        size_bytes: z.int(),
        mode: z.string(),
        target: z.string().optional(),
      }),
    ),
    omitted: z.int().describe('of this page, which did not fit'),
    next_cursor: NextCursor,
  }),
  async act({ glob, limit, cursor, ...place }, { rw, signal }) {
    const { value: page } = await treeOf(rw, place).files({ glob, limit, cursor, signal }).pages().next();
    const all = (page?.items ?? []).map(({ path, type, size_bytes, mode, target }) => ({
      ...{ path, type, size_bytes, mode },
      ...(target !== undefined && { target }),
    }));
    const { items, text, omitted } = listed(all, fileLine, USUAL_BUDGET - LIST_FACTS);
    const next = page?.next_cursor ?? null;
    return {
      text: text === '' ? 'no files' : `${text}${moreWords(omitted, next)}`.trimEnd(),
      facts: { files: items, omitted, next_cursor: next },
    };
  },
});

function fileLine({
  path,
  type,
  size_bytes: size,
  mode,
  target,
}: Pick<FileEntry, 'path' | 'type' | 'size_bytes' | 'mode' | 'target'>) {
  if (type === 'directory') return `${path}/`;
  return type === 'file'
    ? `${path} ${size} bytes ${mode}`
    : `${path} ${type}${target === undefined ? '' : ` to ${target}`}`;
}

export const putFilesTool = tool({
  name: 'put_files',
  title: 'Write files',
  description:
    'Writes files into a workspace, or into that of a session: all of them or none. What has their paths is replaced, all else stays.',
  idempotent: true,
  destructive: true,
  input: z.strictObject({
    workspace: z.string().min(1).optional(),
    session: z.string().min(1).optional().describe('instead of workspace'),
    files: Files,
  }),
  output: z.strictObject({ workspace: z.string(), files: z.int(), bytes: z.int() }),
  async act({ workspace, session, files }, { rw, signal }) {
    if ((workspace === undefined) === (session === undefined))
      throw new TypeError('name one of workspace and session');
    const place =
      workspace === undefined
        ? await rw.sessions.attach(session ?? '').workspace({ signal })
        : rw.workspaces.attach(workspace);
    const came = await place.push(files.map(entryOf), { signal });
    return {
      text: `${came.files} files, ${came.bytes} bytes, are in workspace ${place.id}`,
      facts: { workspace: place.id, files: came.files, bytes: came.bytes },
    };
  },
});

function entryOf({ path, text, base64, executable }: z.infer<typeof Files>[number]) {
  if ((text === undefined) === (base64 === undefined))
    throw new TypeError(`files: ${path} needs one of text and base64`);
  const body = text ?? Buffer.from(base64 ?? '', 'base64');
  return { path, body, mode: executable ? 0o755 : 0o644 };
}

export const deleteFileTool = tool({
  name: 'delete_file',
  title: 'Delete a file',
  description: 'Deletes a file of a workspace, or a directory with all in it.',
  destructive: true,
  idempotent: true,
  input: z.strictObject({
    workspace: z.string().min(1),
    path: z.string().min(1),
    recursive: z.boolean().default(false).describe('needed for a directory'),
  }),
  output: z.strictObject({ path: z.string() }),
  async act({ workspace, path, recursive }, { rw, signal }) {
    await rw.workspaces.attach(workspace).delete(path, { ...(recursive && { recursive }), signal });
    return { text: `${path} is deleted`, facts: { path } };
  },
});

export const artifactsTool = tool({
  name: 'artifacts',
  title: 'Files that a run left behind',
  description: 'Lists the artifacts of a run; get_file reads them.',
  readOnly: true,
  idempotent: true,
  input: z.strictObject({ id: Id }),
  output: z.strictObject({
    artifacts: z.array(
      z.strictObject({ artifact_id: z.string(), path: z.string(), size_bytes: z.int().optional() }),
    ),
    omitted: z.int(),
  }),
  async act({ id }, { rw, signal }) {
    const all = (await rw.attach(id).artifacts({ signal })).map(({ artifact_id, path, metadata }) => ({
      ...{ artifact_id, path },
      ...(metadata.size_bytes !== undefined && { size_bytes: Number(metadata.size_bytes) }),
    }));
    const line = (one: (typeof all)[number]) =>
      `${one.artifact_id} ${one.path} ${one.size_bytes ?? '?'} bytes`;
    const { items, text, omitted } = listed(all, line, USUAL_BUDGET - LIST_FACTS);
    const more = omitted > 0 ? `${omitted} more did not fit: list_files with a glob` : '';
    return { text: `${text}${more}`.trimEnd() || 'no artifacts', facts: { artifacts: items, omitted } };
  },
});
