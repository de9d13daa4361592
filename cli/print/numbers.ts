/** The numbers of a server by their names, `name{label="value"}`. */
export type Numbers = ReadonlyMap<string, number>;

/** Reads the text format of Prometheus: https://prometheus.io/docs/instrumenting/exposition_formats/ */
export function numbersIn(text: string): Numbers {
  const numbers = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, name, value] = /^([a-zA-Z_:][\w:]*(?:\{[^}]*\})?) (\S+)/.exec(line) ?? [];
    if (name !== undefined) numbers.set(name, value === '+Inf' ? Number.POSITIVE_INFINITY : Number(value));
  }
  return numbers;
}
