// The house: every folder of shipped code is a room with a row here, read from the ground floor up.
// .dependency-cruiser.cjs makes its rules of these two tables, test/imports.test.ts plants a violation of every row,
// and docs/ARCHITECTURE.md shows the same rows.

/** What every runner is given. */
const GIVEN = ['src/contract', 'src/documents', 'src/disk/run-directory', 'src/outbound', 'src/platform'];

/** What a command has. */
const VERBS = ['client/runwire', 'cli/print', 'cli/files', 'cli/run', 'cli/process', 'cli/words'];

/**
 * Room by room: its one sentence; its doors, the files that others may import (`*`: each of them); the rooms and
 * files that it may import itself. Whatever is not said is forbidden, and a type is an import like any other.
 * A room is the files of one folder, or one file.
 *
 * @type {Record<string, { says: string, doors: string[], imports: string[] }>}
 */
const ROOMS = {
  client: {
    says: 'the TypeScript client: what a program elsewhere, or in a browser, has of a server',
    doors: ['runwire'],
    imports: [],
  },
  'mcp/output': {
    says: 'output of a run in a budget of bytes, and a run in few words, for models',
    doors: ['*'],
    imports: ['client/runwire'],
  },
  'mcp/tools': {
    says: 'what a model can do: a file a tool, or a few that are alike',
    doors: ['*'],
    imports: ['client/runwire', 'mcp/output'],
  },
  'mcp/tasks': {
    says: 'a run as a task, in the words of either revision of the protocol',
    doors: ['*'],
    imports: ['client/runwire', 'mcp/tools', 'mcp/output'],
  },
  mcp: {
    says: 'the Model Context Protocol, over the client: on standard input and output, or by HTTP',
    doors: ['stdio', 'http'],
    imports: ['client/runwire', 'mcp/tasks', 'mcp/tools'],
  },
  'src/platform': {
    says: 'what Node and the system leave open; knows no word of ours',
    doors: ['*'],
    imports: [],
  },
  'src/documents': {
    says: 'what is said over the wire, each thing listed once',
    doors: ['*'],
    imports: ['src/platform'],
  },
  'src/outbound': {
    says: 'where this server may call, with which secret and signature, and one guarded exchange',
    doors: [
      ...['address-guard', 'masking', 'secret-forms', 'secrets', 'signature', 'signed-post'],
      ...['connections', 'exchange', 'redirect', 'answer-head', 'failure', 'wait'],
    ],
    imports: ['src/documents', 'src/platform'],
  },
  'src/config': {
    says: 'every variable of the server, read once',
    doors: ['*'],
    imports: ['src/outbound', 'src/documents', 'src/platform'],
  },
  'src/metrics': {
    says: 'what is counted, for Prometheus',
    doors: ['*'],
    imports: ['src/documents'],
  },
  'src/disk': {
    says: 'what lies where in the data directory, what of it is private, and whether there is room',
    doors: ['*'],
    imports: ['src/documents', 'src/platform'],
  },
  'src/store': {
    says: 'records that survive `kill -9`',
    doors: [
      ...['invocation-store', 'lasting-write', 'deliveries', 'finished-runs', 'removed-runs', 'run-list'],
      ...['workspaces', 'snapshots', 'specs', 'assets', 'sessions', 'making-room'],
    ],
    imports: ['src/documents', 'src/platform'],
  },
  'src/journal': {
    says: 'the output and events of a run, written once by one process',
    doors: ['recorder', 'earlier', 'journal'],
    imports: ['src/disk', 'src/documents', 'src/platform'],
  },
  'src/log': {
    says: 'the same, read by any number at any pace',
    doors: ['event-log', 'logged-event', 'output-reader', 'scratch'],
    imports: ['src/journal', 'src/disk', 'src/documents', 'src/platform'],
  },
  'src/contract': {
    says: 'what a runner promises, is given and answers',
    doors: ['*'],
    imports: ['src/documents', 'src/disk/run-directory', 'src/platform'],
  },
  'src/artifacts': {
    says: 'files that a run made: found, copied, hashed',
    doors: ['collection', 'outputs', 'caps', 'glob', 'open-inside'],
    imports: ['src/disk', 'src/documents', 'src/platform'],
  },
  'src/files': {
    says: 'files in and out: names, archives, a tree that no link leads out of',
    doors: [
      'names',
      'staging',
      'unpack',
      'unpack-tree',
      'directory-tar',
      'file-bytes',
      'one-file-tar',
      'tar-entries',
      'archive-links',
      'fill',
      'ledger',
      'scan',
      'whole',
      'tree',
      'walk',
      'below',
      'remove',
      'matching',
      'pack',
      'blocks',
      'edit',
      'exchange',
      'discard',
      'way',
    ],
    imports: ['src/artifacts', 'src/documents', 'src/platform'],
  },
  'src/contents': {
    says: 'bytes, kept once under their hash',
    doors: ['*'],
    imports: ['src/platform'],
  },
  'src/snapshots': {
    says: 'a tree at one moment: taken, told, put back',
    doors: ['*'],
    imports: ['src/contents', 'src/files', 'src/artifacts', 'src/disk', 'src/documents', 'src/platform'],
  },
  'src/diff': {
    says: 'how two trees differ, as a document and as a patch that git takes',
    doors: ['diff'],
    imports: ['src/snapshots', 'src/files', 'src/documents', 'src/platform'],
  },
  'src/git': {
    says: 'trees from git addresses, brought by the git of the machine',
    doors: ['source'],
    imports: ['src/outbound', 'src/documents', 'src/platform'],
  },
  'src/workspaces': {
    says: 'directories that outlive a run: made, filled, used in turn, removed',
    doors: ['workspaces', 'spaces', 'run-turns'],
    imports: ['src/snapshots', 'src/files', 'src/store', 'src/disk', 'src/documents', 'src/platform'],
  },
  'src/assets': {
    says: 'bytes and directories kept under a name, in versions that never change',
    doors: ['asset-book', 'assets', 'stored-assets', 'used-assets'],
    imports: [
      ...['src/snapshots', 'src/contents', 'src/files', 'src/store', 'src/outbound'],
      ...['src/disk', 'src/documents', 'src/platform'],
    ],
  },
  'src/fill': {
    says: 'what placeholders and templates stand for, in its place',
    doors: ['text', 'document', 'invocation'],
    imports: ['src/documents', 'src/platform'],
  },
  'src/specs': {
    says: 'stored environments: versions that never change, and what they say before an invocation does',
    doors: ['spec-book', 'stored-specs', 'incomplete-options'],
    imports: ['src/assets', 'src/fill', 'src/store', 'src/disk', 'src/documents', 'src/platform'],
  },
  'src/sessions': {
    says: 'environments that are set up once for many runs: made, checked, put back, closed',
    doors: ['sessions', 'all-sessions'],
    imports: [
      'src/workspaces',
      'src/assets',
      'src/specs',
      'src/store',
      'src/contract',
      'src/disk',
      'src/documents',
      'src/platform',
    ],
  },
  'src/inputs': {
    says: 'what a run is given by declaration: pinned, and made for it',
    doors: ['given-inputs', 'pin'],
    imports: [
      ...['src/assets', 'src/files', 'src/artifacts', 'src/contract', 'src/disk', 'src/documents'],
      'src/platform',
    ],
  },
  'src/traces': {
    says: 'what a run took where, for OpenTelemetry: nothing where no variable asks for it',
    doors: ['traces'],
    imports: ['src/outbound', 'src/documents', 'src/platform'],
  },
  'src/webhooks': {
    says: 'results on their way to `on_finish`',
    doors: ['deliveries'],
    imports: ['src/store', 'src/outbound', 'src/documents', 'src/platform'],
  },
  'src/retention': {
    says: 'what is kept, for how long',
    doors: ['retention', 'limits', 'age-clock'],
    imports: ['src/store', 'src/platform'],
  },
  'src/run': {
    says: 'one run, from its place to its stored result',
    doors: [
      'live-run',
      'execution',
      'preparation',
      'working-paths',
      'workspace-run',
      'callback-address',
      'process-environment',
      'finished-facts',
      'given',
      'session-role',
      'session-runs',
    ],
    imports: [
      ...['src/artifacts', 'src/files', 'src/log', 'src/journal', 'src/contract', 'src/workspaces'],
      ...['src/assets', 'src/store', 'src/outbound', 'src/traces'],
      ...['src/disk', 'src/documents', 'src/platform', 'src/config'],
    ],
  },
  'src/engine': {
    says: 'all runs of one server: taken in, queued, recovered, read, removed',
    doors: ['engine', 'run-engine', 'registry', 'places-for-files'],
    imports: [
      ...[
        'src/run',
        'src/log',
        'src/workspaces',
        'src/assets',
        'src/fill',
        'src/inputs',
        'src/specs',
        'src/store',
        'src/contract',
        'src/traces',
      ],
      'src/disk',
      ...['src/documents', 'src/platform', 'src/config', 'src/metrics'],
    ],
  },
  'src/supervisor/protocol': {
    says: 'what the server and the second process say to each other, a line each, and its checks',
    doors: ['*'],
    imports: ['src/documents', 'src/platform'],
  },
  'src/supervisor/find': {
    says: 'the processes of a run, wherever they went',
    doors: ['*'],
    imports: ['src/platform'],
  },
  'src/supervisor/spawn': {
    says: 'a program, started without a fork of the whole',
    doors: ['*'],
    imports: ['src/supervisor/find', 'src/supervisor/protocol', 'src/documents', 'src/platform'],
  },
  'src/supervisor': {
    says: 'the second process, which owns programs',
    doors: [],
    imports: [
      ...['src/supervisor/protocol', 'src/supervisor/spawn', 'src/supervisor/find', 'src/journal'],
      ...['src/disk', 'src/documents', 'src/platform'],
    ],
  },
  'src/supervisor/client': {
    says: "the server's side of it",
    doors: ['client', 'listener'],
    imports: ['src/supervisor/protocol', 'src/documents', 'src/platform'],
  },
  'runners/wire': {
    says: 'what a request says and an answer is, for every kind that calls others',
    doors: ['*'],
    imports: [...GIVEN, 'src/files'],
  },
  'runners/subprocess': {
    says: 'the kind `subprocess`',
    doors: ['runner'],
    imports: [...GIVEN, 'src/supervisor/client', 'src/supervisor/protocol'],
  },
  'runners/docker/keeper': {
    says: 'what watches programs inside a container, and how its journal is read',
    doors: ['binary', 'frames', 'words', 'signals'],
    imports: ['src/documents'],
  },
  'runners/docker': {
    says: 'the kind `docker`',
    doors: ['runner'],
    imports: [
      ...GIVEN,
      ...[
        'src/disk/private-places',
        'src/disk/private-view',
        'src/artifacts/caps',
        'src/artifacts/glob',
        'src/artifacts/open-inside',
      ],
      ...['src/files', 'runners/docker/keeper'],
    ],
  },
  'runners/http': {
    says: 'the kind `http`',
    doors: ['runner'],
    imports: [...GIVEN, 'runners/wire', 'src/files', 'src/disk/private-places'],
  },
  'runners/http-async/presets': {
    says: 'services whose jobs http_async knows by name: data, a file each',
    doors: ['*'],
    imports: [],
  },
  'runners/http-async': {
    says: 'the kind `http_async`',
    doors: ['runner'],
    imports: [...GIVEN, 'runners/wire', 'runners/http-async/presets'],
  },
  'runners/manual': {
    says: 'the kind `manual`',
    doors: ['runner', 'dispatcher', 'post'],
    imports: GIVEN,
  },
  runners: {
    says: 'all kinds, a line each',
    doors: ['index'],
    imports: [
      ...['runners/subprocess', 'runners/docker', 'runners/http', 'runners/http-async', 'runners/manual'],
      ...[
        'src/contract',
        'src/outbound',
        'src/supervisor/client',
        'src/documents',
        'src/disk/private-places',
      ],
      'src/config',
    ],
  },
  'routes/requests': {
    says: 'what comes in: who may, in which form, how long',
    doors: ['*'],
    imports: ['src/engine/engine', 'src/files', 'src/documents', 'src/config', 'src/platform'],
  },
  'routes/answers': {
    says: 'what goes out, no faster than it is taken',
    doors: ['*'],
    imports: [
      ...['routes/requests', 'src/engine/engine', 'src/workspaces/workspaces', 'src/specs/spec-book'],
      ...[
        'src/assets/assets',
        'src/sessions/sessions',
        'src/files',
        'src/log',
        'src/documents',
        'src/metrics',
        'src/platform',
      ],
    ],
  },
  routes: {
    says: 'a file a resource; `app` puts them on a server',
    doors: ['app'],
    imports: [
      ...['routes/requests', 'routes/answers', 'src/engine/engine', 'src/workspaces/workspaces'],
      ...['src/assets/assets', 'src/sessions/sessions'],
      ...['src/contract/claims', 'src/documents', 'src/config', 'src/files', 'src/metrics', 'src/platform'],
      'mcp/http',
    ],
  },
  'src/command': {
    says: 'what a person at a terminal says and is told',
    doors: ['*'],
    imports: ['src/config', 'src/platform'],
  },
  'src/service': {
    says: 'all parts of one server, put together',
    doors: ['*'],
    imports: ['*'],
  },
  'src/server': {
    says: 'the process: configuration, listening, the orderly end',
    doors: ['*'],
    imports: ['src/service', 'src/command', 'src/config', 'src/run/process-environment', 'src/platform'],
  },
  'cli/words': {
    says: 'what is said on a command line: durations, sizes, pairs',
    doors: ['*'],
    imports: [],
  },
  'cli/process': {
    says: 'the process at a terminal: its server, what it writes, how it is interrupted and ends',
    doors: ['*'],
    imports: ['client/runwire'],
  },
  'cli/files': {
    says: 'files here: sent, received, and what a command line calls those of the server',
    doors: ['*'],
    imports: ['client/runwire', 'cli/process', 'cli/words'],
  },
  'cli/run': {
    says: 'one run, from flags to its exit code',
    doors: ['*'],
    imports: ['client/runwire', 'cli/process', 'cli/words'],
  },
  'cli/print': {
    says: 'things as a table, as a page, as JSON',
    doors: ['*'],
    imports: ['client/runwire', 'cli/run', 'cli/process', 'cli/words'],
  },
  'cli/commands/workspace': {
    says: 'the verbs of `runwire workspace`, a file each',
    doors: ['group'],
    imports: VERBS,
  },
  'cli/commands/snapshot': {
    says: 'those of `runwire snapshot`',
    doors: ['group'],
    imports: VERBS,
  },
  'cli/commands/session': {
    says: 'those of `runwire session`',
    doors: ['group'],
    imports: VERBS,
  },
  'cli/commands/spec': {
    says: 'those of `runwire spec`',
    doors: ['group'],
    imports: VERBS,
  },
  'cli/commands/asset': {
    says: 'those of `runwire asset`',
    doors: ['group'],
    imports: VERBS,
  },
  'cli/completion': {
    says: 'what may be written next on a command line, for shells',
    doors: ['*'],
    imports: ['client/runwire'],
  },
  'cli/commands': {
    says: 'a file a command, or a few that are alike',
    doors: ['*'],
    imports: [...VERBS, 'cli/completion', 'mcp/stdio', 'src/server'],
  },
  cli: {
    says: 'the command line `runwire`, over the client; `main` begins, `all-commands` has all of them',
    doors: [],
    imports: [
      ...['cli/commands', 'cli/commands/workspace', 'cli/commands/snapshot', 'cli/commands/session'],
      ...['cli/commands/spec', 'cli/commands/asset', 'cli/process', 'src/server'],
    ],
  },
};

/**
 * Library by library, and the parts of Node that do something to the machine: the rooms that may have it, and those
 * that may only know its types. A library that is not here is nobody's.
 *
 * @type {Record<string, { rooms: string[], types?: string[] }>}
 */
const LIBRARIES = {
  fastify: { rooms: ['routes', 'routes/requests', 'routes/answers'], types: ['src/service'] },
  'fastify-type-provider-zod': { rooms: ['routes'] },
  '@fastify/swagger': { rooms: ['routes'] },
  '@fastify/swagger-ui': { rooms: ['routes'] },
  ws: { rooms: ['routes/answers'] },
  'find-my-way': { rooms: ['routes/requests'] },
  'content-disposition': { rooms: ['routes', 'routes/answers'] },
  'range-parser': { rooms: ['routes/answers'] },
  zod: {
    rooms: [
      ...['src/documents', 'src/config', 'src/outbound', 'src/specs', 'src/engine'],
      ...['routes', 'routes/requests', 'routes/answers'],
      ...['runners/wire', 'runners/subprocess', 'runners/docker', 'runners/http-async', 'runners/manual'],
      ...['mcp/tools', 'mcp/tasks'],
    ],
    types: ['src/contract'],
  },
  'mime-types': { rooms: ['src/artifacts', 'routes'] },
  'prom-client': { rooms: ['src/metrics'] },
  '@opentelemetry/api': { rooms: ['src/traces'] },
  '@opentelemetry/exporter-trace-otlp-http': { rooms: ['src/traces'] },
  '@opentelemetry/exporter-trace-otlp-proto': { rooms: ['src/traces'] },
  '@opentelemetry/resources': { rooms: ['src/traces'] },
  '@opentelemetry/sdk-trace': { rooms: ['src/traces'] },
  pino: { rooms: ['src/server'], types: ['src/service', 'src/engine', 'src/webhooks'] },
  'eventsource-parser': { rooms: ['runners/http-async'] },
  dockerode: { rooms: ['runners/docker'] },
  'tar-stream': { rooms: ['runners/docker'] },
  yauzl: { rooms: ['src/files'] },
  yazl: { rooms: ['src/files'] },
  '@fastify/multipart': { rooms: ['routes/requests'] },
  koffi: { rooms: ['src/supervisor/spawn', 'src/platform'] },
  '@jest/diff-sequences': { rooms: ['src/diff'] },
  '@modelcontextprotocol/server': { rooms: ['mcp', 'mcp/tasks'] },
  commander: {
    rooms: [
      ...['cli', 'cli/commands', 'cli/commands/session', 'cli/completion', 'cli/files'],
      ...['cli/print', 'cli/words'],
    ],
    types: [
      ...['cli/process', 'cli/commands/workspace', 'cli/commands/snapshot'],
      ...['cli/commands/spec', 'cli/commands/asset'],
    ],
  },
  'node:sqlite': { rooms: ['src/store'] },
  'node:child_process': {
    rooms: ['cli/process', 'src/supervisor/spawn', 'src/supervisor/client', 'src/git'],
  },
  'node:cluster': { rooms: [] },
  'node:worker_threads': { rooms: ['src/snapshots', 'src/diff'] },
  'node:process': { rooms: [] },
};

module.exports = { ROOMS, LIBRARIES };
