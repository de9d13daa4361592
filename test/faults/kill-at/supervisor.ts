import fs from 'node:fs';
import { Recorder } from '../../../src/journal/recorder.ts';
import { Program } from '../../../src/supervisor/program.ts';
import type { FromSupervisor, ToSupervisor } from '../../../src/supervisor/protocol/messages.ts';
import { Setup } from '../../../src/supervisor/setup.ts';
import { SetupOutput } from '../../../src/supervisor/setup-output.ts';
import { Supervisor } from '../../../src/supervisor/supervisor.ts';
import { at, isOrdered, pointsOf } from './order.ts';

const HALF_A_LINE = 'supervisor: half a line of the journal';

/** The points of the supervisor, in the order in which a program comes by. */
export function installPoints(): void {
  const isSpawn = ([message]: readonly unknown[]): boolean => (message as ToSupervisor).op === 'spawn';
  pointsOf(Supervisor.prototype, 'handle', {
    before: 'supervisor: spawn received',
    after: 'supervisor: program spawned',
    when: isSpawn,
  });
  const { connect } = Supervisor.prototype;
  Supervisor.prototype.connect = function (this: Supervisor, send, isOurs): void {
    const told = (message: FromSupervisor): void => {
      at(`supervisor: ${message.op} not told`);
      send(message);
      at(`supervisor: ${message.op} told`);
    };
    connect.call(this, told, isOurs);
  };
  pointsOf(Recorder.prototype, 'write', {
    before: 'supervisor: output read',
    after: 'supervisor: output recorded',
  });
  pointsOf(Recorder.prototype, 'end', { before: 'supervisor: program reaped' });
  const notes =
    (what: string) =>
    ([note]: readonly unknown[]): boolean =>
      Object.hasOwn(note as object, what);
  pointsOf(Recorder.prototype, 'note', { after: 'supervisor: exit recorded', when: notes('exit') });
  pointsOf(Recorder.prototype, 'note', {
    before: 'supervisor: setup command ended',
    after: 'supervisor: setup command recorded',
    when: notes('step'),
  });
  pointsOf(SetupOutput.prototype, 'follow', { after: 'supervisor: setup command begun' });
  pointsOf(Setup.prototype, 'stop', {
    before: 'supervisor: stop of setup received',
    after: 'supervisor: setup told to end',
  });
  pointsOf(Setup.prototype, 'timeOut', { before: 'supervisor: time of setup is over' });
  pointsOf(Program.prototype, 'stop', {
    before: 'supervisor: stop received',
    after: 'supervisor: program told to end',
  });
  pointsOf(Program.prototype, 'timeOut', { before: 'supervisor: time is over' });
  const { writeSync } = fs;
  fs.writeSync = ((fd: number, bytes: Buffer, offset: number, length: number) => {
    const isLine = bytes[offset] === 123 && bytes[offset + length - 1] === 10; // {…\n
    if (isLine && isOrdered(HALF_A_LINE)) writeSync(fd, bytes, offset, Math.floor(length / 2));
    if (isLine) at(HALF_A_LINE);
    const done = writeSync(fd, bytes, offset, length);
    if (!isLine) at('supervisor: output captured, not told of');
    return done;
  }) as typeof writeSync;
}
