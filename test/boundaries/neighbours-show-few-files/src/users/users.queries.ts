export const byEmail = 'SELECT';
