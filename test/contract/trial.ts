import { expect } from '@jest/globals';
import { startApp } from '../harness/app.js';
import type { Answer, Call } from '../harness/client.js';
import { eventually } from '../harness/eventually.js';
import { WITH_ACME } from '../harness/identities.js';
import { unique } from '../harness/people.js';
import { startProcess, stopProcesses } from '../harness/product.js';
import { type OpenApi, type Operation, operationsOf, resolveIn, type Response, validatorsOf } from './document.js';
import { type Happy, happyCalls } from './happy/happy.js';
import type { World } from './nouns.js';

export const NOBODYS_ID = '0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49';
export const JSON_TYPE = 'application/json';
const PROBLEM_TYPE = 'application/problem+json';
/** How many operations are tried at once: one process asks while the other answers. */
const LANES = 4;

/** What is sent in place of a happy call. */
export interface Changed {
  path?: string;
  call?: Call;
}

export const isPublic = ({ security = [] }: Operation) => security.some((scheme) => Object.keys(scheme).length === 0);
export const heedsTokens = ({ security = [] }: Operation) => security.some((scheme) => Object.keys(scheme).length > 0);
export const takes = ({ parameters }: Operation, name: string) => parameters.some((parameter) => parameter.name === name);
/** Its body is read as a stream, whatever it is: nothing in it has a name, and the test of that feature sees to it. */
export const streams = ({ requestBody }: Operation) =>
  ['multipart/form-data', '*/*'].some((type) => requestBody?.content[type] !== undefined) &&
  requestBody?.content['application/x-www-form-urlencoded'] === undefined;
export const codesOf = (response: Response | undefined) => Object.keys(response?.content?.[PROBLEM_TYPE]?.examples ?? {});

export function pathOf(operation: Operation, params: Record<string, string> = {}, search = ''): string {
  const path = operation.path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? params['id'] ?? NOBODYS_ID));
  return search === '' ? path : `${path}?${search}`;
}

/** Tries every operation of the built product: only that knows its types, since the Swagger plugin works at the build. */
export class Trial {
  readonly operations: Operation[];
  readonly happy: Record<string, () => Promise<Happy[]>>;
  private readonly firsts = new Map<string, Promise<Happy | undefined>>();
  readonly validator: ReturnType<typeof validatorsOf>;

  private constructor(
    readonly world: World,
    readonly document: OpenApi,
  ) {
    this.operations = operationsOf(document);
    this.validator = validatorsOf(document);
    this.happy = happyCalls(world);
  }

  static async start(): Promise<Trial> {
    // The product does the jobs; two of them would only be in each other's way.
    const app = await startApp({ ROLE: 'api' });
    const product = await startProcess({ databaseUrl: app.databaseUrl, env: WITH_ACME });
    return new Trial({ app, product }, (await product.request<OpenApi>('GET', '/openapi.json')).body);
  }

  async end(): Promise<void> {
    await stopProcesses();
    await this.world.app.close();
  }

  resolve<T>(ref: string): T {
    return resolveIn<T>(this.document, ref);
  }

  responseOf(operation: Operation, status: number): Response | undefined {
    const response = operation.responses[String(status)];
    return response?.$ref ? this.resolve<Response>(response.$ref) : response;
  }

  async happyOf(operation: Operation): Promise<Happy[]> {
    return (await this.happy[operation.operationId]?.()) ?? [];
  }

  send(operation: Operation, happy: Happy, changed: Changed = {}): Promise<Answer<unknown>> {
    return this.world.product.request<unknown>(operation.method, changed.path ?? pathOf(operation, happy.params, happy.query), {
      ...(happy.by && { token: happy.by.accessToken }),
      ...(happy.body && { body: happy.body }),
      ...(happy.form && { body: happy.form.body.toString('utf8') }),
      headers: {
        ...(happy.form && { 'content-type': happy.form.type }),
        ...(takes(operation, 'Idempotency-Key') && { 'idempotency-key': unique() }),
        ...happy.headers,
      },
      ...changed.call,
    });
  }

  /** What is wrong with an answer, by the document. */
  faultsOf(operation: Operation, answer: Answer<unknown>): string[] {
    const response = this.responseOf(operation, answer.status);
    const faults: string[] = [];
    const fault = (what: string) => faults.push(`${operation.id} answers ${answer.status}: ${what}`);
    const type = answer.headers['content-type'];
    if (answer.status >= 500) fault(`it broke: ${answer.text}`);
    if (response === undefined) fault(`the status is not documented (${answer.text.slice(0, 200)})`);
    if (answer.headers['x-request-id'] === undefined) fault('no X-Request-Id');
    if (answer.status >= 400) {
      for (const what of this.problemFaults(response, answer)) fault(what);
      return faults;
    }
    const content = response?.content?.[JSON_TYPE];
    if (content) {
      const validate = this.validator(content.schema, true);
      if (!type?.startsWith(JSON_TYPE)) fault(`it is ${type}`);
      if (!validate(answer.body))
        fault(
          `${JSON.stringify(validate.errors?.map(({ instancePath, message, params }) => [instancePath, message, params]))} in ${answer.text.slice(0, 500)}`,
        );
    } else if (response?.content) {
      if (!Object.keys(response.content).some((media) => media === '*/*' || type?.startsWith(media))) fault(`it is ${type}`);
    } else if (answer.text !== '') fault(`it says what is not documented: ${answer.text.slice(0, 200)}`);
    for (const name of ['Location', 'ETag'])
      if (response?.headers?.[name] && answer.headers[name.toLowerCase()] === undefined) fault(`no ${name}`);
    return faults;
  }

  private problemFaults(response: Response | undefined, { status, headers, body, text }: Answer<unknown>): string[] {
    const problem = body as { code: string; status: number; type: string; instance: string; requestId: string };
    const isProblem = this.validator({ $ref: '#/components/schemas/Problem' }, true);
    const faults = headers['content-type'] === PROBLEM_TYPE ? [] : [`it is ${headers['content-type']}`];
    if (!isProblem(problem)) return [...faults, `no problem document: ${JSON.stringify(isProblem.errors)}`];
    if (response && !codesOf(response).includes(problem.code)) faults.push(`${problem.code} is not documented for it`);
    if (
      problem.status !== status ||
      problem.type !== `http://localhost/problems/${problem.code}` ||
      problem.requestId !== headers['x-request-id'] ||
      !problem.instance.startsWith('/')
    )
      faults.push(`the problem contradicts itself: ${text}`);
    if (/prisma|postgres|select |node_modules|at .*\.js\b/i.test(text)) faults.push(`it tells too much: ${text}`);
    return faults;
  }

  /** What is wrong with an answer, by the document, and that it is not what was `wanted`. */
  unless(right: boolean, operation: Operation, answer: Answer<unknown>, wanted: string): string[] {
    const { code = '' } = (answer.body ?? {}) as { code?: string };
    return [...this.faultsOf(operation, answer), ...(right ? [] : [`${operation.id} answers ${answer.status} ${code}, not ${wanted}`])];
  }

  /** What is wrong with an answer that ought to be this problem. */
  unlessRefused(operation: Operation, answer: Answer<unknown>, status: number, code?: string): string[] {
    const { code: own } = (answer.body ?? {}) as { code?: string };
    const right = answer.status === status && (code === undefined || own === code);
    return this.unless(right, operation, answer, [status, code].filter(Boolean).join(' '));
  }

  /**
   * Everything wrong that `ask` finds, over all operations of a kind. Each is asked on a first happy call of its own; with `shared`, on one
   * that other tests of the file ask, too, since all they ask is refused; `alone`, one after the other, while nothing else happens.
   */
  async overAll(
    which: (operation: Operation) => boolean,
    ask: (operation: Operation, happy: Happy) => Promise<string[]>,
    { shared = false, alone = false } = {},
  ): Promise<string[]> {
    const asked = this.operations.filter(which);
    expect(asked.length).toBeGreaterThan(0);
    const firsts = new Map<Operation, Happy | undefined>();
    const prepare = async (operation: Operation) => {
      firsts.set(operation, await (shared ? this.firstOf(operation) : this.happyOf(operation).then(([first]) => first)));
      return [];
    };
    const tryOut = async (operation: Operation) => {
      const happy = firsts.get(operation);
      return happy === undefined ? [this.notCalled(operation)] : ask(operation, happy);
    };
    if (!alone) return this.each(asked, async (operation) => [...(await prepare(operation)), ...(await tryOut(operation))]);
    await this.each(asked, prepare);
    return this.each(asked, tryOut, 1);
  }

  /** For the last test of a file: what was asked of the product is no failure of its own. */
  async expectQuietLog(): Promise<void> {
    const { log } = this.world.product;
    await eventually(() => log.length > 0);
    expect(log.filter(({ level }) => level >= 50)).toEqual([]);
  }

  /** Several at a time. @returns everything wrong that `ask` finds */
  async each(operations: Operation[], ask: (operation: Operation) => Promise<string[]>, lanes = LANES): Promise<string[]> {
    const rest = operations.values();
    const faults: string[] = [];
    const lane = async () => {
      for (const operation of rest) faults.push(...(await ask(operation)));
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    return faults;
  }

  notCalled({ id, operationId }: Operation): string {
    return `${id} (${operationId}) is not called by this test: add it to a HAPPY of test/contract/happy/`;
  }

  private firstOf(operation: Operation): Promise<Happy | undefined> {
    const { operationId } = operation;
    const first = this.firsts.get(operationId) ?? this.happyOf(operation).then(([happy]) => happy);
    this.firsts.set(operationId, first);
    return first;
  }
}
