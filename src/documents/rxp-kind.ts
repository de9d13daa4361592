import { z } from 'zod';

/** RxP 0.1's words for kinds: the documents that are RxP's have no others. */
export const RXP_KINDS = ['subprocess', 'http', 'http_async', 'container', 'manual', 'unknown'] as const;
export const RxpKind = z.enum(RXP_KINDS);
export type RxpKind = z.infer<typeof RxpKind>;

export function isRxpKind(word: string): word is RxpKind {
  return RXP_KINDS.some((kind) => kind === word);
}
