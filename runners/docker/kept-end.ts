import type { RunContext } from '../../src/contract/context.ts';
import type { RunnerOutcome } from '../../src/contract/outcome.ts';
import { type DockerDaemon, daemonWords } from './daemon.ts';
import { runExec } from './exec.ts';
import { forgetWords, killWords, LATE } from './keeper/words.ts';
import { askKeeper } from './kept-keeper.ts';
import { commandUser, KeptPlace } from './kept-place.ts';
import type { Sequenced } from './kept-sequence.ts';
import { SESSION_GONE } from './session-containers.ts';
import type { DockerSpec } from './spec.ts';
import type { RunTools } from './tools.ts';

type Context = RunContext<DockerSpec>;

/**
 * What a run in a session left is ended where its keeper did not do it: what its own setup left when there was no command, what a
 * setup of another user left, and all where the keeper was killed. In words too what has become of the session.
 */
export async function endLeft(
  { daemon }: Pick<RunTools, 'daemon'>,
  ctx: Context,
  place: KeptPlace,
  { outcome, container, orphaned }: Sequenced,
): Promise<RunnerOutcome> {
  if (container === 'gone') {
    const words =
      outcome.ended === 'never_started' ? SESSION_GONE : `${outcome.errorSummary}; ${SESSION_GONE}`;
    return { ...outcome, errorSummary: words };
  }
  if (container !== 'there' || ctx.session?.isSetup) return outcome;
  const steps = outcome.setup?.length ?? 0;
  const commands = ctx.setup?.commands.length ?? 0;
  const setupUser = ctx.setup?.user ?? place.container.user;
  const user = commandUser(place.container, ctx);
  const toEnd: { step: number; user: string }[] = [];
  if (steps > 0 && (outcome.ended === 'setup_failed' || setupUser !== user))
    toEnd.push({ step: steps - 1, user: setupUser });
  if (orphaned) toEnd.push({ step: Math.min(steps, commands), user });
  let survivors = outcome.kill?.survivors ?? 0;
  let failure: string | null = null;
  for (const left of toEnd)
    try {
      const argv = killWords(place.directoryOf(left.step));
      const { code, stdout, stderr } = await askKeeper(daemon, place.container, { user: left.user, argv });
      // Of all of them: what the one before might not end, this one may.
      if (code === 0) survivors = Number(stdout);
      else failure = (stderr || stdout).trim();
    } catch (error) {
      failure = daemonWords(error);
    }
  if (toEnd.length === 0) return outcome;
  const { kill } = outcome;
  return {
    ...outcome,
    kill: {
      signals: [...new Set([...(kill?.signals ?? []), 'SIGKILL'])],
      survivors,
    },
    ...(failure !== null && {
      notes: [...(outcome.notes ?? []), `what the run left could not be looked for: ${failure}`],
    }),
  };
}

/** All programs of a run whose end will not be known. Where the engine cannot be asked, the time limit of their keepers ends them. */
export async function endBegun({ daemon }: Pick<RunTools, 'daemon'>, ctx: Context): Promise<void> {
  const place = KeptPlace.earlier(ctx);
  const directory = place?.directories.at(-1);
  if (!place || directory === undefined) return;
  const { user } = place.container;
  const users = new Set([commandUser(place.container, ctx), ctx.setup?.user ?? user]);
  for (const who of users)
    await askKeeper(daemon, place.container, { user: who, argv: killWords(directory) }).catch(() => {});
}

/** Their ends are stored. What cannot be removed now stays until the container goes. */
export async function forgetPrograms(
  daemon: DockerDaemon,
  ctx: Context,
  place: KeptPlace,
  which: 'all' | 'setup' = 'all',
): Promise<void> {
  const { setup, session } = ctx;
  const count = Math.min(setup?.commands.length ?? 0, place.directories.length);
  const ofSetup = place.directories.slice(0, count).flatMap((one) => [one, `${one}${LATE}`]);
  const ofCommand = which === 'all' && !session?.isSetup ? place.directories.slice(count) : [];
  const { id: container, user } = place.container;
  const work: [string, string[]][] = [
    [setup?.user ?? user, ofSetup],
    [commandUser(place.container, ctx), ofCommand],
  ];
  for (const [who, directories] of work)
    if (directories.length > 0)
      await runExec(daemon, { container, user: who, argv: forgetWords(directories) }).catch(() => {});
}
