import { expect } from '@jest/globals';

export const must = expect;
