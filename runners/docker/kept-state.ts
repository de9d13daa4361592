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
    if (State.Running && State.Status !== 'removing') return { is: 'running' };
    if (State.Status === 'removing') return { is: 'gone', words: 'its container was removed' };
    const why = [State.OOMKilled ? 'out of memory' : '', State.Error].filter((words) => words !== '');
    const more = why.length === 0 ? '' : `: ${why.join('; ')}`;
    return { is: 'stopped', words: `its container was ended (exit code ${State.ExitCode})${more}` };
  } catch (error) {
    if (statusOf(error) === 404)
      return { is: 'gone', words: 'the Docker engine no longer knows its container' };
    return { is: 'silent', words: messageOf(error) };
  }
}
