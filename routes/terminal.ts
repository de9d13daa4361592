import { z } from 'zod';
import { RunwireError } from '../src/documents/errors.ts';
import type { OfRun, Routes } from './answers/edge.ts';
import { expectWithin, Offset } from './answers/offset.ts';
import { problems } from './answers/schemas.ts';
import { attend } from './answers/terminal.ts';
import { upgradeOf } from './requests/upgrades.ts';

const TerminalQuery = z.strictObject({ offset: Offset });
type TerminalRequest = OfRun & { Querystring: z.infer<typeof TerminalQuery> };

const terminalSchema = {
  operationId: 'openTerminal',
  tags: ['control'],
  summary: 'The terminal of a run, as a WebSocket',
  description:
    'Binary frames are what it shows, from `offset` on, and what is typed. Text frames are JSON: {type: "resize", cols, rows}, ' +
    '{type: "eof"} and {type: "signal", signal} of the client; {type: "gap"}, {type: "error"} and {type: "end"} of the server. docs/terminal.md',
  querystring: TerminalQuery,
  response: { 101: z.undefined().describe('The connection is a WebSocket'), ...problems },
};

export const terminalRoutes: Routes = (app, { engine, sockets }) => {
  app.get<TerminalRequest>(
    '/invocations/:id/terminal',
    { schema: terminalSchema, config: { access: 'token' } },
    async (request, reply) => {
      const { id } = request.params;
      const { offset: from } = request.query;
      if (engine.record(id).invocation.options.terminal === undefined)
        throw new RunwireError('no_terminal', `${id} was not given one (options.terminal)`);
      await expectWithin(engine.directory(id), ['stdout'], from);
      const upgrade = upgradeOf(request, (name, value) => reply.header(name, value));
      const socket = sockets.accept(reply, upgrade);
      if (socket !== null) await engine.reading(id, () => attend({ engine, id, socket, upgrade, from }));
    },
  );
};
