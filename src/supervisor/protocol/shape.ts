/** Is a value what it should be. For what comes from outside of this process, before anything acts on it. */
export type Shape = (value: unknown) => boolean;

export const text: Shape = (value) => typeof value === 'string';
export const flag: Shape = (value) => typeof value === 'boolean';
/** A whole number from 0 on. */
export const count: Shape = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
export const whole: Shape = (value) => Number.isSafeInteger(value);
/** Milliseconds and the like. */
export const amount: Shape = (value) => Number.isFinite(value) && (value as number) >= 0;

export const optional =
  (shape: Shape): Shape =>
  (value) =>
    value === undefined || shape(value);

export const nullable =
  (shape: Shape): Shape =>
  (value) =>
    value === null || shape(value);

export const list =
  (shape: Shape): Shape =>
  (value) =>
    Array.isArray(value) && value.every(shape);

/** These fields of its own, and any others. */
export const object = (fields: Readonly<Record<string, Shape>>): Shape => {
  const entries = Object.entries(fields);
  return (value) => isObject(value) && entries.every(([name, shape]) => shape(own(value, name)));
};

/** Which shape holds says a field of its own; one of another word holds nothing. */
export const variants =
  (field: string, shapes: Readonly<Record<string, Shape>>): Shape =>
  (value) => {
    const word = isObject(value) ? own(value, field) : null;
    return typeof word === 'string' && Object.hasOwn(shapes, word) && shapes[word]?.(value) === true;
  };

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What a prototype has is not what came. */
function own(value: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(value, name) ? value[name] : undefined;
}
