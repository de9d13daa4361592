import { setTimeout as sleep } from 'node:timers/promises';
import type { RunContext } from '../../src/contract/context.ts';
import { earlierEnding, noteEnding } from '../../src/contract/ending-note.ts';
import { Rejected, type RunnerOutcome } from '../../src/contract/outcome.ts';
import { LetGo } from './attendance.ts';
import {
  changeContainerRecord,
  forgetContainerRecord,
  type KeptContainer,
  readContainerRecord,
} from './container-record.ts';
import { daemonWords, statusOf } from './daemon.ts';
import { mountedAgain } from './given.ts';
import { findImage } from './image.ts';
import { argvIn, fillKept, makeKept } from './kept-container.ts';
import { endBegun, endLeft, forgetPrograms } from './kept-end.ts';
import { takeFiles } from './kept-files.ts';
import { KeptPlace } from './kept-place.ts';
import { removeMade } from './kept-removal.ts';
import { Sequence, type Sequenced } from './kept-sequence.ts';
import { startAgain, tellRestart } from './kept-start.ts';
import { isGone } from './kept-state.ts';
import { ABORTED_BEFORE, neverStarted } from './outcome.ts';
import { bringOwn, withoutOwn } from './own-given.ts';
import { withPorts } from './ports.ts';
import { removeContainer, removedAfter, removeUnstarted, removeVolumesOf } from './remove.ts';
import { hasFiles, shareFiles } from './sent-files.ts';
import { SESSION_GONE } from './session-containers.ts';
import type { DockerSpec } from './spec.ts';
import { isOpenInput, wantsInput } from './stdin.ts';
import type { RunTools } from './tools.ts';
import { openToUser } from './user.ts';
import { homeOf, insideOf } from './workspace.ts';

type Context = RunContext<DockerSpec>;

const RETRY_MS = 250;

/** Is the work several programs in one container, one in a container that is there already, or one with a terminal, which a keeper gives it. */
export function isKept({
  setup,
  session,
  invocation,
}: Pick<Context, 'setup' | 'session' | 'invocation'>): boolean {
  return setup !== null || session !== null || invocation.options.terminal !== undefined;
}

/** The way of a run with setup, or in a session. */
export async function keptRun(tools: RunTools, ctx: Context): Promise<RunnerOutcome> {
  const began = performance.now();
  outliveServer(ctx);
  refuseCopies(ctx);
  try {
    if (ctx.session !== null && !ctx.session.isSetup) return await inSession(tools, ctx, ctx.session, began);
    const image = await findImage(tools.daemon, ctx.spec, {
      output: ctx.output,
      signal: ctx.signal,
      secret: tools.secret,
    });
    if (image === null || ctx.signal.aborted) return neverStarted(ABORTED_BEFORE);
    if (ctx.session === null)
      argvIn(image, ctx); // before anything is made for nothing
    else await tools.sessions.clear(ctx.session);
    const made = await makeKept(tools, ctx, image);
    const { container } = made;
    const start = async (): Promise<Sequenced> => {
      await fillKept(tools, ctx, image, made);
      if (ctx.session !== null) tools.visiting.remember(ctx, container);
      return startAndRun(tools, ctx, container, began);
    };
    return await concluded(tools, ctx, container, start);
  } catch (error) {
    const mayHaveBegun = KeptPlace.earlier(ctx)?.mayHaveBegun(0) ?? false;
    if (error instanceof Rejected || error instanceof LetGo || mayHaveBegun) throw error;
    return neverStarted(daemonWords(error));
  }
}

/** Goes on with what an earlier server began; begins, once, where it had come to begin nothing. */
export async function keptRecover(tools: RunTools, ctx: Context): Promise<RunnerOutcome> {
  const place = KeptPlace.earlier(ctx);
  const command = ctx.setup?.commands.length ?? 0;
  // A command that has begun is given nothing any more, whatever the earlier server had come to give.
  if (place?.mayHaveBegun(command)) ctx.outlives();
  else outliveServer(ctx);
  const ending = await earlierEnding(ctx);
  if (ending !== null) {
    if (place === null) return ending;
    if (ctx.session === null) return removedAfter(tools, ctx, place.container.id, async () => ending);
    void forgetPrograms(tools.daemon, ctx, place);
    tools.visiting.remember(ctx, place.container);
    return withoutOwn(tools, ctx, place.container, ending);
  }
  if (place === null) {
    await removeMade(tools, ctx);
    ctx.goesOn();
    return keptRun(tools, ctx);
  }
  const { container } = place;
  if (!(await wasStarted(tools, ctx, container.id))) {
    forgetContainerRecord(ctx.directory);
    ctx.goesOn();
    return keptRun(tools, ctx);
  }
  if (ctx.session !== null) tools.sessions.remember(ctx.session, container);
  if (ctx.session !== null) tools.visiting.remember(ctx, container);
  const cut = isCut(ctx, place);
  const began = performance.now();
  return concluded(tools, ctx, container, () => runIn(tools, ctx, place, { began, resumed: true, cut }));
}

async function startAndRun(
  tools: RunTools,
  ctx: Context,
  container: KeptContainer,
  began: number,
): Promise<Sequenced> {
  const { daemon } = tools;
  if (ctx.signal.aborted) return onlyThis(neverStarted(ABORTED_BEFORE));
  const place = KeptPlace.claim(ctx, container);
  await daemon.ask((docker) => docker.getContainer(container.id).start(), { signal: ctx.signal });
  if (ctx.session !== null) tools.sessions.remember(ctx.session, container);
  return runIn(tools, ctx, place, { began, resumed: false, cut: false });
}

async function inSession(
  tools: RunTools,
  ctx: Context,
  session: NonNullable<Context['session']>,
  began: number,
): Promise<RunnerOutcome> {
  const container = await tools.sessions.find(session);
  if (container === null) return sessionGone(session);
  argvIn(container, ctx);
  if (ctx.invocation.options.terminal && !container.terminals)
    throw new Rejected(
      'options.terminal: the container of the session was made by an earlier release: reset it',
    );
  const { extra } = insideOf(ctx);
  if (extra.length > 0)
    throw new Rejected('the artifact_directory of a run in a session must be in its workspace');
  const user = ctx.spec.user ?? container.user;
  const home = homeOf(ctx);
  if (hasFiles(ctx)) await shareFiles(home, user);
  openToUser({ home, artifactDirectory: ctx.artifactDirectory }, home === ctx.directory.work, user);
  await mountedAgain(tools.daemon, ctx, container);
  const unbrought = await bringOwn(tools, ctx, container);
  if (unbrought !== null)
    return (await isGone(tools.daemon, container.id)) ? sessionGone(session) : unbrought;
  const place = KeptPlace.claim(ctx, container);
  return concluded(tools, ctx, container, () =>
    runIn(tools, ctx, place, { began, resumed: false, cut: false }),
  );
}

async function runIn(
  tools: RunTools,
  ctx: Context,
  place: KeptPlace,
  how: { began: number; resumed: boolean; cut: boolean },
): Promise<Sequenced> {
  const { container } = place;
  const inSession = ctx.session !== null && !ctx.session.isSetup;
  // Beside the run: it is not slower for it.
  const looked = tellRestart(tools, ctx, container);
  const restart = inSession ? () => looked.then(() => startAgain(tools, ctx, container)) : null;
  let sequenced: Sequenced | null = null;
  const outcome = await withPorts(tools.daemon, container.id, ctx, async () => {
    sequenced = await new Sequence(tools, ctx, { place, restart, ...how }).run();
    const files =
      ctx.session === null ? await takeFiles(tools, ctx, container.id, sequenced) : sequenced.outcome;
    return ctx.session === null ? files : endLeft(tools, ctx, place, sequenced);
  });
  await looked;
  const {
    container: state = 'there',
    forget = () => false,
    orphaned = false,
  } = (sequenced ?? {}) as Partial<Sequenced>;
  return { outcome, container: state, forget, orphaned };
}

async function sessionGone(session: NonNullable<Context['session']>): Promise<RunnerOutcome> {
  await session.gone?.(SESSION_GONE);
  return neverStarted(SESSION_GONE);
}

/** A container of the run's own goes with it; that of a session stays, but for one that could not be set up. */
async function concluded(
  tools: RunTools,
  ctx: Context,
  container: KeptContainer,
  work: () => Promise<Sequenced>,
): Promise<RunnerOutcome> {
  if (ctx.session === null) return removedAfter(tools, ctx, container.id, async () => (await work()).outcome);
  try {
    const { outcome: ended, forget, container: state } = await work();
    if (state === 'gone') {
      // Before the end is noted: who finds that tells of nothing else.
      tools.sessions.forget(ctx.session.id);
      tools.visiting.forget(container.id);
      await ctx.session.gone?.(SESSION_GONE);
    }
    noteEnding(ctx.output, ended);
    const outcome = state === 'gone' ? ended : await withoutOwn(tools, ctx, container, ended);
    const forgets = forget();
    const place = KeptPlace.earlier(ctx);
    if (place === null || state === 'gone') return outcome;
    const forgetting = () => forgetPrograms(tools.daemon, ctx, place, forgets ? 'setup' : 'all');
    if (state === 'stopped') tools.sessions.forgetLater(ctx.session.id, forgetting);
    else void forgetting();
    return outcome;
  } catch (error) {
    if (error instanceof LetGo) return await new Promise<never>(() => {}); // the next server tells how it ends
    // Nobody attends to what it began any more.
    await endBegun(tools, ctx);
    await tools.visiting.takeAway(ctx, container);
    if (ctx.session.isSetup) {
      tools.sessions.forget(ctx.session.id);
      if (!(await removeContainer(tools.daemon, container.id))) tools.own.sweepLater();
    }
    throw error;
  }
}

/** Where it was not, it is removed. Machine and engine may start at the same time as the server. Throws where it is gone, or the engine is away. */
async function wasStarted(tools: RunTools, ctx: Context, id: string): Promise<boolean> {
  const { daemon, reconnectMs, own } = tools;
  if (ctx.session !== null && !ctx.session.isSetup) return true;
  const began = performance.now();
  for (;;)
    try {
      const { State } = await daemon.ask((docker) => docker.getContainer(id).inspect());
      return State.Status !== 'created' || !(await removeUnstarted(daemon, id));
    } catch (error) {
      if (statusOf(error) === 404 && ctx.session === null) await removeVolumesOf(tools, ctx);
      if (statusOf(error) === 404)
        throw new Error(
          `the server that ran it is gone, and so is its container${ctx.workspace === null ? '' : ', with what it made of the workspace'}`,
        );
      if (performance.now() - began > reconnectMs || ctx.signal.aborted) {
        own.sweepLater();
        throw error;
      }
      await sleep(RETRY_MS);
    }
}

function outliveServer(ctx: Context): void {
  if (!wantsInput(ctx) || isOpenInput(ctx.invocation)) ctx.outlives();
}

function refuseCopies({ session, workspace, spec }: Context): void {
  if (session !== null && (workspace !== null || spec.mount_workspace === false))
    throw new Rejected(
      'the workspace of a session is mounted in its container: mount_workspace must not be false, and the Docker engine must be at a socket of this machine',
    );
}

/** Was the input that the invocation gives not all given by the server that died. */
function isCut({ directory, output, invocation, setup }: Context, place: KeptPlace): boolean {
  if (!place.mayHaveBegun(setup?.commands.length ?? 0)) return false;
  const record = readContainerRecord(directory);
  if (isOpenInput(invocation) || (record?.stdin !== 'open' && record?.stdin !== 'cut')) return false;
  if (record.stdin === 'open') {
    changeContainerRecord(directory, { stdin: 'cut' });
    output.progress({ message: 'standard input was closed: the server that fed it went away' });
  }
  return true;
}

const onlyThis = (outcome: RunnerOutcome): Sequenced => ({
  outcome,
  container: 'there',
  orphaned: false,
  forget: () => false,
});
