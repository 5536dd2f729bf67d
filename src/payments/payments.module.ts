import { Module } from '@nestjs/common';
import { PaymentsPrivacy } from './payments.privacy.js';
import { PaymentsService } from './payments.service.js';
import { SandboxService } from './sandbox.service.js';

@Module({ providers: [PaymentsService, SandboxService, PaymentsPrivacy], exports: [PaymentsService] })
export class PaymentsModule {}
