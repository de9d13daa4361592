import type { RunContext } from '../../src/contract/context.ts';
import type { KeptContainer } from './container-record.ts';
import { daemonWords, statusOf } from './daemon.ts';
import { putKeeperBack } from './kept-keeper.ts';
import type { DockerSpec } from './spec.ts';
import type { RunTools } from './tools.ts';

type Context = RunContext<DockerSpec>;

/** Of a session: what had it stopped ended all that ran in it. '' or why it cannot be. */
export async function startAgain(
  { daemon, sessions }: RunTools,
  { output, session }: Context,
  container: KeptContainer,
): Promise<string> {
  // Its first process is the keeper, which may be there no more: it would end at once.
  const words = [await putKeeperBack(daemon, container)].filter((failure) => failure !== '');
  try {
    await daemon.ask((docker) => docker.getContainer(container.id).start());
  } catch (error) {
    if (statusOf(error) !== 304)
      return `the container of the session had stopped, and cannot be started again: ${[daemonWords(error), ...words].join('; ')}`;
  }
  if (session !== null) sessions.startedAgain(session.id);
  session?.told?.('restarted');
  output.progress({
    message: 'the container of the session had stopped and was started again: what ran in it is gone',
  });
  return '';
}
