import { z } from 'zod';

const noNul = (text: string): boolean => !text.includes('\0');
const NO_NUL = { error: 'must not contain a NUL character' };
const Words = z.string().min(1).max(4096).refine(noNul, NO_NUL);
const count = z.number().int().positive();
const Port = z.number().int().min(1).max(65535);

/** A path in the container: absolute, without `.`, `..` or empty parts, and not one that the daemon fills itself. */
export const InsidePath = Words.regex(/^(\/(?!\.{1,2}(\/|$))[^/]+)+$/, {
  error: 'must be an absolute path, without empty parts, . or .., and not /',
}).refine((path) => !/^\/(proc|sys|dev(?!\/shm(\/|$)))(\/|$)/.test(path), {
  error: 'must not be in /proc, /sys or /dev',
});

export const DockerMount = z.strictObject({
  source: Words.regex(/^\//, { error: 'must be an absolute path of this machine' }),
  target: InsidePath,
  read_only: z.boolean().default(true),
});
export type DockerMount = z.infer<typeof DockerMount>;

const Tmpfs = z.strictObject({
  target: InsidePath,
  size_bytes: count.optional(),
  exec: z.boolean().default(false).describe('May programs be executed from it'),
});

const HOST_PORT = /^(?:(?<address>\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-fA-F:]+\]):)?(?<port>\d{1,5})$/;
const CONTAINER_PORT = /^(?<port>\d{1,5})(?:\/(?<protocol>tcp|udp|sctp))?$/;
const validPort = (text: string, pattern: RegExp, least: number): boolean => {
  const port = Number(pattern.exec(text)?.groups?.port ?? Number.NaN);
  return port >= least && port <= 65535;
};

/** Host port to container port. `"8080": 80`, `"0.0.0.0:8080": "80/udp"`; host port 0 lets the daemon choose. */
const Ports = z.record(
  z.string().refine((text) => validPort(text, HOST_PORT, 0), { error: 'must be a port or address:port' }),
  z.union([
    Port,
    z.string().refine((text) => validPort(text, CONTAINER_PORT, 1), {
      error: 'must be a port, or port/protocol',
    }),
  ]),
);

/** Options that can only narrow, or that loosen what the daemon confines by default; `seccomp` takes `unconfined` alone. */
const SecurityOption = z
  .string()
  .regex(/^(apparmor=[\w.-]+|label=[\w:.-]+|seccomp=unconfined|no-new-privileges(=(true|false))?)$/, {
    error: 'must be apparmor=…, label=…, seccomp=unconfined or no-new-privileges[=false]',
  });

/** The shape of `options.docker`. docs/runners/docker.md says what each means. */
export const DockerSpec = z
  .strictObject({
    image: Words.refine((text) => !/\s/.test(text), { error: 'must not contain spaces' }).refine(
      (text) => !/@.*\//.test(text),
      { error: 'must not contain a user or password: name a secret in registry_secret' },
    ),
    pull: z.enum(['missing', 'always', 'never']).default('missing'),
    registry_secret: z.string().min(1).max(128).optional().describe('Name of a secret that the server holds'),
    entrypoint: z
      .array(z.string().refine(noNul, NO_NUL))
      .optional()
      .describe("Instead of the image's; [] = none"),
    user: Words.optional().describe('user, uid, or either with :group; default: not root'),
    workdir: InsidePath.default('/workspace'),
    mount_workspace: z
      .boolean()
      .optional()
      .describe(
        "The run's working directory at workdir, rw; default: yes, but for a run in a workspace with an engine that is not at a socket of this machine",
      ),
    mounts: z.array(DockerMount).max(100).default([]),
    tmpfs: z.array(Tmpfs).max(100).default([]),
    ports: Ports.default({}),
    network: z
      .string()
      .regex(/^[A-Za-z0-9][\w.-]{0,127}$/, { error: 'must be none, bridge, host or the name of a network' })
      .optional()
      .describe('none, bridge, host or a name; default: none, or bridge when ports are given'),
    cpus: z.number().positive().max(10_000).optional(),
    memory_bytes: count.optional().describe('Without swap; more than this ends the run'),
    pids: count.default(512),
    shm_bytes: count.optional(),
    gpus: z.union([z.literal('all'), count, z.array(Words).min(1)]).optional(),
    read_only: z.boolean().default(false).describe('Root file system'),
    cap_add: z
      .array(z.string().regex(/^[A-Z_]+$/, { error: 'must be a name such as NET_BIND_SERVICE' }))
      .default([]),
    security_options: z.array(SecurityOption).default([]),
    platform: Words.optional(),
    extra_hosts: z
      .record(
        z.string().regex(/^[A-Za-z0-9._-]+$/, { error: 'must be the name of a host' }),
        z
          .string()
          .regex(/^([0-9a-fA-F.:]+|host-gateway)$/, { error: 'must be an IP address or host-gateway' }),
      )
      .default({})
      .describe('Name to address'),
    labels: z
      .record(
        z
          .string()
          .refine((name) => !name.startsWith('runwire.'), { error: 'runwire.… is kept for the server' }),
        z.string(),
      )
      .default({}),
    init: z.boolean().default(true).describe('A first process that reaps and passes signals on'),
  })
  .refine(
    ({ ports, network }) => Object.keys(ports).length === 0 || (network !== 'none' && network !== 'host'),
    {
      path: ['ports'],
      error: 'need a network of their own: bridge or a named one',
    },
  );
export type DockerSpec = z.infer<typeof DockerSpec>;

/** Ports as the daemon takes them; bound to 127.0.0.1 unless an address is said. */
export function portBindings(
  ports: DockerSpec['ports'],
): Record<string, { HostIp: string; HostPort: string }[]> {
  const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const [host, container] of Object.entries(ports)) {
    const { address, port } = HOST_PORT.exec(host)?.groups ?? {};
    const inside = CONTAINER_PORT.exec(String(container))?.groups ?? {};
    const key = `${inside.port}/${inside.protocol ?? 'tcp'}`;
    bindings[key] = [
      ...(bindings[key] ?? []),
      { HostIp: address?.replace(/[[\]]/g, '') ?? '127.0.0.1', HostPort: port ?? '0' },
    ];
  }
  return bindings;
}

/** The network of a run: none unless something needs one. */
export function networkOf({ network, ports }: Pick<DockerSpec, 'network' | 'ports'>): string {
  return network ?? (Object.keys(ports).length > 0 ? 'bridge' : 'none');
}
