import type { RunContext } from '../../src/contract/context.ts';
import type { KeptContainer } from './container-record.ts';
import { type DockerDaemon, daemonWords, statusOf } from './daemon.ts';
import { mountedAgain } from './given.ts';
import { putKeeperBack } from './kept-keeper.ts';
import type { DockerSpec } from './spec.ts';
import type { RunTools } from './tools.ts';

type Context = RunContext<DockerSpec>;

const INSPECT_MS = 5000;

/** Of a session: what had it stopped ended all that ran in it. '' or why it cannot be. */
export async function startAgain(
  { daemon, sessions }: RunTools,
  ctx: Context,
  container: KeptContainer,
): Promise<string> {
  const { output, session } = ctx;
  await mountedAgain(daemon, ctx, container);
  // Its first process is the keeper, which may be there no more: it would end at once.
  const words = [await putKeeperBack(daemon, container)].filter((failure) => failure !== '');
  try {
    await daemon.ask((docker) => docker.getContainer(container.id).start());
  } catch (error) {
    if (statusOf(error) !== 304)
      return `the container of the session had stopped, and cannot be started again: ${[daemonWords(error), ...words].join('; ')}`;
  }
  const at = await startOf(daemon, container).catch(() => null); // the next run says it once more
  if (at !== null) session?.started?.(at);
  if (session !== null) sessions.startedAgain(session.id);
  session?.restarted?.();
  output.progress({
    message: 'the container of the session had stopped and was started again: what ran in it is gone',
  });
  return '';
}

/** Others may have restarted that of a session since the last run in it: its files are there, what ran in it is not. */
export async function tellRestart(
  { daemon, sessions }: Pick<RunTools, 'daemon' | 'sessions'>,
  { output, session }: Pick<Context, 'output' | 'session'>,
  container: Pick<KeptContainer, 'id'>,
): Promise<void> {
  if (!session?.startedAt) return;
  const at = await startOf(daemon, container).catch(() => null); // what begins in it says so; the next run looks
  const before = session.startedAt();
  if (at === null || at === before) return;
  session.started?.(at);
  if (before === null) return;
  sessions.startedAgain(session.id);
  session.restarted?.();
  output.progress({ message: 'the container of the session was restarted: what ran in it is gone' });
}

/** Null: it does not run. */
async function startOf(daemon: DockerDaemon, { id }: Pick<KeptContainer, 'id'>): Promise<string | null> {
  const { State } = await daemon.ask((docker) => docker.getContainer(id).inspect(), { ms: INSPECT_MS });
  return State.Running ? State.StartedAt : null;
}
