import type Docker from 'dockerode';
import type { Limits } from '../../src/documents/options.ts';
import type { Bind } from './mounts.ts';
import { INVOCATION_LABEL, SERVER_LABEL } from './server-identity.ts';
import { type DockerSpec, networkOf, portBindings } from './spec.ts';

/** All that a container of a run is made of. */
export interface ContainerPlan {
  spec: DockerSpec;
  command: readonly string[];
  /** In the container. */
  workingDirectory: string;
  environment: Readonly<Record<string, string>>;
  limits: Limits | undefined;
  binds: readonly Bind[];
  /** Where empty volumes are that go with the container. */
  volumes: readonly string[];
  /** Of the image, filled with what it has there. */
  imageVolumes: readonly string[];
  user: string;
  stdin: boolean;
  maxOutputBytes: number;
  invocationId: string;
  server: string;
}

const MIB = 1024 ** 2;
/** When memory runs out, a container is taken before a server that holds up to half of the memory more. */
const OOM_SCORE = 500;

/** What the daemon is asked to create: everything that is not asked for is closed. */
export function containerOptions(plan: ContainerPlan): Docker.ContainerCreateOptions {
  const { spec, limits } = plan;
  const bindings = portBindings(spec.ports);
  const labels = { [INVOCATION_LABEL]: plan.invocationId, [SERVER_LABEL]: plan.server };
  return {
    Image: spec.image,
    ...(spec.platform === undefined ? {} : { platform: spec.platform }),
    ...(plan.command.length === 0 ? {} : { Cmd: [...plan.command] }),
    ...(spec.entrypoint === undefined
      ? {}
      : { Entrypoint: spec.entrypoint.length === 0 ? [''] : spec.entrypoint }),
    Env: Object.entries(plan.environment).map(([name, value]) => `${name}=${value}`),
    User: plan.user,
    WorkingDir: plan.workingDirectory,
    Labels: { ...spec.labels, ...labels },
    AttachStdin: plan.stdin,
    OpenStdin: plan.stdin,
    StdinOnce: plan.stdin,
    AttachStdout: true,
    AttachStderr: true,
    Tty: false,
    ExposedPorts: Object.fromEntries(Object.keys(bindings).map((port) => [port, {}])),
    HostConfig: {
      Init: spec.init,
      NetworkMode: networkOf(spec),
      PortBindings: bindings,
      ExtraHosts: Object.entries(spec.extra_hosts).map(([name, address]) => `${name}:${address}`),
      ...confinement(spec),
      ...resources(spec, limits),
      Mounts: [
        ...plan.volumes.map((target) => volumeAt(target, labels)),
        ...plan.imageVolumes.map((target) => volumeAt(target, labels, { filled: true })),
        ...plan.binds.map(bindAs),
      ],
      Tmpfs: Object.fromEntries(
        spec.tmpfs.map(({ target, size_bytes, exec }) => [
          target,
          `rw,nosuid,nodev,${exec ? 'exec' : 'noexec'},mode=1777${size_bytes === undefined ? '' : `,size=${size_bytes}`}`,
        ]),
      ),
      LogConfig: log(plan.maxOutputBytes),
      RestartPolicy: { Name: '' },
      AutoRemove: false,
    },
  };
}

function bindAs({ source, target, readOnly }: Bind): Docker.MountSettings {
  return { Type: 'bind', Source: source, Target: target, ReadOnly: readOnly };
}

/** `filled`: with what the image has there, as the engine fills those of an image; else that is hidden by what is mounted. */
export function volumeAt(
  target: string,
  labels: Record<string, string>,
  { filled = false } = {},
): Docker.MountSettings {
  const options = { NoCopy: !filled, Labels: labels, DriverConfig: { Name: '', Options: {} } };
  return { Type: 'volume', Source: '', Target: target, VolumeOptions: options };
}

function confinement(spec: DockerSpec) {
  const own = spec.security_options.filter((option) => !option.startsWith('no-new-privileges'));
  const raised = spec.security_options.includes('no-new-privileges=false');
  return {
    Privileged: false,
    ReadonlyRootfs: spec.read_only,
    CapDrop: ['ALL'],
    CapAdd: spec.cap_add,
    SecurityOpt: [...(raised ? [] : ['no-new-privileges']), ...own],
  };
}

function resources(spec: DockerSpec, limits: Limits = {}) {
  const memory = smaller(spec.memory_bytes, limits.memory_bytes);
  const ulimit = (Name: string, value: number | undefined) =>
    value === undefined ? [] : [{ Name, Soft: value, Hard: value }];
  return {
    OomScoreAdj: OOM_SCORE,
    PidsLimit: smaller(spec.pids, limits.processes) ?? spec.pids,
    ...(memory === undefined ? {} : { Memory: memory, MemorySwap: memory }),
    ...(spec.cpus === undefined ? {} : { NanoCpus: Math.round(spec.cpus * 1e9) }),
    ...(spec.shm_bytes === undefined ? {} : { ShmSize: spec.shm_bytes }),
    Ulimits: [
      ...ulimit('cpu', limits.cpu_seconds),
      ...ulimit('nofile', limits.open_files),
      ...ulimit('fsize', limits.file_size_bytes),
      ...ulimit('core', 0),
    ],
    ...(spec.gpus === undefined ? {} : { DeviceRequests: [devices(spec.gpus)] }),
  };
}

function devices(gpus: NonNullable<DockerSpec['gpus']>) {
  const wanted = Array.isArray(gpus) ? { DeviceIDs: gpus } : { Count: gpus === 'all' ? -1 : gpus };
  return { ...wanted, Capabilities: [['gpu']] };
}

/**
 * The daemon's own copy of the output, from which it is read on after a break. `local` is the one
 * driver that keeps every byte as it is. It holds more than both captures may keep.
 */
function log(maxOutputBytes: number): Docker.HostConfig['LogConfig'] {
  const size = Math.ceil(maxOutputBytes / MIB) * 4 + 64;
  return { Type: 'local', Config: { 'max-size': `${size}m`, 'max-file': '2', compress: 'false' } };
}

function smaller(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
}
