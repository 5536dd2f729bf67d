import { SessionsService } from '../../../src/auth/sessions.service.js';

export const sessions = new SessionsService();
