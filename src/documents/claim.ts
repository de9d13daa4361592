import { z } from 'zod';
import { Invocation } from './invocation.ts';

/** Longest lease, seconds. */
export const MAX_LEASE_SECONDS = 86_400;
export const LeaseSeconds = z
  .number()
  .positive()
  .max(MAX_LEASE_SECONDS)
  .describe('The claim is lost when the worker says nothing for so long');

/** What a worker asks for: the next waiting run. */
export const ClaimRequest = z
  .strictObject({
    runtime_name: z.string().min(1).max(256).optional().describe('Only runs of this name'),
    worker: z.string().min(1).max(256).optional().describe('Who asks, in words for people'),
    lease_seconds: LeaseSeconds.optional(),
    wait_seconds: z.number().nonnegative().max(3600).optional().describe('Wait so long for a run to come'),
  })
  .meta({ examples: [{ worker: 'me', wait_seconds: 0 }] });
export type ClaimRequest = z.infer<typeof ClaimRequest>;

/** Where the worker reports: relative to the server for who asked it, absolute for who is called by it. */
export const ClaimUrls = z.strictObject({
  events: z.string(),
  artifacts: z.string().describe('PUT to this, a slash and the artifact_id'),
  heartbeat: z.string(),
  completion: z.string(),
  files: z
    .string()
    .nullable()
    .describe(
      'GET lists the files of the run; with a slash and a path GET, PUT and DELETE one. null: its directory is not the server’s',
    ),
});

/** The right to report on one run, until the lease ends. */
export const Claim = z.strictObject({
  token: z.string().describe('Authorization: Bearer <token>'),
  attempt: z.number().int().positive(),
  lease_expires_at: z.iso.datetime(),
  urls: ClaimUrls,
});
export type Claim = z.infer<typeof Claim>;

/** A run in the hands of a worker. */
export const Claimed = z.strictObject({ invocation: Invocation, claim: Claim });
export type Claimed = z.infer<typeof Claimed>;

/** How the claim stands, in answer to all that a worker reports. */
export const ClaimState = z.strictObject({
  lease_expires_at: z.iso.datetime(),
  cancel_requested: z.boolean().describe('Stop the work and complete: after the grace the run ends without'),
});
export type ClaimState = z.infer<typeof ClaimState>;

export const HeartbeatRequest = z
  .strictObject({
    lease_seconds: LeaseSeconds.optional(),
    wait_seconds: z
      .number()
      .nonnegative()
      .max(3600)
      .optional()
      .describe('Answer only after so long, or as soon as the run is to be cancelled'),
  })
  .meta({ examples: [{ wait_seconds: 0 }] })
  .nullish();
export type HeartbeatRequest = z.infer<typeof HeartbeatRequest>;
