import type { Routes } from './answers/edge.ts';
import { content, problems, Raw } from './answers/schemas.ts';

const metricsSchema = {
  operationId: 'getMetrics',
  tags: ['server'],
  summary: 'Numbers for Prometheus',
  response: { 200: content('Prometheus text format', { 'text/plain': Raw }), ...problems },
};

export const metricsRoutes: Routes = (app, { engine, metrics, exchanges }) => {
  app.get('/metrics', { schema: metricsSchema, config: { access: 'token' } }, async (_request, reply) => {
    const { running, queued, recovery } = engine.readiness();
    const { streams: openStreams } = exchanges;
    reply.header('content-type', metrics.contentType);
    return metrics.scrape({
      ...engine.numbers(),
      ...{ running, queued, openStreams, recovering: recovery.stillRecovering },
    });
  });
};
