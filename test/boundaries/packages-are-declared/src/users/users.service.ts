// Installed, because a tool needs it, and not ours.
import { parse } from 'acorn';

export const read = parse;
