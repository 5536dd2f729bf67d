import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { validationFailed } from './http.errors.js';
import { within } from './validation.pipe.js';

const ROUTE_ARGUMENTS = '__routeArguments__'; // where Nest keeps @Body, @Query and their like: keys are `<kind>:<index>`
const BODY = '3:';
const QUERY = '4:';

/** Refuses a query or a body that the route does not read: a misspelt filter must not look like one that matched nothing. */
@Injectable()
export class UndeclaredInputGuard implements CanActivate {
  private readonly known = new WeakMap<object, { query: boolean; body: boolean }>();

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const reads = this.reads(context);
    if (!reads.query) refuse(request.query, '?', 'query');
    if (!reads.body) refuse(request.body, '', 'body');
    return true;
  }

  private reads(context: ExecutionContext): { query: boolean; body: boolean } {
    const handler = context.getHandler();
    const known = this.known.get(handler);
    if (known) return known;
    const kinds = Object.keys((Reflect.getMetadata(ROUTE_ARGUMENTS, context.getClass(), handler.name) as object | undefined) ?? {});
    const reads = { query: kinds.some((kind) => kind.startsWith(QUERY)), body: kinds.some((kind) => kind.startsWith(BODY)) };
    this.known.set(handler, reads);
    return reads;
  }
}

function refuse(input: unknown, root: string, where: string): void {
  if (input === undefined) return;
  if (input === null || typeof input !== 'object' || Array.isArray(input)) throw validationFailed(`This operation takes no ${where}.`);
  const names = Object.keys(input);
  if (names.length === 0) return;
  throw validationFailed(`This operation takes no ${where} members.`, {
    fields: names
      .slice(0, 20)
      .map((name) => ({ pointer: within(root, name), code: 'unknown', detail: 'is not a member of this operation' })),
  });
}
