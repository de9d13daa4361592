import { messageOf } from '../../src/platform/error-words.ts';
import { type DockerDaemon, statusOf } from './daemon.ts';

const INSPECT_MS = 5000;

/** What has become of a kept container, in words where it does not run. */
export type KeptState =
  | { is: 'running' }
  | { is: 'paused' }
  | { is: 'stopped'; words: string }
  | { is: 'gone'; words: string }
  | { is: 'silent'; words: string };

export async function stateOf(daemon: DockerDaemon, id: string): Promise<KeptState> {
  try {
    const { State } = await daemon.ask((docker) => docker.getContainer(id).inspect(), { ms: INSPECT_MS });
    if (State.Paused) return { is: 'paused' };
    if (isLeaving(State.Status)) return { is: 'gone', words: 'its container was removed' };
    if (State.Running) return { is: 'running' };
    const why = [State.OOMKilled ? 'out of memory' : '', State.Error].filter((words) => words !== '');
    const more = why.length === 0 ? '' : `: ${why.join('; ')}`;
    return { is: 'stopped', words: `its container was ended (exit code ${State.ExitCode})${more}` };
  } catch (error) {
    if (statusOf(error) === 404)
      return { is: 'gone', words: 'the Docker engine no longer knows its container' };
    return { is: 'silent', words: messageOf(error) };
  }
}

/** Being removed, or what is left of one that the engine could not remove whole: it does not start again. */
export const isLeaving = (status: string): boolean => status === 'removing' || status === 'dead';

export async function isGone(daemon: DockerDaemon, id: string): Promise<boolean> {
  return (await stateOf(daemon, id)).is === 'gone';
}
