import { InvalidError, type Run, type Runwire } from '../../client/runwire.ts';
import type { Invocation } from './invocation.ts';

/** How a server says that an option is not for a run to say, also where it says the same. */
const OF_SESSION = /^is the session's: say it when that is made$/;

/**
 * Starts a run. A record of a run in a session has the options of the session too, which a run must not say: they are
 * left to it. Throws whatever else the server refuses.
 */
export async function submitAgain(rw: Runwire, invocation: Invocation): Promise<Run> {
  try {
    return await rw.submit(invocation);
  } catch (error) {
    const { errors = [] } = error instanceof InvalidError ? error : {};
    if (errors.length === 0 || !errors.every(({ message }) => OF_SESSION.test(message))) throw error;
    const options = copyOf(invocation.options ?? {});
    for (const { path } of errors) {
      const [, group = '', ...key] = path.split('.');
      delete (options[group] as { [name: string]: unknown } | undefined)?.[key.join('.')];
    }
    return rw.submit({ ...invocation, options });
  }
}

/** Two levels deep: what is below stays the same. */
function copyOf(options: NonNullable<Invocation['options']>): { [name: string]: unknown } {
  const copies = Object.entries(options).map(([name, value]) => [
    name,
    typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : value,
  ]);
  return Object.fromEntries(copies);
}
