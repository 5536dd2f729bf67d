import { AppError } from '../../libs/errors/src/app-error.js';

export const failure = new AppError();
