import { Global, Module } from '@nestjs/common';
import { PrismaService } from './prisma.service.js';
import { Signals } from './signals.js';

@Global()
@Module({ providers: [PrismaService, Signals], exports: [PrismaService, Signals] })
export class DatabaseModule {}
