import { execFileSync, spawn } from 'node:child_process';
import { expect, test } from 'vitest';
import { cpuTime } from '../../bench/cpu.ts';
import { requires } from '../helpers/require.ts';

requires('linux')('Processor time', () => {
  test('of a process and of the programs it has waited for is told apart', () => {
    const before = cpuTime([process.pid]);
    execFileSync('/bin/sh', ['-c', 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done']);
    const after = cpuTime([process.pid]);
    expect(after.programs).toBeGreaterThan(before.programs);
    expect(after.own).toBeGreaterThanOrEqual(before.own);
    expect(after.own).toBeLessThan(process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6 + 1);
  });

  test('of a process that is gone cannot be told', async () => {
    const child = spawn('/bin/true');
    await new Promise((done) => child.once('close', done));
    expect(() => cpuTime([child.pid ?? 0])).toThrow('ENOENT');
  });
});
