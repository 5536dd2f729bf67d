import { describe, expect, it } from '@jest/globals';
import { resourceFilter } from './audit.rules.js';

const ID = '0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49';

describe('the filter by resource', () => {
  it('takes a type, a type with an id, or an id', () => {
    expect(resourceFilter('order')).toEqual({ type: 'order' });
    expect(resourceFilter(`order:${ID}`)).toEqual({ type: 'order', id: ID });
    expect(resourceFilter(`order/${ID.toUpperCase()}`)).toEqual({ type: 'order', id: ID });
    expect(resourceFilter(ID.toUpperCase())).toEqual({ id: ID });
  });

  it('takes ids that are no UUIDs as they are', () => {
    expect(resourceFilter('operation:POST /api/v1/posts')).toEqual({ type: 'operation', id: 'POST /api/v1/posts' });
  });
});
