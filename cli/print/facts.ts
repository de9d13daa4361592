import { visible } from '../process/visible.ts';
import { cut, widthOf } from '../process/width.ts';
import { bold } from './colours.ts';
import { columnsOfOutput } from './table.ts';

/** What there is to say of a thing, a line each. What is empty or null is not said. */
export function facts(
  all: readonly (readonly [name: string, value: string | number | null | undefined])[],
): string {
  const said = all.flatMap(([name, value]) => (value == null || value === '' ? [] : [[name, String(value)]]));
  const width = Math.max(...said.map(([name = '']) => widthOf(name))) + 2;
  return said
    .map(([name = '', value = '']) => {
      const shown = cut(visible(value), columnsOfOutput() - width);
      return `${bold(name.padEnd(width))}${shown}\n`;
    })
    .join('');
}

export const pairsOf = (pairs: { readonly [name: string]: string }): string =>
  Object.entries(pairs)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
