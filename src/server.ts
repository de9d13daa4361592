#!/usr/bin/env node
import { flushCompileCache } from 'node:module';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { pino } from 'pino';
import about from '../package.json' with { type: 'json' };
import { inWordsOfFlags, readArguments, withFlags } from './command/arguments.ts';
import { LogLines } from './command/log-lines.ts';
import { oneLine, plainLine } from './command/plain-lines.ts';
import { whyNotListening } from './command/start-failure.ts';
import { lastMoments } from './command/stop-words.ts';
import { isOnTerminal, outliveReaders } from './command/terminal.ts';
import { type Config, ConfigError, printable, readConfig } from './config.ts';
import { messageOf } from './platform/error-words.ts';
import { keepMemoryPrivate } from './platform/private-memory.ts';
import { eraseVariables } from './platform/secret-environment.ts';
import { sharedEnd } from './platform/shared-end.ts';
import { isSecretVariable } from './run/process-environment.ts';
import { createService, type Service } from './service.ts';

/** The process: configuration, listening, and the orderly end. */
const flags = flagsOf(process.argv.slice(2));
const environment = { ...process.env };
const secretNames = Object.keys(environment).filter(
  (name) => environment[name] !== '' && isSecretVariable(name),
);
const erasure = eraseVariables(secretNames);
const memoryIsPrivate = await keepMemoryPrivate();
const { config, warnings } = configuration();
outliveReaders();
const lines = new LogLines(process.stdout.fd);
process.once('exit', () => lines.end());
const isPlain = config.logFormat === 'text' || (config.logFormat === 'auto' && process.stdout.isTTY);
const log = pino({ level: config.logLevel }, isPlain ? { write: writePlain } : lines);
for (const warning of [...warnings, ...exposures()]) log.warn(warning);
log.info({ config: printable(config) }, 'configuration');

const hangUpEnds = isOnTerminal();
if (!hangUpEnds) process.on('SIGHUP', () => log.info({ signal: 'SIGHUP' }, 'nothing is read again'));
const service = await start();
flushCompileCache(); // where NODE_COMPILE_CACHE is set: one that is killed leaves what it compiled to the next
const url = await listen(service);
for (const signal of ['SIGTERM', 'SIGINT', ...(hangUpEnds ? ['SIGHUP'] : [])])
  process.on(signal, () => void stop(signal));
process.stdout.write(
  `Runwire listens on ${url}\nData directory: ${oneLine(resolve(config.dataDir))}\n\nTry it:\n  ${example(url)}\n\n`,
);

/** Ends the wait for running runs early; `since` is when the first signal came. */
let stopping: { since: number; hurry(): void } | null = null;

/** Ctrl-C comes from the terminal and once more from npm, which passes it on: within this it is one. */
const SAME_SIGNAL_MS = 250;

/** A result that the storage does not take holds the end for so long. */
const STORE_MS = 5000;

/** First signal: leave the runs that can be left to the next server, let others finish for a while, then cancel them. Second: now. */
async function stop(signal: string): Promise<void> {
  if (stopping) {
    if (performance.now() - stopping.since > SAME_SIGNAL_MS) stopping.hurry();
    return;
  }
  const { promise: hurried, resolve: hurry } = Promise.withResolvers<void>();
  stopping = { since: performance.now(), hurry };
  const { engine } = service;
  const because = config.onExit === 'auto' ? sharedEnd() : null;
  const leave = config.onExit === 'auto' ? because === null : config.onExit === 'leave';
  const ending = { leave, because, drainSeconds: config.drainSeconds };
  log.info({ signal }, lastMoments(ending, engine.whenStopped(leave)));
  await Promise.race([engine.drain(config.drainSeconds * 1000, { leave }), hurried]);
  void hurried.then(() => {
    void engine.cancelAll({ graceSeconds: 0, leave });
    service.app.server.closeAllConnections();
  });
  const stored = await engine.cancelAll({ storeMs: STORE_MS, leave });
  if (!stored) log.error('results that could not be stored are left to the next server');
  await service.close(leave || !stored ? 'leave' : 'quit');
  log.info('stopped');
  lines.end();
  process.exit(0);
}

/** The variables that the command line sets. Ends the process where it asks for something else than to serve. */
function flagsOf(words: string[]): Readonly<Record<string, string>> {
  const asked = readArguments(words, about.version);
  if (asked.what === 'serve') return asked.variables;
  if (asked.what === 'print') process.stdout.write(asked.text);
  else process.stderr.write(`${asked.line}\n`);
  process.exit(asked.what === 'print' ? 0 : 2);
}

function configuration(): { config: Config; warnings: string[] } {
  try {
    return readConfig(withFlags(environment, flags));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const line of error.lines) process.stderr.write(`${inWordsOfFlags(line, flags)}\n`);
    process.exit(2);
  }
}

function writePlain(json: string): void {
  const line = plainLine(json);
  if (line !== null) process.stdout.write(line);
}

/** Where programs of runs, which have the same user, could read what they should not. */
function exposures(): string[] {
  const { left, holders } = erasure;
  return [
    ...(left.length === 0 || memoryIsPrivate
      ? []
      : [`${left.join(', ')}: other processes of this user can read it in the environment of the server`]),
    ...holders.map(
      ({ pid, command }) =>
        `${secretNames.join(', ')}: other processes of this user can read it in the environment of process ${pid} (${command}), which started the server: SECURITY.md`,
    ),
    ...(memoryIsPrivate
      ? []
      : ['other processes of this user can read the memory of the server: SECURITY.md']),
  ];
}

async function start(): Promise<Service> {
  try {
    return await createService({ config, environment, log });
  } catch (error) {
    fail(error);
  }
}

async function listen({ app }: Service): Promise<string> {
  try {
    await app.listen({ host: config.host, port: config.port });
  } catch (error) {
    fail(whyNotListening(error, config));
  }
  const { address, port, family } = app.server.address() as AddressInfo; // listening on TCP
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

function fail(error: unknown): never {
  lines.end();
  process.stderr.write(`Runwire cannot start: ${oneLine(messageOf(error))}\n`);
  process.exit(1);
}

/** A line that works as it is printed. */
function example(address: string): string {
  const secret = config.tokenFile === null ? '$RUNWIRE_TOKEN' : `$(cat '${config.tokenFile}')`;
  const token = config.token === null ? '' : ` -H "Authorization: Bearer ${secret}"`;
  const body =
    '{"runtime_kind":"subprocess","command":["sh","-c","for i in 1 2 3; do echo $i; sleep 1; done"]}';
  return `curl -N ${address}/invocations${token} -H 'Content-Type: application/json' -H 'Accept: text/plain' -d '${body}'`;
}
