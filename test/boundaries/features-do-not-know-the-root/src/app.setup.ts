export const createApp = (): void => undefined;
