// @ts-expect-error there is no such file
import { nothing } from './nothing.js';

export const something = nothing as unknown;
