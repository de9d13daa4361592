import type { InvocationDefaults } from '../documents/invocation-defaults.ts';
import type { Session, SessionState } from '../documents/session.ts';
import { parseExact } from '../platform/exact-json.ts';
import { parseJson } from '../platform/json-parse.ts';
import type { SessionFacts, StoredSession } from '../store/sessions.ts';

/** What a session is, from its making on: its environment spec is in it. */
export interface KeptSession {
  /** In this server's word. */
  kind: string;
  spec: { name: string; version: number; digest: string } | null;
  /** What its runs get where they say nothing themselves. */
  defaults: InvocationDefaults;
  isEvaluation: boolean;
  disableSetup: boolean;
  metadata: Record<string, string>;
  ttlSeconds: number | null;
  idleSeconds: number | null;
  keepWorkspace: boolean;
  /** Its workspace was made for it. */
  ownWorkspace: boolean;
}

/** How far it is. Times are ms since the epoch. */
export interface Progress {
  reason: string | null;
  trouble: string | null;
  generation: number;
  /** Runs that set it up, this generation's last; what they left has not been ended. */
  setups: string[];
  /** All that was in its workspace when it got ready. */
  readySnapshot: string | null;
  /** What the first checkpoint is compared with: the same, but for what is in no checkpoint. */
  readyChoice: string | null;
  /** Of all generations. */
  readySnapshots: string[];
  lastCheckpoint: string | null;
  /** A snapshot that is being taken as a checkpoint. */
  checkpointing: { snapshot: string; since: string } | null;
  /** The workspace is to be put back, and what the generation before held to be ended, before it is set up. */
  resetting: boolean;
  /** It never was one: its making was refused. */
  refused: boolean;
  lastUsedAt: number;
  /** When what it holds was last started again, which had stopped. Absent: never, in this generation. */
  restartedAt?: number | undefined;
  /** When what it holds was started, in the words of its kind. Absent: its kind has not said, in this generation. */
  heldSince?: string | undefined;
}

/** A session as it is stored, read. */
export interface SessionRow
  extends Pick<StoredSession, 'n' | 'id' | 'fingerprint' | 'workspace' | 'createdAt'> {
  readonly state: SessionState;
  readonly unsettled: boolean;
  readonly expiresAt: number | null;
  readonly setup: string;
  readonly kept: KeptSession;
  readonly progress: Readonly<Progress>;
}

/** How long a closed one is remembered. */
const REMEMBERED_MS = 24 * 3600 * 1000;

/** `known`: what it is, where that was read before. */
export function readRow(stored: StoredSession, known?: KeptSession): SessionRow {
  const { input, facts, ...row } = stored;
  const kept = known ?? (parseExact(input) as KeptSession);
  return { ...row, kept, progress: parseJson(facts) as Progress };
}

export type Changes = Partial<Progress> & { state?: SessionState; unsettled?: boolean; setup?: string };

/** What is stored of it after the changes. */
export function changed(row: SessionRow, changes: Changes): SessionFacts {
  const { state = row.state, unsettled = row.unsettled, setup = row.setup, ...more } = changes;
  const progress = { ...row.progress, ...more };
  const expiresAt =
    state === 'closed'
      ? unsettled
        ? null
        : Date.now() + REMEMBERED_MS
      : expiryOf(row.kept, row.createdAt, progress.lastUsedAt);
  return { state, unsettled, expiresAt, setup, facts: JSON.stringify(progress) };
}

/** Null: never. */
function expiryOf(
  { ttlSeconds, idleSeconds }: KeptSession,
  createdAt: number,
  usedAt: number,
): number | null {
  const times = [
    ...(ttlSeconds === null ? [] : [createdAt + ttlSeconds * 1000]),
    ...(idleSeconds === null ? [] : [usedAt + idleSeconds * 1000]),
  ];
  return times.length === 0 ? null : Math.ceil(Math.min(...times));
}

export function newFacts(row: Pick<SessionRow, 'kept' | 'createdAt' | 'setup'>): SessionFacts {
  const progress: Progress = {
    ...{ reason: null, trouble: null, generation: 1, setups: [row.setup] },
    ...{
      readySnapshot: null,
      readyChoice: null,
      readySnapshots: [],
      lastCheckpoint: null,
      checkpointing: null,
    },
    ...{ resetting: false, refused: false, lastUsedAt: row.createdAt },
  };
  const expiresAt = expiryOf(row.kept, row.createdAt, row.createdAt);
  return {
    ...{ state: 'preparing', unsettled: true, expiresAt },
    setup: row.setup,
    facts: JSON.stringify(progress),
  };
}

/** As clients see it. */
export function describeSession(
  { id, state, workspace, createdAt, expiresAt, setup, kept, progress }: SessionRow,
  runs: Session['runs'],
): Session {
  const time = (ms: number): string => new Date(ms).toISOString();
  const self = `/sessions/${id}`;
  return {
    ...{ session_id: id, state, reason: progress.reason, trouble: progress.trouble },
    generation: progress.generation,
    restarted_at: progress.restartedAt === undefined ? null : time(progress.restartedAt),
    runtime_kind: kept.kind,
    environment_spec: kept.spec,
    is_evaluation: kept.isEvaluation,
    workspace_id: workspace,
    keep_workspace: kept.keepWorkspace,
    setup_invocation_id: setup,
    ready_snapshot: progress.readySnapshot,
    last_checkpoint: progress.lastCheckpoint,
    metadata: kept.metadata,
    created_at: time(createdAt),
    last_used_at: time(progress.lastUsedAt),
    expires_at: expiresAt === null || state === 'closed' ? null : time(expiresAt),
    ttl_seconds: kept.ttlSeconds,
    idle_seconds: kept.idleSeconds,
    runs,
    links: {
      self,
      setup: `/invocations/${setup}`,
      workspace: `/workspaces/${workspace}`,
      checkpoint: `${self}/checkpoint`,
      reset: `${self}/reset`,
    },
  };
}
