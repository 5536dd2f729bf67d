import { describe, expect, it } from '@jest/globals';
import { breakingChanges, folderName, nameFault } from './migrate.rules.js';

describe('the name of a migration', () => {
  it('is made of small letters, digits and underscores', () => {
    expect(nameFault('add_order_notes2')).toBeUndefined();
    for (const bad of ['Add', 'add-notes', '../x', 'a__b', '_a', '1a', 'a b', 'x'.repeat(61)]) expect(nameFault(bad)).toContain(bad);
  });

  it('is asked for when it is missing', () => {
    expect(nameFault(undefined)).toContain('npm run db:migration -- ');
  });

  it('follows the time in UTC', () => {
    expect(folderName('init', new Date('2026-01-02T03:04:05.678Z'), undefined)).toBe('20260102030405_init');
  });

  it('sorts after the last one even when the clock is behind', () => {
    expect(folderName('next', new Date('2026-01-02T03:04:05Z'), '20270101000000_last')).toBe('20270101000001_next');
  });
});

describe('a breaking change', () => {
  it.each([
    ['ALTER TABLE "users" DROP COLUMN "nick",\nADD COLUMN     "age" INTEGER;', 'drops the column users.nick'],
    ['ALTER TABLE "users" ADD COLUMN     "a" DECIMAL(10,2),\nADD COLUMN     "b" TEXT NOT NULL;', 'adds the column users.b as NOT NULL'],
    ['-- AlterTable\nALTER TABLE "users" ALTER COLUMN "a" SET NOT NULL;', 'makes the column users.a NOT NULL'],
    ['ALTER TABLE "users" ALTER COLUMN "a" SET DATA TYPE BIGINT;', 'changes the type of the column users.a'],
    ['DROP TABLE "users";', 'drops the table users'],
    ['ALTER TABLE "users" RENAME COLUMN "a" TO "b";', 'renames users.a'],
    ['DROP TYPE "kind";', 'changes the values of the type kind'],
  ])('is named: %s', (sql, sentence) => {
    expect(breakingChanges(sql)).toEqual([expect.stringContaining(sentence)]);
  });

  it.each([
    'CREATE TABLE "t" (\n    "a" TEXT NOT NULL,\n\n    CONSTRAINT "t_pkey" PRIMARY KEY ("a")\n);',
    'ALTER TABLE "t" ADD COLUMN     "b" TEXT NOT NULL DEFAULT \'\';',
    'ALTER TABLE "t" ADD COLUMN     "b" TEXT;',
    'CREATE INDEX "t_b_idx" ON "t"("b");',
    `ALTER TYPE "kind" ADD VALUE 'new';`,
  ])('is not: %s', (sql) => {
    expect(breakingChanges(sql)).toEqual([]);
  });
});
