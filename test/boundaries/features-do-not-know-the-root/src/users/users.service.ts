import { createApp } from '../app.setup.js';

export const app = createApp;
