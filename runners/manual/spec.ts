import { z } from 'zod';
import { CallUrl } from '../../src/documents/call-url.ts';
import { LeaseSeconds } from '../../src/documents/claim.ts';

/** options.manual: who does the work and how long he may be silent. docs/runners/manual.md */
export const ManualSpec = z
  .strictObject({
    lease_seconds: LeaseSeconds.default(60).describe('Lease of a worker that asks for none, seconds'),
    max_attempts: z
      .number()
      .int()
      .positive()
      .max(1000)
      .default(3)
      .describe('The run fails when so many claims were lost'),
    dispatch_url: CallUrl.optional().describe('The run is not claimed but POSTed here, with its claim'),
    dispatch_secret: z
      .string()
      .min(1)
      .optional()
      .describe('Name of a secret of the server: the POST is signed with it, as Standard Webhooks say'),
    dispatcher: z
      .string()
      .min(1)
      .optional()
      .describe('Name of a function of the program that embeds Runwire'),
  })
  .refine((spec) => spec.dispatch_url === undefined || spec.dispatcher === undefined, {
    path: ['dispatcher'],
    error: 'dispatch_url and dispatcher cannot both be given',
  })
  .refine((spec) => spec.dispatch_secret === undefined || spec.dispatch_url !== undefined, {
    path: ['dispatch_secret'],
    error: 'needs dispatch_url',
  });
export type ManualSpec = z.infer<typeof ManualSpec>;
