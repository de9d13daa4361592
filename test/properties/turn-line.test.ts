import { array, assert, boolean, constantFrom, nat, property, record } from 'fast-check';
import { expect, test } from 'vitest';
import { TurnLine } from '../../src/workspaces/turn-line.ts';

const STEPS = ['enter', 'enter', 'enter', 'leave', 'leave', 'give up', 'close', 'open'] as const;
const step = record({ what: constantFrom(...STEPS), shared: boolean(), which: nat() });

test('whatever comes and goes, turns are given in order of arrival, and who wants to be alone is', () => {
  assert(
    property(array(step, { maxLength: 80 }), (steps) => {
      const line = new TurnLine();
      const isShared = new Map<string, boolean>();
      const waiting: string[] = [];
      const inside: string[] = [];
      const open: (() => void)[] = [];
      const check = (): void => {
        const alone = inside.some((id) => isShared.get(id) === false);
        expect(alone ? inside.length : 1).toBe(1);
        expect([line.holders, line.all]).toEqual([inside, [...inside, ...waiting]]);
        for (const [at, id] of waiting.entries()) expect(line.placeOf(id)).toBe(at + 1);
        const [next] = waiting;
        if (next === undefined || open.length > 0) return;
        // Whoever is next waits for somebody.
        expect(inside.length).toBeGreaterThan(0);
        if (isShared.get(next)) expect(alone).toBe(true);
      };
      for (const [at, { what, shared, which }] of steps.entries()) {
        const pick = (of: string[]): string | undefined => of[which % Math.max(1, of.length)];
        if (what === 'enter') {
          const id = `r${at}`;
          isShared.set(id, shared);
          waiting.push(id);
          line.enter(id, shared, () => {
            expect(open, 'while it is closed').toEqual([]);
            expect(waiting.shift(), 'the next is the first').toBe(id);
            inside.push(id);
          });
        } else if (what === 'leave' || what === 'give up') {
          const of = what === 'leave' ? inside : waiting;
          const id = pick(of);
          if (id === undefined) continue;
          of.splice(of.indexOf(id), 1);
          if (what === 'leave') line.leave(id);
          else expect(line.leaveWaiting(id)).toBe(true);
        } else if (what === 'close') open.push(line.close());
        else open.pop()?.();
        check();
      }
    }),
  );
});
