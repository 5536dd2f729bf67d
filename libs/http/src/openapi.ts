import type { INestApplication, Type } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { Env } from '#config';
import { type ProblemDefinition, problemCatalogue } from '#errors';
import {
  type Access,
  csrfTokenInvalid,
  forbidden,
  type GuestAccess,
  impersonating,
  invalidTicket,
  invalidToken,
  mfaRequired,
  sessionRequired,
  type SessionRule,
  stepUpRequired,
  tooManyAttempts,
  unauthenticated,
} from '#security';
import * as errors from './http.errors.js';
import { PROBLEM_MEDIA_TYPE, STATUS } from './problem.filter.js';
import {
  BEARER,
  CART_TOKEN,
  componentName,
  COOKIE,
  describeParameter,
  exampleOf,
  header,
  HEADERS,
  ORDER_TOKEN,
  PROBLEM_SCHEMA,
  tagOf,
  TICKET,
} from './openapi-components.js';
import { closeRequests, mergeEquivalentPaths, METHODS, toVersion31 } from './openapi-version.js';
import { collectFacts, operationIdOf, type RouteFacts } from './route-facts.js';

type PathItemObject = OpenAPIObject['paths'][string];
type OperationObject = NonNullable<PathItemObject['get']>;
type ParameterObject = Exclude<NonNullable<OperationObject['parameters']>[number], { $ref: string }>;
type ResponseObject = Exclude<NonNullable<OperationObject['responses'][string]>, { $ref: string }>;
type SchemaObject = Exclude<NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>[string], { $ref: string }>;

/** What the secrets of guests are called among the security schemes. */
const GUESTS: Record<GuestAccess['header'], string> = { 'X-Cart-Token': 'cartToken', 'X-Order-Token': 'orderToken' };
const LOGINS: Record<string, string[]>[] = [{ bearer: [] }, { cookie: [] }];

/** What the application says of itself; `tags` by the noun an operation's path begins with. */
export interface ApiInfo {
  version: string;
  description: string;
  tags: Record<string, string>;
}

/**
 * The OpenAPI 3.1 document of a running application: operations, types and examples come from the code and its comments (the Swagger
 * plugin), statuses and problem codes from the decorators that cause them.
 */
export function buildDocument(app: INestApplication, info: ApiInfo): OpenAPIObject {
  const env = app.get(Env);
  const builder = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Ashlar')
    .setDescription(info.description)
    .setVersion(info.version)
    .setLicense('MIT', 'https://opensource.org/license/mit')
    .addServer(env.PUBLIC_URL!)
    .addBearerAuth(BEARER, 'bearer')
    .addApiKey(COOKIE, 'cookie')
    .addApiKey(TICKET, 'ticket')
    .addApiKey(CART_TOKEN, GUESTS['X-Cart-Token'])
    .addApiKey(ORDER_TOKEN, GUESTS['X-Order-Token']);
  const document = SwaggerModule.createDocument(app, builder.build(), {
    operationIdFactory: operationIdOf,
  });
  const facts = collectFacts(app);
  const tags = new Set<string>();
  document.components ??= {};
  document.components.schemas = { ...document.components.schemas, Problem: PROBLEM_SCHEMA as SchemaObject };
  document.components.examples = Object.fromEntries(
    [...problemCatalogue().values()]
      .sort((a, b) => a.code.localeCompare(b.code))
      .map((problem) => [componentName(problem), exampleOf(problem)]),
  );
  document.components.headers = HEADERS;
  document.components.responses = {};

  for (const [path, item] of Object.entries(document.paths)) {
    for (const method of METHODS) {
      const operation = item[method];
      if (!operation) continue;
      const route = facts.get(operation.operationId!);
      if (!route) throw new Error(`${operation.operationId} has no handler that says who may call it`);
      completeOperation(operation, method, path, route, document.components.responses);
      for (const tag of operation.tags ?? []) tags.add(tag);
    }
  }
  document.paths = mergeEquivalentPaths(document.paths);
  closeRequests(document);
  document.tags = [...tags].sort().map((name) => ({ name, description: info.tags[name] ?? `Operations on ${name.toLowerCase()}.` }));
  return toVersion31(document) as OpenAPIObject;
}

/**
 * The JSON schemas of classes that no operation takes or answers, by name, from their comments and rules like those of operations.
 * @throws Error when two of them have one name
 */
export function schemasOf(app: INestApplication, classes: readonly Type[]): Record<string, object> {
  const names = new Set<string>();
  for (const { name } of new Set(classes)) {
    if (names.has(name)) throw new Error(`Two classes have the name ${name}: give one another name.`);
    names.add(name);
  }
  class Nowhere {}
  const document = SwaggerModule.createDocument(app, new DocumentBuilder().build(), { include: [Nowhere], extraModels: [...classes] });
  return document.components?.schemas ?? {};
}

function completeOperation(
  operation: OperationObject,
  method: string,
  path: string,
  route: RouteFacts,
  shared: Record<string, unknown>,
): void {
  const [summary = '', ...rest] = (operation.summary ?? '').split('\n');
  operation.summary = summary.trim();
  operation.description = [rest.join('\n').trim(), accessText(route)].filter(Boolean).join('\n\n');
  operation.tags = [tagOf(path)];
  operation.security = securityOf(route.access);
  const reads = method === 'get' && !route.endless && !route.madeAnew && !('302' in operation.responses);
  operation.parameters = [...(operation.parameters ?? []), ...headerParameters(route, reads)];
  for (const parameter of operation.parameters as ParameterObject[]) describeParameter(parameter);
  for (const [status, response] of Object.entries(operation.responses)) describeSuccess(status, response as ResponseObject, route, method);
  if (route.tickets) operation.security.push({ ticket: [] });
  if (reads)
    operation.responses['304'] = {
      description: 'It is still what `If-None-Match` names.',
      headers: { 'X-Request-Id': header('X-Request-Id'), ETag: header('ETag') },
    };
  for (const [status, codes] of problemsByStatus(operation, method, route)) operation.responses[status] = problemResponse(codes, shared);
}

function securityOf(access: Access): Record<string, string[]>[] {
  if (access.level === 'public') return [{}, ...(access.credentials === 'optional' ? LOGINS : [])];
  const { guests } = access;
  return [...(guests?.optional ? [{}] : []), ...LOGINS, ...(guests ? [{ [GUESTS[guests.header]]: [] }] : [])];
}

const HOW: Record<SessionRule, string> = {
  any: 'Not with an API key.',
  own: 'Not with an API key, nor while acting as somebody else.',
  fresh: 'Needs a fresh proof of who you are (`POST /api/v1/auth/step-up`).',
};

function accessText({ access, session }: RouteFacts): string {
  const how = session === undefined ? '' : ` ${HOW[session]}`;
  if (access.level === 'public') return 'Needs no login.';
  const { guests } = access;
  const rest =
    guests === undefined
      ? ''
      : guests.optional
        ? ' Without a login anybody may call.'
        : ` Or the token of a guest, in \`${guests.header}\`.`;
  return `${access.level === 'permission' ? `Needs the permission \`${access.permission}\`.` : 'Needs a login.'}${rest}${how}`;
}

/** Everything this operation can fail with: its own problems, and those that follow from what it takes and who may call it. */
function problemsByStatus(operation: OperationObject, method: string, route: RouteFacts): Map<number, ProblemDefinition[]> {
  const problems = new Set<ProblemDefinition>([
    ...route.problems,
    errors.validationFailed,
    errors.badRequest,
    errors.rateLimited,
    errors.internal,
    errors.unavailable,
  ]);
  const { access } = route;
  if (access.level !== 'public') problems.add(unauthenticated);
  if (access.level !== 'public' || access.credentials === 'optional') {
    problems.add(invalidToken).add(tooManyAttempts); // of API keys that are none
    if (method !== 'get') problems.add(csrfTokenInvalid);
  }
  if (route.tickets) problems.add(invalidTicket);
  if (access.level === 'permission') problems.add(forbidden).add(mfaRequired);
  if (route.session) problems.add(sessionRequired);
  if (route.session && route.session !== 'any') problems.add(impersonating);
  if (route.session === 'fresh') problems.add(stepUpRequired);
  if (method !== 'get')
    for (const problem of [errors.malformedBody, errors.bodyTooLarge, errors.unsupportedMediaType]) problems.add(problem);
  if ((operation.parameters as ParameterObject[]).some(({ name }) => name === 'cursor')) problems.add(errors.invalidCursor);
  if (route.versioned) problems.add(errors.staleVersion);
  if (route.idempotent)
    for (const problem of [errors.idempotencyKeyMalformed, errors.idempotencyKeyReused, errors.idempotencyInProgress])
      problems.add(problem);
  if (route.idempotent && access.level !== 'public' && access.guests) problems.add(errors.idempotencyKeyGuessable);
  if (route.idempotent === 'required') problems.add(errors.idempotencyKeyRequired);
  const byStatus = new Map<number, ProblemDefinition[]>();
  for (const problem of problems) byStatus.set(STATUS[problem.kind], [...(byStatus.get(STATUS[problem.kind]) ?? []), problem]);
  return new Map([...byStatus].sort(([a], [b]) => a - b));
}

/** One problem alone is shared by all operations that have it; several under one status are named together where they occur. */
function problemResponse(problems: ProblemDefinition[], shared: Record<string, unknown>): ResponseObject {
  const examples = Object.fromEntries(
    problems.map((problem) => [problem.code, { $ref: `#/components/examples/${componentName(problem)}` }]),
  );
  const isOf = (...kinds: string[]) => problems.some(({ kind }) => kinds.includes(kind));
  const waits = isOf('too-many', 'unavailable', 'full', 'conflict') ? ['Retry-After' as const] : [];
  const names = ['X-Request-Id', ...waits, ...(isOf('moved') ? ['Location' as const] : [])] as const;
  const headers = Object.fromEntries(names.map((name) => [name, header(name)]));
  const response = {
    description: problems.map(({ code, title }) => `${title} (\`${code}\`)`).join('; '),
    headers,
    content: { [PROBLEM_MEDIA_TYPE]: { schema: { $ref: '#/components/schemas/Problem' }, examples } },
  };
  if (problems.length > 1) return response;
  const name = componentName(problems[0]!);
  shared[name] = response;
  return { $ref: `#/components/responses/${name}` } as unknown as ResponseObject;
}

function describeSuccess(status: string, response: ResponseObject, route: RouteFacts, method: string): void {
  if (Number(status) >= 300 && status !== '302') return;
  response.description ||=
    { '302': 'Go on there.', '200': 'Done.', '201': 'Created.', '202': 'Accepted.', '204': 'Done; there is nothing to say.' }[status] ??
    'Done.';
  response.headers = {
    ...response.headers,
    'X-Request-Id': header('X-Request-Id'),
    ...((status === '201' || status === '302' || (route.located && status === '202')) && { Location: header('Location') }),
    ...((method === 'get' || route.versioned) &&
      status !== '204' &&
      status !== '302' &&
      !route.endless &&
      !route.madeAnew && { ETag: header('ETag') }),
    ...(route.idempotent && { 'Idempotency-Replayed': header('Idempotency-Replayed') }),
  } as never;
}

function headerParameters(route: RouteFacts, reads: boolean): ParameterObject[] {
  const header = (name: string, required: boolean, description: string, schema: object): ParameterObject => ({
    name,
    in: 'header',
    required,
    description,
    schema: { type: 'string', ...schema },
  });
  return [
    ...(route.idempotent
      ? [
          header(
            'Idempotency-Key',
            route.idempotent === 'required',
            'A value of your own, 1 to 255 visible ASCII characters: new for every intention, the same for its retries.',
            { minLength: 1, maxLength: 255, pattern: '^(?!""$)[!-~]+$', example: '5f2b7a1e-9c7d-4b86-8a0e-6a0b8f0f2a11' },
          ),
        ]
      : []),
    ...(route.versioned
      ? [
          header('If-Match', false, 'The ETag the resource was read with; if somebody changed it since, the write is refused with 412.', {
            example: '"3"',
          }),
        ]
      : []),
    ...(reads
      ? [header('If-None-Match', false, 'The ETag of the answer you have; while it holds, the answer is 304.', { example: '"3"' })]
      : []),
  ];
}
