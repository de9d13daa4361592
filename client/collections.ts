import type { Asked } from './asked.ts';
import type { Connection } from './connection.ts';
import { type Beside, withFiles } from './form.ts';
import { newId } from './new-id.ts';
import type {
  Bodies,
  NewSessionInput,
  Session as SessionRecord,
  Snapshot as SnapshotRecord,
  Workspace as WorkspaceRecord,
} from './openapi.ts';
import { type PageOptions, Pages } from './pages.ts';
import { Session } from './session.ts';
import { Snapshot } from './snapshot.ts';
import { Workspace } from './workspace.ts';

export type WorkspaceInput = NonNullable<Bodies['createWorkspace']>;

/** What is made waits so long for what it begins with; ready() waits on. */
const WAIT_SECONDS = 30;

export class Workspaces {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Has an id before it is sent, so that a POST whose answer is lost is sent again. */
  async create(input: WorkspaceInput = {}, { signal, ...beside }: Asked & Beside = {}): Promise<Workspace> {
    const id = input.workspace_id ?? newId();
    const call = {
      method: 'POST',
      path: '/workspaces',
      waitSeconds: WAIT_SECONDS,
      repeatable: true,
      signal,
    } as const;
    const document = { ...input, workspace_id: id };
    const record = await this.#connection.json<WorkspaceRecord>(
      withFiles(call, 'workspace', document, beside),
    );
    return new Workspace(this.#connection, id, record);
  }

  /** One that is there. Asks nothing of the server. */
  attach(id: string): Workspace {
    return new Workspace(this.#connection, id);
  }

  list({ signal, ...page }: PageOptions & Asked = {}): Pages<WorkspaceRecord> {
    return Pages.of(this.#connection, '/workspaces', { ...page, signal });
  }
}

export class Snapshots {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** One that is there. Asks nothing of the server. */
  attach(id: string): Snapshot {
    return new Snapshot(this.#connection, id);
  }

  list(options: PageOptions & Asked & { workspace_id?: string | undefined } = {}): Pages<SnapshotRecord> {
    return Pages.of(this.#connection, '/snapshots', options);
  }
}

export class Sessions {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Has an id before it is sent, so that a POST whose answer is lost is sent again. ready() waits for its setup. */
  async create(input: NewSessionInput, { signal, ...beside }: Asked & Beside = {}): Promise<Session> {
    const id = input.session_id ?? newId();
    const call = {
      method: 'POST',
      path: '/sessions',
      waitSeconds: WAIT_SECONDS,
      repeatable: true,
      signal,
    } as const;
    const document = { ...input, session_id: id };
    const record = await this.#connection.json<SessionRecord>(withFiles(call, 'session', document, beside));
    return new Session(this.#connection, id, record);
  }

  /** One that is there. Asks nothing of the server. */
  attach(id: string): Session {
    return new Session(this.#connection, id);
  }

  /** Closed ones too, for a day. */
  list({ signal, ...page }: PageOptions & Asked = {}): Pages<SessionRecord> {
    return Pages.of(this.#connection, '/sessions', { ...page, signal });
  }
}
