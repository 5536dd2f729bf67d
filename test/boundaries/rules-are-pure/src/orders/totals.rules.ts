import { isId } from '#http';

export const known = isId;
