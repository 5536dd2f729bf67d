import { describe, expect, it } from '@jest/globals';
import { getMetadataStorage, IsInt, IsString, Max, MaxLength } from 'class-validator';
import { rememberMetadata } from './validation-metadata.js';

class Parent {
  @IsString()
  name: string;
}

class Child extends Parent {
  @IsInt()
  age: number;
}

/** A storage of its own, with what the classes above have declared. */
function storage() {
  const made = Object.create(getMetadataStorage()) as ReturnType<typeof getMetadataStorage>;
  let searches = 0;
  const find = made.getTargetValidationMetadatas.bind(getMetadataStorage());
  made.getTargetValidationMetadatas = (...args) => {
    searches += 1;
    return find(...args);
  };
  rememberMetadata(made);
  return {
    of: (target: unknown) => made.getTargetValidationMetadatas(target as never, 'Whole', false, false),
    made,
    searches: () => searches,
  };
}

const members = (found: { propertyName: string }[]) => found.map(({ propertyName }) => propertyName).toSorted();

describe('what class-validator knows of a class', () => {
  it('is searched for once, ancestors included', () => {
    const { of, searches } = storage();
    expect([members(of(Child)), members(of(Child)), members(of(Parent))]).toEqual([['age', 'name'], ['age', 'name'], ['name']]);
    expect(searches()).toBe(2);
  });

  it('is searched for again when an ancestor gets another rule', () => {
    class Ancestor {
      @IsString()
      name: string;
    }
    class Descendant extends Ancestor {}
    const { of, made } = storage();
    expect(of(Descendant)).toHaveLength(1);
    MaxLength(3)(Ancestor.prototype, 'name');
    made.addValidationMetadata({ ...of(Parent)[0]!, target: Ancestor, propertyName: 'other' });
    expect(of(Descendant).length).toBeGreaterThan(1);
  });

  it('keeps nothing of an input that says what its constructor is', () => {
    const { of, searches } = storage();
    const sent = { prototype: {} };
    expect([of(sent), of(sent)]).toEqual([[], []]);
    expect(searches()).toBe(2);
  });

  it('is searched for each time where groups tell', () => {
    class Grouped {
      @Max(3, { groups: ['few'] })
      count: number;
    }
    const { made } = storage();
    const of = (groups: string[]) => made.getTargetValidationMetadatas(Grouped, 'Whole', false, true, groups);
    expect([of([]).length, of(['few']).length, of([]).length]).toEqual([0, 1, 0]);
  });
});
