export const someUser = { name: 'Ada' };
