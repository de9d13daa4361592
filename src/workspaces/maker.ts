import { existsSync, mkdirSync } from 'node:fs';
import { directoryName } from '../disk/run-directory.ts';
import { RunwireError, toldShortage } from '../documents/errors.ts';
import { fieldRefusal } from '../documents/field-errors.ts';
import type { WorkspaceInput } from '../documents/workspace.ts';
import { uuidV7 } from '../platform/uuid-v7.ts';
import type { StoredWorkspace } from '../store/workspaces.ts';
import type { Sources } from './fill.ts';
import { checkSource } from './source-check.ts';
import { directoryOf, rowOf, type SpaceTools } from './tools.ts';
import { newFacts } from './workspace-facts.ts';
import type { GivenFiles } from './workspaces.ts';

/** Makes workspaces: a row, and beside it the files that were sent. What they begin with is the filler's. */
export class Maker {
  readonly #tools: SpaceTools;
  readonly #sources: Sources;

  constructor(tools: SpaceTools, sources: Sources) {
    this.#tools = tools;
    this.#sources = sources;
  }

  /** In one turn: nobody else makes one of the id meanwhile. Files that were sent are there before the row is. */
  insert(input: WorkspaceInput, fingerprint: string | null, files?: GivenFiles): StoredWorkspace {
    const { workspace_id: id = uuidV7(), files: _, ...kept } = input;
    const { store, discarded, disk } = this.#tools;
    const shortage = disk.shortage();
    if (shortage !== null)
      throw new RunwireError('insufficient_storage', shortage, { retryAfterSeconds: 10 });
    this.#tools.spaces.peek(id)?.refuseUnsteady();
    checkSource(this.#tools, this.#sources, input.from);
    this.#checkRoom(input.max_bytes);
    const { root, sent } = directoryOf(this.#tools, id);
    try {
      if (existsSync(root)) discarded.take(directoryName(id));
      if (files) {
        mkdirSync(root, { recursive: true, mode: 0o700 });
        files.moveTo(sent);
      }
      const createdAt = Date.now();
      store.workspaces.insert(
        { id, fingerprint, input: JSON.stringify(kept), createdAt },
        newFacts(kept, createdAt),
      );
    } catch (error) {
      discarded
        .remove(directoryName(id))
        .catch((err) => this.#tools.log.warn({ workspace_id: id, err }, 'files could not be removed'));
      const told = toldShortage(error);
      if (told instanceof RunwireError && told.code === 'insufficient_storage') disk.failed(told);
      throw told;
    }
    return rowOf(this.#tools, id);
  }

  /** What was made for it goes where its record is lost. */
  async stored({ id }: StoredWorkspace): Promise<void> {
    try {
      await this.#tools.store.committed();
    } catch (error) {
      await this.#tools.discarded.remove(directoryName(id));
      throw error;
    }
  }

  #checkRoom(asked = 0): void {
    const { maxBytes } = this.#tools;
    if (asked <= maxBytes) return;
    const message = `is more than the ${maxBytes} bytes that this server allows (RUNWIRE_MAX_WORKSPACE_BYTES)`;
    throw fieldRefusal('invalid_field', [{ path: 'max_bytes', message }]);
  }
}
