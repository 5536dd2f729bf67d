import type { HttpException } from '@nestjs/common';

export type AppError = HttpException;
