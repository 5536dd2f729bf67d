import { someUser } from '../../test/harness/factories.js';

export const user = someUser;
