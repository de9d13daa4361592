import type { AddressInfo } from 'node:net';
import { destination, pino } from 'pino';
import { type Config, ConfigError, printable, readConfig } from './config.ts';
import { codeOf, messageOf } from './platform/error-words.ts';
import { keepMemoryPrivate } from './platform/private-memory.ts';
import { eraseVariables } from './platform/secret-environment.ts';
import { isSecretVariable } from './run/process-environment.ts';
import { createService, type Service } from './service.ts';

/** The process: configuration, listening, and the orderly end. */
const environment = { ...process.env };
const secretNames = Object.keys(environment).filter(isSecretVariable);
const erasure = eraseVariables(secretNames);
const memoryIsPrivate = await keepMemoryPrivate();
const { config, warnings } = configuration();
/** Written by the thread pool, and lines that come close together at once: a write costs a run as much as its record. */
const lines = destination({ sync: false, minLength: 8 * 1024, periodicFlush: 100 });
const log = pino({ level: config.logLevel }, lines);
for (const warning of [...warnings, ...exposures()]) log.warn(warning);
log.info({ config: printable(config) }, 'configuration');

const service = await start();
const url = await listen(service);
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop(signal));
process.stdout.write(`Runwire listens on ${url}\n\nTry it:\n  ${example(url)}\n\n`);

/** Ends the wait for running runs early. */
let hurry: (() => void) | null = null;

/** A result that the storage does not take holds the end for so long. */
const STORE_MS = 5000;

/** First signal: let runs finish for a while, then cancel them (or leave them to the supervisor). Second: now. */
async function stop(signal: string): Promise<void> {
  if (hurry) return hurry();
  const hurried = new Promise<void>((resolve) => {
    hurry = resolve;
  });
  log.info({ signal }, 'stopping');
  let leave = config.onExit === 'leave';
  await Promise.race([service.engine.drain(leave ? 0 : config.drainSeconds * 1000), hurried]);
  if (!leave) {
    void hurried.then(() => service.engine.cancelAll(0));
    leave = !(await service.engine.cancelAll(undefined, STORE_MS));
    if (leave) log.error('results that could not be stored are left to the next server');
  }
  await service.close(leave ? 'leave' : 'quit');
  log.info('stopped');
  lines.flushSync();
  process.exit(0);
}

function configuration(): { config: Config; warnings: string[] } {
  try {
    return readConfig(environment);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const line of error.lines) process.stderr.write(`${line}\n`);
    process.exit(2);
  }
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
    fail(notListening(error));
  }
  const { address, port, family } = app.server.address() as AddressInfo; // listening on TCP
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

/** Why the address cannot be listened on, and what to do about it. */
function notListening(error: unknown): unknown {
  const { host, port } = config;
  const hints: Readonly<Record<string, string>> = {
    EADDRINUSE: `port ${port} of ${host} is in use: end what listens there, or set RUNWIRE_PORT (0: any that is free)`,
    EACCES: `port ${port} may not be listened on by this user: set RUNWIRE_PORT to one of 1024 and more`,
    EADDRNOTAVAIL: `RUNWIRE_HOST=${host} is no address of this machine`,
    ENOTFOUND: `RUNWIRE_HOST=${host} is no name that is known here`,
  };
  return hints[codeOf(error) ?? ''] ?? error;
}

function fail(error: unknown): never {
  lines.flushSync();
  process.stderr.write(`Runwire cannot start: ${messageOf(error)}\n`);
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
