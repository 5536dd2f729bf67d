import { API_PREFIX } from '#http';

export const prefix = API_PREFIX;
