// Who may import what: made of the tables in rooms.cjs.
const { ROOMS, LIBRARIES } = require('./rooms.cjs');

const SHIPPED = '^(client|cli|mcp|src|routes|runners)/';
const literally = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const { statSync } = require('node:fs');
const isFolder = (path) =>
  statSync(`${__dirname}/${path}`, { throwIfNoEntry: false })?.isDirectory() ?? false;
/** The files of a room or, where the name is not that of a folder, the one file. */
const filesOf = (name) =>
  name === '*' ? SHIPPED : isFolder(name) ? `^${literally(name)}/[^/]+$` : `^${literally(name)}[.]ts$`;
/** A library by its name: any file of it and of its types, the bare name where it is not installed. */
const library = (name) =>
  name.startsWith('node:')
    ? `^(node:)?${literally(name.slice(5))}$`
    : `(^|(^|/)node_modules/)(@types/)?${literally(name)}(/|$)`;

const rooms = Object.entries(ROOMS)
  .filter(([, { imports }]) => !imports.includes('*'))
  .map(([room, { imports }]) => ({
    name: `room ${room}`,
    comment: `${room} imports ${imports.join(', ') || 'no other room'}.`,
    severity: 'error',
    from: { path: filesOf(room) },
    to: { path: SHIPPED, pathNot: [room, ...imports].map(filesOf) },
  }));

const doors = Object.entries(ROOMS)
  .filter(([, { doors }]) => !doors.includes('*'))
  .map(([room, { doors }]) => ({
    name: `doors of ${room}`,
    comment: `Others import of ${room}: ${doors.join(', ') || 'nothing'}.`,
    severity: 'error',
    from: { path: SHIPPED, pathNot: filesOf(room) },
    to: { path: filesOf(room), pathNot: doors.map((door) => filesOf(`${room}/${door}`)) },
  }));

const libraries = Object.entries(LIBRARIES).flatMap(([name, { rooms, types = [] }]) => [
  {
    name: `library ${name}`,
    comment: `${name} is had by ${rooms.join(', ') || 'nobody'}.`,
    severity: 'error',
    from: { path: SHIPPED, pathNot: [...rooms, ...types].map(filesOf) },
    to: { path: library(name) },
  },
  ...(types.length === 0
    ? []
    : [
        {
          name: `types of ${name}`,
          comment: `${types.join(', ')} may know the types of ${name}, and not run it.`,
          severity: 'error',
          from: { path: types.map(filesOf) },
          to: { path: library(name), dependencyTypesNot: ['type-only'] },
        },
      ]),
]);

module.exports = {
  forbidden: [
    {
      name: 'no cycles',
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
      name: 'production only',
      comment: 'Shipped code runs with `npm ci --omit=dev`.',
      severity: 'error',
      from: { path: SHIPPED },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'shipped code only',
      comment: 'Shipped code knows nothing of tests, benches, examples and scripts.',
      severity: 'error',
      from: { path: SHIPPED },
      to: { path: '^(test|bench|examples|scripts)/' },
    },
    {
      name: 'a room for every file',
      comment: 'A folder without a row in rooms.cjs is nowhere in the house.',
      severity: 'error',
      from: { path: SHIPPED, pathNot: Object.keys(ROOMS).map(filesOf) },
      to: {},
    },
    {
      name: 'a row for every library',
      comment: 'Who may have a library is said in rooms.cjs.',
      severity: 'error',
      from: { path: SHIPPED },
      to: { path: '(^|/)node_modules/', pathNot: Object.keys(LIBRARIES).map(library) },
    },
    {
      name: 'a browser runs it',
      comment: 'The client has nothing of Node that a browser has not.',
      severity: 'error',
      from: { path: '^client/' },
      to: { dependencyTypes: ['core'] },
    },
    ...rooms,
    ...doors,
    ...libraries,
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
