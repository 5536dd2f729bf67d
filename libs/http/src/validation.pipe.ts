import { type ArgumentMetadata, Injectable, type PipeTransform, ValidationPipe } from '@nestjs/common';
import type { FieldProblem } from '#errors';
import type { ValidationError } from 'class-validator';
import { validationFailed } from './http.errors.js';

const ANY_DEPTH = 64;

/**
 * Input is refused by default: members nobody declared, values of another type, text PostgreSQL cannot hold (NUL, lone surrogates), and
 * everything nested deeper than 64 levels. What passes is an instance of its DTO.
 */
@Injectable()
export class InputPipe extends ValidationPipe {
  constructor() {
    super({
      transform: true,
      whitelist: true,
      forbidNonWhitelisted: true,
      forbidUnknownValues: true,
      stopAtFirstError: true,
      validationError: { target: false, value: false },
      exceptionFactory: (errors) => new Refused(errors),
    });
  }

  override async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    if (metadata.type === 'custom') return value;
    const prefix = metadata.type === 'query' ? '?' : '/';
    if (metadata.type === 'body' && value !== undefined && (value === null || typeof value !== 'object' || Array.isArray(value))) throw validationFailed('The body must be a JSON object.');
    refuseUnstorable(value, metadata.type === 'param' ? `/${metadata.data ?? ''}` : '', 0);
    try {
      return await super.transform(value, metadata);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const fields = fieldProblems(error.errors, prefix);
      throw validationFailed(fields.length === 1 ? `${fields[0]!.pointer} is not valid: ${fields[0]!.detail}.` : `${fields.length} members are not valid; see errors.`, { fields });
    }
  }
}

/** What class-validator found, before it is known where the input came from. */
class Refused extends Error {
  constructor(readonly errors: ValidationError[]) {
    super('refused');
  }
}

/** A path parameter that is the id of a resource. */
@Injectable()
export class IdPipe implements PipeTransform<string, string> {
  transform(value: string, { data = 'id' }: ArgumentMetadata): string {
    if (!isId(value)) throw validationFailed(`${data} in the path must be a UUID.`, { fields: [{ pointer: `/${data}`, code: 'isUuid', detail: `${data} must be a UUID` }] });
    return value.toLowerCase();
  }
}

/** Whether text has the form of an id (a UUID in RFC 9562's notation). */
export function isId(value: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(value);
}

function refuseUnstorable(value: unknown, pointer: string, depth: number): void {
  if (depth > ANY_DEPTH) throw validationFailed('The input is nested too deeply.', { fields: [{ pointer: '', code: 'maxDepth', detail: `at most ${ANY_DEPTH} levels are allowed` }] });
  if (typeof value === 'string') {
    if (value.includes('\0') || !value.isWellFormed()) throw validationFailed('Text must be valid Unicode without the NUL character.', { fields: [{ pointer, code: 'isText', detail: 'must be valid Unicode without the NUL character' }] });
  } else if (value !== null && typeof value === 'object') {
    for (const [name, member] of Object.entries(value)) {
      refuseUnstorable(name, `${pointer}`, depth);
      refuseUnstorable(member, `${pointer}/${escapePointer(name)}`, depth + 1);
    }
  }
}

/** RFC 6901, section 3. */
function escapePointer(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1').slice(0, 100);
}

function fieldProblems(errors: ValidationError[], prefix: string): FieldProblem[] {
  return errors.flatMap((error) => {
    const pointer = `${prefix}${escapePointer(error.property)}`;
    const own = Object.entries(error.constraints ?? {}).map(([code, detail]) => (code === 'whitelistValidation' ? { pointer, code: 'unknown', detail: 'is not a member of this operation' } : { pointer, code, detail }));
    return [...own, ...fieldProblems(error.children ?? [], `${pointer}/`)];
  });
}
