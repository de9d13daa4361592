import { z } from 'zod';
import type { RxpKind } from './rxp-kind.ts';

/** What is said of a kind: its words, and the options that are its alone. */
export interface Kind<Spec = unknown> {
  /** What `runtime_kind` says. */
  readonly kind: string;
  /** RxP's word for it, which results have. Default: `unknown`. */
  readonly rxpKind?: RxpKind;
  /** Other words for it. Records echo the word that was sent. */
  readonly aliases?: readonly string[];
  readonly name: string;
  readonly description: string;
  /** Where its options stand: `options.<optionKey>`. Default: the kind; null: it has none. */
  readonly optionKey?: string | null;
  /** Shape of its options. */
  readonly spec: z.ZodType<Spec>;
  /** Names of options that are passed on: the digits of numbers in them stay as they came (`parseExact`). Default: none. */
  readonly verbatim?: readonly string[];
  /** Names of options in which placeholders of assets are filled. Default: none. */
  readonly placeholders?: readonly string[];
  /** Keys of metadata that say the same as such options. Default: none. */
  readonly placeholdersInMetadata?: readonly string[];
}

export function rxpKindOf({ rxpKind }: Kind): RxpKind {
  return rxpKind ?? 'unknown';
}

export function optionKeyOf({ kind, optionKey }: Pick<Kind, 'kind' | 'optionKey'>): string | null {
  return optionKey === undefined ? kind : optionKey;
}

/** JSON Schema of the options of a kind, as clients send them. */
export function optionsSchemaOf({ spec }: Kind): Record<string, unknown> {
  return z.toJSONSchema(spec, { io: 'input', unrepresentable: 'any' });
}

/** Where in an invocation the options that are `verbatim` stand. */
export function verbatimPaths(kind: Kind): string[][] {
  const key = optionKeyOf(kind);
  return key === null ? [] : (kind.verbatim ?? []).map((name) => ['options', key, name]);
}
