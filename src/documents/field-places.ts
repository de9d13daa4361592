import { z } from 'zod';
import { EnvironmentSpecInput } from './environment-spec.ts';
import type { FieldError, RunwireError } from './errors.ts';
import { fieldRefusal, UNKNOWN_FIELD } from './field-errors.ts';
import { InvocationInput } from './invocation.ts';
import { oneOf } from './issue-words.ts';
import { type Kind, optionKeyOf } from './kind.ts';
import { SessionInput } from './session.ts';
import { SnapshotInput } from './snapshot.ts';
import { WorkspaceInput } from './workspace.ts';

/** What is made over HTTP, in words, and what says it. */
const DOCUMENTS: readonly (readonly [what: string, schema: z.ZodObject])[] = [
  ['an invocation', InvocationInput],
  ['an environment spec', EnvironmentSpecInput],
  ['a session', SessionInput],
  ['a workspace', WorkspaceInput],
  ['a snapshot', SnapshotInput],
];
/** More of them are no help. */
const MOST = 3;

/** Where a field of a name may stand in a document. */
interface Place {
  path: readonly string[];
  /** Why it is not taken there all the same; null: it is. */
  refusal: string | null;
}

/** Where the fields of a document stand: those that are said at a wrong place are told theirs. */
export class FieldPlaces {
  readonly #places = new Map<string, Place[]>();

  /** `kinds`: those whose options it takes. */
  constructor(schema: z.core.$ZodType, kinds: readonly Kind[]) {
    this.#look(schema, []);
    if (!this.#places.get('options')?.some(({ path }) => path.length === 1)) return;
    for (const kind of kinds) {
      const key = optionKeyOf(kind);
      if (key === null) continue;
      const path = ['options', key];
      for (const word of new Set([key, kind.kind, ...(kind.aliases ?? [])])) this.#put(word, path, null);
      this.#look(kind.spec, path);
    }
  }

  /** The same refusal, where fields that are not known at their place are told another. */
  pointed(error: RunwireError): RunwireError {
    const { code, errors } = error;
    if (!errors?.some(({ message }) => message === UNKNOWN_FIELD)) return error;
    return fieldRefusal(
      code,
      errors.map((fault) => this.#pointed(fault)),
    );
  }

  #pointed(fault: FieldError): FieldError {
    return fault.message === UNKNOWN_FIELD ? { ...fault, message: this.#wordsFor(fault.path) } : fault;
  }

  #wordsFor(sent: string): string {
    const name = sent.slice(sent.lastIndexOf('.') + 1);
    const places = (this.#places.get(name) ?? []).filter(({ path }) => path.join('.') !== sent);
    const taken = places.filter(({ refusal }) => refusal === null).map(({ path }) => path);
    const least = Math.min(...taken.map((path) => path.length));
    const nearest = taken.filter((path) => path.length === least).map((path) => path.join('.'));
    const [refused] = places;
    if (nearest.length === 0 && refused?.refusal) return refused.refusal;
    const others = DOCUMENTS.filter(([, { shape }]) => Object.hasOwn(shape, name)).map(([what]) => what);
    // What is said of all of it, or in its options, was meant; of what is said in a part of it the invocation may say more.
    const isMeant = least === 1 || (least === 2 && nearest.some((path) => path.startsWith('options.')));
    const elsewhere =
      nearest.length === 0 ? others : others.filter((what) => !isMeant && what === 'an invocation');
    const hints = [
      ...(nearest.length > 0 && nearest.length <= MOST ? [`it belongs at ${oneOf(nearest)}`] : []),
      ...(elsewhere.length > 0 && elsewhere.length <= MOST ? [`it is one of ${oneOf(elsewhere)}`] : []),
    ];
    return hints.length > 0 ? `${UNKNOWN_FIELD} here: ${hints.join(', or ')}` : UNKNOWN_FIELD;
  }

  #look(schema: z.core.$ZodType, under: readonly string[]): void {
    const inner = bare(schema);
    if (inner instanceof z.ZodUnion) for (const form of inner.options) this.#look(form, under);
    if (!(inner instanceof z.ZodObject)) return;
    for (const [name, field] of Object.entries(inner.shape)) {
      this.#put(name, [...under, name], refusalOf(field));
      this.#look(field, [...under, name]);
    }
  }

  #put(name: string, path: readonly string[], refusal: string | null): void {
    const places = this.#places.get(name) ?? [];
    const isKnown = places.some((place) => place.path.join('.') === path.join('.'));
    if (!isKnown) this.#places.set(name, [...places, { path, refusal }]);
  }
}

/** The schema of what is there. */
function bare(schema: z.core.$ZodType): z.core.$ZodType {
  const isWrapped =
    schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodDefault;
  return isWrapped ? bare(schema.unwrap()) : schema;
}

/** What a schema that takes nothing says; null: it takes something. */
function refusalOf(schema: z.core.$ZodType): string | null {
  const inner = bare(schema);
  return inner instanceof z.ZodNever ? (inner.safeParse(null).error?.issues[0]?.message ?? null) : null;
}
