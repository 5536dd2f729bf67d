import { Module } from '@nestjs/common';
import { PaymentsService } from './payments.service.js';
import { SandboxService } from './sandbox.service.js';

@Module({ providers: [PaymentsService, SandboxService], exports: [PaymentsService] })
export class PaymentsModule {}
