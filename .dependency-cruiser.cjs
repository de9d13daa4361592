// Who may import what: docs/ARCHITECTURE.md has the same table in words.
// test/imports.test.ts plants a violation of every rule and sees it caught.

/** The shapes that everything stands on, and a kind of map: no behaviour of the server, no library but zod. */
const SHAPES =
  '^src/(artifact|call-url|churn-map|claim|claims|completion|worker-event|errors|event|field-errors|invocation|options|outcome|record|delivery-record|result|run-directory|runner|shortage|stream)[.]ts$';
/** What the journal's writer needs, so that it may run in another process. */
const WRITER =
  '^src/(capture|capture-check|event-lengths|journal|journal-lines|journal-repair|recorded|recorder|run-directory|shortage|utf8|whole-write)[.]ts$';
/** The composition root: the only files that know both edges. */
const ROOT = '^src/(app|server|service)[.]ts$';
/** What runners are given by the composition root, and what puts a schema's complaints into words. */
const GIVEN = '^src/(address-guard|secrets|field-errors|private-places|private-view|byte-path)[.]ts$';
const SUPERVISOR = '^src/supervisor/';
const PACKAGES = '(^|/)node_modules/';
/** Packages by name: any file of them, and the bare name where one is not installed. */
const packages = (...names) => `(^|/node_modules/|^node_modules/)(${names.join('|')})(/|$)`;

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'A cycle, of types too, means that two files are one concept.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'resolvable',
      comment: 'An import that cannot be resolved is not checked by any other rule.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'production-only',
      comment: 'Shipped code runs with `npm ci --omit=dev`.',
      severity: 'error',
      from: { path: '^(src|routes|runners)/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'shipped-code-only',
      comment: 'Shipped code knows nothing of tests, benches, examples and scripts.',
      severity: 'error',
      from: { path: '^(src|routes|runners)/' },
      to: { path: '^(test|bench|examples|scripts)/' },
    },
    {
      name: 'shapes-are-bare',
      comment: 'The documents and the runner contract import zod and each other.',
      severity: 'error',
      from: { path: SHAPES, pathNot: '^src/run-directory[.]ts$' },
      to: { pathNot: [SHAPES, packages('zod')] },
    },
    {
      name: 'core-knows-no-edge',
      comment: 'src/ is the core: only the composition root imports routes/ and runners/.',
      severity: 'error',
      from: { path: '^src/', pathNot: ROOT },
      to: { path: '^(routes|runners)/' },
    },
    {
      name: 'core-libraries',
      comment: 'The core needs zod; no HTTP framework, no runtime library.',
      severity: 'error',
      from: { path: '^src/', pathNot: [ROOT, SUPERVISOR] },
      to: {
        path: PACKAGES,
        pathNot: packages('zod', 'mime-types', 'prom-client', '@types/mime-types'),
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'core-library-types',
      comment: 'Of other libraries the core may know the types of pino and nothing else.',
      severity: 'error',
      from: { path: '^src/', pathNot: [ROOT, SUPERVISOR] },
      to: {
        path: PACKAGES,
        pathNot: packages('zod', 'mime-types', 'prom-client', '@types/mime-types', 'pino'),
        dependencyTypes: ['type-only'],
      },
    },
    {
      name: 'nobody-imports-the-root',
      comment: 'src/app.ts and src/server.ts put the parts together; no part needs them.',
      severity: 'error',
      from: { path: '^(src|routes|runners)/', pathNot: ROOT },
      to: { path: ROOT },
    },
    {
      name: 'routes-see-the-engine',
      comment:
        'A route parses, calls the engine and answers; how runs are queued, found and executed is hidden from it.',
      severity: 'error',
      from: { path: '^routes/' },
      to: {
        path: ['^runners/', '^src/'],
        pathNot: ['^src/(config|engine|event-log|logged-event|metrics|output-reader|scratch)[.]ts$', SHAPES],
      },
    },
    {
      name: 'routes-know-no-runner',
      comment: 'What a kind can do, the engine tells.',
      severity: 'error',
      from: { path: '^routes/' },
      to: { path: '^src/runner[.]ts$' },
    },
    {
      name: 'routes-start-nothing',
      comment: 'The inbound edge has no library of the outbound edge and no database.',
      severity: 'error',
      from: { path: '^routes/' },
      to: {
        path: [packages('execa', 'dockerode', 'koffi', 'undici'), '^(node:)?(child_process|sqlite|cluster)$'],
      },
    },
    {
      name: 'runners-see-the-contract',
      comment: 'A runner knows the contract and the documents; not the engine, the queue or a store.',
      severity: 'error',
      from: { path: '^runners/', pathNot: ['^runners/lib/', '^runners/subprocess[.]ts$'] },
      to: { path: '^src/', pathNot: [SHAPES, GIVEN] },
    },
    {
      name: 'subprocess-sees-the-protocol',
      comment: 'The subprocess runner also knows the words that the supervisor and its client exchange.',
      severity: 'error',
      from: { path: '^runners/subprocess[.]ts$' },
      to: { path: '^src/', pathNot: [SHAPES, '^src/supervisor/protocol[.]ts$'] },
    },
    {
      name: 'runner-lib-speaks-to-the-supervisor',
      comment:
        "runners/lib/ is the supervisor's client: how it is launched, its protocol, its framing, and the contract; and the globs, for files that are copied out of a container.",
      severity: 'error',
      from: { path: '^runners/lib/' },
      to: {
        path: '^src/',
        pathNot: [SHAPES, GIVEN, '^src/(glob|supervisor/(protocol|launch|lines|messages))[.]ts$'],
      },
    },
    {
      name: 'runners-are-alone',
      comment: 'One runner never imports another; only runners/index.ts lists them all.',
      severity: 'error',
      from: { path: '^runners/', pathNot: '^runners/index[.]ts$' },
      to: { path: '^runners/', pathNot: '^runners/(lib|presets)/' },
    },
    {
      name: 'runners-serve-nothing',
      comment: 'The outbound edge knows no HTTP framework and no route.',
      severity: 'error',
      from: { path: '^runners/' },
      to: { path: ['^routes/', packages('fastify', '@fastify', 'fastify-type-provider-zod', 'prom-client')] },
    },
    {
      name: 'docker-library',
      comment: 'Each runner has its own one library: dockerode is that of docker.',
      severity: 'error',
      from: { pathNot: ['^runners/docker[.]ts$', '^runners/lib/docker', PACKAGES] },
      to: { path: packages('dockerode', '@types/dockerode') },
    },
    {
      name: 'http-library',
      comment: 'Each runner has its own one library: undici is that of http and http_async.',
      severity: 'error',
      from: { path: '^(src|routes|runners)/', pathNot: ['^runners/http', '^runners/lib/http'] },
      to: { path: packages('undici') },
    },
    {
      name: 'runners-read-no-environment',
      comment: 'A runner is told what it needs by its context; the server is configured in one place.',
      severity: 'error',
      from: { path: '^runners/', pathNot: '^runners/lib/' },
      to: { path: '^(node:)?process$' },
    },
    {
      name: 'supervisor-stands-alone',
      comment:
        "The process that owns processes shares the journal's writer, the long timer, the key and the types with the server, and nothing else.",
      severity: 'error',
      from: { path: SUPERVISOR },
      to: {
        path: '^(src|routes|runners)/',
        pathNot: [
          SUPERVISOR,
          WRITER,
          '^src/(artifact|churn-map|event|invocation|kept-key|long-timer|open-files|options|outcome|result|stream)[.]ts$',
        ],
      },
    },
    {
      name: 'supervisor-libraries',
      comment: 'It stays small: koffi, and nothing else.',
      severity: 'error',
      from: { path: SUPERVISOR },
      to: { path: PACKAGES, pathNot: packages('koffi') },
    },
    {
      name: 'supervisor-is-behind-its-protocol',
      comment:
        'Others speak to it over its socket: launch, protocol, its shapes and framing are all they import; and the process of the server, how memory is kept private.',
      severity: 'error',
      from: { path: '^(src|routes|runners)/', pathNot: SUPERVISOR },
      to: {
        path: SUPERVISOR,
        pathNot: '^src/supervisor/(protocol|launch|lines|messages|private-memory)[.]ts$',
      },
    },
    {
      name: 'core-leaves-the-supervisor-to-its-client',
      comment: 'The engine knows runners, not processes.',
      severity: 'error',
      from: { path: '^src/', pathNot: [SUPERVISOR, ROOT] },
      to: { path: SUPERVISOR },
    },
    {
      name: 'only-the-supervisor-starts-processes',
      comment: 'Each fork of the server blocks its event loop and costs more with every MB of heap.',
      severity: 'error',
      from: { path: '^(src|routes|runners)/', pathNot: SUPERVISOR },
      to: { path: ['^(node:)?(child_process|cluster)$', packages('koffi', 'execa')] },
    },
  ],
  options: {
    // dependency-cruiser cannot read TypeScript 7 and would pass after reading nothing; swc can.
    parser: 'swc',
    doNotFollow: { path: 'node_modules' },
    moduleSystems: ['es6', 'cjs'],
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
