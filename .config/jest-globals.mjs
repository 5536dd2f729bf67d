/** What tests import as `@jest/globals`: the runtime binds it anew for every test file, and what outlives a file sees the current ones. */
export let afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest, test;

export const bind = (globals) => ({ afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest, test } = globals);
