import type { Asked } from './asked.ts';
import { Assets } from './assets.ts';
import { Sessions, Snapshots, Workspaces } from './collections.ts';
import { Connection } from './connection.ts';
import { EnvironmentSpecs } from './environment-specs.ts';
import type { Answers, InvocationInput, Queries, Record } from './openapi.ts';
import { Pages } from './pages.ts';
import { type FinishedRecord, Run, type WaitOptions } from './run.ts';
import { segment } from './segment.ts';
import { type RunwireOptions, readSettings } from './settings.ts';
import { type SubmitOptions, submit } from './submit.ts';

export type { Download, Head, Part } from './download.ts';
export * from './errors.ts';
export type { Answer, Asking, Fetch } from './fetch.ts';
export type { Line } from './lines.ts';
export { newId } from './new-id.ts';
export type {
  ArtifactDescriptor,
  Asset,
  Checkpoint,
  Diff,
  EnvironmentSpecInput,
  InvocationInput,
  NewSessionInput,
  Outcome,
  Record as RunRecord,
  RuntimeEvent,
  RuntimeResult,
  Session as SessionRecord,
  Snapshot as SnapshotRecord,
  StoredEnvironmentSpec,
  Workspace as WorkspaceRecord,
} from './openapi.ts';
export type { OutputPart } from './output-part.ts';
export type { Pages } from './pages.ts';
export type { Payload } from './payload.ts';
export { type FinishedRecord, Run, RunFailedError } from './run.ts';
export type { Session } from './session.ts';
export type { RunwireOptions } from './settings.ts';
export type { Snapshot } from './snapshot.ts';
export { type TarEntry, tarOf } from './tar.ts';
export type {
  Terminal,
  TerminalEnd,
  TerminalNotice,
  TerminalOptions,
  TerminalSize,
} from './terminal.ts';
export { exactly, type FileEntry } from './tree.ts';
export { type UntarredEntry, untarred } from './untar.ts';
export { verifyWebhook, type Webhook, WebhookError } from './webhook.ts';
export type { Workspace } from './workspace.ts';

export type Runtime = Answers['getRuntime'];
export type Readiness = Answers['getReadiness'];

/** A Runwire server, over fetch alone. It holds nothing that has to be closed. */
export class Runwire {
  readonly workspaces: Workspaces;
  readonly snapshots: Snapshots;
  readonly sessions: Sessions;
  readonly environmentSpecs: EnvironmentSpecs;
  readonly assets: Assets;
  readonly #connection: Connection;

  constructor(options: RunwireOptions = {}) {
    const connection = new Connection(readSettings(options));
    this.#connection = connection;
    this.workspaces = new Workspaces(connection);
    this.snapshots = new Snapshots(connection);
    this.sessions = new Sessions(connection);
    this.environmentSpecs = new EnvironmentSpecs(connection);
    this.assets = new Assets(connection);
  }

  /** Starts a run. */
  submit(invocation: InvocationInput, options: SubmitOptions = {}): Promise<Run> {
    return submit(this.#connection, invocation, options);
  }

  /** Starts a run and waits for its end. */
  async run(invocation: InvocationInput, options: SubmitOptions & WaitOptions = {}): Promise<FinishedRecord> {
    return (await this.submit(invocation, options)).wait(options);
  }

  /** A run that was started before, perhaps by somebody else. Asks nothing of the server. */
  attach(id: string): Run {
    return new Run(this.#connection, id);
  }

  /** Runs, newest first. */
  list({ signal, ...filter }: Queries['listInvocations'] & Asked = {}): Pages<Record> {
    return Pages.of(this.#connection, '/invocations', { ...filter, signal });
  }

  /** The kinds of runs that the server knows. */
  async runtimes({ signal }: Asked = {}): Promise<Runtime[]> {
    return (await this.#connection.json<Answers['listRuntimes']>({ path: '/runtimes', signal })).items;
  }

  runtime(kind: string, { signal }: Asked = {}): Promise<Runtime> {
    return this.#connection.json({ path: `/runtimes/${segment(kind)}`, signal });
  }

  /** Its numbers, in the text format of Prometheus: docs/retention.md, docs/api.md. */
  metrics({ signal }: Asked = {}): Promise<string> {
    return this.#connection.text({ path: '/metrics', signal });
  }

  /** Does the process answer. Throws what goes wrong, without asking again. */
  async health({ signal }: Asked = {}): Promise<void> {
    await this.#connection.json({ path: '/healthz', retrySeconds: 0, signal });
  }

  /** Would a new run be taken, and if not, why. Throws what goes wrong, without asking again. */
  readiness({ signal }: Asked = {}): Promise<Readiness> {
    return this.#connection.json({ path: '/readyz', takes: 503, retrySeconds: 0, signal });
  }
}
