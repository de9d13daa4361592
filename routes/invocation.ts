import { z } from 'zod';
import { RunwireError } from '../src/documents/errors.ts';
import { Record } from '../src/documents/record.ts';
import { RuntimeResult } from '../src/documents/result.ts';
import type { OfRun, Routes } from './answers/edge.ts';
import { awaitFinished, recordAnswer } from './answers/record.ts';
import { json, problems } from './answers/schemas.ts';
import { requestedWait, WaitQuery } from './requests/negotiation.ts';

const tags = ['invocations'];
const getSchema = {
  operationId: 'getInvocation',
  tags,
  summary: 'The record of a run',
  querystring: WaitQuery,
  response: { 200: json('The record', Record), ...problems },
};
const deleteSchema = {
  operationId: 'deleteInvocation',
  tags,
  summary: 'Delete record and files of a finished run',
  response: { 204: z.undefined().describe('Deleted'), ...problems },
};
const resultSchema = {
  operationId: 'getResult',
  tags,
  summary: 'The RuntimeResult of a finished run',
  response: { 200: json('The result', RuntimeResult), ...problems },
};

export const invocationRoutes: Routes = (app, edge) => {
  const { engine } = edge;

  app.get<OfRun & { Querystring: WaitQuery }>(
    '/invocations/:id',
    { schema: getSchema, config: { access: 'token' } },
    async (request, reply) => {
      const { id } = request.params;
      return recordAnswer(edge, id, await awaitFinished(edge, id, requestedWait(request), reply), reply);
    },
  );

  app.delete<OfRun>(
    '/invocations/:id',
    { schema: deleteSchema, config: { access: 'token' } },
    async (request, reply) => {
      await engine.remove(request.params.id);
      return reply.code(204).send();
    },
  );

  app.get<OfRun>(
    '/invocations/:id/result',
    { schema: resultSchema, config: { access: 'token' } },
    async (request) => {
      const { result } = engine.record(request.params.id);
      if (result === null) throw new RunwireError('not_finished', 'There is no result yet.');
      return result;
    },
  );
};
