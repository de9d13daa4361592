import type { FastifyInstance } from 'fastify';
import type { Engine } from '../../src/engine/engine.ts';
import type { Staging } from '../../src/files/staging.ts';
import type { Metrics } from '../../src/metrics.ts';
import type { Exchanges } from './exchanges.ts';
import type { Proofs } from './proofs.ts';

/** What routes stand on. */
export interface Edge {
  engine: Engine;
  metrics: Metrics;
  exchanges: Exchanges;
  proofs: Proofs;
  /** Where files go that come in. */
  staging: Staging;
  /** Of a JSON document. */
  maxBodyBytes: number;
}

/** Adds the routes of one resource. */
export type Routes = (app: FastifyInstance, edge: Edge) => void;

/** Path parameters of everything under one run. */
export interface OfRun {
  Params: { id: string };
}
