/** @loaded-apart It defines a problem. */
import { describe, expect, it } from '@jest/globals';
import { AppError } from './app-error.js';
import { problem, problemCatalogue } from './problem.js';

const brewing = problem('teapots/brewing', 'conflict', 'The teapot is brewing', 'Wait until it is done.');

describe('a problem', () => {
  it('makes errors of its kind and code, with what happened this time', () => {
    const cause = new Error('no water');
    const error = brewing('Teapot 3 brews until noon; take another.', {
      fields: [{ pointer: '/id', code: 'busy', detail: 'is brewing' }],
      retryAfterSeconds: 60,
      cause,
    });
    expect(error).toBeInstanceOf(AppError);
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      kind: 'conflict',
      code: 'teapots/brewing',
      message: 'Teapot 3 brews until noon; take another.',
      retryAfterSeconds: 60,
      cause,
    });
    expect(error.fields).toEqual([{ pointer: '/id', code: 'busy', detail: 'is brewing' }]);
  });

  it('names no members and no time unless told to', () => {
    expect(brewing('It brews.')).toMatchObject({ fields: undefined, retryAfterSeconds: undefined, cause: undefined });
  });

  it('is listed with its page’s text', () => {
    expect(problemCatalogue().get('teapots/brewing')).toEqual({
      code: 'teapots/brewing',
      kind: 'conflict',
      title: 'The teapot is brewing',
      help: 'Wait until it is done.',
    });
  });

  it('is itself what operations refer to', () => {
    const { code, kind, title, help } = brewing;
    expect({ code, kind, title, help }).toEqual(problemCatalogue().get('teapots/brewing'));
  });

  it('is defined once', () => {
    expect(() => problem('teapots/brewing', 'invalid', 'Again', 'Again.')).toThrow('teapots/brewing is defined twice');
    expect(problemCatalogue().get('teapots/brewing')?.kind).toBe('conflict');
  });
});
