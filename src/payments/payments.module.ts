import { Module } from '@nestjs/common';
import { DisputesService } from './disputes.service.js';
import { InboxService } from './inbox.service.js';
import { PaymentWebhooksController } from './payment-webhooks.controller.js';
import { PaymentsInvariants } from './payments.invariants.js';
import { PaymentsPrivacy } from './payments.privacy.js';
import { PaymentsService } from './payments.service.js';
import { ProvidersService } from './providers.service.js';
import { RefundsService } from './refunds.service.js';
import { SandboxWebhooksService } from './sandbox-webhooks.service.js';
import { SandboxService } from './sandbox.service.js';
import { StripeService } from './stripe.service.js';

@Module({
  controllers: [PaymentWebhooksController],
  providers: [
    PaymentsService,
    RefundsService,
    DisputesService,
    InboxService,
    ProvidersService,
    SandboxService,
    SandboxWebhooksService,
    StripeService,
    PaymentsPrivacy,
    PaymentsInvariants,
  ],
  exports: [PaymentsService, RefundsService, DisputesService, InboxService, ProvidersService],
})
export class PaymentsModule {}
