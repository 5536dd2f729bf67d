import { globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { ALL_PERMISSIONS } from '../src/users/roles.rules.js';

interface Operation {
  security?: Record<string, string[]>[];
  parameters?: { name: string; schema?: { maximum?: number } }[];
  responses: Record<string, { content?: Record<string, { schema: { $ref?: string } }> }>;
}

const root = join(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const { paths, components } = JSON.parse(read('openapi.json')) as {
  paths: Record<string, Partial<Record<'get' | 'post' | 'put' | 'patch' | 'delete', Operation>>>;
  components: { schemas: Record<string, { properties?: object }> };
};
const operations = Object.entries(paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({ path, method, ...operation })),
);

const takes = ({ parameters = [] }: Operation, name: string) => parameters.find((parameter) => parameter.name === name);
const isPublic = ({ security = [] }: Operation) => security.some((scheme) => Object.keys(scheme).length === 0);

/** Whether the answer to a success has this member. */
function answers(operation: Operation | undefined, member: string): boolean {
  const [, success] = Object.entries(operation?.responses ?? {}).find(([status]) => status.startsWith('2')) ?? [];
  const name = success?.content?.['application/json']?.schema.$ref?.split('/').at(-1) ?? '';
  return member in (components.schemas[name]?.properties ?? {});
}

const named = (found: typeof operations, wayOut: string) => found.map(({ method, path }) => `${method.toUpperCase()} ${path}: ${wayOut}`);

/** What is made with an answer that must not be kept for a repetition, and why. */
const NEVER_REPEATED: Record<string, string> = {
  '/api/v1/auth/identities': 'a code is good once, and the same account elsewhere is linked once',
  '/api/v1/events/tickets': 'a ticket is a secret, and one more harms nobody',
  '/api/v1/auth/passkeys/registration': 'its challenge is good once, and its recovery codes are secrets',
  '/api/v1/auth/api-keys': 'the key is a secret that is shown once',
  '/api/v1/posts/{id}/preview-links': 'the link is a secret that is shown once',
  '/api/v1/users/{id}/impersonation': 'the access token is a secret, and one more harms nobody',
};

describe('what is easily forgotten', () => {
  it('a PATCH shows what became of the resource, with its version', () => {
    const blind = operations.filter((operation) => operation.method === 'patch' && !answers(operation, 'version'));
    expect(named(blind, 'its answer needs a version, counted up by every change')).toEqual([]);
  });

  it('a write to what has a version heeds If-Match', () => {
    const heedless = operations.filter(
      (operation) =>
        ['put', 'patch', 'delete'].includes(operation.method) &&
        (answers(operation, 'version') || answers(paths[operation.path]!.get, 'version')) &&
        !takes(operation, 'If-Match'),
    );
    expect(named(heedless, 'it needs @IfMatch(), handed to expectVersion')).toEqual([]);
  });

  it('a POST that makes or changes something can be retried', () => {
    const twice = operations.filter(
      (operation) =>
        operation.method === 'post' &&
        !isPublic(operation) &&
        !(operation.path in NEVER_REPEATED) &&
        ('201' in operation.responses || answers(operation, 'version')) &&
        !answers(operation, 'secret') && // which is shown once, and kept in no answer
        !takes(operation, 'Idempotency-Key'),
    );
    expect(named(twice, 'it needs @Idempotent()')).toEqual([]);
  });

  it('a list has pages of a limited size', () => {
    const endless = operations.filter((operation) => takes(operation, 'cursor') && !takes(operation, 'limit')?.schema?.maximum);
    expect(named(endless, 'its query must extend ListQuery')).toEqual([]);
  });

  it('a permission that the code asks for is given to a role', () => {
    const asked = globSync('{src,libs}/**/*.ts', { cwd: root }).flatMap((file) =>
      [...read(file).matchAll(/\bcan\('([^']+)'\)/g)].map(([, permission]) => ({ file, permission: permission! })),
    );
    expect(asked.length).toBeGreaterThan(5);
    expect(asked.filter(({ permission }) => !ALL_PERMISSIONS.has(permission))).toEqual([]);
  });

  it('a class of a *.dto.ts is exported: the document would lack its members', () => {
    const files = globSync('{src,libs}/**/*.dto.ts', { cwd: root });
    expect(files.length).toBeGreaterThan(20);
    const hidden = files.flatMap((file) => [...read(file).matchAll(/^(?:abstract )?class (\w+)/gm)].map(([, name]) => `${file}: ${name}`));
    expect(hidden).toEqual([]);
  });

  it('a module of a feature is one of the application’s', () => {
    const modules = globSync('src/*/*.module.ts', { cwd: root });
    expect(modules.length).toBeGreaterThan(10);
    const importing = ['src/app.module.ts', ...modules].map(read).join('');
    expect(modules.filter((file) => !importing.includes(`/${basename(file, '.ts')}.js'`))).toEqual([]);
  });

  it('a service, a listener, a controller is one of a module’s: what nobody provides does nothing, and says nothing', () => {
    const modules = globSync('src/{*.module,*/*.module}.ts', { cwd: root }).map(read).join('');
    const classes = globSync('src/*/*.{service,listener,controller,jobs,invariants,privacy}.ts', { cwd: root }).flatMap((file) =>
      [...read(file).matchAll(/^@(?:Injectable|Controller)\((?:.*\n)*?export class (\w+)/gm)].map(([, name]) => ({ file, name: name! })),
    );
    expect(classes.length).toBeGreaterThan(100);
    const forgotten = classes.filter(({ name }) => !new RegExp(`\\b${name}\\b`).test(modules));
    expect(forgotten.map(({ file, name }) => `${file}: add ${name} to the providers or controllers of a module`)).toEqual([]);
  });

  it('a constraint that an error is recognised by is one of the database’s', () => {
    const migrations = globSync('prisma/migrations/*/migration.sql', { cwd: root }).map(read).join('');
    const asked = globSync('src/**/*.ts', { cwd: root }).flatMap((file) =>
      [...read(file).matchAll(/isUniqueViolation\(\w+, '([^']+)'\)/g)].map(([, constraint]) => ({ file, constraint: constraint! })),
    );
    expect(asked.length).toBeGreaterThan(10);
    expect(asked.filter(({ constraint }) => !migrations.includes(`"${constraint}"`))).toEqual([]);
  });

  it('a feature has a test over HTTP', () => {
    const features = globSync('src/*/*.controller.ts', { cwd: root }).filter(
      (file) => basename(file) === `${basename(dirname(file))}.controller.ts`,
    );
    const specs = features.map((file) => `test/${basename(dirname(file))}.e2e-spec.ts`);
    expect(specs.length).toBeGreaterThan(3);
    expect(specs.filter((spec) => globSync(spec, { cwd: root }).length === 0)).toEqual([]);
  });
});
