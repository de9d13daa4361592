import { RunwireError } from '../../src/documents/errors.ts';
import { withDefaults } from '../../src/documents/invocation-defaults.ts';
import type { SessionRoles } from '../../src/run/session-role.ts';
import type { SessionRuns } from '../../src/run/session-runs.ts';
import type { Sessions } from '../../src/sessions/sessions.ts';

const none = (id: string): never => {
  throw new RunwireError('session_not_found', `There is no session ${id}.`);
};

/** Of a server on which nobody has made a session, and nobody can. */
export const NO_SESSIONS: Sessions = {
  create: async () => {
    throw new RunwireError('insufficient_storage', 'There is no room for a session.');
  },
  get: none,
  list: () => ({ items: [], next_cursor: null }),
  prepared: async (id) => none(id),
  checkpoint: async (id) => none(id),
  reset: async (id) => none(id),
  remove: async (id) => none(id),
};

/** Sessions of which no more is known than what a run is in one. */
export function sessionsWith(roles: SessionRoles): SessionRuns {
  return {
    enter: (sent) => ({ whole: withDefaults(sent, []), spec: null, layers: [] }),
    joined() {},
    left() {},
    refusalOf: async () => null,
    keeps: () => null,
    roleOf: (run, session) => roles.roleOf(run, session),
  };
}
