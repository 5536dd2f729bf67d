/** An operation, and who may call it. */
export interface GuardedOperation {
  method: string;
  path: string;
  summary: string;
  /** `GET /users` belongs to Users. */
  tag: string;
  access:
    | { level: 'public' }
    | (({ level: 'signed-in' } | { level: 'permission'; permission: string }) & { guests?: { header: string; optional?: boolean } });
  /** Which sessions may call; undefined where API keys may, too. */
  session: 'any' | 'own' | 'fresh' | undefined;
}

/** A role of the application. */
export interface PublishedRole {
  name: string;
  about: string;
  permissions: ReadonlySet<string>;
}

const INTRODUCTION = `# Permissions

Who may call what. Roles are named sets of permissions; these four are part of the application, others are made with \`POST /roles\`. A user may
do what any of their roles allows. Whatever the matrix says, everybody sees and changes only what is their own, unless a permission reaches
further: what is not yours does not exist (404).

Written by \`npm run openapi\` from the decorators of the routes; the check fails when it is not true any more. \`GET /auth/explain\` says why a
user may or may not.
`;

const LEGEND = `✓ may call; empty: is refused (401 without a login, 403 without the permission).

**API key**: \`✓\` where a key may call, which needs the permission among its scopes where one is named; empty where only a session may
(403 \`auth/session-required\`). **Acting as**: whether somebody who acts as the user may call (403 \`auth/impersonating\`). **Fresh**: needs a
proof of who you are within the last minutes (\`POST /auth/step-up\`, or a log-in).
`;

const tick = (may: boolean) => (may ? '✓' : '');

/** `docs/permissions.md`: what each role may do, and who may call each operation. `reach` says of each permission what it allows. */
export function permissionsPage(
  operations: readonly GuardedOperation[],
  roles: readonly PublishedRole[],
  reach: Readonly<Record<string, string>>,
): string {
  const names = roles.map(({ name }) => name);
  const permissions = Object.entries(reach).map(
    ([permission, text]) => `| \`${permission}\` | ${text} | ${roles.map((role) => tick(role.permissions.has(permission))).join(' | ')} |`,
  );
  const tags = [...new Set(operations.map(({ tag }) => tag))].sort();
  return [
    INTRODUCTION,
    '## Roles',
    '',
    '| role | |',
    '|---|---|',
    ...roles.map(({ name, about }) => `| \`${name}\` | ${about} |`),
    '',
    '## What each permission allows',
    '',
    `| permission | | ${names.join(' | ')} |`,
    `|---|---|${names.map(() => ':-:').join('|')}|`,
    ...permissions,
    '',
    '## Operations',
    '',
    LEGEND,
    ...tags.flatMap((tag) =>
      sectionOf(
        tag,
        operations.filter((operation) => operation.tag === tag),
        roles,
      ),
    ),
  ].join('\n');
}

function sectionOf(tag: string, operations: readonly GuardedOperation[], roles: readonly PublishedRole[]): string[] {
  const names = roles.map(({ name }) => name);
  const rows = operations.map((operation) => {
    const { method, path, summary, access, session } = operation;
    const guests = access.level === 'public' ? undefined : access.guests;
    const needs = access.level === 'permission' ? `\`${access.permission}\`` : access.level === 'signed-in' ? 'a login' : 'nothing';
    const or = guests === undefined ? '' : guests.optional ? ' of who logs in' : `, or \`${guests.header}\``;
    const cells = [
      tick(access.level === 'public' || guests?.optional === true),
      ...roles.map((role) => tick(access.level !== 'permission' || role.permissions.has(access.permission))),
      tick(session === undefined),
      tick(session === undefined || session === 'any'),
      tick(session === 'fresh'),
    ];
    return `| \`${method} ${path}\` | ${summary} | ${needs}${or} | ${cells.join(' | ')} |`;
  });
  const heads = ['nobody', ...names, 'API key', 'acting as', 'fresh'];
  return [
    `### ${tag}`,
    '',
    `| operation | | needs | ${heads.join(' | ')} |`,
    `|---|---|---|${heads.map(() => ':-:').join('|')}|`,
    ...rows,
    '',
  ];
}
