import { isIP } from 'node:net';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { CallUrl, hasCredentials } from './documents/call-url.ts';
import { isAddressRule } from './outbound/address-guard.ts';
import { holdsSecret, isSecretVariable } from './outbound/secrets.ts';
import { isHostName, plainHost } from './platform/host.ts';
import { openToOthers, readToken } from './platform/secret-file.ts';

const GIB = 1024 ** 3;
const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: GIB,
  TiB: 1024 ** 4,
};

const whole = (from: number, to = Number.MAX_SAFE_INTEGER) =>
  z
    .string()
    .regex(/^\d+$/, { error: 'must be a whole number' })
    .transform(Number)
    .refine((n) => n >= from && n <= to, { error: `must be ${from} to ${to}` });
const seconds = z
  .string()
  .regex(/^\d+(\.\d+)?$/, { error: 'must be a number of seconds' })
  .transform(Number)
  .refine((n) => n <= 1e9, { error: 'must be at most 1000000000' });
const positiveSeconds = seconds.refine((n) => n > 0, { error: 'must be more than 0' });
const bytes = z
  .string()
  .regex(/^\d+ ?([KMGT]iB)?$/, { error: 'must be a number of bytes, e.g. 1048576 or 1MiB' })
  .transform((text) => Number.parseInt(text, 10) * (UNITS[text.replace(/[\d ]/g, '')] ?? Number.NaN))
  .refine(Number.isSafeInteger, { error: 'is too large' });
/** As `schema` reads it, or null for the word `none`. `Absent`: what no text says. */
const orNone = <Absent = null>(schema: z.ZodType<number>) =>
  z.string().transform((text, context): number | null | Absent => {
    if (text === 'none') return null;
    const parsed = schema.safeParse(text);
    if (parsed.success) return parsed.data;
    const message = `${parsed.error.issues[0]?.message}, or none`;
    context.issues.push({ code: 'custom', message, input: text });
    return z.NEVER;
  });
/** Parts of a text, each as `read` has it; the first one that it has none for is named. */
const list = (separator: RegExp, words: string, read: (entry: string) => string | null) =>
  z.string().transform((text, context): string[] => {
    const entries = text.split(separator).filter((entry) => entry !== '');
    const values = entries.map(read);
    const bad = entries[values.indexOf(null)];
    if (bad === undefined) return values.filter((value) => value !== null);
    // What may hold a password is not repeated.
    const which = bad.includes('@') ? 'one with an @' : JSON.stringify(bad);
    context.issues.push({ code: 'custom', message: `${words}: ${which} is none`, input: text });
    return z.NEVER;
  });
const names = (words: string, read: (entry: string) => string | null) =>
  list(/[\s,]+/, `must be ${words}, by comma or space`, read);

const directories = list(/\s*,\s*/, 'must be absolute paths, by comma', (path) =>
  path.startsWith('/') ? path : null,
);
const hosts = names(
  'host names or addresses, with or without a port (IPv6 in brackets), or * for all',
  (entry) => (entry === '*' ? entry : allowedHost(entry)),
);
const variables = names('names of variables', (name) => (/^[^=*?]+$/.test(name) ? name : null)).refine(
  (all) => !all.some(isSecretVariable),
  {
    error: 'must not name what no program gets: RUNWIRE_TOKEN, RUNWIRE_SECRET_…, OTEL_EXPORTER_OTLP_HEADERS',
  },
);

const addressRules = names('host names, *.names, addresses or CIDR blocks', (rule) =>
  isAddressRule(rule) ? rule : null,
);
const origin = CallUrl.refine((text) => !/[?#]/.test(text), {
  error: 'must have no query or fragment',
}).transform((text) => text.replace(/\/+$/, ''));

/** Variable by variable: how it is read, and the value when it is absent or empty. */
const FIELDS = {
  host: field(
    'RUNWIRE_HOST',
    z
      .string()
      .refine((host) => isIP(plainHost(host)) !== 0 || isHostName(plainHost(host)), {
        error: 'must be a host name or address',
      })
      .transform((host) => host.replace(/^\[([\da-f:.]+)\]$/i, '$1')),
    '127.0.0.1',
  ),
  port: field('RUNWIRE_PORT', whole(0, 65535), 7070),
  dataDir: field('RUNWIRE_DATA_DIR', z.string(), './.runwire'),
  token: field(
    'RUNWIRE_TOKEN',
    z
      .string()
      .regex(/^[\x21-\x7e]+$/, { error: 'must be visible ASCII characters without spaces' })
      .nullable(),
    null,
  ),
  tokenFile: field('RUNWIRE_TOKEN_FILE', z.string().nullable(), null),
  allowedHosts: field('RUNWIRE_ALLOWED_HOSTS', hosts, []),
  maxConcurrent: field('RUNWIRE_MAX_CONCURRENT', whole(1), 64),
  maxCalls: field('RUNWIRE_MAX_CALLS', whole(1), 1000),
  maxQueue: field('RUNWIRE_MAX_QUEUE', whole(0), 10_000),
  maxBodyBytes: field(
    'RUNWIRE_MAX_BODY_BYTES',
    // It is held as one text.
    bytes.refine((n) => n > 0 && n <= 256 * 1024 ** 2, { error: 'must be 1 to 256MiB' }),
    1024 ** 2,
  ),
  defaultTimeoutSeconds: field('RUNWIRE_DEFAULT_TIMEOUT_SECONDS', orNone(positiveSeconds), null),
  maxTimeoutSeconds: field('RUNWIRE_MAX_TIMEOUT_SECONDS', orNone(positiveSeconds), null),
  killGraceSeconds: field('RUNWIRE_KILL_GRACE_SECONDS', seconds, 2),
  maxOutputBytes: field('RUNWIRE_MAX_OUTPUT_BYTES', bytes, GIB),
  maxArtifactBytes: field('RUNWIRE_MAX_ARTIFACT_BYTES', bytes, GIB),
  maxArtifactsBytes: field('RUNWIRE_MAX_ARTIFACTS_BYTES', bytes, 4 * GIB),
  maxArtifactsCount: field('RUNWIRE_MAX_ARTIFACTS_COUNT', whole(0), 10_000),
  maxUploadBytes: field('RUNWIRE_MAX_UPLOAD_BYTES', bytes, GIB),
  maxUploadFiles: field('RUNWIRE_MAX_UPLOAD_FILES', whole(0), 100_000),
  maxAssetBytes: field('RUNWIRE_MAX_ASSET_BYTES', bytes, 10 * GIB),
  gitTimeoutSeconds: field('RUNWIRE_GIT_TIMEOUT_SECONDS', positiveSeconds, 300),
  maxWorkspaceBytes: field('RUNWIRE_MAX_WORKSPACE_BYTES', bytes, 10 * GIB),
  minFreeDiskBytes: field('RUNWIRE_MIN_FREE_DISK_BYTES', bytes, 100 * 1024 ** 2),
  stalledClientSeconds: field('RUNWIRE_STALLED_CLIENT_SECONDS', positiveSeconds, 300),
  // Absent: what the data directory was made with.
  retentionSeconds: field('RUNWIRE_RETENTION_SECONDS', orNone<'default'>(positiveSeconds), 'default'),
  retentionCount: field('RUNWIRE_RETENTION_COUNT', orNone<'default'>(whole(0)), 'default'),
  retentionBytes: field('RUNWIRE_RETENTION_BYTES', orNone<'default'>(bytes), 'default'),
  envPassthrough: field('RUNWIRE_ENV_PASSTHROUGH', variables, []),
  httpAllow: field('RUNWIRE_HTTP_ALLOW', addressRules, []),
  httpDeny: field('RUNWIRE_HTTP_DENY', addressRules, []),
  secretsFile: field('RUNWIRE_SECRETS_FILE', z.string().nullable(), null),
  publicUrl: field('RUNWIRE_PUBLIC_URL', origin.nullable(), null),
  logLevel: field(
    'RUNWIRE_LOG_LEVEL',
    z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
    'info',
  ),
  logFormat: field('RUNWIRE_LOG_FORMAT', z.enum(['auto', 'json', 'text']), 'auto'),
  drainSeconds: field('RUNWIRE_DRAIN_SECONDS', seconds, 30),
  onExit: field('RUNWIRE_ON_EXIT', z.enum(['auto', 'cancel', 'leave']), 'auto'),
  spawn: field('RUNWIRE_SPAWN', z.enum(['auto', 'posix', 'portable']), 'auto'),
  dockerHost: field(
    'DOCKER_HOST',
    z
      .string()
      .regex(/^(unix|tcp|https?):\/\//, { error: 'must begin with unix:// or tcp://' })
      .refine((text) => !hasCredentials(text), { error: 'must not contain a user or password' })
      .nullable(),
    null,
  ),
  dockerCertPath: field('DOCKER_CERT_PATH', z.string().nullable(), null),
  dockerMountRoots: field('RUNWIRE_DOCKER_MOUNT_ROOTS', directories, []),
  fsync: field('RUNWIRE_FSYNC', z.enum(['off', 'on']), 'off'),
} as const;

/** The configuration of one server. Sizes in bytes, times in seconds, `null` = none. docs/configuration.md */
export type Config = { readonly [Name in keyof typeof FIELDS]: z.output<(typeof FIELDS)[Name]['schema']> };

/** The names of all variables, as docs/configuration.md lists them. */
export const VARIABLES: readonly string[] = Object.values(FIELDS).map(({ variable }) => variable);

/** What a run finds in its environment; a server started by a run is not configured by it. */
const SET_BY_RUNS = new Set(['RUNWIRE_INVOCATION_ID', 'RUNWIRE_ARTIFACT_DIR']);

/** Values that stop the start: one line for each, naming its variable. */
export class ConfigError extends Error {
  readonly lines: readonly string[];

  constructor(lines: readonly string[]) {
    super(lines.join('\n'));
    this.name = 'ConfigError';
    this.lines = lines;
  }
}

/**
 * Reads the configuration from environment variables. An empty value counts as absent; an
 * unknown RUNWIRE_ variable is a warning. The file of the token is read. Throws ConfigError. No line repeats the token.
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>): {
  config: Config;
  warnings: string[];
} {
  const lines: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, { variable, schema, absent }] of Object.entries(FIELDS)) {
    const text = env[variable]?.trim();
    if (text === undefined || text === '') values[name] = absent;
    else {
      const parsed = schema.safeParse(text);
      if (parsed.success) values[name] = parsed.data;
      else lines.push(complaint(variable, text, parsed.error));
    }
  }
  if (lines.length > 0) throw new ConfigError(lines);
  const given = values as Config; // each value came from its field's schema or is its default
  const config = given.tokenFile === null ? given : { ...given, token: tokenIn(given) };
  const { defaultTimeoutSeconds: usual, maxTimeoutSeconds: most } = config;
  if (usual !== null && most !== null && usual > most)
    throw new ConfigError([
      `RUNWIRE_DEFAULT_TIMEOUT_SECONDS=${usual} is more than RUNWIRE_MAX_TIMEOUT_SECONDS=${most}`,
    ]);
  if (config.token === null && !isLoopback(config.host))
    throw new ConfigError([
      `RUNWIRE_HOST=${config.host} is not a loopback address: set RUNWIRE_TOKEN or RUNWIRE_TOKEN_FILE to serve others than this machine`,
    ]);
  if (isShort(config.token) && !isLoopback(config.host))
    throw new ConfigError([
      `${config.tokenFile === null ? 'RUNWIRE_TOKEN' : 'The token in RUNWIRE_TOKEN_FILE'} is shorter than ${SHORT_TOKEN} characters: anybody who reaches RUNWIRE_HOST=${config.host} could guess it`,
    ]);
  return { config, warnings: warningsOf(env, config) };
}

function tokenIn({ token, tokenFile }: Config): string {
  if (token !== null)
    throw new ConfigError(['RUNWIRE_TOKEN and RUNWIRE_TOKEN_FILE are both set: leave one of them out']);
  try {
    return readToken(tokenFile ?? '');
  } catch (error) {
    throw new ConfigError([`RUNWIRE_TOKEN_FILE=${JSON.stringify(tokenFile)} ${(error as Error).message}`]);
  }
}

/** Files elsewhere than in the data directory that hold what no client may have. */
export function privateFiles({ secretsFile, tokenFile, dockerCertPath }: Config): string[] {
  const files = [secretsFile, tokenFile, dockerCertPath && join(dockerCertPath, 'key.pem')];
  return files.flatMap((file) => (file === null || file === '' ? [] : resolve(file)));
}

/** The configuration without secrets, for the log and for people. */
export function printable(config: Config): Record<string, unknown> {
  return { ...config, token: config.token === null ? null : '(set)' };
}

/** Does the name or address reach only this machine. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[|\]$/g, '');
  return name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'));
}

/** A host as a Host header has it, in its plain spelling; null where none could have it. */
function allowedHost(entry: string): string | null {
  const [, host = '', port] = /^(\[[^\]]*\]|[^:[\]]+)(?::(\d{1,5}))?$/.exec(entry) ?? [];
  const plain = plainHost(host);
  const isV6 = host.startsWith('[');
  if (!(isV6 ? isIP(plain) === 6 : isIP(plain) === 4 || isHostName(plain))) return null;
  if (port !== undefined && !(Number(port) >= 1 && Number(port) <= 65535)) return null;
  return `${isV6 ? `[${plain}]` : plain}${port === undefined ? '' : `:${Number(port)}`}`;
}

const SHORT_TOKEN = 16;

const isShort = (token: string | null): boolean => token !== null && token.length < SHORT_TOKEN;

function field<S extends z.ZodType>(variable: string, schema: S, absent: NoInfer<z.output<S>>) {
  return { variable, schema, absent };
}

function complaint(variable: string, text: string, error: z.ZodError): string {
  const issue = error.issues[0];
  const what = issue?.code === 'invalid_value' ? `must be one of ${issue.values.join(', ')}` : issue?.message;
  const shown = variable === 'RUNWIRE_TOKEN' || text.includes('@') ? '' : `=${JSON.stringify(text)}`;
  return `${variable}${shown} ${what}`;
}

function warningsOf(env: Readonly<Record<string, string | undefined>>, config: Config): string[] {
  const warnings = Object.keys(env)
    .filter(
      (name) =>
        name.startsWith('RUNWIRE_') &&
        !VARIABLES.includes(name) &&
        !SET_BY_RUNS.has(name) &&
        !holdsSecret(name),
    )
    .sort()
    .map((name) => `${name} is not a variable of this server and is ignored`);
  if (isShort(config.token))
    warnings.push(
      `${config.tokenFile === null ? 'RUNWIRE_TOKEN' : 'The token in RUNWIRE_TOKEN_FILE'} is short: 16 or more random characters are hard to guess`,
    );
  const open = [
    openToOthers('RUNWIRE_TOKEN_FILE', config.tokenFile),
    openToOthers('RUNWIRE_SECRETS_FILE', config.secretsFile),
  ];
  return [...warnings, ...open.filter((warning) => warning !== null)];
}
