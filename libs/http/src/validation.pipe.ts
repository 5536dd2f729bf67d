import { type ArgumentMetadata, Injectable, type PipeTransform, type Type, ValidationPipe } from '@nestjs/common';
import type { FieldProblem } from '#errors';
import type { ValidationError } from 'class-validator';
import { validationFailed } from './http.errors.js';
import { rememberMetadata } from './validation-metadata.js';

rememberMetadata();

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
      validationError: { target: false, value: false },
      exceptionFactory: (errors) => new Refused(errors),
    });
  }

  override async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    if (metadata.type === 'custom') return value;
    const root = metadata.type === 'query' ? '?' : '';
    if (metadata.type === 'body' && value !== undefined && (value === null || typeof value !== 'object' || Array.isArray(value)))
      throw validationFailed('The body must be a JSON object.');
    refuseUnstorable(value, metadata.type === 'param' ? `/${metadata.data ?? ''}` : root);
    try {
      return await super.transform(value, metadata);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const fields = fieldProblems(error.errors, root);
      throw validationFailed(
        fields.length === 1
          ? `${fields[0]!.pointer} is not valid: ${fields[0]!.detail}.`
          : `${fields.length} members are not valid; see errors.`,
        { fields },
      );
    }
  }
}

/** What class-validator found, before it is known where the input came from. */
class Refused extends Error {
  constructor(readonly errors: ValidationError[]) {
    super('refused');
  }
}

/** A body that is one of several classes: the member `by` says which. */
export class OneOfPipe implements PipeTransform<unknown> {
  private readonly input = new InputPipe();

  constructor(
    private readonly by: string,
    private readonly classes: Readonly<Record<string, Type>>,
  ) {}

  /** What the global pipe leaves as it is, because the type of a union is not there at run time. */
  async transform(value: unknown): Promise<unknown> {
    const which = (value as Record<string, unknown> | undefined)?.[this.by];
    const names = Object.keys(this.classes);
    if (typeof which !== 'string' || !names.includes(which)) {
      const detail = `${this.by} must be one of the following values: ${names.join(', ')}`;
      throw validationFailed(`/${this.by} is not valid: ${detail}.`, { fields: [{ pointer: `/${this.by}`, code: 'isIn', detail }] });
    }
    return this.input.transform(value, { type: 'body', metatype: this.classes[which] });
  }
}

/** A path parameter that is the id of a resource. */
@Injectable()
export class IdPipe implements PipeTransform<string, string> {
  transform(value: string, { data = 'id' }: ArgumentMetadata): string {
    if (!isId(value))
      throw validationFailed(`${data} in the path must be a UUID.`, {
        fields: [{ pointer: `/${data}`, code: 'isUuid', detail: `${data} must be a UUID` }],
      });
    return value.toLowerCase();
  }
}

/** A path parameter that counts from 1. It stays a string: of a parameter that is declared a number, Nest would take `0x1` and `1e3`, too. */
@Injectable()
export class NumberPipe implements PipeTransform<string, string> {
  transform(value: string, { data = 'n' }: ArgumentMetadata): string {
    if (!/^[1-9]\d{0,9}$/.test(value) || Number(value) > 2_147_483_647)
      throw validationFailed(`${data} in the path must be a whole number from 1.`, {
        fields: [{ pointer: `/${data}`, code: 'isInt', detail: `${data} must be a whole number from 1 to 2147483647` }],
      });
    return value;
  }
}

/** Whether text has the form of an id (a UUID in RFC 9562's notation). */
export function isId(value: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(value);
}

/** The pointer to a member; `?` stands for the query itself, nothing for the body. */
export function within(pointer: string, name: string): string {
  return `${pointer}${pointer === '?' ? '' : '/'}${escapePointer(name)}`;
}

/** Refuses what cannot be kept, or would be taken for something else. @throws http/validation-failed */
export function refuseUnstorable(value: unknown, pointer: string, depth = 0): void {
  if (depth > ANY_DEPTH)
    throw validationFailed('The input is nested too deeply.', {
      fields: [{ pointer: '', code: 'maxDepth', detail: `at most ${ANY_DEPTH} levels are allowed` }],
    });
  if (typeof value === 'string') {
    if (value.includes('\0') || !value.isWellFormed())
      throw validationFailed('Text must be valid Unicode without the NUL character.', {
        fields: [{ pointer, code: 'isText', detail: 'must be valid Unicode without the NUL character' }],
      });
  } else if (value !== null && typeof value === 'object') {
    for (const [name, member] of Object.entries(value)) {
      refuseUnstorable(name, pointer, depth);
      // class-validator looks members up with `in`, and so would take those that every object inherits for declared ones.
      if (name in Object.prototype)
        throw validationFailed('A member has a name that no operation knows.', {
          fields: [{ pointer: within(pointer, name), code: 'unknown', detail: 'is not a member of this operation' }],
        });
      // It also validates the items of an inner array as if they stood in the outer one.
      if (Array.isArray(value) && Array.isArray(member))
        throw validationFailed('An array stands where an item of an array is due.', {
          fields: [{ pointer: within(pointer, name), code: 'isObject', detail: 'must not be an array' }],
        });
      refuseUnstorable(member, within(pointer, name), depth + 1);
    }
  }
}

/** RFC 6901, section 3. */
function escapePointer(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1').slice(0, 100);
}

function fieldProblems(errors: ValidationError[], parent: string): FieldProblem[] {
  return errors.flatMap((error) => {
    const pointer = within(parent, error.property);
    return [...ownProblem(pointer, error.constraints ?? {}), ...fieldProblems(error.children ?? [], pointer)];
  });
}

/** One problem for each member: that it has the wrong type says more than that it is too long as well. */
function ownProblem(pointer: string, constraints: Record<string, string>): FieldProblem[] {
  if ('whitelistValidation' in constraints) return [{ pointer, code: 'unknown', detail: 'is not a member of this operation' }];
  const codes = Object.keys(constraints);
  const code = codes.find((each) => /^is[A-Z]/.test(each)) ?? codes[0];
  return code === undefined ? [] : [{ pointer, code, detail: constraints[code]! }];
}
