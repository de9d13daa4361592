import { z } from 'zod';

const JUNK: readonly unknown[] = [
  ...[null, true, -1, 0, 1.5, 1e300, Number.MAX_SAFE_INTEGER],
  ...['', 'x', '../é\0', 'x'.repeat(100_000), [], [null], {}, { no_such_field: 1 }],
];
const NAMES = ['', 'a', 'a=b', '../é\0', 'x'.repeat(1000)];
const MANY = 10_001;

/**
 * Values for a schema of which most are faulty, each in one place: of every type, too small, too large and of a wrong form, in every
 * field, entry and form of it.
 */
export function* faultyValues(schema: z.core.$ZodType): Generator<unknown> {
  yield* JUNK;
  if (schema instanceof z.ZodObject) {
    for (const [name, field] of Object.entries(schema.shape))
      for (const value of faultyValues(field)) yield { [name]: value };
  } else if (schema instanceof z.ZodArray) {
    yield Array.from({ length: MANY }, () => 'x');
    for (const value of faultyValues(schema.element)) yield [value];
  } else if (schema instanceof z.ZodRecord) {
    yield Object.fromEntries(Array.from({ length: MANY }, (_, n) => [`a${n}`, 'x']));
    for (const name of NAMES) yield { [name]: 'x' };
    for (const value of faultyValues(schema.valueType)) yield { a: value };
  } else if (schema instanceof z.ZodUnion) {
    for (const form of schema.options) yield* faultyValues(form);
  } else if (schema instanceof z.ZodPipe) {
    yield* faultyValues(schema.in);
    yield* faultyValues(schema.out);
  } else if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault
  ) {
    yield* faultyValues(schema.unwrap());
  }
}
