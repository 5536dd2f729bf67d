import { expect, it } from '@jest/globals';
import { Seldom } from './seldom.js';

it('what is said again and again is due once, each thing for itself', () => {
  const seldom = new Seldom();
  expect([seldom.due('full'), seldom.due('full'), seldom.due('denied'), seldom.due('full')]).toEqual([0, undefined, 0, undefined]);
});
