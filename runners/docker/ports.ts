import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import type { RunContext } from '../../src/contract/context.ts';
import type { RunnerOutcome } from '../../src/contract/outcome.ts';
import { changeContainerRecord, readContainerRecord } from './container-record.ts';
import { type DockerDaemon, statusOf } from './daemon.ts';
import type { DockerSpec } from './spec.ts';

const RETRY_MS = 250;
const INSPECT_MS = 5000;

/** Where a port of the container is on its machine, by the port: `80/tcp` at `127.0.0.1:32768`, several with a comma between. */
export type PortPlaces = Readonly<Record<string, string>>;

/** Which the engine chose; none of a container that does not run. */
export function portPlaces(ports: Docker.ContainerInspectInfo['NetworkSettings']['Ports']): PortPlaces {
  return Object.fromEntries(
    Object.entries(ports ?? {}).flatMap(([port, bindings]: [string, (typeof ports)[string] | null]) => {
      const places = (bindings ?? []).map(({ HostIp: host, HostPort }) =>
        host.includes(':') ? `[${host}]:${HostPort}` : `${host}:${HostPort}`,
      );
      return places.length === 0 ? [] : [[port, places.join(', ')]];
    }),
  );
}

/** While `work` stays with a started container, its ports are told as soon as they are known; the outcome has them too. */
export async function withPorts(
  daemon: DockerDaemon,
  id: string,
  ctx: RunContext<DockerSpec>,
  work: () => Promise<RunnerOutcome>,
): Promise<RunnerOutcome> {
  if (Object.keys(ctx.spec.ports).length === 0) return work();
  const over = new AbortController();
  const told = tell(daemon, id, ctx, over.signal);
  try {
    const outcome = await work();
    over.abort();
    const metadata = Object.entries(await told).map(([port, place]) => [`docker.port.${port}`, place]);
    return { ...outcome, metadata: { ...outcome.metadata, ...Object.fromEntries(metadata) } };
  } finally {
    over.abort();
  }
}

/** Once a run, also over restarts of the server. Never rejects. */
async function tell(
  daemon: DockerDaemon,
  id: string,
  { directory, output }: RunContext<DockerSpec>,
  over: AbortSignal,
): Promise<PortPlaces> {
  const known = keptPorts(() => readContainerRecord(directory)?.ports);
  if (known !== undefined) return known;
  const places = await ask(daemon, id, over);
  if (Object.keys(places).length === 0) return places;
  const words = Object.entries(places).map(([port, place]) => `${port} at ${place}`);
  output.progress({ message: `ports: ${words.join('; ')}`, data: { type: 'ports', ports: places } });
  keptPorts(() => changeContainerRecord(directory, { ports: places }));
  return places;
}

/** What the disk does not take or give is told once more by the next server, and no more than that. */
function keptPorts<T>(access: () => T): T | undefined {
  try {
    return access();
  } catch {
    return undefined;
  }
}

async function ask(daemon: DockerDaemon, id: string, over: AbortSignal): Promise<PortPlaces> {
  for (;;)
    try {
      const { NetworkSettings } = await daemon.ask((docker) => docker.getContainer(id).inspect(), {
        ms: INSPECT_MS,
      });
      return portPlaces(NetworkSettings.Ports);
    } catch (error) {
      // The engine went away: it is asked again for as long as somebody stays with the container.
      if (over.aborted || statusOf(error) === 404) return {};
      await sleep(RETRY_MS, undefined, { signal: over }).catch(() => {});
    }
}
